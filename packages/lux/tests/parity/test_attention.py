"""Attention and transformer layers against PyTorch's: outputs, and gradients of everything."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import lux

RNG = np.random.default_rng(0)
BATCH, TIME, OTHER_TIME, DIMS = 3, 5, 4, 8


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def dense(prefix, p):
    bias = {f"{prefix}.bias": p.bias} if "bias" in p._fields else {}
    return {f"{prefix}.weight": p.weight.T, **bias}


def norm(prefix, p):
    return {f"{prefix}.weight": p.scale, f"{prefix}.bias": p.bias}


def attention(p, prefix=""):
    """The parameters of attention under PyTorch's names, which has them of one input in one."""
    sides = (p.q_proj, p.k_proj, p.v_proj)
    weights = [side.weight.T for side in sides]
    if all(w.shape == weights[0].shape for w in weights):
        named = {"in_proj_weight": jnp.concatenate(weights)}
    else:
        named = {f"{name}_proj_weight": w for name, w in zip("qkv", weights, strict=True)}
    if "bias" in p.q_proj._fields:
        named["in_proj_bias"] = jnp.concatenate([side.bias for side in sides])
    named |= dense("out_proj", p.out_proj)
    return {prefix + name: array for name, array in named.items()}


def encoder(p):
    return {
        **attention(p.attention, "self_attn."),
        **norm("norm1", p.attention_norm),
        **dense("linear1", p.feed_forward.dense_1),
        **dense("linear2", p.feed_forward.dense_2),
        **norm("norm2", p.feed_forward_norm),
    }


def decoder(p):
    return {
        **encoder(p),
        **attention(p.cross_attention, "multihead_attn."),
        **norm("norm2", p.cross_attention_norm),
        **norm("norm3", p.feed_forward_norm),
    }


def compare(layer, names, module, ours, theirs, arrays, dtype, tolerance):
    """Our layer on `ours(*arrays)`, and theirs called with `theirs(module, *arrays)`."""
    ps, st = lux.setup(0, layer)
    st = lux.test_mode(st)
    ps = jax.tree.map(lambda p: p + 0.1 * jnp.asarray(RNG.normal(size=p.shape), p.dtype), ps)
    ps = jax.tree.map(lambda p: p.astype(dtype), ps)
    module = module.to(getattr(torch, dtype))
    given = dict(module.named_parameters())
    assert set(given) == set(names(ps))
    with torch.no_grad():
        for name, array in names(ps).items():
            given[name].copy_(torch.tensor(np.array(array)))
    inputs = [torch.tensor(a.astype(dtype), requires_grad=True) for a in arrays]
    expected = theirs(module, *inputs)
    cotangent = RNG.normal(size=tuple(expected.shape)).astype(dtype)
    expected.backward(torch.tensor(cotangent))

    @jax.jit
    def run(ps, arrays):
        y, vjp = jax.vjp(lambda ps, arrays: layer(ours(*arrays), ps, st)[0], ps, arrays)
        return y, vjp(jnp.asarray(cotangent))

    y, (grads, slopes) = run(ps, [jnp.asarray(a.astype(dtype)) for a in arrays])
    assert y.dtype == dtype
    close = {"rtol": tolerance, "atol": tolerance}
    np.testing.assert_allclose(y, expected.detach(), **close)
    for slope, tensor in zip(slopes, inputs, strict=True):
        np.testing.assert_allclose(slope, tensor.grad, **close)
    for name, array in names(grads).items():
        np.testing.assert_allclose(array, given[name].grad, err_msg=name, **close)


both_dtypes = pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)]
)
X, OTHER = RNG.normal(size=(BATCH, TIME, DIMS)), RNG.normal(size=(BATCH, OTHER_TIME, DIMS))
KEY, VALUE = RNG.normal(size=(BATCH, OTHER_TIME, 6)), RNG.normal(size=(BATCH, OTHER_TIME, 3))
CAUSAL = np.tri(TIME, dtype=bool)
SEEN = RNG.random((TIME, OTHER_TIME)) < 0.7
SEEN[:, 0] = True
SEEN_BY_HEAD = RNG.random((BATCH, 2, TIME, TIME)) < 0.6
SEEN_BY_HEAD[..., 0] = True
VALID = np.arange(TIME) < np.array([5, 2, 3])[:, None]
OTHER_VALID = np.arange(OTHER_TIME) < np.array([1, 4, 2])[:, None]
BIAS = RNG.normal(size=(TIME, TIME))


def hidden(seen):
    """PyTorch's masks are true where ours are not."""
    return torch.tensor(~np.asarray(seen))


def themselves(*arrays):
    return arrays[0] if len(arrays) == 1 else arrays


