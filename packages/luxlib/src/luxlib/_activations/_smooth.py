"""Activations that round the corner of `relu` or `abs`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from . import _elementary
from ._pointwise import elementwise, pointwise, real
from ._sigmoids import logistic

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float

__all__ = ["logcosh", "logsigmoid", "softplus", "sparse_plus", "squareplus"]


def softplus(x: Float[Array, "*shape"], *, beta: float | Array = 1.0) -> Float[Array, "*shape"]:
    """Round the corner of `relu`, without overflow.

    `y = log(1 + exp(beta * x)) / beta`

    With another `beta` than 1, the rounding of `beta * x` is amplified in the lower tail.

    Dugas et al., "Incorporating second-order functional knowledge for better option pricing", 2000.
    """
    x = real("softplus", x)
    return _softplus(x) if isinstance(beta, (int, float)) and beta == 1 else _sharp(x, beta)


def _softplus_value(x: Array) -> Array:
    return jnp.maximum(x, 0.0) + _elementary.log1p(_elementary.exp(-jnp.abs(x)))


_corner = pointwise(_softplus_value, logistic)
_softplus = elementwise(_corner)


@elementwise
def _sharp(x: Array, beta: float | Array) -> Array:
    u = beta * x
    return jnp.where(u >= 100, x, _corner(jnp.minimum(u, 100.0)) / beta)  # u may overflow


def logsigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Take the logarithm of the sigmoid, without overflow.

    `y = -softplus(-x)`
    """
    return _logsigmoid(real("logsigmoid", x))


@elementwise
def _logsigmoid(x: Array) -> Array:
    return -_corner(-x)


def squareplus(x: Float[Array, "*shape"], *, b: float | Array = 4.0) -> Float[Array, "*shape"]:
    """Round the corner of `relu` with a square root.

    `y = (x + √(x² + b)) / 2`

    In `float32` it is within 2.7 units in the last place.

    Barron, "Squareplus: a softplus-like algebraic rectifier", 2021.
    """
    return _squareplus(real("squareplus", x), b)


@jax.custom_jvp
def _algebraic(x: Array, b: Array) -> Array:
    root = _root(x, b)
    # Below 0 the sum cancels; a root that is 0 is not divided by.
    below = x < 0
    above = jnp.where(x > _LARGE, x, 0.5 * (x + root))
    return jnp.where(below, 0.5 * b / jnp.where(below, root - x, 1.0), above)


@_algebraic.defjvp
def _algebraic_jvp(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    (x, b), (x_dot, b_dot) = primals, tangents
    y = _algebraic(x, b)
    near = jnp.clip(x, -_LARGE, _LARGE)
    inverse = 1 / _root(near, b)
    return y, _algebraic(near, b) * inverse * x_dot + 0.25 * inverse * b_dot


def _root(x: Array, b: Array) -> Array:
    """Return `√(x² + b)`, which is `|x|` where the square would overflow."""
    near = jnp.clip(x, -_LARGE, _LARGE)
    return jnp.maximum(jnp.sqrt(near * near + b), jnp.abs(x))


_LARGE = 1e18


@elementwise
def _squareplus(x: Array, b: float | Array) -> Array:
    return _algebraic(x, jnp.broadcast_to(jnp.asarray(b, x.dtype), x.shape))


def sparse_plus(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Round the corner of `relu` with a parabola.

    `y = where(x <= -1, 0, where(x >= 1, x, (x + 1)² / 4))`

    Martins and Astudillo, "From softmax to sparsemax", 2016; named as in JAX.
    """
    return _sparse_plus(real("sparse_plus", x))


@elementwise
def _sparse_plus(x: Array) -> Array:
    arc = jnp.clip(x, -1.0, 1.0) + 1
    return jnp.where(x >= 1, x, 0.25 * arc * arc)


def logcosh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Take the logarithm of the hyperbolic cosine, accurately near zero and without overflow.

    `y = log(cosh(x))`
    """
    return _logcosh(real("logcosh", x))


# log(cosh(x)) = x² p(x²) for |x| ≤ 1, to 6.8e-9.
_LOGCOSH = (
    0.499999996609,
    -0.0833329924062,
    0.022216574233,
    -0.0067104355112,
    0.00207734298647,
    -0.000556222473423,
    8.6569983401e-5,
)
_LOG2_HIGH = 0.693359375
_LOG2_LOW = math.log(2) - _LOG2_HIGH


def _logcosh_value(x: Array) -> Array:
    a = jnp.abs(x)
    far = (a - _LOG2_HIGH) + _elementary.log1p(_elementary.exp(-2 * a)) - _LOG2_LOW
    if x.dtype == jnp.float32:
        square = jnp.minimum(a, 1.0) ** 2
        near = square * _elementary.polynomial(square, _LOGCOSH)
    else:
        minus = _elementary.expm1(-jnp.minimum(a, 1.0))
        near = _elementary.log1p(0.5 * minus * minus / (1 + minus))  # of cosh(x) - 1
    return jnp.where(a < 1, near, far)


_logcosh = elementwise(pointwise(_logcosh_value, jnp.tanh))
