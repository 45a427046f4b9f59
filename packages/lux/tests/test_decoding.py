"""Decoding with a cache against all tokens at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux

RNG = np.random.default_rng(0)
TIME, DIMS = 9, 8
X = jnp.asarray(RNG.normal(size=(3, TIME, DIMS)), jnp.float32)


def block(window=None):
    attention = lux.MultiHeadAttention(
        DIMS,
        2,
        n_key_heads=1,
        value_head_dim=3,
        is_causal=True,
        sliding_window=window,
        soft_cap=5.0,
        use_sinks=True,
        qk_norm=lux.RMSNorm(4),
        rotary=lux.RotaryPositionalEmbedding(4, base=7.0),
    )
    return lux.TransformerEncoderLayer(
        DIMS, attention, lux.GatedMLP(DIMS, 4), norm=lux.RMSNorm(DIMS), norm_first=True
    )


MODELS = {
    "all": lux.Chain(lux.LearnedPositionalEmbedding(TIME, DIMS), block()),
    "window": block((2, 0)),
    "windows": lux.Chain(block((2, 0)), block((3, None)), lux.Dense(DIMS, DIMS)),
    "window of one": lux.Chain(block((0, None))),
    "window longer than the cache": block((20, 0)),
    "scanned": lux.Chain([block((2, 0))] * 3, scan=True),
}
FAST = "window"


def prepared(name):
    """A model, its parameters and states, and what it gives for all tokens at once."""
    model = MODELS[name]
    ps, st = lux.setup(0, model)
    st = lux.test_mode(st)
    call = jax.jit(model)
    return call, ps, st, call(X, ps, st)[0]


def decode(model, ps, st, sizes):
    """The outputs for parts of the sequence, one after the other."""
    outputs, begin = [], 0
    for size in sizes:
        y, st = model(X[:, begin : begin + size], ps, st)
        outputs.append(y)
        begin += size
    return jnp.concatenate(outputs, axis=1), st


@pytest.mark.parametrize(
    "name", [n if n == FAST else pytest.param(n, marks=pytest.mark.slow) for n in MODELS]
)
def test_parts_give_what_the_whole_gives(name: str):
    model, ps, st, whole = prepared(name)
    for sizes in ([2, 3, 1, 3], [1] * TIME, [TIME], [2, 7])[: 1 if name == FAST else 4]:
        y, _ = decode(model, ps, lux.init_cache(st, 3, TIME + 1), sizes)
        np.testing.assert_allclose(y, whole, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(
    "name", [n if n == FAST else pytest.param(n, marks=pytest.mark.slow) for n in MODELS]
)
def test_prompts_of_different_lengths(name: str):
    model, ps, st, whole = prepared(name)
    lengths = np.array([2, 7, 4])
    st = lux.init_cache(st, 3, TIME, prompt_lengths=jnp.asarray(lengths))
    padded = jnp.where(np.arange(7)[:, None] < lengths[:, None, None], X[:, :7], 100.0)
    y, st = model(padded, ps, st)
    for example, length in enumerate(lengths):
        np.testing.assert_allclose(
            y[example, :length], whole[example, :length], rtol=1e-5, atol=2e-6
        )
    for step in range(2):
        y, st = model(X[np.arange(3), lengths + step][:, None], ps, st)
        expected = whole[np.arange(3), lengths + step][:, None]
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.slow
def test_it_is_one_compiled_step_under_scan():
    model, ps, st, whole = prepared("windows")
    st = lux.init_cache(st, 3, TIME)
    _, st = model(X[:, :4], ps, st)

    @jax.jit
    def rest(ps, st):
        def step(st, x):
            y, st = MODELS["windows"](x[:, None], ps, st)
            return st, y[:, 0]

        return jax.lax.scan(step, st, jnp.moveaxis(X[:, 4:], 1, 0))

    end, y = rest(ps, st)
    np.testing.assert_allclose(jnp.moveaxis(y, 0, 1), whole[:, 4:], rtol=1e-5, atol=2e-6)
    assert jax.tree.structure(end) == jax.tree.structure(st)
    shapes = jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype), end, st)
    assert jax.tree.all(shapes)
    assert rest._cache_size() == 1


@pytest.mark.slow
@pytest.mark.parametrize("batch", [(), (1, 3)])
def test_any_leading_axes(batch):
    model, ps, st, whole = prepared("windows")
    x = X[0] if batch == () else X[None]
    st = lux.init_cache(st, batch, TIME)
    first, st = model(x[..., :5, :], ps, st)
    last, st = model(x[..., 5:6, :], ps, st)
    expected = whole[0] if batch == () else whole[None]
    np.testing.assert_allclose(first, expected[..., :5, :], rtol=1e-5, atol=2e-6)
    np.testing.assert_allclose(last, expected[..., 5:6, :], rtol=1e-5, atol=2e-6)
    np.testing.assert_array_equal(st.layer_0.attention.attention.cache.position, jnp.full(batch, 6))


@pytest.mark.slow
def test_a_cache_under_vmap():
    model, ps, st, whole = prepared("windows")
    states = jax.vmap(lambda _: lux.init_cache(st, (), TIME))(jnp.arange(3))
    call = jax.vmap(model, in_axes=(0, None, 0))
    first, states = call(X[:, :5], ps, states)
    last, _ = call(X[:, 5:6], ps, states)
    np.testing.assert_allclose(
        jnp.concatenate([first, last], 1), whole[:, :6], rtol=1e-5, atol=2e-6
    )


@pytest.mark.slow
def test_a_decoder_remembers_its_own_tokens_and_sees_all_of_the_memory():
    layer = lux.TransformerDecoderLayer(DIMS, 2, 5)
    ps, st = lux.setup(0, layer)
    layer, st, memory = jax.jit(layer), lux.test_mode(st), X[:, ::2]
    whole, _ = layer((X, memory), ps, st)
    st = lux.init_cache(st, 3, TIME)
    first, st = layer((X[:, :6], memory), ps, st)
    last, st = layer((X[:, 6:], memory), ps, st)
    np.testing.assert_allclose(jnp.concatenate([first, last], 1), whole, rtol=1e-5, atol=2e-6)
    assert st.cross_attention.attention == lux.NamedTuple(
        rng=st.cross_attention.attention.rng, training=lux.Val(False)
    )


@pytest.mark.slow
def test_masks_and_biases_are_over_the_places_of_the_cache():
    layer = lux.MultiHeadAttention(DIMS, 2, is_causal=True)
    (ps, st), layer = lux.setup(0, layer), jax.jit(layer)
    hidden = jnp.arange(TIME) != 2
    bias = jnp.asarray(RNG.normal(size=(1, TIME)), jnp.float32)
    whole, _ = layer(lux.NamedTuple(query=X, mask=hidden, bias=bias), ps, st)
    st = lux.init_cache(st, 3, TIME)
    first, st = layer(lux.NamedTuple(query=X[:, :5], mask=hidden, bias=bias), ps, st)
    last, _ = layer(lux.NamedTuple(query=X[:, 5:], mask=hidden, bias=bias), ps, st)
    np.testing.assert_allclose(jnp.concatenate([first, last], 1), whole, rtol=1e-5, atol=2e-6)


def test_what_does_not_fit_in_any_more_gives_nan():
    layer = lux.MultiHeadAttention(DIMS, 2, is_causal=True)
    (ps, st), layer = lux.setup(0, layer), jax.jit(layer)
    whole, _ = layer(X, ps, st)
    st = lux.init_cache(st, 3, 6)
    _, st = layer(X[:, :4], ps, st)
    y, st = layer(X[:, 4:8], ps, st)
    np.testing.assert_allclose(y[:, :2], whole[:, 4:6], rtol=1e-5, atol=2e-6)
    assert jnp.isnan(y[:, 2:]).all()
    assert jnp.isnan(layer(X[:, 8:], ps, st)[0]).all()


def test_only_what_a_window_shows_is_kept():
    model = jax.jit(MODELS["windows"])
    ps, st = lux.setup(0, MODELS["windows"])
    st = lux.init_cache(st, 3, 1000, dtype=jnp.bfloat16)
    short, long = (layer.attention.attention.cache for layer in (st.layer_0, st.layer_1))
    assert short.key.shape == (3, 3, 1, 4)
    assert long.key.shape == (3, 4, 1, 4)
    assert long.value.shape == (3, 4, 1, 3)
    assert long.key.dtype == long.value.dtype == jnp.bfloat16
    y, after = model(X[:, :5], ps, st)
    assert y.dtype == jnp.float32
    assert after.layer_1.attention.attention.cache.key.dtype == jnp.bfloat16


@pytest.mark.slow
def test_half_precision_decodes_in_half_precision():
    layer = lux.MultiHeadAttention(DIMS, 2, is_causal=True)
    (ps, st), layer = lux.setup(0, layer), jax.jit(layer)
    half = jax.tree.map(lambda p: p.astype(jnp.bfloat16), ps)
    x = X.astype(jnp.bfloat16)
    whole, _ = layer(x, half, st)
    for dtype in (jnp.bfloat16, None):
        begun = lux.init_cache(st, 3, TIME, dtype=dtype)
        first, begun = layer(x[:, :5], half, begun)
        last, _ = layer(x[:, 5:], half, begun)
        assert first.dtype == last.dtype == jnp.bfloat16
        y = jnp.concatenate([first, last], 1)
        np.testing.assert_allclose(y.astype(float), whole.astype(float), atol=0.01)


@pytest.mark.slow
def test_weights_are_those_of_the_places():
    layer = lux.MultiHeadAttention(DIMS, 2, is_causal=True, return_weights=True)
    (ps, st), layer = lux.setup(0, layer), jax.jit(layer)
    (_, whole), _ = layer(X, ps, st)
    st = lux.init_cache(st, 3, TIME + 2)
    (_, first), st = layer(X[:, :8], ps, st)
    (_, last), _ = layer(X[:, 8:], ps, st)
    weights = jnp.concatenate([first, last], axis=-2)
    np.testing.assert_allclose(weights[..., :TIME], whole, rtol=1e-5, atol=2e-6)
    assert not weights[..., TIME:].any()


def test_a_state_without_a_cache_stays_as_it_is():
    layer = lux.MultiHeadAttention(DIMS, 2, is_causal=True)
    ps, st = lux.setup(0, layer)
    _, new = layer(X, ps, st)
    for a, b in zip(jax.tree.leaves(st), jax.tree.leaves(new), strict=True):
        assert a is b
    assert lux.state_length(layer) == 0


CAUSAL = lux.MultiHeadAttention(DIMS, 2, is_causal=True)
WINDOW = lux.MultiHeadAttention(DIMS, 2, is_causal=True, sliding_window=(2, 0))
ST = lux.setup(0, CAUSAL)[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: lux.init_cache(ST, 0, 5),
            "init_cache: batch: expected an integer or several, each at least 1, got 0",
        ),
        (
            lambda: lux.init_cache(ST, (2, 1.5), 5),
            "init_cache: batch: expected an integer or several, each at least 1, got (2, 1.5)",
        ),
        (
            lambda: lux.init_cache(ST, 2, 0),
            "init_cache: length: expected an integer of at least 1, got 0",
        ),
        (
            lambda: lux.init_cache(ST, 2, (3,)),
            "init_cache: length: expected an integer of at least 1, got (3,)",
        ),
        (
            lambda: lux.init_cache(ST, 2, 5, prompt_lengths=jnp.ones(3, int)),
            "init_cache: prompt_lengths: expected integers of shape (2,), as batch, got int32 of "
            "shape (3,)",
        ),
        (
            lambda: lux.init_cache(ST, 2, 5, prompt_lengths=[1.5, 2.0]),
            "init_cache: prompt_lengths: expected integers of shape (2,), as batch, got float32 of "
            "shape (2,)",
        ),
        (
            lambda: lux.init_cache(lux.init_cache(ST, 2, 5), 2, 5),
            "init_cache: st: expected a state as lux.setup makes it, got one that has memories",
        ),
        (
            lambda: lux.init_cache(lux.setup(0, lux.MultiHeadAttention(8))[1], 2, 5),
            "init_cache: st: expected the state of a model with causal attention, got one without "
            "a cache: is_causal=True gives it one",
        ),
    ],
)
def test_a_cache_that_cannot_be_is_refused(call, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (
            CAUSAL,
            X[:2],
            "DotProductAttention: query: expected the batch (3,) that lux.init_cache was given, "
            "got shape (2, 9, 2, 4)",
        ),
        (
            CAUSAL,
            X,
            "DotProductAttention: query: expected at most 5 tokens, as many as the cache has "
            "places for, got 9",
        ),
        (
            CAUSAL,
            (X[:, :2], X[:, :4]),
            "DotProductAttention: key: expected shape (3, 2, 2, 4), got (3, 4, 2, 4)",
        ),
        (
            CAUSAL,
            lux.NamedTuple(query=X[:, :2], segment_ids=np.ones((3, 2), int)),
            "DotProductAttention: segment_ids: expected none with a cache, got one",
        ),
        (
            WINDOW,
            (X, X, X, np.ones((9, 9), bool)),
            "DotProductAttention: mask: expected none with a cache of a sliding window, got one",
        ),
        (
            WINDOW,
            lux.NamedTuple(query=X, bias=np.ones((9, 9))),
            "DotProductAttention: bias: expected none with a cache of a sliding window, got one",
        ),
    ],
)
def test_tokens_that_do_not_fit_the_cache_are_refused(layer, x, message: str):
    ps, st = lux.setup(0, layer)
    with pytest.raises(ValueError, match="expected") as caught:
        layer(jax.tree.map(jnp.asarray, x), ps, lux.init_cache(st, 3, 5))
    assert str(caught.value) == message
