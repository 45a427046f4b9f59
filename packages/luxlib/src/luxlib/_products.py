"""Products, and the precision in which they and their derivatives are summed.

A product of half-precision arrays is summed in `float32` and stays in it, so that a bias can be
added before the one rounding. Left to JAX, its derivatives would then multiply the `float32`
cotangent with the other half-precision operand, for which no fast hardware exists (and which
convolutions refuse before JAX 0.10). The cotangent of the rounded result has half precision
anyway, so here derivatives are products of half-precision operands again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from ._dtypes import accumulator, is_half

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

__all__ = ["product"]


def product(multiply: Callable[..., Array], x: Array, y: Array) -> Array:
    """Apply a bilinear `multiply(x, y, preferred_element_type=…)` to arrays of one dtype.

    The result has the dtype in which it is summed.
    """
    if is_half(x.dtype):
        return _half_product(multiply, x, y)
    return multiply(x, y, preferred_element_type=x.dtype)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _half_product(multiply: Callable[..., Array], x: Array, y: Array) -> Array:
    return multiply(x, y, preferred_element_type=accumulator(x.dtype))


def _half_product_jvp(
    multiply: Callable[..., Array], primals: tuple[Array, Array], tangents: tuple[Any, Any]
) -> tuple[Array, Array]:
    (x, y), (x_dot, y_dot) = primals, tangents
    z = _half_product(multiply, x, y)
    z_dot = jnp.zeros_like(z)
    for factors, tangent in (((x_dot, y), x_dot), ((x, y_dot), y_dot)):
        if not isinstance(tangent, SymbolicZero):
            z_dot = z_dot + multiply(*factors, preferred_element_type=x.dtype).astype(z.dtype)
    return z, z_dot


_half_product.defjvp(_half_product_jvp, symbolic_zeros=True)
