"""What all normalizations share: statistics of groups of elements, and one derivative.

**Accuracy.** Around a mean of 10,000 the numbers of `float32` are a thousandth apart, so a rounded
mean alone makes every result wrong by about that. Differences of neighbours are exact, though: a
first, rounded mean is subtracted, and what it missed is found as the mean of the differences. The
variance comes from the same differences. That is as accurate whatever the mean, and in whatever
order is summed.

**Derivative.** With `h = (x - mean) * inverse`, `inverse = 1 / √(variance + ε)`, `gain = scale *
inverse` and the average over the group,

    y_dot = gain * (x_dot - average(x_dot) - h * average(x_dot * h)) + h * scale_dot + bias_dot

There are two ways to write it, from which XLA makes programs of different speed. Where `scale` and
`bias` are the same for all elements of a group (channels), it is `gain * x_dot + across +
differences * along` with two small arrays: transposed, they are two sums of the cotangent, from
which come both the gradients of the parameters and the corrections of the gradient of `x`. Where
they are not (rows), it is as above. Between the passes only `x` and the statistics are kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from luxlib._dtypes import accumulator

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from jax import Array

    AxisName: TypeAlias = Hashable | tuple[Hashable, ...]
    _Dots: TypeAlias = tuple[Array | None, Array, Array]

__all__ = ["Group", "as_axes", "blank", "count", "standardize"]


@dataclass(frozen=True)
class Group:
    """Which elements are normalized together: those along `axes`, more of them where it is said.

    - `channel_groups`: in how many groups of neighbours the last axis is split, if it is
    - `axis_name`: the mapped axes (devices) that hold more of the same group
    - `centred`: whether the mean is subtracted
    """

    axes: tuple[int, ...]
    channel_groups: int | None = None
    axis_name: AxisName | None = None
    centred: bool = True


def standardize(
    x: Array,
    scale: Array | None,
    bias: Array | None,
    mask: Array | None,
    group: Group,
    epsilon: float,
) -> tuple[Array, Array, Array]:
    """Return `(x - mean) * scale / √(variance + ε) + bias`, the mean and the variance.

    All arrays have the axes of `x`; `scale`, `bias` and `mask` broadcast to it. The results have
    the dtype in which is summed; the statistics keep the axes of `x` and have no derivative.
    """
    neutral = (1,) * x.ndim
    wide = accumulator(x.dtype)
    scale = jnp.ones(neutral, wide) if scale is None else scale.astype(wide)
    bias = jnp.zeros(neutral, wide) if bias is None else bias.astype(wide)
    return _standardize(blank(x, mask), scale, bias, mask, group, epsilon)


def blank(x: Array, mask: Array | None) -> Array:
    """Set elements to zero that are not valid, so that nothing of them gets anywhere."""
    return x if mask is None else jnp.where(mask, x, jnp.zeros_like(x))


def as_axes(parameter: Array | None, ndim: int) -> Array | None:
    """Give a parameter of the last axes `ndim` of them."""
    if parameter is None:
        return None
    return parameter.reshape((1,) * (ndim - parameter.ndim) + parameter.shape)


def count(x: Array, mask: Array | None, group: Group) -> Array:
    """Return how many valid elements each group has, with the axes of `x`."""
    wide = accumulator(x.dtype)
    if mask is not None:
        ones = jnp.broadcast_to(mask, x.shape).astype(jnp.int32)  # in float32 a sum ends at 2²⁴
        return _total(ones, group).astype(wide)
    size = math.prod(x.shape[axis] for axis in group.axes)
    if group.channel_groups is not None:
        size *= x.shape[-1] // group.channel_groups
    if group.axis_name is not None:
        size *= lax.psum(1, group.axis_name)
    return jnp.full((1,) * x.ndim, size, wide)


def _total(x: Array, group: Group) -> Array:
    """Sum over each group, with the axes of `x`."""
    total = x.sum(group.axes, keepdims=True)
    if group.channel_groups is not None:
        parts = _apart(total).reshape(*total.shape[:-1], group.channel_groups, -1)
        shared = jnp.broadcast_to(parts.sum(-1, keepdims=True), parts.shape)
        total = shared.reshape(total.shape)
    if group.axis_name is not None:
        total = lax.psum(total, group.axis_name)
    return total


def _apart(x: Array) -> Array:
    """Keep XLA's CPU backend from fusing what comes before with what comes after.

    It would hand sums, small or large, to a library together with what is done to large arrays,
    from copies in full size of what is broadcast: groupnorm took 1.4 times as long. Rounding to the
    precision that numbers have changes nothing.
    """
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return x
    kind = jnp.finfo(x.dtype)
    return lax.reduce_precision(x, kind.nexp, kind.nmant)


def _average(x: Array, number: Array, group: Group) -> Array:
    """Return the mean over each group, zero where it is empty."""
    return _total(x, group) / jnp.maximum(number, 1)


def _differences(x: Array, about: Array, mask: Array | None) -> Array:
    """Subtract a first mean; exact where that is near."""
    return blank(x.astype(about.dtype) - about, mask)


def _moments(
    x: Array, mask: Array | None, number: Array, group: Group
) -> tuple[Array, Array, Array]:
    """Return the mean in two parts, a rounded one and what it missed, and the variance."""
    x = x.astype(accumulator(x.dtype))
    if not group.centred:
        zero = jnp.zeros_like(number)
        return zero, zero, _average(x * x, number, group)
    about = _coarse(lax.stop_gradient(_average(x, number, group)))  # no result depends on it
    differences = _differences(x, about, mask)
    rest = _average(differences, number, group)
    square = _average(differences * differences, number, group)
    return about, rest, jnp.maximum(square - rest * rest, 0)


def _coarse(x: Array) -> Array:
    """Drop the last bits, so that a number is the same wherever the compiler computes it again.

    It fuses `x - sum / n` into one operation in some places, where the quotient is not rounded.
    """
    kind = jnp.finfo(x.dtype)
    return lax.reduce_precision(x, kind.nexp, kind.nmant - 4)


@partial(jax.custom_jvp, nondiff_argnums=(4, 5))
def _standardize(
    x: Array, scale: Array, bias: Array, mask: Array | None, group: Group, epsilon: float
) -> tuple[Array, Array, Array]:
    about, rest, variance = _moments(x, mask, count(x, mask, group), group)
    inverse = lax.rsqrt(variance + epsilon)
    differences = _differences(x, about, mask)
    if _of_channels(scale, bias, group):
        gain = scale * inverse
        y = differences * gain + (bias - rest * gain)
    else:
        y = (differences - rest) * inverse * scale + bias
    return y, about + rest, variance


def _of_channels(scale: Array, bias: Array, group: Group) -> bool:
    """Tell whether the parameters are the same for all elements along the axes of a group."""
    return all(p.shape[axis] == 1 for p in (scale, bias) for axis in group.axes)


def _standardize_jvp(
    group: Group,
    epsilon: float,
    primals: tuple[Array, Array, Array, Array | None],
    tangents: tuple[Any, Any, Any, Any],
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
    x, scale, bias, mask = primals
    y, mean, variance = _standardize(x, scale, bias, mask, group, epsilon)
    number = count(x, mask, group)
    about, rest, variance_again = _moments(x, mask, number, group)
    inverse = lax.rsqrt(variance_again + epsilon)
    average = partial(_average, number=number, group=group)
    write = _tangent_of_channels if _of_channels(scale, bias, group) else _tangent_of_rows

    @partial(jax.checkpoint, prevent_cse=False)  # keeps x rather than the differences
    def tangent(
        x: Array, about: Array, rest: Array, inverse: Array, scale: Array, dots: _Dots
    ) -> Array:
        differences = _differences(x, about, mask)
        return write(differences, rest, inverse, scale, dots, average, group.centred)

    x_dot, scale_dot, bias_dot = (
        None if isinstance(dot, SymbolicZero) else dot.astype(y.dtype) for dot in tangents[:3]
    )
    dots = (
        x_dot,
        jnp.zeros_like(scale) if scale_dot is None else scale_dot,
        jnp.zeros_like(bias) if bias_dot is None else bias_dot,
    )
    y_dot = jnp.broadcast_to(tangent(x, about, rest, inverse, scale, dots), y.shape)
    return (y, mean, variance), (y_dot, jnp.zeros_like(mean), jnp.zeros_like(variance))


_standardize.defjvp(_standardize_jvp, symbolic_zeros=True)


def _tangent_of_channels(
    differences: Array,
    rest: Array,
    inverse: Array,
    scale: Array,
    dots: _Dots,
    average: Callable[[Array], Array],
    centred: bool,
) -> Array:
    x_dot, along, across = dots
    if x_dot is None:
        return differences * (inverse * along) + (across - rest * inverse * along)
    gain = scale * inverse
    mean_dot = average(x_dot) if centred else jnp.zeros_like(rest)
    along = along - gain * inverse * (average(x_dot * differences) - rest * mean_dot)
    across = across - gain * mean_dot - rest * inverse * along
    return gain * x_dot + across + differences * (inverse * along)


def _tangent_of_rows(
    differences: Array,
    rest: Array,
    inverse: Array,
    scale: Array,
    dots: _Dots,
    average: Callable[[Array], Array],
    centred: bool,
) -> Array:
    x_dot, scale_dot, bias_dot = dots
    h = (differences - rest) * inverse
    y_dot = h * scale_dot + bias_dot
    if x_dot is None:
        return y_dot
    inner = x_dot - average(x_dot) if centred else x_dot
    return scale * inverse * (inner - h * average(x_dot * h)) + y_dot
