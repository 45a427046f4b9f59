"""The layers of transformers: what they are made of, and what they refuse."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 4)).astype(np.float32)
ENCODER, DECODER = lux.TransformerEncoderLayer, lux.TransformerDecoderLayer


def test_a_gated_mlp_is_its_formula():
    layer = lux.GatedMLP(4, 6, lux.tanh, use_bias=True)
    ps, st = lux.setup(0, layer)
    p = jax.tree.map(np.float64, ps)
    gate, up = (X @ m.weight + m.bias for m in (p.gate_proj, p.up_proj))
    expected = (np.tanh(gate) * up) @ p.down_proj.weight + p.down_proj.bias
    np.testing.assert_allclose(layer(X, ps, st)[0], expected, rtol=1e-5, atol=1e-6)
    assert lux.GatedMLP(4, 6).gate_proj == lux.Dense(4, 6, lux.swish, use_bias=False)
    assert lux.parameter_length(lux.GatedMLP(4, 6)) == 3 * 24


class Shift(lux.AbstractLuxLayer):
    """Takes part in a sum in a way that tells apart where it was called, and on what."""

    by: float

    def __call__(self, x, ps, st):
        return 2 * (x.query if isinstance(x, lux.NamedTuple) else x) + self.by, st


class Half(lux.AbstractLuxLayer):
    def __call__(self, x, ps, st):
        return x / 2, st


@pytest.mark.parametrize("norm_first", [False, True])
def test_the_order_of_sublayers(norm_first: bool):
    options = {"norm": Half(), "norm_first": norm_first, "dropout_rate": 0.0}
    encoder = ENCODER(1, Shift(1.0), Shift(10.0), **options)
    decoder = DECODER(1, Shift(1.0), Shift(10.0), cross_attention=Shift(100.0), **options)

    def sublayer(x, by):
        return x + (x + by) if norm_first else (x + 2 * x + by) / 2

    x = jnp.float32(3.0)
    for layer, given, shifts in ((encoder, x, (1, 10)), (decoder, (x, x), (1, 100, 10))):
        expected = 3.0
        for by in shifts:
            expected = sublayer(expected, by)
        assert layer(given, *lux.setup(0, layer))[0] == expected


class Side(lux.AbstractLuxLayer):
    """Returns what is beside the query."""

    def __call__(self, x, ps, st):
        return sum(array for name, array in lux.items(x) if name != "query"), st


def test_what_is_beside_goes_to_attention():
    options = {"norm": lux.NoOpLayer(), "dropout_rate": 0.0}
    encoder = ENCODER(1, Side(), lux.NoOpLayer(), **options)
    decoder = DECODER(1, Side(), lux.NoOpLayer(), cross_attention=Side(), **options)
    names = ("mask", "bias", "segment_ids", "positions", "memory", "memory_mask")
    f = {name: jnp.float32(10**i) for i, name in enumerate(names)}
    x = jnp.float32(0)

    def result(layer, x):
        return layer(x, *lux.setup(0, layer))[0] / 2

    beside = {name: f[name] for name in names[:4]}
    assert result(encoder, lux.NamedTuple(x=x, **beside)) == 1111
    assert result(encoder, (x, f["mask"])) == 1
    assert result(decoder, lux.NamedTuple(x=x, **f)) == 111111
    assert result(decoder, (x, f["memory"], f["mask"], f["memory_mask"])) == 110001


def test_a_number_is_the_usual_layer():
    layer = ENCODER(4, 2, 6, lux.tanh, dropout_rate=0.25, is_causal=True, use_bias=False)
    whole = ENCODER(
        4,
        lux.MultiHeadAttention(4, 2, dropout_rate=0.25, is_causal=True),
        lux.Chain(
            dense_1=lux.Dense(4, 6, lux.tanh, use_bias=False),
            dropout=lux.Dropout(0.25),
            dense_2=lux.Dense(6, 4, use_bias=False),
        ),
        dropout_rate=0.25,
        norm=lux.LayerNorm(4),
    )
    assert layer == whole
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert layer.attention_dropout == layer.feed_forward_dropout == lux.Dropout(0.25)
    decoder = DECODER(4, 2, 6)
    assert decoder.attention == lux.MultiHeadAttention(
        4, 2, dropout_rate=0.1, is_causal=True, use_bias=True
    )
    assert decoder.cross_attention == lux.MultiHeadAttention(4, 2, dropout_rate=0.1, use_bias=True)
    assert DECODER(4, 2, cross_attention=1).cross_attention.attention.n_heads == 1
    assert ENCODER(4, 2).feed_forward.layers.dense_1 == lux.Dense(4, 2048, lux.relu)


def test_without_dropout_there_is_no_state():
    for layer in (ENCODER(4, 2, 6, dropout_rate=0.0), DECODER(4, 2, 6, dropout_rate=0)):
        assert lux.state_length(layer) == 0
    names = lux.setup(0, ENCODER(4, 2, 6))[0]._fields
    assert names == lux.setup(0, ENCODER(4, 2, 6, dropout_rate=0.0))[0]._fields


def test_dropout_is_at_all_its_places():
    layer = DECODER(4, 2, 6, dropout_rate=0.5)
    st = lux.setup(0, layer)[1]
    keys = [leaf for leaf in jax.tree.leaves(st) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)]
    assert len({tuple(jax.random.key_data(key).tolist()) for key in keys}) == 6
    _, new = layer((jnp.asarray(X), jnp.asarray(X)), *lux.setup(0, layer))
    changed = jax.tree.map(
        lambda a, b: bool((a != b).any()) if jnp.issubdtype(a.dtype, jax.dtypes.prng_key) else True,
        st,
        new,
    )
    assert all(jax.tree.leaves(changed))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ENCODER(0, 1),
            "TransformerEncoderLayer: dims: expected an integer of at least 1, got 0",
        ),
        (
            lambda: ENCODER(4, 3),
            "MultiHeadAttention: n_heads: expected a divisor of dims=4, or a head_dim, got 3",
        ),
        (lambda: ENCODER(4, 2, 0), "Dense: out_dims: expected an integer of at least 1, got 0"),
        (
            lambda: ENCODER(4, lux.MultiHeadAttention(4), is_causal=True),
            "TransformerEncoderLayer: is_causal: expected False where attention is a layer, which "
            "says it itself, got True",
        ),
        (
            lambda: ENCODER(4, 1, lux.GatedMLP(4, 8), lux.tanh),
            "TransformerEncoderLayer: activation: expected none where feed_forward is a layer, "
            f"which has its own, got {lux.tanh!r}",
        ),
        (
            lambda: ENCODER(4, 1, norm="layer"),
            "TransformerEncoderLayer: norm: expected a layer or None, got 'layer'",
        ),
        (
            lambda: ENCODER(4, 1, dropout_rate=2),
            "DotProductAttention: dropout_rate: expected a number from 0 to 1, got 2",
        ),
        (
            lambda: DECODER(4, lux.MultiHeadAttention(4)),
            "TransformerDecoderLayer: cross_attention: expected a layer or a number of heads, "
            "since attention is a layer, got None",
        ),
    ],
)
def test_an_impossible_layer_is_refused(make, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (
            ENCODER(4, 2, 6),
            (X,) * 3,
            "TransformerEncoderLayer: x: expected up to 2 of (x, mask), or a NamedTuple with "
            "fields of (x, mask, bias, segment_ids, positions), got 3 of them",
        ),
        (
            DECODER(4, 2, 6),
            X,
            "TransformerDecoderLayer: x: expected the first 2 to 4 of (x, memory, mask, "
            "memory_mask), or a NamedTuple with fields of (x, memory, mask, memory_mask, bias, "
            "segment_ids, positions), got one array",
        ),
        (
            ENCODER(4, 2, 6),
            X[..., :3],
            "fused_dense_bias_activation: x: expected shape (..., 4), got (2, 5, 3). The last axis "
            "of x must have the size of the first of weight (4, 4).",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_refused(layer, x, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        layer(x, *lux.setup(0, layer))
    assert str(caught.value) == message
    place = "attention.q_proj" if "fused" in message else "the outermost layer"
    assert caught.value.__notes__[0].startswith(f"at {place}: ")
