"""Formulations of a convolution that mixes channels, and of its two gradients.

Each is a function of two arrays and the geometry:

- forward: `(x, weight)` → `(batch, *places, out)`
- input gradient: `(ct, weight)` → `(batch, *space, in)`
- weight gradient: `(x, ct)` → `(*window, in / groups, out)`

where `ct` is the gradient for the output. `plain` is XLA's convolution, always with axes in the
order `(batch, *space, channels)`. JAX's own derivatives exchange the roles of axes and leave the
rest to XLA, whose CPU backend has no fast code for such a convolution inside of a loop: in
`lax.scan` the gradients took 10 and 40 times as long.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import jax.numpy as jnp
from jax import lax

from luxlib._xla_convolution import xla_convolution

from ._geometry import padded, turn
from ._images import sum_over_images

if TYPE_CHECKING:
    from jax import Array

    from ._geometry import Geometry

__all__ = [
    "columns_for_input",
    "columns_for_weight",
    "cross_for_weight",
    "larger",
    "larger_for_input",
    "lines_for_weight",
    "plain",
    "plain_for_input",
    "plain_for_weight",
    "product",
    "product_for_input",
    "product_for_weight",
    "taps_for_input",
    "taps_for_weight",
]


# XLA's convolution


def plain(x: Array, weight: Array, geometry: Geometry) -> Array:
    """XLA's convolution."""
    return xla_convolution(
        x,
        weight,
        stride=geometry.stride,
        pairs=geometry.pairs,
        dilation=geometry.dilation,
        groups=geometry.groups,
    )


def plain_for_input(ct: Array, weight: Array, geometry: Geometry) -> Array:
    """The convolution of the output's gradient, spread by the stride, with the turned kernel."""
    return xla_convolution(
        ct,
        turn(weight, geometry.groups),
        pairs=geometry.transposed.pairs,
        spread=geometry.stride,
        dilation=geometry.dilation,
        groups=geometry.groups,
    )


def plain_for_weight(x: Array, ct: Array, geometry: Geometry) -> Array:
    """The convolution of the input with the output's gradient, of which channels are the batch."""
    axes = geometry.axes
    space = tuple(range(1, axes + 1))
    y = xla_convolution(
        x.transpose(axes + 1, *space, 0),
        ct.transpose(*space, 0, axes + 1),
        stride=geometry.dilation,
        pairs=geometry.met,
        dilation=geometry.stride,
    )
    return y.transpose(*space, 0, axes + 1)


# XLA's convolution with a few more places, cut off again: XLA's kernel library takes none that has
# more places than its input has elements, and XLA's own code is up to twice as fast.


def larger(x: Array, weight: Array, geometry: Geometry) -> Array:
    """The convolution at more places along its longest axis."""
    axis, more = excess(geometry)
    pairs = list(geometry.pairs)
    pairs[axis] = (pairs[axis][0], pairs[axis][1] + more)
    y = plain(x, weight, replace(geometry, pairs=tuple(pairs)))
    return lax.slice_in_dim(y, 0, geometry.places[axis], axis=axis + 1)


def larger_for_input(ct: Array, weight: Array, geometry: Geometry) -> Array:
    """The same for the convolution that is the input gradient (stride 1)."""
    return larger(ct, turn(weight, geometry.groups), geometry.transposed)


def excess(geometry: Geometry) -> tuple[int, int]:
    """Return the longest axis, and how many places it has too few to outgrow the input."""
    axis = geometry.places.index(max(geometry.places))
    return axis, max(geometry.space[axis] - geometry.places[axis] + 1, 0)


# One matrix product, for a window of one element without padding


def product(x: Array, weight: Array, geometry: Geometry) -> Array:
    """The product of every element that has a place with one matrix."""
    return _multiply(geometry.at(x, (0,) * geometry.axes), weight.reshape(weight.shape[-2:]))


def product_for_input(ct: Array, weight: Array, geometry: Geometry) -> Array:
    """The product with the transposed matrix, put back where the elements are."""
    x_bar = _multiply(ct, weight.reshape(weight.shape[-2:]).T)
    return geometry.back(x_bar, (0,) * geometry.axes)


def product_for_weight(x: Array, ct: Array, geometry: Geometry) -> Array:
    """The product of all elements' channels with those of the output's gradient."""
    weight_bar = _contract(geometry.at(x, (0,) * geometry.axes), ct)
    return weight_bar.reshape(*geometry.window, *weight_bar.shape)


