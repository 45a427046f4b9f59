"""How an activation is made of formulas for its value and its derivative.

A value and a derivative that are written out, each as one quotient of what one exponential gives,
are one loop each. What JAX makes of a value's formula divides by nearly equal numbers, multiplies
0 with infinity, and stores what it uses twice: XLA never computes a quotient or an exponential
again, even where that is faster than writing it down and reading it.

The derivative's formula may again have a derivative of its own, so that every order is accurate.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from luxlib._checks import mismatch
from luxlib._dtypes import accumulator, to_inexact

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    Function = Callable[[Array], Array]

__all__ = ["elementwise", "pointwise", "pointwise_of_result", "real"]


def pointwise(
    value: Callable[[Array], Array], slope: Callable[[Array], Array]
) -> Callable[[Array], Array]:
    """Return the function `value` with the derivative `slope`, both of one real array."""
    function = jax.custom_jvp(value)

    @function.defjvp
    def rule(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        (x,), (x_dot,) = primals, tangents
        return function(x), slope(x) * x_dot

    return function


def pointwise_of_result(
    value: Callable[[Array], Array], slope: Callable[[Array], Array]
) -> Callable[[Array], Array]:
    """Return the function `value` with the derivative `slope(value(x))`, both of one real array."""
    function = jax.custom_jvp(value)

    @function.defjvp
    def rule(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        y = function(primals[0])
        return y, slope(y) * tangents[0]

    return function


def elementwise(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return a function of an array and parameters, jitted.

    Half precision is computed in `float32` and rounded once.
    """

    @jax.jit
    @wraps(function)
    def rounded(x: Array, *parameters: Any) -> Array:
        return function(x.astype(accumulator(x.dtype)), *parameters).astype(x.dtype)

    return rounded


def real(function: str, x: Any) -> Array:
    """Return `x` as a real array, integers and booleans in the default floating dtype."""
    x = to_inexact(x)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            "x",
            "a real dtype",
            x.dtype,
            "Apply it to the real and the imaginary part.",
            kind=TypeError,
        )
    return x
