"""Attention against its formula in float64, and what it refuses."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def double(tree):
    """Parameters or states in float64."""
    return jax.tree.map(
        lambda a: a.astype(jnp.float64) if jnp.issubdtype(a.dtype, jnp.floating) else a, tree
    )


def as_numpy(tree):
    return jax.tree.map(np.asarray, tree)


def formula(query, key, value, seen, *, scale=None, cap=None, bias=None, sinks=None):
    """Each head of each query of each example by itself; its result and its weights."""
    batch, time, heads, dim = query.shape
    key_time, group = key.shape[1], heads // key.shape[2]
    weights = np.zeros((batch, heads, time, key_time))
    y = np.zeros((batch, time, heads, value.shape[-1]))
    for b, h, i in np.ndindex(batch, heads, time):
        logits = key[b, :, h // group] @ query[b, i, h] * (dim**-0.5 if scale is None else scale)
        if cap is not None:
            logits = cap * np.tanh(logits / cap)
        if bias is not None:
            logits = logits + np.broadcast_to(bias, weights.shape)[b, h, i]
        terms = np.where(np.broadcast_to(seen, weights.shape)[b, h, i], np.exp(logits), 0)
        total = terms.sum() + (0 if sinks is None else np.exp(sinks[h]))
        weights[b, h, i] = terms / total if total > 0 else 0
        y[b, i, h] = weights[b, h, i] @ value[b, :, h // group]
    return y, weights


def heads(x, dense, count):
    y = x @ dense.weight + getattr(dense, "bias", 0)
    return y.reshape(*y.shape[:-1], count, -1)


ROWS, COLUMNS = np.arange(5)[:, None], np.arange(5)
SEGMENTS = np.array([[0, 0, 1, 1, 2], [3, 3, 3, 4, 4]])
MASK = RNG.random((2, 1, 5, 5)) < 0.6
BIAS = RNG.normal(size=(3, 4, 1, 5))[0]

# name: options of the layer, what is given beside the query, which keys are seen, of the formula
CASES = {
    "plain": ({}, {}, True, {}),
    "biases": ({"use_bias": True}, {}, True, {}),
    "causal": ({"is_causal": True}, {}, COLUMNS <= ROWS, {}),
    "window": (
        {"sliding_window": (1, 2)},
        {},
        (COLUMNS >= ROWS - 1) & (COLUMNS <= ROWS + 2),
        {},
    ),
    "causal window": (
        {"is_causal": True, "sliding_window": [2, None]},
        {},
        (COLUMNS >= ROWS - 2) & (COLUMNS <= ROWS),
        {},
    ),
    "mask": ({}, {"mask": MASK}, MASK, {}),
    "mask of keys": ({}, {"mask": COLUMNS < 3}, COLUMNS < 3, {}),
    "bias": ({}, {"bias": BIAS}, True, {"bias": BIAS}),
    "segments": (
        {},
        {"segment_ids": SEGMENTS},
        (SEGMENTS[:, :, None] == SEGMENTS[:, None])[:, None],
        {},
    ),
    "segment pair": (
        {},
        {"segment_ids": (SEGMENTS, SEGMENTS[:, ::-1])},
        (SEGMENTS[:, :, None] == SEGMENTS[:, None, ::-1])[:, None],
        {},
    ),
    "grouped": ({"n_key_heads": 2}, {}, True, {}),
    "one key head": ({"n_key_heads": 1, "value_head_dim": 3}, {}, True, {}),
    "head dims": ({"head_dim": 5, "value_head_dim": 2, "out_dims": 3}, {}, True, {}),
    "scale": ({"scale": 0.3}, {}, True, {"scale": 0.3}),
    "soft cap": ({"soft_cap": 0.5}, {}, True, {"cap": 0.5}),
    "sinks": ({"use_sinks": True}, {}, True, {"sinks": np.array([0.5, -1.0, 2.0, 0.0])}),
}


@pytest.mark.parametrize("name", CASES)
def test_formula(name: str):
    options, beside, seen, of_formula = CASES[name]
    layer = lux.MultiHeadAttention(8, 4, return_weights=True, **options)
    ps, st = lux.setup(0, layer)
    ps = double(ps)
    if "sinks" in of_formula:
        ps = lux.replace_at(ps, "attention.sinks", jnp.asarray(of_formula["sinks"]))
    x = RNG.normal(size=(2, 5, 8))
    given = jax.tree.map(jnp.asarray, beside)
    (y, weights), _ = layer(lux.NamedTuple(query=jnp.asarray(x), **given), ps, st)
    p, few = as_numpy(ps), options.get("n_key_heads", 4)
    sides = heads(x, p.q_proj, 4), heads(x, p.k_proj, few), heads(x, p.v_proj, few)
    expected, expected_weights = formula(*sides, seen, **of_formula)
    out = heads(expected.reshape(2, 5, -1), p.out_proj, 1)[..., 0, :]
    np.testing.assert_allclose(y, out, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(weights, expected_weights, rtol=1e-10, atol=1e-10)


def test_without_weights_the_result_is_the_same():
    options = {"n_key_heads": 2, "is_causal": True, "soft_cap": 2.0}
    layer = lux.MultiHeadAttention(8, 4, **options)
    ps, st = lux.setup(0, layer)
    ps, x = double(ps), jnp.asarray(RNG.normal(size=(2, 5, 8)))
    (y, weights), _ = lux.MultiHeadAttention(8, 4, return_weights=True, **options)(x, ps, st)
    np.testing.assert_allclose(layer(x, ps, st)[0], y, rtol=1e-12)
    assert weights.shape == (2, 4, 5, 5)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_cross_attention_in_all_its_forms(batch):
    layer = lux.MultiHeadAttention(6, 3, key_dims=4)
    ps, st = lux.setup(0, layer)
    ps, p = double(ps), as_numpy(ps)
    query, key, value = (
        RNG.normal(size=(*batch, time, dims)) for time, dims in ((2, 6), (5, 4), (5, 4))
    )
    mask = RNG.random((2, 5)) < 0.5
    count = int(np.prod(batch))

    def expected(value, mask):
        sides = (query, p.q_proj), (key, p.k_proj), (value, p.v_proj)
        y, _ = formula(*(heads(a, w, 3).reshape(count, -1, 3, 2) for a, w in sides), mask)
        return (y.reshape(*batch, 2, 6)) @ p.out_proj.weight

    q, k, v, m = map(jnp.asarray, (query, key, value, mask))
    named = lux.NamedTuple(value=v, key=k, query=q, mask=m)
    for x, result in (
        ((q, k), expected(key, True)),
        ([q, k, v], expected(value, True)),
        ((q, k, v, None), expected(value, True)),
        ((q, k, v, m), expected(value, mask)),
        (named, expected(value, mask)),
    ):
        np.testing.assert_allclose(layer(x, ps, st)[0], result, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("interleaved", [False, True])
def test_norms_and_rotations_of_queries_and_keys(interleaved: bool):
    rotary = lux.RotaryPositionalEmbedding(2, base=3.0, interleaved=interleaved)
    layer = lux.MultiHeadAttention(6, 2, qk_norm=lux.RMSNorm(3), rotary=rotary)
    ps, st = lux.setup(0, layer)
    ps, st = double(ps), double(st)
    ps = lux.replace_at(ps, "q_norm.scale", jnp.array([1.0, 2.0, 3.0]))
    p = as_numpy(ps)
    query, key = RNG.normal(size=(2, 4, 6)), RNG.normal(size=(2, 4, 6))
    of_query, of_key = np.array([[0, 5, 2, 2], [1, 0, 9, 3]]), np.array([3, 1, 0, 2])

    def placed(x, scale, positions):
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * scale
        z = (x[..., 0] + 1j * x[..., 1]) * np.exp(1j * positions)[..., None]
        return np.stack([z.real, z.imag, x[..., 2]], -1)

    arguments = (
        placed(heads(query, p.q_proj, 2), p.q_norm.scale, of_query),
        placed(heads(key, p.k_proj, 2), p.k_norm.scale, of_key),
        heads(key, p.v_proj, 2),
        True,
    )
    expected = formula(*arguments)[0].reshape(2, 4, 6) @ p.out_proj.weight
    x = lux.NamedTuple(
        query=jnp.asarray(query),
        key=jnp.asarray(key),
        positions=(jnp.asarray(of_query), jnp.asarray(of_key)),
    )
    # The tables are in float32.
    np.testing.assert_allclose(layer(x, ps, st)[0], expected, rtol=1e-6, atol=1e-6)
    x = jnp.asarray(query)
    counted = layer(lux.NamedTuple(query=x, positions=jnp.arange(4)), ps, st)[0]
    np.testing.assert_allclose(layer(x, ps, st)[0], counted, rtol=1e-12)
    at_once = layer(lux.NamedTuple(query=x, positions=jnp.zeros(4, int)), ps, st)[0]
    assert abs(counted - at_once).max() > 0.01


def test_dropout_is_of_weights_and_draws_anew():
    layer = lux.MultiHeadAttention(4, 2, dropout_rate=0.5, return_weights=True)
    ps, st = lux.setup(0, layer)
    ps = double(ps)
    x = jnp.asarray(RNG.normal(size=(3, 20, 4)))
    (y, weights), new = layer(x, ps, st)
    (_, whole), same = layer(x, ps, lux.test_mode(st))
    dropped = weights == 0
    assert 0.45 < dropped.mean() < 0.55
    np.testing.assert_allclose(weights, jnp.where(dropped, 0, 2 * whole), rtol=1e-6)
    np.testing.assert_array_equal(y, layer(x, ps, st)[0][0])
    assert (y != layer(x, ps, new)[0][0]).any()
    assert (same.attention.rng == st.attention.rng).all()
    assert lux.setup(0, lux.MultiHeadAttention(4, 2))[1].attention == lux.NamedTuple()


def test_a_query_without_keys_gives_zeros():
    layer = lux.MultiHeadAttention(4, 2)
    ps, st = lux.setup(0, layer)
    x = jnp.ones((3, 4), jnp.float32)
    mask = jnp.array([True, False, True])[:, None]
    np.testing.assert_array_equal(layer((x, x, x, mask), ps, st)[0][1], 0)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_sinks_promote_as_parameters_do(dtype):
    layer = lux.DotProductAttention(1, 2, use_sinks=True)
    x = jnp.ones((3, 1, 2), jnp.bfloat16)
    y, _ = layer((x, x, x), lux.NamedTuple(sinks=jnp.zeros(1, dtype)), lux.NamedTuple())
    assert y.dtype == (jnp.bfloat16 if dtype == jnp.bfloat16 else jnp.float32)


def test_equal_by_value_and_pickled():
    make = lambda **more: lux.MultiHeadAttention(8, 2, qk_norm=lux.RMSNorm(4), **more)  # noqa: E731
    assert make() == make() != make(n_key_heads=1)
    assert pickle.loads(pickle.dumps(make())) == make()
    assert lux.DotProductAttention(2, 4) != lux.DotProductAttention(2, 4, scale=0.5)


def test_text():
    layer = lux.MultiHeadAttention(8, 2, n_key_heads=1, is_causal=True, use_sinks=True)
    assert repr(layer) == (
        "MultiHeadAttention(\n"
        "    q_proj = Dense(8 → 8, use_bias=False),      # 64 parameters\n"
        "    k_proj = Dense(8 → 4, use_bias=False),      # 32 parameters\n"
        "    v_proj = Dense(8 → 4, use_bias=False),      # 32 parameters\n"
        "    attention = DotProductAttention(2, 4, n_key_heads=1, is_causal=True, "
        "use_sinks=True),# 2 parameters\n"
        "    out_proj = Dense(8 → 8, use_bias=False),    # 64 parameters\n"
        ")         # Total: 194 parameters,\n"
        "          #        plus 0 states."
    )


MHA, DOT = lux.MultiHeadAttention, lux.DotProductAttention
PAIR = "a pair (left, right) of integers from 0, or None for no bound"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MHA(0), "MultiHeadAttention: dims: expected an integer of at least 1, got 0"),
        (
            lambda: MHA(8, 0),
            "MultiHeadAttention: n_heads: expected an integer of at least 1, got 0",
        ),
        (
            lambda: MHA(8, 3),
            "MultiHeadAttention: n_heads: expected a divisor of dims=8, or a head_dim, got 3",
        ),
        (
            lambda: MHA(8, 4, n_key_heads=3),
            "DotProductAttention: n_key_heads: expected a divisor of n_heads=4, got 3",
        ),
        (
            lambda: MHA(8, 4, n_key_heads=0),
            "DotProductAttention: n_key_heads: expected an integer of at least 1, got 0",
        ),
        (
            lambda: MHA(8, 4, head_dim=0),
            "DotProductAttention: head_dim: expected an integer of at least 1, got 0",
        ),
        (
            lambda: DOT(1, 2, value_head_dim="2"),
            "DotProductAttention: value_head_dim: expected an integer of at least 1, got '2'",
        ),
        (
            lambda: DOT(1, 2, dropout_rate=1.5),
            "DotProductAttention: dropout_rate: expected a number from 0 to 1, got 1.5",
        ),
        (
            lambda: DOT(1, 2, soft_cap=0),
            "DotProductAttention: soft_cap: expected a positive number, got 0",
        ),
        (
            lambda: DOT(1, 2, scale=-1.0),
            "DotProductAttention: scale: expected a positive number, got -1.0",
        ),
        (
            lambda: DOT(1, 2, sliding_window=3),
            f"DotProductAttention: sliding_window: expected {PAIR}, got 3",
        ),
        (
            lambda: DOT(1, 2, sliding_window=(-1, None)),
            f"DotProductAttention: sliding_window: expected {PAIR}, got (-1, None)",
        ),
        (
            lambda: DOT(1, 2, sliding_window=(1, 2, 3)),
            f"DotProductAttention: sliding_window: expected {PAIR}, got (1, 2, 3)",
        ),
        (
            lambda: MHA(8, qk_norm=True),
            "MultiHeadAttention: qk_norm: expected a layer or None, got True",
        ),
        (
            lambda: MHA(8, rotary=4),
            "MultiHeadAttention: rotary: expected a layer or None, got 4",
        ),
    ],
)
def test_an_impossible_layer_is_refused(make, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        make()
    assert str(caught.value) == message


X = np.ones((2, 3, 4), np.float32)


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (
            MHA(4),
            (X,) * 5,
            "MultiHeadAttention: x: expected up to 4 of (query, key, value, mask), or a NamedTuple "
            "with fields of (query, key, value, mask, bias, segment_ids), got 5 of them",
        ),
        (
            MHA(4, rotary=lux.RotaryPositionalEmbedding(4)),
            lux.NamedTuple(key=X),
            "MultiHeadAttention: x: expected up to 4 of (query, key, value, mask), or a NamedTuple "
            "with fields of (query, key, value, mask, bias, segment_ids, positions), got the "
            "fields (key)",
        ),
        (
            MHA(4),
            lux.NamedTuple(query=X, positions=np.arange(3)),
            "MultiHeadAttention: x: expected up to 4 of (query, key, value, mask), or a NamedTuple "
            "with fields of (query, key, value, mask, bias, segment_ids), got the fields (query, "
            "positions)",
        ),
        (
            DOT(1, 4),
            X,
            "DotProductAttention: x: expected the first 3 to 4 of (query, key, value, mask), or a "
            "NamedTuple with fields of (query, key, value, mask, bias, segment_ids), got one array",
        ),
        (
            DOT(1, 4),
            (X[:, :, None], None, X[:, :, None]),
            "DotProductAttention: x: expected the first 3 to 4 of (query, key, value, mask), or a "
            "NamedTuple with fields of (query, key, value, mask, bias, segment_ids), got 3 of them",
        ),
        (
            DOT(2, 4),
            (X[:, :, None],) * 3,
            "DotProductAttention: query: expected shape (*batch, time, 2, 4), got (2, 3, 1, 4)",
        ),
        (
            DOT(3, 4, n_key_heads=1, value_head_dim=2),
            (X, X[:, :1], X[:, :1]),
            "DotProductAttention: value: expected shape (*batch, time, 1, 2), got (2, 1, 4)",
        ),
        (
            MHA(4),
            (X, X[:1]),
            "scaled_dot_product_attention: key: expected shape (2, key_time, key_heads, 4) with a "
            "divisor of 1 as key_heads, got (1, 3, 1, 4). It must fit query (2, 3, 1, 4).",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_refused(layer, x, message: str):
    ps, st = lux.setup(0, layer)
    with pytest.raises(ValueError, match="expected") as caught:
        layer(jax.tree.map(jnp.asarray, x), ps, st)
    assert str(caught.value) == message
    assert any(note.startswith("at ") for note in caught.value.__notes__)


def test_parameters_of_another_layer_are_refused():
    layer = lux.DotProductAttention(2, 1, use_sinks=True)
    x = jnp.ones((3, 2, 1), jnp.float32)
    with pytest.raises(ValueError, match="do not fit") as caught:
        layer((x, x, x), lux.NamedTuple(sinks=jnp.zeros(3)), lux.NamedTuple())
    assert str(caught.value) == (
        "the parameters do not fit: sinks: expected shape (2,), got (3,): are these the parameters "
        "of another model?"
    )
    ps, st = lux.setup(0, lux.MultiHeadAttention(4, 2))
    with pytest.raises(ValueError, match=r"expected the fields \(q_proj, k_proj, v_proj, q_norm"):
        lux.MultiHeadAttention(4, 2, qk_norm=lux.RMSNorm(2))(jnp.ones((3, 4)), ps, st)