# One matrix product for each position in the window


def taps_for_input(ct: Array, weight: Array, geometry: Geometry) -> Array:
    """A product with each position's matrix, put back where that position is."""
    bars = (geometry.back(_multiply(ct, weight[at].T), at) for at in geometry.positions)
    return reduce(operator.add, bars)


def taps_for_weight(x: Array, ct: Array, geometry: Geometry) -> Array:
    """A product of what lies at each position with the output's gradient."""
    elements = padded(x, geometry.pairs)
    bars = [_contract(geometry.at(elements, at), ct) for at in geometry.positions]
    return jnp.stack(bars).reshape(*geometry.window, *bars[0].shape)


# One matrix product for the whole window


def columns_for_input(ct: Array, weight: Array, geometry: Geometry) -> Array:
    """The product with all positions' matrices, each part put back where its position is."""
    features = weight.shape[-1]
    # The barrier keeps XLA from computing the product's parts one by one.
    bars = lax.optimization_barrier(_multiply(ct, weight.reshape(-1, features).T))
    parts = jnp.split(bars, len(geometry.positions), axis=-1)
    return reduce(operator.add, map(geometry.back, parts, geometry.positions))


def columns_for_weight(x: Array, ct: Array, geometry: Geometry) -> Array:
    """The product of windows, laid out in the channels, with the output's gradient."""
    return _contract(ct, _columns(x, geometry)).T.reshape(
        *geometry.window, x.shape[-1], ct.shape[-1]
    )


def cross_for_weight(x: Array, ct: Array, geometry: Geometry) -> Array:
    """One product of the input, windows' rows laid out, with the gradient, their columns laid out.

    For two axes and stride 1. It copies a third of what whole windows would.
    """

    def cross(x: Array, ct: Array) -> Array:
        height, width = geometry.window
        bar = _contract(_columns(x, geometry.along(1)), _outputs_of_a_row(ct, geometry))
        bar = bar.reshape(width, x.shape[-1], height, ct.shape[-1])
        return lax.rev(bar.transpose(2, 0, 1, 3), (0,))

    return sum_over_images(cross, x, ct, _in_cache(ct))


def lines_for_weight(x: Array, ct: Array, geometry: Geometry) -> Array:
    """One convolution along rows, with the gradient's columns in windows laid out.

    For two axes and stride 1. The rows of all images are channels of one convolution over one axis,
    and XLA's kernel library takes only those over two.
    """

    def lines(x: Array, ct: Array) -> Array:
        (height, width), inner, features = geometry.window, x.shape[-1], ct.shape[-1]
        outputs = _outputs_of_a_row(ct, geometry)
        bar = xla_convolution(
            x.transpose(3, 2, 0, 1).reshape(inner, x.shape[2], -1),
            outputs.transpose(2, 0, 1, 3).reshape(outputs.shape[2], -1, height * features),
            stride=geometry.dilation[1:],
            pairs=geometry.met[1:],
        )
        bar = bar.reshape(inner, width, height, features)
        return lax.rev(bar.transpose(2, 1, 0, 3), (0,))

    return sum_over_images(lines, x, ct, _in_cache(ct))


def _in_cache(ct: Array) -> int:
    """Return of how many images the gradient has 2^17 elements; 2^16 or 2^18 are as good."""
    return max(2**17 * ct.shape[0] // ct.size, 1)


def _columns(x: Array, geometry: Geometry) -> Array:
    """Lay out in the channels what lies at each position of a window."""
    elements = padded(x, geometry.pairs)
    return jnp.concatenate([geometry.at(elements, at) for at in geometry.positions], -1)


def _outputs_of_a_row(ct: Array, geometry: Geometry) -> Array:
    """Lay out in the channels the rows of outputs that a row goes into, the first one first."""
    return _columns(ct, geometry.transposed.along(0))


def _multiply(x: Array, matrix: Array) -> Array:
    """Multiply the channels by a matrix."""
    rows = x.reshape(-1, x.shape[-1])
    y = lax.dot_general(rows, matrix, (((1,), (0,)), ((), ())))
    return y.reshape(*x.shape[:-1], matrix.shape[-1])


def _contract(x: Array, y: Array) -> Array:
    """Return the sum of the outer products of channels."""
    x, y = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    return lax.dot_general(x, y, (((0,), (0,)), ((), ())))
