"""A sum over images, a few at a time, so that what is laid out for them stays in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

__all__ = ["sum_over_images"]

# Elements of the gradient for the output: between 2^16 and 2^18 it hardly matters.
_AT_A_TIME = 2**17


def sum_over_images(
    f: Callable[[Array, Array], Array], x: Array, ct: Array, at_a_time: int = _AT_A_TIME
) -> Array:
    """Return `f(x, ct)`, a sum over the leading axis of both, as a sum over parts of it."""
    batch = x.shape[0]
    most = max(at_a_time * batch // ct.size, 1)
    images = next(n for n in range(min(most, batch), 0, -1) if batch % n == 0)
    if images == batch or 4 * images < most:
        return f(x, ct)
    parts = tuple(a.reshape(batch // images, images, *a.shape[1:]) for a in (x, ct))
    result = jax.eval_shape(f, *(part[0] for part in parts))

    def add(total: Array, part: tuple[Array, Array]) -> tuple[Array, None]:
        return total + f(*part), None

    return lax.scan(add, jnp.zeros(result.shape, result.dtype), parts)[0]
