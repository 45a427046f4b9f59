"""Pooling, forward and backward: VGG's and ResNet's windows, overlapping, dilated and large ones.

Plain JAX is `jax.lax.reduce_window`, which Flax calls, with its own derivative. XLA has none for a
dilated maximum: there the plain form takes the maximum of strided slices.
"""

from __future__ import annotations

import math
from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function


def plain_maximum(x, *, window, stride, padding, dilation=1):
    if dilation > 1:
        return maximum_of_slices(x, window, stride, padding, dilation)
    return lax.reduce_window(x, -jnp.inf, lax.max, **geometry(window, stride, padding))


def plain_mean(x, *, window, stride, padding):
    sums = lax.reduce_window(x, 0.0, lax.add, **geometry(window, stride, padding))
    return sums / math.prod(window)


def geometry(window, stride, padding):
    return {
        "window_dimensions": (1, *window, 1),
        "window_strides": (1, stride, stride, 1),
        "padding": ((0, 0), (padding, padding), (padding, padding), (0, 0)),
    }


def maximum_of_slices(x, window, stride, padding, dilation):
    edges = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    padded = jnp.pad(x, edges, constant_values=-jnp.inf)
    rows, columns = (n - dilation * (k - 1) for n, k in zip(padded.shape[1:3], window, strict=True))
    return reduce(
        jnp.maximum,
        [
            padded[:, i * dilation :, j * dilation :][:, :rows:stride, :columns:stride]
            for i in range(window[0])
            for j in range(window[1])
        ],
    )


def of_torch(pool, x, bar):
    import torch

    # Channels last in memory, as torch has them fastest.
    leaf, bar = (
        a.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last) for a in (x, bar)
    )
    leaf.requires_grad_()

    def run():
        y = pool(torch.nn.functional)(leaf)
        return y, *torch.autograd.grad(y, [leaf], bar)

    return run, lambda made: tuple(a.permute(0, 2, 3, 1) for a in made)


def case(shape, window, stride, padding=0, dilation=1, *, mean=False, target=None):
    rng = np.random.default_rng(0)
    options = {"stride": stride, "padding": padding}
    if dilation > 1:
        options["dilation"] = dilation
    ours = partial(luxlib.meanpool if mean else luxlib.maxpool, window=window, **options)
    plain = partial(plain_mean if mean else plain_maximum, window=window, **options)
    places = jax.eval_shape(ours, np.zeros(shape, "float32")).shape
    name = "mean" if mean else "max"
    words = f"{window[0]}×{window[1]}/{stride}" + (f" dilated {dilation}" * (dilation > 1))

    def theirs(functions):
        pool = functions.avg_pool2d if mean else functions.max_pool2d
        return partial(pool, kernel_size=window, **options)

    return Case(
        f"{name} pool {words}, forward and backward, {'×'.join(map(str, shape))}",
        (rng.normal(size=shape), rng.normal(size=places)),
        {
            "luxlib": jax_function(forward_and_backward(ours)),
            "plain JAX": jax_function(forward_and_backward(plain)),
            "PyTorch": torch_function(partial(of_torch, theirs)),
        },
        target=target,
    )


CASES = [
    case((32, 32, 32, 64), (2, 2), 2, target=0.4),
    case((8, 112, 112, 64), (3, 3), 2, 1, target=0.4),
    case((32, 32, 32, 64), (3, 3), 1, 1, target=0.4),
    case((32, 28, 28, 16), (3, 3), 2, 1, 2),
    case((8, 28, 28, 512), (2, 2), 2, target=0.4),
    case((1, 512, 512, 3), (3, 3), 2, 1, target=0.4),
    case((8, 28, 28, 64), (7, 7), 7, target=0.4),
    case((8, 28, 28, 64), (9, 9), 1, 4, target=0.4),
    case((32, 32, 32, 64), (2, 2), 2, mean=True),
    case((8, 112, 112, 64), (3, 3), 2, 1, mean=True),
    case((32, 32, 32, 64), (3, 3), 1, 1, mean=True),
    case((32, 8, 8, 256), (8, 8), 8, mean=True),
]
