"""Activations whose negative piece saturates exponentially."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from . import _elementary
from ._pointwise import elementwise, pointwise, real

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float

__all__ = ["celu", "elu", "selu"]


def elu(x: Float[Array, "*shape"], *, alpha: float | Array = 1.0) -> Float[Array, "*shape"]:
    """Let negative elements saturate exponentially; the derivative at 0 is `alpha`.

    `y = where(x > 0, x, alpha * (exp(x) - 1))`

    Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2015.
    """
    return _elu(real("elu", x), alpha)


def celu(x: Float[Array, "*shape"], *, alpha: float | Array = 1.0) -> Float[Array, "*shape"]:
    """Let negative elements saturate exponentially, with a continuous derivative.

    `y = where(x > 0, x, alpha * (exp(x / alpha) - 1))`

    Barron, "Continuously differentiable exponential linear units", 2017.
    """
    return _celu(real("celu", x), alpha)


def selu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Let negative elements saturate, scaled such that activations normalise themselves.

    `y = 1.0507 * where(x > 0, x, 1.6733 * (exp(x) - 1))`

    Klambauer et al., "Self-normalizing neural networks", 2017, which has the digits.
    """
    return _selu(real("selu", x))


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848


@elementwise
def _elu(x: Array, alpha: float | Array) -> Array:
    return jnp.where(x > 0, x, alpha * _expm1(_negative(x)))


@elementwise
def _celu(x: Array, alpha: float | Array) -> Array:
    return jnp.where(x > 0, x, alpha * _expm1(_negative(x) / alpha))


@elementwise
def _selu(x: Array) -> Array:
    return jnp.where(x > 0, _SELU_SCALE * x, _SELU_SCALE * _SELU_ALPHA * _expm1(_negative(x)))


def _negative(x: Array) -> Array:
    return jnp.where(x > 0, jnp.zeros_like(x), x)


_exp: Callable[[Array], Array] = pointwise(_elementary.exp, lambda x: _exp(x))
_expm1 = pointwise(_elementary.expm1, _exp)