# name: options of ours and of theirs, arrays, what is beside them for ours and for theirs
ATTENTION = {
    "self": ({}, {}, (X,), {}, {}),
    "no bias": ({"use_bias": False}, {"bias": False}, (X,), {}, {}),
    "causal": ({"is_causal": True}, {}, (X,), {}, {"attn_mask": hidden(CAUSAL)}),
    "cross": ({}, {}, (X, OTHER), {}, {}),
    "cross mask": ({}, {}, (X, OTHER), {"mask": SEEN}, {"attn_mask": hidden(SEEN)}),
    "other inputs": (
        {"key_dims": 6, "value_dims": 3},
        {"kdim": 6, "vdim": 3},
        (X, KEY, VALUE),
        {},
        {},
    ),
    "key padding": (
        {},
        {},
        (X,),
        {"mask": VALID[:, None, None]},
        {"key_padding_mask": hidden(VALID)},
    ),
    "both masks": (
        {"is_causal": True},
        {},
        (X,),
        {"mask": VALID[:, None, None]},
        {"key_padding_mask": hidden(VALID), "attn_mask": hidden(CAUSAL)},
    ),
    "mask of heads": (
        {},
        {},
        (X,),
        {"mask": SEEN_BY_HEAD},
        {"attn_mask": hidden(SEEN_BY_HEAD).reshape(-1, TIME, TIME)},
    ),
    "bias of logits": ({}, {}, (X,), {"bias": BIAS}, {"attn_mask": torch.tensor(BIAS)}),
}


@both_dtypes
@pytest.mark.parametrize("name", ATTENTION)
def test_multi_head_attention(name, dtype, tolerance):
    options, their_options, arrays, beside, their_beside = ATTENTION[name]
    layer = lux.MultiHeadAttention(DIMS, 2, **{"use_bias": True, **options})
    module = torch.nn.MultiheadAttention(DIMS, 2, batch_first=True, **their_options)
    their_beside = {
        key: tensor.to(getattr(torch, dtype)) if tensor.is_floating_point() else tensor
        for key, tensor in their_beside.items()
    }

    def ours(*arrays):
        names = ("query", "key", "value")[: len(arrays)]
        given = {
            key: jnp.asarray(array, dtype if array.dtype == float else None)
            for key, array in beside.items()
        }
        return lux.NamedTuple(**dict(zip(names, arrays, strict=True)), **given)

    def theirs(module, *inputs):
        query, key, value = (*inputs, *inputs[-1:] * 2)[:3]
        return module(query, key, value, need_weights=False, **their_beside)[0]

    compare(layer, attention, module, ours, theirs, arrays, dtype, tolerance)


def test_the_weights_are_theirs():
    layer = lux.MultiHeadAttention(DIMS, 4, return_weights=True)
    ps, st = lux.setup(0, layer)
    ps = jax.tree.map(lambda p: p.astype(float), ps)
    module = torch.nn.MultiheadAttention(DIMS, 4, bias=False, batch_first=True).double()
    with torch.no_grad():
        for name, array in attention(ps).items():
            module.get_parameter(name).copy_(torch.tensor(np.array(array)))
    x, other = torch.tensor(X), torch.tensor(OTHER)
    expected = module(x, other, other, average_attn_weights=False)[1].detach()
    (_, weights), _ = layer((jnp.asarray(X), jnp.asarray(OTHER)), ps, st)
    np.testing.assert_allclose(weights, expected, rtol=1e-10, atol=1e-12)


ENCODERS = {
    "post": ({}, {}, None, {}),
    "pre": ({"norm_first": True}, {"norm_first": True}, None, {}),
    "gelu": ({"activation": lux.gelu_erf}, {"activation": "gelu"}, None, {}),
    "one head": ({"attention": 1}, {"nhead": 1}, None, {}),
    "mask": ({}, {}, CAUSAL, {"src_mask": hidden(CAUSAL)}),
    "causal": (
        {"is_causal": True, "norm_first": True},
        {"norm_first": True},
        None,
        {"src_mask": hidden(CAUSAL)},
    ),
    "padding": ({}, {}, VALID[:, None, None], {"src_key_padding_mask": hidden(VALID)}),
}


@both_dtypes
@pytest.mark.parametrize("name", ENCODERS)
def test_encoder_layer(name, dtype, tolerance):
    options, their_options, mask, beside = ENCODERS[name]
    layer = lux.TransformerEncoderLayer(DIMS, **{"attention": 2, "feed_forward": 7, **options})
    module = torch.nn.TransformerEncoderLayer(
        **{"d_model": DIMS, "nhead": 2, "dim_feedforward": 7, "dropout": 0.0, **their_options},
        batch_first=True,
    )
    mask = None if mask is None else jnp.asarray(mask)
    compare(
        layer,
        encoder,
        module,
        lambda x: x if mask is None else (x, mask),
        lambda module, x: module(x, **beside),
        (X,),
        dtype,
        tolerance,
    )


