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
from jax import lax

from luxlib._linear import linear

from ._geometry import padded, turn
from ._images import sum_over_images

if TYPE_CHECKING:
    from jax import Array

    from ._geometry import Geometry

__all__ = ["shifts", "shifts_back_for_input", "shifts_for_input", "shifts_for_weight"]

_AT_A_TIME = 2**16


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

    Rows are flattened to `(width * channels)`, so that sums over them are sums of long vectors.
    """
    inner, features = x.shape[-1] // geometry.groups, ct.shape[-1]

    def sums(x: Array, ct: Array) -> Array:
        factor = ct.reshape(-1, geometry.places[-1] * features)
        elements = [
            _channel(padded(x, geometry.pairs), c, geometry.groups, features) for c in range(inner)
        ]
        return jnp.stack(
            [
                _sum_rows(_rows_at(channel, at, geometry) * factor)
                for at in geometry.positions
                for channel in elements
            ]
        )

    rows = sum_over_images(sums, x, ct, _AT_A_TIME)
    bar = rows.reshape(-1, geometry.places[-1], features)
    return _sum_rows(bar.transpose(1, 0, 2)).reshape(*geometry.window, inner, features)


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


def _rows_at(padded: Array, position: tuple[int, ...], geometry: Geometry) -> Array:
    """Return what lies at a position of all windows, as rows `(-1, width * channels)`."""
    channels, width = padded.shape[-1], geometry.places[-1]
    if geometry.stride[-1] == 1:
        # Slicing flattened rows keeps the kernel's loop free of divisions: it takes half as long.
        start = position[-1] * geometry.dilation[-1] * channels
        lines = padded.reshape(*padded.shape[:-2], -1)
        lines = lax.slice_in_dim(lines, start, start + width * channels, axis=lines.ndim - 1)
        if geometry.axes > 1:
            lines = geometry.without(geometry.axes - 1).at(lines, position[:-1])
        return lines.reshape(-1, width * channels)
    return geometry.at(padded, position).reshape(-1, width * channels)


def _sum_rows(products: Array) -> Array:
    """Sum over the leading axis."""
    return linear(_reduce, partial(_repeat, products.shape[0]), (), products)


def _reduce(_: tuple[()], products: Array) -> Array:
    """Sum by a reducer that rounds to the precision that the sum has anyway.

    XLA's kernel library doesn't know it, so the products are summed where they are computed, and
    not written to memory first.
    """
    information = jnp.finfo(products.dtype)

    def add(a: Array, b: Array) -> Array:
        return lax.reduce_precision(a + b, information.nexp, information.nmant)

    return lax.reduce(products, jnp.zeros((), products.dtype), add, (0,))


def _repeat(count: int, _: tuple[()], row: Array) -> Array:
    return jnp.broadcast_to(row, (count, *row.shape))
