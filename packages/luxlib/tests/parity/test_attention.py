"""Attention against PyTorch's, in value and gradient."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import luxlib


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def boolean(seed, *shape):
    mask = np.random.default_rng(seed).random(shape) < 0.7
    return mask | (np.arange(shape[-1]) == 0)  # PyTorch gives NaN where nothing is seen


def arguments(batch, time, key_time, heads, key_heads, size):
    return (
        normal(0, *batch, time, heads, size),
        normal(1, *batch, key_time, key_heads, size),
        normal(2, *batch, key_time, key_heads, size),
    )


def heads_first(a):
    return np.swapaxes(a, -2, -3)


def compare(ours, theirs, arrays, layouts):
    """Hold value and gradients to each other."""
    tensors = [
        torch.tensor(np.ascontiguousarray(layout(a)), requires_grad=True)
        for a, layout in zip(arrays, layouts, strict=True)
    ]
    expected = theirs(*tensors)
    y, pullback = jax.vjp(jax.jit(ours), *map(jnp.asarray, arrays))
    ct = normal(99, *y.shape)
    expected.backward(torch.tensor(np.ascontiguousarray(heads_first(ct))))
    close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-11)
    close(heads_first(np.asarray(y)), expected.detach().numpy())
    for bar, tensor, layout in zip(pullback(jnp.asarray(ct)), tensors, layouts, strict=True):
        close(layout(np.asarray(bar)), tensor.grad.numpy())


@pytest.mark.parametrize("implementation", ["plain", "blocked"])
@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        (((2,), 7, 9, 3, 3, 4), {}),
        (((2,), 8, 8, 4, 4, 8), {"is_causal": True}),
        (((2,), 5, 9, 2, 2, 4), {"is_causal": True}),
        (((2,), 9, 5, 2, 2, 4), {"is_causal": True}),
        (((2,), 7, 9, 6, 2, 4), {"scale": 0.3}),
        (((3, 2), 7, 9, 2, 2, 4), {"mask": boolean(3, 3, 1, 1, 1, 9)}),
        (((2,), 7, 9, 2, 2, 4), {"mask": boolean(3, 2, 2, 7, 9)}),
        (((1,), 600, 600, 2, 1, 4), {"is_causal": True}),
        (((1,), 1100, 1000, 1, 1, 4), {"is_causal": True}),
        (((1,), 1100, 1000, 1, 1, 4), {}),
    ],
)
def test_scaled_dot_product_attention(sizes, options, implementation):
    torch_options = dict(options)
    if "mask" in options:
        torch_options["attn_mask"] = torch.tensor(torch_options.pop("mask"))
    compare(
        partial(luxlib.scaled_dot_product_attention, **options, implementation=implementation),
        partial(F.scaled_dot_product_attention, **torch_options, enable_gqa=True),
        arguments(*sizes),
        [heads_first] * 3,
    )


@pytest.mark.parametrize("shape", [(2, 3, 7, 9), (3, 1, 9), (7, 9), (1, 1, 1, 9)])
def test_bias(shape):
    compare(
        lambda q, k, v, bias: luxlib.scaled_dot_product_attention(q, k, v, bias=bias),
        lambda q, k, v, bias: F.scaled_dot_product_attention(q, k, v, attn_mask=bias),
        [*arguments((2,), 7, 9, 3, 3, 4), normal(5, *shape)],
        [heads_first] * 3 + [np.asarray],
    )


@pytest.mark.parametrize("heads", [1, 2])
def test_layers_of_multi_head_attention(heads):
    """The weights too, which PyTorch gives as a mean over heads unless asked."""
    x = normal(0, 2, 5, 4)
    layer = torch.nn.MultiheadAttention(4, heads, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.eye(4).repeat(3, 1))
        layer.out_proj.weight.copy_(torch.eye(4))
        seen = np.asarray(luxlib.make_causal_mask(jnp.asarray(x)))
        tensor = torch.tensor(x)
        y, alpha = layer(
            tensor, tensor, tensor, attn_mask=torch.tensor(~seen), average_attn_weights=False
        )
    ours, our_alpha = luxlib.dot_product_attention(
        *[jnp.asarray(x)] * 3, mask=jnp.asarray(seen), n_heads=heads
    )
    np.testing.assert_allclose(ours, y.numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(our_alpha, alpha.numpy(), rtol=1e-12, atol=1e-13)
