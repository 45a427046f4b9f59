"""Attention as it is defined: all logits at once, differentiated by JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._terms import exponentials, keep_factor, logits, of_values

if TYPE_CHECKING:
    from jax import Array

    from ._terms import Options, Sides

__all__ = ["plain"]


def plain(options: Options, query: Array, key: Array, value: Array, sides: Sides) -> Array:
    """Return `softmax(logits) @ value`, in the dtype in which it is summed."""
    scores, _ = logits(options, 0, 0, query, key, sides)
    weights, total, _ = exponentials(options, scores, sides.sinks)
    weights = weights / total
    keep = keep_factor(sides, 0, key.shape[-2], value.dtype)
    return of_values(weights if keep is None else weights * keep, value)
