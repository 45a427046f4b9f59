"""Attention against sums over keys in float64, in every formulation."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luxlib
from luxlib import explain_attention, scaled_dot_product_attention
from luxlib._attention import _choice, _scaled_dot_product
from luxlib._attention._blocked import Blocks, in_blocks

KEY = jax.random.key(0)


def reference(
    query,
    key,
    value,
    y_bar,
    *,
    bias=0.0,
    mask=True,
    is_causal=False,
    query_offset=0,
    scale=None,
    sliding_window=(None, None),
    segment_ids=None,
    soft_cap=None,
    sinks=None,
    keep=1.0,
):
    """Value and gradients by the definition, one example, head and query after the other.

    `keep` is what dropout multiplies the weights `(*batch, heads, time, key_time)` with.
    """
    *batch, length, heads, size = query.shape
    key_length, key_heads = key.shape[-3:-1]
    shape = (*batch, heads, length, key_length)
    scale = size**-0.5 if scale is None else scale
    bias, mask, keep = (np.broadcast_to(a, shape) for a in (bias, mask, keep))
    offsets = np.broadcast_to(query_offset, batch)
    left, right = sliding_window
    y = np.zeros((*batch, length, heads, value.shape[-1]))
    bars = {
        "query": np.zeros(query.shape),
        "key": np.zeros(key.shape),
        "value": np.zeros(value.shape),
        "bias": np.zeros(shape),
        "sinks": np.zeros(heads),
    }
    for *b, h, i in np.ndindex(*batch, heads, length):
        b = tuple(b)
        seen = []
        for j in range(key_length):
            distance = i + offsets[b] - j
            sees = mask[(*b, h, i, j)]
            sees &= not is_causal or distance >= 0
            sees &= left is None or distance <= left
            sees &= right is None or -distance <= right
            if segment_ids is not None:
                sees &= segment_ids[0][(*b, i)] == segment_ids[1][(*b, j)]
            if sees:
                seen.append(j)
        if not seen:
            continue
        g = h * key_heads // heads
        keys, values = key[b][seen, g], value[b][seen, g]
        logits = scale * keys @ query[(*b, i, h)]
        slope = np.ones(len(seen))
        if soft_cap is not None:
            logits = soft_cap * np.tanh(logits / soft_cap)
            slope = 1 - (logits / soft_cap) ** 2
        logits = logits + bias[(*b, h, i)][seen]
        largest = max(logits.max(), -np.inf if sinks is None else sinks[h])
        sink = 0.0 if sinks is None else np.exp(sinks[h] - largest)
        total = np.exp(logits - largest).sum() + sink
        weights, factors = np.exp(logits - largest) / total, keep[(*b, h, i)][seen]
        y[(*b, i, h)] = (weights * factors) @ values
        ct = y_bar[(*b, i, h)]
        weights_bar = factors * (values @ ct)
        mean = (weights * weights_bar).sum()
        logits_bar = weights * (weights_bar - mean)
        bars["sinks"][h] -= sink / total * mean
        bars["bias"][(*b, h, i)][seen] += logits_bar
        products_bar = scale * slope * logits_bar
        bars["query"][(*b, i, h)] = products_bar @ keys
        for n, j in enumerate(seen):
            bars["key"][(*b, j, g)] += products_bar[n] * query[(*b, i, h)]
            bars["value"][(*b, j, g)] += weights[n] * factors[n] * ct
    return y, bars


def sum_to(array, shape):
    """The gradient of broadcasting from `shape`."""
    array = array.sum(tuple(range(array.ndim - len(shape))))
    return array.sum(tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def segments(seed, batch, *lengths, count=2):
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, count, (*batch, n)) for n in lengths)


def boolean(seed, *shape):
    return np.random.default_rng(seed).random(shape) < 0.7


B = (2,)
# name: (batch, time, key_time, heads, key_heads, head_dim, value_dim), options
CASES = {
    "plain": ((B, 7, 9, 2, 2, 3, 5), {}),
    "no batch": (((), 4, 4, 1, 1, 2, 2), {"is_causal": True}),
    "two batch axes": (((2, 3), 4, 5, 2, 1, 3, 2), {"mask": boolean(0, 3, 1, 1, 5)}),
    "one query": ((B, 1, 9, 2, 2, 3, 3), {"is_causal": True, "query_offset": 6}),
    "one key": ((B, 7, 1, 2, 2, 3, 3), {"is_causal": True, "query_offset": -2}),
    "causal": ((B, 8, 8, 2, 2, 4, 4), {"is_causal": True}),
    "causal, more queries": ((B, 11, 5, 2, 2, 3, 3), {"is_causal": True}),
    "causal, more keys": ((B, 5, 11, 2, 2, 3, 3), {"is_causal": True}),
    "causal, ends aligned": ((B, 5, 11, 2, 2, 3, 3), {"is_causal": True, "query_offset": 6}),
    "offset of each example": (
        (B, 4, 9, 2, 1, 3, 3),
        {"is_causal": True, "query_offset": np.array([5, -2]), "sliding_window": (3, None)},
    ),
    "offset array": ((B, 4, 9, 2, 1, 3, 3), {"is_causal": True, "query_offset": np.array(3)}),
    "grouped": ((B, 8, 8, 6, 2, 3, 3), {"is_causal": True}),
    "one key head": ((B, 5, 7, 4, 1, 3, 3), {"scale": 0.3}),
    "window": ((B, 13, 13, 2, 1, 3, 3), {"sliding_window": (2, 1)}),
    "causal window": ((B, 14, 14, 2, 2, 3, 3), {"sliding_window": (3, 4), "is_causal": True}),
    "window of itself": ((B, 9, 9, 2, 2, 3, 3), {"sliding_window": (0, 0)}),
    "window to the left": ((B, 9, 12, 2, 2, 3, 3), {"sliding_window": (2, None)}),
    "window to the right": ((B, 9, 12, 2, 2, 3, 3), {"sliding_window": (None, 1)}),
    "shifted window": (
        (B, 12, 9, 2, 2, 3, 3),
        {"sliding_window": (1, 2), "query_offset": -3},
    ),
    "mask": ((B, 7, 9, 2, 2, 3, 3), {"mask": boolean(0, 2, 2, 7, 9)}),
    "mask of keys": ((B, 7, 9, 2, 1, 3, 3), {"mask": boolean(1, 2, 1, 1, 9), "is_causal": True}),
    "mask of queries": ((B, 7, 9, 2, 1, 3, 3), {"mask": boolean(1, 7, 1)}),
    "bias": ((B, 7, 9, 4, 2, 3, 3), {"bias": normal(1, 2, 4, 7, 9)}),
    "bias of heads": ((B, 8, 8, 4, 2, 3, 3), {"bias": normal(1, 4, 8, 8), "is_causal": True}),
    "bias of rows": ((B, 7, 9, 2, 2, 3, 3), {"bias": normal(1, 2, 1, 7, 1)}),
    "bias of one head": ((B, 7, 9, 4, 2, 3, 3), {"bias": normal(1, 2, 1, 1, 9)}),
    "bias in part": (((2, 3), 5, 6, 2, 2, 3, 3), {"bias": normal(1, 3, 1, 5, 6)}),
    "segments": ((B, 7, 9, 2, 2, 3, 3), {"segment_ids": segments(0, B, 7, 9)}),
    "segments, causal": (
        (B, 9, 9, 2, 1, 3, 3),
        {"segment_ids": segments(1, B, 9, 9), "is_causal": True},
    ),
    "sinks": ((B, 7, 9, 4, 2, 3, 3), {"sinks": normal(3, 4)}),
    "soft cap": ((B, 7, 9, 2, 2, 3, 3), {"soft_cap": 0.5, "is_causal": True}),
    "all": (
        (B, 10, 12, 4, 2, 3, 5),
        {
            "bias": normal(1, 2, 1, 10, 12),
            "mask": boolean(2, 2, 4, 1, 12),
            "is_causal": True,
            "query_offset": 1,
            "scale": 0.7,
            "sliding_window": (4, None),
            "segment_ids": segments(2, B, 10, 12, count=2),
            "soft_cap": 2.0,
            "sinks": normal(3, 4),
        },
    ),
}
FORMULATIONS = {
    "plain": _scaled_dot_product._IMPLEMENTATIONS["plain"],
    "saved": partial(in_blocks, blocks=Blocks(3, saved=True)),
    "made again": partial(in_blocks, blocks=Blocks(3, saved=False)),
    "single rows": partial(in_blocks, blocks=Blocks(1, saved=False)),
}


@pytest.fixture(autouse=True)
def formulations(monkeypatch):
    """Blocks of a few rows, so that small arrays have many."""
    for name, formulation in FORMULATIONS.items():
        monkeypatch.setitem(_scaled_dot_product._IMPLEMENTATIONS, name, formulation)
        monkeypatch.setitem(_choice._RULES, name, ())


def arguments(shape, dtype=np.float64):
    batch, length, key_length, heads, key_heads, size, value_size = shape
    arrays = (
        normal(10, *batch, length, heads, size),
        normal(11, *batch, key_length, key_heads, size),
        normal(12, *batch, key_length, key_heads, value_size),
        normal(13, *batch, length, heads, value_size),
    )
    return tuple(a.astype(dtype) for a in arrays)


def split(options):
    """The arrays that are differentiated, and the other options."""
    learned = {name: options[name] for name in ("bias", "sinks") if name in options}
    return learned, {name: value for name, value in options.items() if name not in learned}


def value_and_gradients(query, key, value, y_bar, options, implementation=None):
    learned, fixed = split(options)

    @jax.jit
    def both(query, key, value, y_bar, learned):
        def f(query, key, value, learned):
            return scaled_dot_product_attention(
                query, key, value, **learned, **fixed, implementation=implementation
            )

        y, pullback = jax.vjp(f, query, key, value, learned)
        return y, pullback(y_bar)

    y, (*bars, learned_bars) = both(query, key, value, y_bar, learned)
    return y, dict(zip(("query", "key", "value"), bars, strict=True)) | learned_bars


EVERY_PAIR = [
    pytest.param(
        name,
        implementation,
        # A quarter of the pairs are quick to see: each name, each formulation.
        marks=[] if (i + j) % len(FORMULATIONS) == 0 or name == "all" else pytest.mark.slow,
        id=f"{name}-{implementation}",
    )
    for i, name in enumerate(CASES)
    for j, implementation in enumerate(FORMULATIONS)
]


@pytest.mark.parametrize(("name", "implementation"), EVERY_PAIR)
def test_value_and_gradient(name, implementation):
    shape, options = CASES[name]
    with jax.enable_x64(True):
        arrays = arguments(shape)
        expected, expected_bars = reference(*arrays, **options)
        y, bars = value_and_gradients(*arrays, options, implementation)
    assert y.shape == expected.shape
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    for argument, bar in bars.items():
        expected_bar = sum_to(expected_bars[argument], bar.shape)
        np.testing.assert_allclose(bar, expected_bar, rtol=1e-11, atol=1e-12, err_msg=argument)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("implementation", ["plain", "made again"])
def test_dtypes(dtype, implementation):
    """As exact as rounding the inputs and once the result allows."""
    shape, options = CASES["all"]
    arrays = [jnp.asarray(a, dtype) for a in arguments(shape)]
    exact = [np.asarray(a, np.float64) for a in arrays]
    expected, expected_bars = reference(*exact, **options)
    y, bars = value_and_gradients(*arrays, options, implementation)
    tolerance = 3e-6 if dtype == "float32" else float(jnp.finfo(dtype).eps)
    for name, bar in {"value of y": y, **bars}.items():
        ours = np.asarray(bar, np.float64)
        theirs = expected if name == "value of y" else sum_to(expected_bars[name], bar.shape)
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours / scale, theirs / scale, atol=tolerance, err_msg=name)
        if name not in ("bias", "sinks"):
            assert bar.dtype == dtype
            assert not bar.weak_type


def test_dtypes_meet():
    x = jnp.ones((1, 4, 1, 2), jnp.bfloat16)
    assert scaled_dot_product_attention(x, x, x.astype("float32")).dtype == "float32"
    assert scaled_dot_product_attention(x, x, x, bias=jnp.ones(4)).dtype == "bfloat16"


@pytest.mark.parametrize("implementation", FORMULATIONS)
def test_a_query_that_sees_nothing(implementation):
    """Gives zeros and passes nothing on, in the second order too; nothing is NaN."""
    arrays = [jnp.asarray(a, jnp.float32) for a in arguments((B, 7, 7, 2, 1, 3, 3))]
    mask = jnp.arange(7)[:, None] != 3
    sinks = jnp.ones(2)

    @jax.jit
    def derivatives(*arrays):
        *moving, bar = arrays

        def f(*moving):
            return scaled_dot_product_attention(
                *moving[:3],
                bias=moving[3],
                mask=mask,
                is_causal=True,
                query_offset=-2,
                implementation=implementation,
            )

        def bars(*moving):
            y, pullback = jax.vjp(f, *moving)
            return y, pullback(bar)

        return bars(*moving), jax.jvp(bars, tuple(moving), tuple(moving))[1]

    first, second = derivatives(*arrays[:3], jnp.ones((2, 7, 7)), arrays[3])
    for y, (query_bar, *_, bias_bar) in (first, second):
        assert (y[:, [0, 1, 3]] == 0).all()
        assert (query_bar[:, [0, 1, 3]] == 0).all()
        assert (bias_bar[:, [0, 1, 3]] == 0).all()
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves((first, second)))
    assert (first[0][:, [2, 4, 5, 6]] != 0).all()
    with_sinks = scaled_dot_product_attention(
        *arrays[:3], mask=jnp.zeros((1, 1), bool), sinks=sinks, implementation=implementation
    )
    assert (with_sinks == 0).all()


@pytest.mark.parametrize("implementation", FORMULATIONS)
def test_large_logits_do_not_overflow(implementation):
    query, key, value, bar = arguments((B, 6, 6, 1, 1, 3, 3))
    y, bars = value_and_gradients(
        100 * query, 100 * key, value, bar, {"is_causal": True}, implementation
    )
    expected, expected_bars = reference(100 * query, 100 * key, value, bar, is_causal=True)
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(bars["value"], expected_bars["value"], rtol=1e-3, atol=1e-3)
    assert all(jnp.isfinite(b).all() for b in bars.values())


@pytest.mark.parametrize(
    "shape",
    [((0,), 3, 4, 2, 1, 2, 5), (B, 0, 4, 2, 1, 2, 5), (B, 3, 0, 2, 1, 2, 5)],
    ids=["batch", "queries", "keys"],
)
def test_nothing(shape):
    arrays = [jnp.asarray(a, jnp.float32) for a in arguments(shape)]
    y, bars = value_and_gradients(*arrays, {"is_causal": True, "sinks": jnp.ones(2)})
    assert y.shape == arrays[3].shape
    assert (y == 0).all()
    assert [bar.shape for bar in bars.values()] == [*(a.shape for a in arrays[:3]), (2,)]


def test_decoding_with_a_cache():
    """One query at a time, at a position that is known while running, in one program."""
    query, key, value, _ = (jnp.asarray(a, jnp.float32) for a in arguments((B, 9, 9, 4, 2, 3, 3)))
    whole = scaled_dot_product_attention(query, key, value, is_causal=True, sliding_window=(4, 0))

    @jax.jit
    def decode(query, key, value):
        def step(cache, at):
            keys, values = (
                jax.lax.dynamic_update_slice_in_dim(
                    kept, jax.lax.dynamic_slice_in_dim(new, at, 1, 1), at, 1
                )
                for kept, new in zip(cache, (key, value), strict=True)
            )
            one = jax.lax.dynamic_slice_in_dim(query, at, 1, 1)
            y = scaled_dot_product_attention(
                one, keys, values, is_causal=True, query_offset=at, sliding_window=(4, 0)
            )
            return (keys, values), y[:, 0]

        start = (jnp.zeros_like(key), jnp.zeros_like(value))
        return jnp.moveaxis(jax.lax.scan(step, start, jnp.arange(9))[1], 0, 1)

    np.testing.assert_allclose(decode(query, key, value), whole, rtol=2e-6, atol=1e-6)


# ------------------------------------------------------------------------------------ dropout


def kept(key, rate, batch=2, heads=2, length=6, key_length=7, implementation=None):
    """What weights are multiplied with: all are alike where queries are zero."""
    query = jnp.zeros((batch, length, heads, 1))
    keys = jnp.zeros((batch, key_length, heads, 1))
    each = jnp.broadcast_to(jnp.eye(key_length)[:, None], (batch, key_length, heads, key_length))
    y = scaled_dot_product_attention(
        query, keys, each, dropout_rate=rate, dropout_key=key, implementation=implementation
    )
    return np.moveaxis(np.asarray(y * key_length, np.float64), 1, 2)


@pytest.mark.parametrize(
    "implementation",
    [
        name if name == "plain" else pytest.param(name, marks=pytest.mark.slow)
        for name in FORMULATIONS
    ],
)
def test_dropout_is_the_same_in_all_derivatives_and_formulations(implementation):
    shape, options = CASES["all"]
    keep = kept(KEY, 0.4, heads=4, length=10, key_length=12)
    assert set(np.round(np.unique(keep), 5)) == {0, np.round(1 / 0.6, 5)}
    with jax.enable_x64(True):
        arrays = arguments(shape)
        expected, expected_bars = reference(*arrays, **options, keep=np.where(keep > 0, 1 / 0.6, 0))
        given = options | {"dropout_rate": 0.4, "dropout_key": KEY}
        y, bars = value_and_gradients(*arrays, given, implementation)
    # The rate is a number of float32.
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)
    for argument, bar in bars.items():
        expected_bar = sum_to(expected_bars[argument], bar.shape)
        np.testing.assert_allclose(bar, expected_bar, rtol=1e-6, atol=1e-6, err_msg=argument)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_has_its_rate_and_neighbours_are_independent(rate):
    mask = kept(KEY, rate, 4, 4, 250, 250) > 0
    n = mask.size
    assert abs(mask.sum() - n * (1 - rate)) < 4.5 * np.sqrt(n * rate * (1 - rate))
    centred = (mask - (1 - rate)) / np.sqrt(rate * (1 - rate))
    for axis in range(4):
        for lag in (1, 2, 3):
            a, b = np.split(np.moveaxis(centred, axis, 0), [lag])[1], centred
            b = np.moveaxis(b, axis, 0)[:-lag]
            assert abs((a * b).mean()) < 4.5 / np.sqrt(a.size), (axis, lag)
    other = kept(jax.random.key(1), rate, 4, 4, 250, 250) > 0
    other = (other - (1 - rate)) / np.sqrt(rate * (1 - rate))
    assert abs((centred * other).mean()) < 4.5 / np.sqrt(n)


def test_dropout_keeps_the_expectation():
    query, key, value, _ = (jnp.asarray(a, jnp.float32) for a in arguments((B, 5, 8, 2, 1, 3, 3)))

    def dropped(random_key):
        return scaled_dot_product_attention(
            query, key, value, dropout_rate=0.3, dropout_key=random_key
        )

    many = jax.jit(jax.vmap(dropped))(jax.random.split(KEY, 20_000))
    error = np.asarray(many.mean(0) - scaled_dot_product_attention(query, key, value))
    deviation = np.asarray(many.std(0)) / np.sqrt(20_000)
    assert (np.abs(error) < 4.5 * deviation).all()


def test_rates_of_dropout():
    x = jnp.ones((1, 4, 1, 2))
    compiled = jax.jit(
        lambda rate: scaled_dot_product_attention(x, x, x, dropout_rate=rate, dropout_key=KEY)
    )
    assert (compiled(1.0) == 0).all()
    np.testing.assert_allclose(compiled(0.0), x, rtol=1e-6)
    np.testing.assert_array_equal(scaled_dot_product_attention(x, x, x, dropout_rate=0.0), x)
    old = scaled_dot_product_attention(x, x, x, dropout_rate=0.5, dropout_key=jax.random.PRNGKey(0))
    np.testing.assert_array_equal(old, compiled(0.5))


# ---------------------------------------------------------------------------- what is computed


def compiled_gradient(length, **options):
    x = jnp.ones((1, length, 2, 8))

    def loss(query, key, value):
        return scaled_dot_product_attention(query, key, value, **options).sum()

    return jax.jit(jax.grad(loss, (0, 1, 2))).lower(x, x, x).compile()


@pytest.mark.parametrize(
    "options",
    [{}, {"is_causal": True}, {"sliding_window": (100, 100)}],
    ids=["whole", "causal", "window"],
)
def test_memory_grows_with_the_length(options):
    """Eight times the length, about eight times the temporaries (64 times: the logits alone)."""
    short, long = (
        compiled_gradient(n, **options).memory_analysis().temp_size_in_bytes for n in (2048, 16384)
    )
    assert long < 8.8 * short
    assert long < 16384 * 16384  # an eighth of the logits of one head


@pytest.mark.optimized
def test_keys_out_of_sight_are_skipped():
    def flops(implementation):
        gradient = compiled_gradient(1024, implementation=implementation, is_causal=True)
        return gradient.cost_analysis()["flops"]

    assert flops("blocked") < 0.75 * flops("plain")


def test_a_window_takes_the_keys_around_it():
    """Two blocks of 256 and no more are seen by one, of 4096."""
    text = str(
        jax.make_jaxpr(lambda x: scaled_dot_product_attention(x, x, x, sliding_window=(256, 0)))(
            jnp.ones((1, 4096, 1, 8))
        )
    )
    assert "256,512]" in text
    assert "4096,4096]" not in text
    assert "256,4096]" not in text


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(st.data())
def test_blocks_compute_what_the_plain_form_does(data):
    integers = st.integers
    length, key_length = data.draw(integers(1, 12)), data.draw(integers(1, 12))
    key_heads, group = data.draw(integers(1, 2)), data.draw(integers(1, 3))
    bound = st.one_of(st.none(), integers(0, 12))
    options = {
        "is_causal": data.draw(st.booleans()),
        "query_offset": data.draw(integers(-12, 12)),
        "sliding_window": (data.draw(bound), data.draw(bound)),
        "soft_cap": data.draw(st.sampled_from([None, 1.5])),
        "sinks": data.draw(st.sampled_from([{}, {"sinks": normal(1, key_heads * group)}])),
    }
    options |= options.pop("sinks")
    arrays = arguments((B, length, key_length, key_heads * group, key_heads, 2, 3))
    with jax.enable_x64(True):
        y, bars = value_and_gradients(*arrays, options, "plain")
        for implementation in ("saved", "made again"):
            ours, our_bars = value_and_gradients(*arrays, options, implementation)
            np.testing.assert_allclose(ours, y, rtol=1e-12, atol=1e-13)
            for name, bar in bars.items():
                np.testing.assert_allclose(our_bars[name], bar, rtol=1e-11, atol=1e-12)


# ------------------------------------------------------------------------------------- choice


def shaped(length=128, dtype="float32", heads=4, size=64, batch=(2,), key_length=None):
    query = jax.ShapeDtypeStruct((*batch, length, heads, size), dtype)
    key = jax.ShapeDtypeStruct((*batch, key_length or length, heads, size), dtype)
    return query, key, key


def test_choice_on_cpu():
    choice = explain_attention(*shaped(1024))
    assert choice.implementation == "blocked"
    assert dict(choice.passed_over) == {
        "cudnn": "it runs on GPU, not on cpu",
        "pallas": "it runs on GPU, not on cpu",
    }
    assert explain_attention(*shaped(1, key_length=4096)).implementation == "plain"
    assert explain_attention(*shaped(16)).implementation == "plain"
    assert str(explain_attention(*shaped(8), implementation="plain")) == "plain: it was asked for"


ON_GPU = {
    "float32": (shaped(), {}, "it takes float16 and bfloat16, not float32"),
    "head_dim": (
        shaped(dtype="bfloat16", size=20),
        {},
        "head_dim must be a multiple of 8 up to 128, not 20",
    ),
    "odd": (shaped(129, "bfloat16"), {}, "lengths must be even, not 129 and 129"),
    "cap": (shaped(dtype="bfloat16"), {"soft_cap": 3.0}, "it has no soft_cap"),
    "bias and sinks": (
        shaped(dtype="bfloat16"),
        {"bias": jax.ShapeDtypeStruct((128, 128), "float32"), "sinks": jnp.ones(4)},
        "it has no bias, no sinks",
    ),
    "right": (
        shaped(dtype="bfloat16"),
        {"sliding_window": (3, 1)},
        "a window may reach 0 keys to the right, not 1",
    ),
    "left": (
        shaped(dtype="bfloat16"),
        {"sliding_window": (3, None)},
        "a window to the left must be causal",
    ),
    "lengths": (
        shaped(dtype="bfloat16", key_length=256),
        {"is_causal": True},
        "a causal one must have equal lengths and no query_offset",
    ),
    "here": (shaped(dtype="bfloat16"), {"is_causal": True}, "JAX has no GPU here"),
}


@pytest.mark.parametrize("name", ON_GPU)
def test_choice_on_gpu(name):
    arrays, options, reason = ON_GPU[name]
    with luxlib.compiling_for(platform="gpu"):
        choice = explain_attention(*arrays, **options)
        assert choice.implementation == "blocked"
        assert dict(choice.passed_over)["cudnn"] == reason
        assert explain_attention(*shaped(), implementation="pallas").implementation == "pallas"


def test_cudnn_is_chosen_where_it_is(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with luxlib.compiling_for(platform="gpu"):
        choice = explain_attention(*shaped(dtype="float16"), sliding_window=(3, 0), is_causal=True)
    assert str(choice) == "cudnn: the vendor's kernel can do all of it"


# ----------------------------------------------------------------------------------- messages

X = jnp.ones((2, 3, 4, 5))
attend = scaled_dot_product_attention
SDPA = "scaled_dot_product_attention: "
MESSAGES = {
    "dtype": (
        lambda: attend(X.astype(int), X, X),
        TypeError,
        "query: expected a floating dtype, got int32. "
        "Convert it first, for example query.astype(jax.numpy.float32).",
    ),
    "axes": (
        lambda: attend(X[0, 0], X, X),
        ValueError,
        "query: expected shape (*batch, time, heads, features) with heads and features, "
        "got (4, 5). Split the features into heads first.",
    ),
    "key": (
        lambda: attend(X, X[:, :, :3], X[:, :, :3]),
        ValueError,
        "key: expected shape (2, key_time, key_heads, 5) with a divisor of 4 as key_heads, "
        "got (2, 3, 3, 5). It must fit query (2, 3, 4, 5).",
    ),
    "value": (
        lambda: attend(X, X, X[:, :2]),
        ValueError,
        "value: expected shape (2, 3, 4, value_dim), got (2, 2, 4, 5). "
        "It must fit key (2, 3, 4, 5).",
    ),
    "bias": (
        lambda: attend(X, X, X, bias=jnp.ones((2, 3))),
        ValueError,
        "bias: expected a shape that broadcasts to (*batch, heads, time, key_time), here "
        "(2, 4, 3, 3), got (2, 3). Each of its sizes, counted from the right, must be equal or 1.",
    ),
    "bias dtype": (
        lambda: attend(X, X, X, bias=jnp.ones(3, int)),
        TypeError,
        "bias: expected a floating or complex dtype, got int32. "
        "Convert it first, for example bias.astype(jax.numpy.float32).",
    ),
    "mask": (
        lambda: attend(X, X, X, mask=jnp.ones(3)),
        TypeError,
        "mask: expected booleans, true where a key is seen, got float32. "
        "Numbers that are added to the logits are a bias.",
    ),
    "mask shape": (
        lambda: attend(X, X, X, mask=jnp.ones((1, 1, 1, 1, 3), bool)),
        ValueError,
        "mask: expected a shape that broadcasts to (*batch, heads, time, key_time), here "
        "(2, 4, 3, 3), got (1, 1, 1, 1, 3). "
        "Each of its sizes, counted from the right, must be equal or 1.",
    ),
    "sinks": (
        lambda: attend(X, X, X, sinks=jnp.ones(3)),
        ValueError,
        "sinks: expected shape (4,), got (3,). It is one logit for each of query's heads.",
    ),
    "sinks dtype": (
        lambda: attend(X, X, X, sinks=jnp.ones(4, int)),
        TypeError,
        "sinks: expected a floating or complex dtype, got int32. "
        "Convert it first, for example sinks.astype(jax.numpy.float32).",
    ),
    "window": (
        lambda: attend(X, X, X, sliding_window=(1, -1)),
        ValueError,
        "sliding_window: expected a pair (left, right) of integers from 0, or None for no bound, "
        "got (1, -1). They say how many keys before and after its own position a query sees.",
    ),
    "window kind": (
        lambda: attend(X, X, X, sliding_window=4),
        ValueError,
        "sliding_window: expected a pair (left, right) of integers from 0, or None for no bound, "
        "got 4. They say how many keys before and after its own position a query sees.",
    ),
    "offset": (
        lambda: attend(X, X, X, query_offset=0.5),
        ValueError,
        "query_offset: expected an integer, or an array of integers of shape () or (2,), got 0.5. "
        "It is the position among the keys at which the first query lies.",
    ),
    "offset shape": (
        lambda: attend(X, X, X, query_offset=jnp.ones(3, int)),
        ValueError,
        "query_offset: expected an integer, or an array of integers of shape () or (2,), "
        "got int32 of shape (3,). "
        "It is the position among the keys at which the first query lies.",
    ),
    "scale": (
        lambda: attend(X, X, X, scale=jnp.ones(())),
        ValueError,
        "scale: expected a finite number, got Array(1., dtype=float32). "
        "It is part of the program; scale query by what is learned.",
    ),
    "cap": (
        lambda: attend(X, X, X, soft_cap=0.0),
        ValueError,
        "soft_cap: expected a number above 0, got 0.0. "
        "Logits lie between -soft_cap and soft_cap; pass None for no cap.",
    ),
    "segments": (
        lambda: attend(X, X, X, segment_ids=(jnp.ones((2, 3), int), jnp.ones((2, 4), int))),
        ValueError,
        "segment_ids: expected integers of shapes (2, 3) for queries and (2, 3) for keys, "
        "got int32, int32 of ((2, 3), (2, 4)). "
        "Give a pair, or one array where queries and keys have the same.",
    ),
    "rate": (
        lambda: attend(X, X, X, dropout_rate=1.5, dropout_key=KEY),
        ValueError,
        "dropout_rate: expected a number from 0 to 1, got 1.5. "
        "It is the share of the weights that is dropped.",
    ),
    "rate shape": (
        lambda: attend(X, X, X, dropout_rate=jnp.ones(2), dropout_key=KEY),
        ValueError,
        "dropout_rate: expected one number, got shape (2,). Give a scalar.",
    ),
    "no key": (
        lambda: attend(X, X, X, dropout_rate=0.5),
        ValueError,
        "dropout_key: expected a JAX random key where dropout_rate is not 0, got None. "
        "Pass one, and a new one for each call.",
    ),
    "word": (
        lambda: attend(X, X, X, implementation="flash"),
        ValueError,
        "implementation: expected one of 'cudnn', 'pallas', 'blocked', 'plain', got 'flash'. "
        "Choose one of these words.",
    ),
    "impossible": (
        lambda: attend(X, X, X, implementation="cudnn"),
        ValueError,
        "implementation: expected one that is possible here, got 'cudnn', but it runs on GPU, "
        "not on cpu. Leave it out to let it be chosen.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name, monkeypatch):
    for formulation in FORMULATIONS.keys() - {"plain"}:  # not among the words
        monkeypatch.delitem(_choice._RULES, formulation)
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == SDPA + message
