"""Activations that weigh each element by a number between 0 and 1 (or -1 and 1).

An element that is far below 0 has the weight 0, also if it is infinite. The product of the two is
never formed: where the weight is 0 the element is replaced by a finite one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from ._elementary import exp
from ._pointwise import elementwise, pointwise, real
from ._sigmoids import hardsigmoid_value, logistic, logistic_density

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float

__all__ = ["hardswish", "lisht", "mish", "sigmoid_gate", "swish"]

_FAR = 750.0  # beyond, a float64's exponential is 0 too


def swish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by its sigmoid; `swish` is another name for it.

    `y = x * sigmoid(x)`

    Elfwing et al., "Sigmoid-weighted linear units", 2017; Ramachandran et al., "Searching for
    activation functions", 2017.
    """
    return _swish(real("swish", x))


def sigmoid_gate(scale: float) -> Callable[[Array], Array]:
    """Return `x sigmoid(scale x)`, elementwise, with its derivatives."""

    def value(x: Array) -> Array:
        e = exp(-scale * jnp.abs(x))
        weighed = jnp.where(x < 0, jnp.maximum(x, -_FAR) * e, x)
        return weighed - jnp.minimum(weighed, _FAR) * (e / (1 + e))

    def slope(x: Array) -> Array:
        u = scale * jnp.clip(x, -_FAR, _FAR)
        e = exp(-jnp.abs(u))
        return (jnp.where(x < 0, e, 1.0) * (1 + e) + e * u) / ((1 + e) * (1 + e))

    def curvature(x: Array) -> Array:
        u = scale * jnp.clip(x, -_FAR, _FAR)
        return scale * logistic_density(u) * (2 - u * jnp.tanh(u / 2))

    return elementwise(pointwise(value, pointwise(slope, curvature)))


_swish = sigmoid_gate(1.0)


def hardswish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by its hard sigmoid.

    `y = x * hardsigmoid(x)`

    The derivative is 0 at -3 and 1 at 3. Howard et al., "Searching for MobileNetV3", 2019.
    """
    return _hardswish(real("hardswish", x))


def _hardswish_value(x: Array) -> Array:
    return jnp.maximum(x, -3.0) * hardsigmoid_value(x)


def _hardswish_slope(x: Array) -> Array:
    inside = x * (1 / 3) + 0.5
    return jnp.where(x <= -3, jnp.zeros_like(x), jnp.where(x >= 3, 1.0, inside))


_hardswish = elementwise(pointwise(_hardswish_value, _hardswish_slope))


def mish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by the `tanh` of its softplus.

    `y = x * tanh(softplus(x))`

    In `float32` it is within 4 units in the last place.

    Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """
    return _mish(real("mish", x))


def _mish_value(x: Array) -> Array:
    """With `w = exp(x)` the weight is `n / (n + 2)` for `n = w² + 2 w`."""
    e, below = exp(-jnp.abs(x)), x < 0
    half = 0.5 * e * e + e  # n / 2 where w is e
    twice = half + half
    square = e * e
    weighed = jnp.where(below, jnp.maximum(x, -_FAR) * half, x)
    complement = jnp.where(below, twice, square + square)
    share = complement / jnp.where(below, twice + 2, 1 + twice + square)
    return weighed - jnp.minimum(weighed, _FAR) * share


def _mish_slope(x: Array) -> Array:
    e, below = exp(-jnp.abs(x)), x < 0
    w, v = jnp.where(below, e, 1.0), jnp.where(below, 1.0, e)  # exp(x) = w / v
    n = w * (w + 2 * v)
    d = n + 2 * v * v
    return (n * d + jnp.clip(x, -_FAR, _FAR) * (4 * v * v * w) * (w + v)) / (d * d)


def _mish_curvature(x: Array) -> Array:
    x = jnp.clip(x, -_FAR, _FAR)
    gate, density = logistic(x), logistic_density(x)
    weight = jnp.tanh(jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x))))
    rest = 1 - weight * weight
    first = gate * rest
    return 2 * first + x * (density * rest - 2 * weight * gate * first)


_mish = elementwise(pointwise(_mish_value, pointwise(_mish_slope, _mish_curvature)))


def lisht(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Multiply each element by its `tanh`.

    `y = x * tanh(x)`

    As accurate as `tanh`: in `float32` within 4.4 units in the last place.

    Roy et al., "LiSHT: non-parametric linearly scaled hyperbolic tangent", 2019.
    """
    return _lisht(real("lisht", x))


def _lisht_slope(x: Array) -> Array:
    y = jnp.tanh(x)
    return y + jnp.clip(x, -_FAR, _FAR) * (1 - y * y)


_lisht = elementwise(pointwise(lambda x: x * jnp.tanh(x), _lisht_slope))