CAUSAL_ONLY = {"tgt_mask": hidden(CAUSAL)}
DECODERS = {
    "post": ({}, {}, (), CAUSAL_ONLY),
    "pre": ({"norm_first": True}, {"norm_first": True}, (), CAUSAL_ONLY),
    "swish": ({"activation": lux.swish}, {"activation": torch.nn.functional.silu}, (), CAUSAL_ONLY),
    "memory mask": ({}, {}, (None, SEEN), {**CAUSAL_ONLY, "memory_mask": hidden(SEEN)}),
    "padding": (
        {"norm_first": True},
        {"norm_first": True},
        (VALID[:, None, None], OTHER_VALID[:, None, None]),
        {
            **CAUSAL_ONLY,
            "tgt_key_padding_mask": hidden(VALID),
            "memory_key_padding_mask": hidden(OTHER_VALID),
        },
    ),
}


@both_dtypes
@pytest.mark.parametrize("name", DECODERS)
def test_decoder_layer(name, dtype, tolerance):
    options, their_options, masks, beside = DECODERS[name]
    layer = lux.TransformerDecoderLayer(DIMS, 2, 7, **options)
    module = torch.nn.TransformerDecoderLayer(
        DIMS, 2, 7, dropout=0.0, batch_first=True, **their_options
    )
    masks = [None if mask is None else jnp.asarray(mask) for mask in masks]
    compare(
        layer,
        decoder,
        module,
        lambda x, memory: (x, memory, *masks),
        lambda module, x, memory: module(x, memory, **beside),
        (X, OTHER),
        dtype,
        tolerance,
    )


@both_dtypes
@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize(("dim", "base"), [(8, 10000.0), (4, 500.0), (2, 10000.0)])
def test_rotary(interleaved, dim, base, dtype, tolerance):
    """Against the usual formulation, in which features are exchanged and half are negated."""
    x = RNG.normal(size=(2, TIME, 3, 8)).astype(dtype)
    positions = RNG.integers(0, 50, size=(2, TIME))
    cos, sin = lux.compute_rotary_embedding_params(dim, 50, base=base, dtype=dtype)
    tx = torch.tensor(x, requires_grad=True)
    frequencies = 1.0 / base ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = torch.tensor(positions, dtype=torch.float64)[..., None] * frequencies
    head, rest = tx[..., :dim], tx[..., dim:]
    if interleaved:
        angles = angles.repeat_interleave(2, -1)
        exchanged = torch.stack([-head[..., 1::2], head[..., ::2]], -1).flatten(-2)
    else:
        angles = torch.cat([angles, angles], -1)
        exchanged = torch.cat([-head[..., dim // 2 :], head[..., : dim // 2]], -1)
    cosines, sines = (f(angles)[..., None, :].to(tx.dtype) for f in (torch.cos, torch.sin))
    expected = torch.cat([head * cosines + exchanged * sines, rest], -1)
    cotangent = RNG.normal(size=x.shape).astype(dtype)
    expected.backward(torch.tensor(cotangent))
    y, vjp = jax.vjp(
        lambda x: lux.apply_rotary_embedding(
            x, cos, sin, jnp.asarray(positions), interleaved=interleaved
        ),
        jnp.asarray(x),
    )
    np.testing.assert_allclose(y, expected.detach(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(
        vjp(jnp.asarray(cotangent))[0], tx.grad, rtol=tolerance, atol=tolerance
    )


def test_ten_steps_of_an_encoder_layer_end_at_the_same_parameters():
    layer = lux.TransformerEncoderLayer(DIMS, 2, 7, norm_first=True)
    ps, st = lux.setup(0, layer)
    ps, st = jax.tree.map(lambda p: p.astype(float), ps), lux.test_mode(st)
    module = torch.nn.TransformerEncoderLayer(
        DIMS, 2, 7, dropout=0.0, batch_first=True, norm_first=True
    ).double()
    with torch.no_grad():
        for name, array in encoder(ps).items():
            module.get_parameter(name).copy_(torch.tensor(np.array(array)))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    step = jax.jit(jax.grad(lambda ps: (layer(jnp.asarray(X), ps, st)[0] ** 2).mean()))
    for _ in range(10):
        optimizer.zero_grad()
        (module(torch.tensor(X)) ** 2).mean().backward()
        optimizer.step()
        ps = jax.tree.map(lambda p, g: p - 0.1 * g, ps, step(ps))
    for name, array in encoder(ps).items():
        np.testing.assert_allclose(
            array, module.get_parameter(name).detach(), rtol=1e-9, atol=1e-12
        )
