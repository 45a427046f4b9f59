"""Exponentials, logarithms and the tail of the normal distribution, to the last bits of float32.

XLA's own `exp` on CPU takes longer than the polynomial here, and its `expm1`, `log1p` and `erfc`
four to ten times as long and are off by 2 to 50 units in the last place. These are within one of
them, wherever the result is not too small to be a normal number; such results become 0. (The tail
of the normal distribution squares its argument, and its exponential amplifies the rounding.) In
other dtypes the functions are XLA's. None has a derivative: those are written out in the rooms that
call these.

The coefficients are minimax fits, made with mpmath; each line says how far they are off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array

__all__ = ["exp", "expm1", "log1p", "normal_tail", "polynomial"]

# exp(r) = 1 + r + r² p(r) for |r| ≤ log(2) / 2, to 1.3e-8.
_EXP = (0.49999998144, 0.166665431766, 0.0416672018164, 0.00836658047542, 0.00138825075828)
_LOG2_HIGH, _LOG2_LOW = 0.693145751953125, 1.4286068203094172e-6  # the high part has 16 bits
# log(1 + x) = x - x² p(x) for 0 ≤ x ≤ 1, to 8.0e-10.
_LOG1P = (
    0.49999987291,
    -0.33332689782,
    0.24988579075,
    -0.19897932338,
    0.16129336907,
    -0.12467125211,
    0.083074109981,
    -0.041981396591,
    0.013631496964,
    -0.0020729508886,
)
# Φ(-a) exp(a² / 2) = p(a) / q(a) for 0 ≤ a ≤ 14, to 5.5e-9.
_TAIL_P = (0.500000002757, 0.437249452585, 0.182460719981, 0.0403721706467, 0.00407755054696)
_TAIL_Q = (1.0, 1.67238386046, 1.19928618369, 0.467426161321, 0.101204834748, 0.0102207747319)


def polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    """Return `c[0] + c[1] x + c[2] x² + …`."""
    y = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        y = y * x + coefficient
    return y


def exp(x: Array) -> Array:
    """Return `exp(x)` for `x` up to 0."""
    if x.dtype != jnp.float32:
        return lax.exp(x)
    scale, rest = _exp_parts(jnp.maximum(x, -88.0))
    return scale + scale * rest


def expm1(x: Array) -> Array:
    """Return `exp(x) - 1` for `x` up to 0."""
    if x.dtype != jnp.float32:
        return lax.expm1(x)
    scale, rest = _exp_parts(jnp.maximum(x, -88.0))
    return scale * rest + (scale - 1)


def log1p(x: Array) -> Array:
    """Return `log(1 + x)` for `x` from 0 to 1."""
    if x.dtype != jnp.float32:
        return lax.log1p(x)
    return x - x * x * polynomial(x, _LOG1P)


def normal_tail(a: Array) -> tuple[Array, Array]:
    """Return `exp(-a² / 2)`, and `Φ(-a)` over it, for float32 `a` from 0 to 13.25."""
    scale, rest = _exp_parts(-0.5 * a * a)
    return scale + scale * rest, polynomial(a, _TAIL_P) / polynomial(a, _TAIL_Q)


def _exp_parts(x: Array) -> tuple[Array, Array]:
    """Return `2ⁿ` and `exp(r) - 1`, where `x = n log(2) + r`, for `x` from -88 to 0."""
    n = lax.round(x * 1.4426950408889634, lax.RoundingMethod.TO_NEAREST_EVEN)
    r = (x - n * _LOG2_HIGH) - n * _LOG2_LOW
    # In 1.5 · 2²³ + n the last bits are the integer n; n = -127 gives 0.
    bits = lax.bitcast_convert_type(n + 12582912.0, jnp.int32)
    scale = lax.bitcast_convert_type((bits << 23) + (127 << 23), jnp.float32)
    return scale, r + r * r * polynomial(r, _EXP)
