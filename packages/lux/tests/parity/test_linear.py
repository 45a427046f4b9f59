"""`Dense`, `Scale`, `Bilinear`, `Embedding` and `EinsumDense` beside PyTorch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn.functional import linear

import lux

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
RNG = np.random.default_rng(0)

dtypes = pytest.mark.parametrize("dtype", TOLERANCE)


def compare(layer, function, xs, dtype):
    """Outputs and gradients; `function(*xs, **ps)` is torch's with parameters in our layout."""
    made, st = lux.setup(0, layer)
    ps = jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), dtype), made)
    floating = [np.issubdtype(x.dtype, np.floating) for x in xs]
    xs = [jnp.asarray(x, dtype) if real else x for x, real in zip(xs, floating, strict=True)]
    inputs = [
        torch.tensor(np.asarray(x), requires_grad=real)
        for x, real in zip(xs, floating, strict=True)
    ]
    parameters = {
        name: torch.tensor(np.asarray(p), requires_grad=True) for name, p in lux.items(ps)
    }
    expected = function(*inputs, **parameters)
    bar = RNG.normal(size=tuple(expected.shape)).astype(dtype)
    expected.backward(torch.tensor(bar))

    def output(ps, moving):
        moved = iter(moving)
        x = tuple(next(moved) if real else x for x, real in zip(xs, floating, strict=True))
        return layer(x if len(x) > 1 else x[0], ps, st)[0]

    moving = [x for x, real in zip(xs, floating, strict=True) if real]
    y, vjp = jax.vjp(output, ps, moving)
    grads, bars = vjp(jnp.asarray(bar))
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected.detach(), **close)
    for x_bar, theirs in zip(bars, (i for i in inputs if i.requires_grad), strict=True):
        np.testing.assert_allclose(x_bar, theirs.grad, **close)
    for name, p in parameters.items():
        np.testing.assert_allclose(getattr(grads, name), p.grad, **close)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@dtypes
@pytest.mark.parametrize("batch", [(5,), (2, 3), ()])
@pytest.mark.parametrize(
    ("layer", "activation"),
    [
        (lux.Dense(4, 3, lux.tanh), torch.tanh),
        (lux.Dense(4, 3, lux.gelu_erf, use_bias=False), torch.nn.functional.gelu),
    ],
)
def test_dense(layer, activation, batch, dtype):
    def function(x, weight, bias=None):
        return activation(linear(x, weight.T, bias))

    compare(layer, function, [RNG.normal(size=(*batch, 4))], dtype)


@dtypes
@pytest.mark.parametrize("batch", [(5,), (2, 3)])
@pytest.mark.parametrize(
    ("sizes", "options"),
    [((2, 3, 4), {}), ((1, 1, 1), {}), ((4, 2, 1), {"use_bias": False})],
)
def test_bilinear(sizes, options, batch, dtype):
    layer = lux.Bilinear(sizes[:2], sizes[2], lux.softplus, **options)

    def function(x, y, weight, bias=None):
        z = torch.nn.functional.bilinear(x, y, weight.permute(2, 0, 1), bias)
        return torch.nn.functional.softplus(z)

    xs = [RNG.normal(size=(*batch, size)) for size in sizes[:2]]
    compare(layer, function, xs, dtype)


@dtypes
@pytest.mark.parametrize("shape", [(), (7,), (3, 4)])
@pytest.mark.parametrize("padding_index", [None, 0, 4])
def test_embedding(shape, padding_index, dtype):
    layer = lux.Embedding(5, 3, padding_index=padding_index)

    def function(ids, weight):
        return torch.nn.functional.embedding(ids, weight, padding_idx=padding_index)

    compare(layer, function, [RNG.integers(0, 5, shape)], dtype)


@dtypes
@pytest.mark.parametrize(
    ("equation", "theirs", "x", "weight", "bias_axes"),
    [
        ("...a,ab->...b", "xya,ab->xyb", (2, 5, 3), (3, 4), "b"),
        ("...ab,abc->...c", "xab,abc->xc", (5, 3, 2), (3, 2, 4), "c"),
        ("...a,ahd->...hd", "xa,ahd->xhd", (5, 3), (3, 2, 2), "hd"),
        ("bia,bac->bic", "bia,bac->bic", (2, 5, 3), (2, 3, 4), ""),
        ("ba,ac->cb", "ba,ac->cb", (5, 3), (3, 4), ""),
    ],
)
def test_einsum_dense(equation, theirs, x, weight, bias_axes, dtype):
    layer = lux.EinsumDense(equation, weight, lux.tanh, bias_axes=bias_axes)

    def function(x, weight, bias=None):
        y = torch.einsum(theirs, x, weight)
        return torch.tanh(y if bias is None else y + bias)

    compare(layer, function, [RNG.normal(size=x)], dtype)


@dtypes
@pytest.mark.parametrize("batch", [(5,), (2, 3)])
@pytest.mark.parametrize("shape", [(4,), (2, 3)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_scale(shape, use_bias, batch, dtype):
    def function(x, weight, bias=None):
        return torch.relu(x * weight + (0 if bias is None else bias))

    layer = lux.Scale(shape, lux.relu, use_bias=use_bias)
    compare(layer, function, [RNG.normal(size=(*batch, *shape))], dtype)


@pytest.mark.parametrize("use_bias", [True, False])
def test_bilinear_begins_as_theirs(use_bias):
    ps, _ = lux.setup(0, lux.Bilinear((50, 20), 30, use_bias=use_bias))
    module = torch.nn.Bilinear(50, 20, 30, bias=use_bias)
    for name, p in lux.items(ps):
        theirs = getattr(module, name).detach()
        few = 0.2 if p.size < 100 else 0.01
        assert float(abs(p).max()) == pytest.approx(float(theirs.abs().max()), rel=few)
        assert float(p.std()) == pytest.approx(float(theirs.std()), rel=2 * few)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lux.initializers.orthogonal, torch.nn.init.orthogonal_),
        (lux.initializers.normal(std=0.3), lambda x: torch.nn.init.normal_(x, std=0.3)),
        (lux.initializers.uniform(lo=-1.0), lambda x: torch.nn.init.uniform_(x, -1, 1)),
        (
            lux.initializers.sparse_init(sparsity=0.25),
            lambda x: torch.nn.init.sparse_(x.T, sparsity=0.25),
        ),
        (lux.initializers.glorot_normal(gain=2), lambda x: torch.nn.init.xavier_normal_(x, 2)),
        (lux.initializers.kaiming_uniform, lambda x: torch.nn.init.kaiming_uniform_(x.T)),
    ],
)
def test_initializers_draw_from_the_same_distribution(ours, theirs):
    shape = (200, 100)
    x = np.sort(np.abs(np.asarray(ours(0, shape))).ravel())
    y = torch.zeros(shape)
    theirs(y)
    y = np.sort(np.abs(y.numpy()).ravel())
    # The quantiles of the sizes.
    np.testing.assert_allclose(x[::1000], y[::1000], atol=0.05 * y.max())
