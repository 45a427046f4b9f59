"""Formulations of a convolution with few channels a group: the input, shifted, times numbers.

A depthwise convolution has one input channel a group, and no product of matrices in it. XLA's CPU
backend, which knows only those, takes 30 to 100 times as long as these elementwise kernels. Where a
group has more channels, the sum goes over them too.
"""

from __future__ import annotations

import operator
from functools import partial, reduce
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jax import lax

from luxlib._linear import linear

from ._geometry import padded, turn
from ._images import sum_over_images

if TYPE_CHECKING:
    from jax import Array

    from ._geometry import Geometry

__all__ = ["shifts", "shifts_back_for_input", "shifts_for_input", "shifts_for_weight"]

# As many elements make a row long enough.
_LONG = 2**11


def shifts(x: Array, weight: Array, geometry: Geometry) -> Array:
    """The sum over positions and a group's channels of what lies there times the kernel."""
    elements = padded(x, geometry.pairs)
    inner, features = weight.shape[-2:]
    terms = (
        _scale(geometry.at(_channel(elements, c, geometry.groups, features), at), weight[at][c])
        for c in range(inner)
        for at in geometry.positions
    )
    return reduce(operator.add, terms)


def shifts_for_input(ct: Array, weight: Array, geometry: Geometry) -> Array:
    """The same for the convolution that is the input gradient."""
    transposed = geometry.transposed
    spread = padded(ct, ((0, 0),) * geometry.axes, geometry.stride)
    return shifts(spread, turn(weight, geometry.groups), transposed)


def shifts_back_for_input(ct: Array, weight: Array, geometry: Geometry) -> Array:
    """The sum over positions of the products, put back where they are (depthwise)."""
    bars = (geometry.back(_scale(ct, weight[at][0]), at) for at in geometry.positions)
    return reduce(operator.add, bars)


def shifts_for_weight(x: Array, ct: Array, geometry: Geometry) -> Array:
    """The sums of products of the shifted input with the output's gradient.

    Rows are flattened to `(width * channels)` and summed first, which are sums of long vectors. Two
    images lie side by side, more where rows are short: half as many loops, and still in the cache.
    """
    inner, features = x.shape[-1] // geometry.groups, ct.shape[-1]
    row = geometry.places[-1] * features

    def sums(x: Array, ct: Array) -> list[Array]:
        elements = padded(x, geometry.pairs)
        channels = [_channel(elements, c, geometry.groups, features) for c in range(inner)]
        # The barrier copies the images out of the batch once, and not for each product.
        factor = lax.optimization_barrier(ct).reshape(ct.shape[0], -1, row)
        products = [
            geometry.at(channel, at).reshape(factor.shape) * factor
            for at in geometry.positions
            for channel in channels
        ]
        return _sums_of_rows(products)

    rows = sum_over_images(sums, x, ct, max(2, _LONG // row))
    sides = jnp.stack(rows).reshape(len(rows), -1, features)
    return _sums_of_rows([sides])[0].reshape(*geometry.window, inner, features)


def _scale(x: Array, factors: Array) -> Array:
    """Multiply each channel by a number."""
    return x * factors.reshape((1,) * (x.ndim - 1) + factors.shape)


def _channel(x: Array, c: int, groups: int, features: int) -> Array:
    """Return channel `c` of every group, repeated for each of the group's output channels."""
    if x.shape[-1] == groups == features:
        return x
    x = x.reshape(*x.shape[:-1], groups, -1)[..., c, None]
    x = jnp.broadcast_to(x, (*x.shape[:-1], features // groups))
    return x.reshape(*x.shape[:-2], features)


def _sums_of_rows(products: list[Array]) -> list[Array]:
    """Sum each over its middle axis."""
    return linear(_sum, partial(_repeat, products[0].shape[1]), (), products)


def _sum(_: tuple[()], products: list[Array]) -> list[Array]:
    """Sum by a reducer that rounds to the precision that the sum has anyway.

    XLA's kernel library doesn't know it, so the products are summed where they are computed, and
    not written to memory first.
    """
    dtype = products[0].dtype
    information = jnp.finfo(dtype)

    def add(a: Array, b: Array) -> Array:
        return lax.reduce_precision(a + b, information.nexp, information.nmant)

    return [lax.reduce(product, np.zeros((), dtype), add, (1,)) for product in products]


def _repeat(count: int, _: tuple[()], rows: list[Array]) -> list[Array]:
    """The transpose: each row as often as there were rows."""
    return [jnp.broadcast_to(row[:, None], (row.shape[0], count, row.shape[1])) for row in rows]
