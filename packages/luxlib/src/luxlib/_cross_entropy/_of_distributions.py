"""The cross-entropy of distributions and the softmax of logits.

From logits `z`, with their maximum `m`, the loss is `Σ y (m - z) + Σ y log Σ exp(z - m)`, and its
derivative `p Σ y - y` with `p = softmax(z)`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

if TYPE_CHECKING:
    from jax import Array

__all__ = ["of_distributions"]


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def of_distributions(logits: Array, y: Array, axis: int) -> Array:
    """Return the losses, from arrays of the dtype of sums."""
    below, total = _parts(logits, axis)
    # An excluded class, whose logit is -inf, has no part where its probability is 0.
    differences = jnp.sum(jnp.where(y == 0, 0, y * below), axis)
    return differences + jnp.sum(y, axis) * jnp.log(jnp.squeeze(total, axis))


def _of_distributions_jvp(
    axis: int, primals: tuple[Array, Array], tangents: tuple[Any, Any]
) -> tuple[Array, Array]:
    (logits, y), (logits_dot, y_dot) = primals, tangents
    losses = of_distributions(logits, y, axis)
    losses_dot = jnp.zeros_like(losses)
    below, total = _parts(logits, axis)
    if not isinstance(logits_dot, SymbolicZero):
        p = jnp.exp(-below) * (1 / total)
        gradient = p * jnp.sum(y, axis, keepdims=True) - y
        losses_dot += jnp.sum(gradient * logits_dot, axis)
    if not isinstance(y_dot, SymbolicZero):
        losses_dot += jnp.sum((below + jnp.log(total)) * y_dot, axis)
    return losses, losses_dot


of_distributions.defjvp(_of_distributions_jvp, symbolic_zeros=True)


def _parts(logits: Array, axis: int) -> tuple[Array, Array]:
    """Return how far logits are below the largest, and the sum of the exponentials of that."""
    below = lax.stop_gradient(jnp.max(logits, axis, keepdims=True)) - logits
    return below, jnp.sum(jnp.exp(-below), axis, keepdims=True)
