"""Activations and gated linear units against PyTorch's, in value and gradient, also at infinity."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import luxlib

PAIRS = {
    "celu": (luxlib.celu, F.celu),
    "celu-2": (partial(luxlib.celu, alpha=2.0), partial(F.celu, alpha=2.0)),
    "elu-2": (partial(luxlib.elu, alpha=2.0), partial(F.elu, alpha=2.0)),
    "gelu_erf": (luxlib.gelu_erf, F.gelu),
    "gelu_tanh": (luxlib.gelu_tanh, partial(F.gelu, approximate="tanh")),
    "hardshrink": (luxlib.hardshrink, F.hardshrink),
    "hardswish": (luxlib.hardswish, F.hardswish),
    "hardtanh": (
        partial(luxlib.hardtanh, min_value=-2.0, max_value=0.5),
        partial(F.hardtanh, min_val=-2.0, max_val=0.5),
    ),
    "leakyrelu": (luxlib.leakyrelu, F.leaky_relu),
    "logsigmoid": (luxlib.logsigmoid, F.logsigmoid),
    "mish": (luxlib.mish, F.mish),
    "relu6": (luxlib.relu6, F.relu6),
    "selu": (luxlib.selu, F.selu),
    "sigmoid": (luxlib.sigmoid, F.sigmoid),
    "swish": (luxlib.swish, F.silu),
    "softplus": (luxlib.softplus, F.softplus),
    "softplus-2": (partial(luxlib.softplus, beta=2.0), partial(F.softplus, beta=2.0)),
    "softshrink-1": (partial(luxlib.softshrink, threshold=1.0), partial(F.softshrink, lambd=1.0)),
    "softsign": (luxlib.softsign, F.softsign),
    "tanh": (luxlib.tanh, F.tanh),
    "tanhshrink": (luxlib.tanhshrink, F.tanhshrink),
    "threshold": (
        partial(luxlib.threshold, threshold=0.1, value=20.0),
        partial(F.threshold, threshold=0.1, value=20.0),
    ),
}
GRID = np.concatenate([np.linspace(-8, 8, 400), [-1e4, -50, -15.5, 15.5, 50, 1e4]])


@pytest.mark.parametrize("name", PAIRS)
def test_value_gradient_and_second_order(name):
    ours, theirs = PAIRS[name]
    tensor = torch.tensor(GRID, requires_grad=True)
    y = theirs(tensor)
    (first,) = torch.autograd.grad(y.sum(), tensor, create_graph=True)
    second = torch.zeros_like(y)
    if first.requires_grad:
        (second,) = torch.autograd.grad(first.sum(), tensor, allow_unused=True)
        second = torch.zeros_like(y) if second is None else second
    gradient = jax.grad(ours)
    with jax.enable_x64(True):
        results = jax.jit(jax.vmap(lambda x: (ours(x), gradient(x), jax.grad(gradient)(x))))(
            jnp.asarray(GRID)
        )
    # PyTorch's softplus is x itself from 20 on, and its tanhshrink cancels near 0.
    for result, expected in zip(results, (y, first, second), strict=True):
        right = expected.detach().numpy()
        if name == "mish":  # whose second derivative overflows in PyTorch at 1e4
            right = np.where(GRID == 1e4, np.nan_to_num(right), right)
        np.testing.assert_allclose(result, right, rtol=2e-9, atol=2e-9)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_glu(axis):
    x = np.random.default_rng(0).normal(size=(4, 6, 2))
    tensor = torch.tensor(x, requires_grad=True)
    expected = F.glu(tensor, axis)
    ct = np.random.default_rng(1).normal(size=expected.shape)
    expected.backward(torch.tensor(ct))
    with jax.enable_x64(True):
        y, pullback = jax.vjp(lambda x: luxlib.glu(x, axis=axis), jnp.asarray(x))
        (bar,) = pullback(jnp.asarray(ct))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(bar, tensor.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_prelu():
    x, weight = np.random.default_rng(0).normal(size=(5, 3)), np.array([0.1, -0.2, 1.5])
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, weight)]
    F.prelu(*tensors).square().sum().backward()
    with jax.enable_x64(True):
        bars = jax.grad(lambda *a: (luxlib.prelu(*a) ** 2).sum(), (0, 1))(
            jnp.asarray(x), jnp.asarray(weight)
        )
    for bar, tensor in zip(bars, tensors, strict=True):
        np.testing.assert_allclose(bar, tensor.grad.numpy(), rtol=1e-12)


# How many times PyTorch's error. XLA's own `tanh` is the fastest; it is within 4.4 units.
ERRORS = {"gelu_erf": 1.5, "mish": 1.5, "selu": 1.5, "sigmoid": 1.5, "swish": 1.5, "softplus": 1.5}
ERRORS |= {"tanh": 9.0, "gelu_tanh": 3.0}


@pytest.mark.parametrize("name", ERRORS)
def test_float32_is_as_close_to_the_truth(name):
    ours, theirs = PAIRS[name]
    x = np.linspace(-12, 12, 100_001, dtype=np.float32)
    truth = theirs(torch.tensor(x, dtype=torch.float64)).numpy()
    our_error = np.abs(np.asarray(ours(x), np.float64) - truth).max()
    their_error = np.abs(theirs(torch.tensor(x)).double().numpy() - truth).max()
    assert our_error <= ERRORS[name] * their_error
