"""Pooling against PyTorch's, in value and gradient."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import luxlib

SPACE = {1: (11,), 2: (9, 8), 3: (6, 5, 7)}


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def compare(ours, theirs, x):
    """Hold value and gradient to those of PyTorch, whose channels come first."""
    tensor = torch.tensor(np.ascontiguousarray(np.moveaxis(x, -1, 1)), requires_grad=True)
    expected = theirs(tensor)
    y, pullback = jax.vjp(ours, jnp.asarray(x))
    ct = np.random.default_rng(9).normal(size=y.shape)
    expected.backward(torch.tensor(np.ascontiguousarray(np.moveaxis(ct, -1, 1))))
    for a, b in ((y, expected.detach()), (pullback(jnp.asarray(ct))[0], tensor.grad)):
        np.testing.assert_allclose(
            np.moveaxis(np.asarray(a), -1, 1), b.numpy(), rtol=1e-11, atol=1e-12
        )


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape)


MEAN = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize(
    ("window", "stride", "padding"),
    [(2, 2, 0), (3, 3, 0), (3, 2, 1), (2, 1, 0), (2, 3, 1), (4, 3, 2), (5, 5, 2)],
)
def test_meanpool(axes, window, stride, padding, ceil_mode, count_include_pad):
    options = {
        "stride": stride,
        "padding": padding,
        "ceil_mode": ceil_mode,
        "count_include_pad": count_include_pad,
    }
    compare(
        partial(luxlib.meanpool, window=(window,) * axes, **options),
        partial(MEAN[axes], kernel_size=window, **options),
        normal(2, *SPACE[axes], 3),
    )


def test_meanpool_divides_by_as_many():
    """Every small combination for which both are defined."""
    for size, window, stride, padding, ceil_mode, include in product(
        range(1, 8), range(1, 5), range(1, 5), range(3), (False, True), (False, True)
    ):
        if 2 * padding > window or size + 2 * padding < window:
            continue
        options = {
            "stride": stride,
            "padding": padding,
            "ceil_mode": ceil_mode,
            "count_include_pad": include,
        }
        x = np.arange(1.0, size + 1)
        expected = F.avg_pool1d(torch.tensor(x)[None, None], window, **options)
        with jax.disable_jit():
            y = luxlib.meanpool(jnp.asarray(x)[None, :, None], (window,), **options)
        np.testing.assert_allclose(
            y[0, :, 0], expected[0, 0].numpy(), rtol=1e-12, err_msg=f"{size} {window} {options}"
        )


NORM = {1: F.lp_pool1d, 2: F.lp_pool2d, 3: F.lp_pool3d}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("p", [1, 2, 3.5])
@pytest.mark.parametrize(("window", "stride", "ceil_mode"), [(2, 2, False), (3, 2, True)])
def test_lpnormpool(axes, p, window, stride, ceil_mode):
    if ceil_mode and (np.subtract(SPACE[axes], window) % stride).any():
        pytest.skip("PyTorch divides the sum of a window that reaches over the end by fewer")
    compare(
        partial(
            luxlib.lpnormpool, p=p, window=(window,) * axes, stride=stride, ceil_mode=ceil_mode
        ),
        partial(NORM[axes], norm_type=p, kernel_size=window, stride=stride, ceil_mode=ceil_mode),
        np.abs(normal(2, *SPACE[axes], 3)) + 0.1,
    )


MAX_ADAPTIVE = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
MEAN_ADAPTIVE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


@pytest.mark.parametrize(
    ("axes", "output_size"),
    [(1, (4,)), (1, (11,)), (1, (13,)), (2, (3, 3)), (2, (1, 8)), (2, (7, 5)), (3, (4, 2, 3))],
)
def test_adaptive(axes, output_size):
    x = normal(2, *SPACE[axes], 3)
    for values, ours, theirs in (
        (x, luxlib.adaptive_maxpool, MAX_ADAPTIVE),
        (np.round(x), luxlib.adaptive_maxpool, MAX_ADAPTIVE),  # ties
        (x, luxlib.adaptive_meanpool, MEAN_ADAPTIVE),
    ):
        compare(
            partial(ours, output_size=output_size),
            partial(theirs[axes], output_size=output_size),
            values,
        )
