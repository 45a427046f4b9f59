"""From the caller's axes to those of the formulations (see `_terms.py`), and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array

__all__ = ["Axes"]


@dataclass(frozen=True)
class Axes:
    """The sizes that one side has apart and the other together."""

    batch: tuple[int, ...]
    key_heads: int
    group: int

    @property
    def _heads(self) -> tuple[int, ...]:
        return (self.key_heads, self.group) if self.group > 1 else (self.key_heads,)

    def of_query(self, query: Array) -> Array:
        """Turn `(*batch, time, heads, d)` into `(batch, key_heads, *group, time, d)`."""
        *_, time, _, size = query.shape
        apart = query.reshape(math.prod(self.batch), time, *self._heads, size)
        return jnp.moveaxis(apart, 1, -2)

    def of_keys(self, keys: Array) -> Array:
        """Turn `(*batch, key_time, key_heads, d)` into `(batch, key_heads, key_time, d)`."""
        return jnp.moveaxis(keys.reshape(math.prod(self.batch), *keys.shape[-3:]), 1, -2)

    def of_result(self, result: Array) -> Array:
        """Turn `(batch, key_heads, *group, time, d)` into `(*batch, time, heads, d)`."""
        together = jnp.moveaxis(result, -2, 1)
        heads = self.key_heads * self.group
        return together.reshape(*self.batch, together.shape[1], heads, together.shape[-1])

    def of_side(self, side: Array | None) -> Array | None:
        """Turn what broadcasts to `(*batch, heads, time, key_time)` into its form inside.

        It grows only where it varies over some axes of the batch and not over others.
        """
        if side is None:
            return None
        whole = side.reshape((1,) * (len(self.batch) + 3 - side.ndim) + side.shape)
        batch, (heads, *rest) = whole.shape[:-3], whole.shape[-3:]
        if any(size != 1 for size in batch):
            whole = jnp.broadcast_to(whole, (*self.batch, heads, *rest))
        count = math.prod(whole.shape[:-3])
        apart = self._heads if heads == self.key_heads * self.group else (1,) * len(self._heads)
        return whole.reshape(count, *apart, *rest)

    def of_positions(self, positions: Array, axis: int) -> Array:
        """Turn `(*batch, n)` into `(batch, 1, …)` with its last axis at `axis`, -1 or -2."""
        flat = positions.reshape(math.prod(self.batch), *(1,) * len(self._heads), 1, -1)
        return jnp.swapaxes(flat, -1, axis)
