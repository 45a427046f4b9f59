"""A sum over images, a few at a time, so that what is laid out for them stays in the cache."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

__all__ = ["sum_over_images"]


def sum_over_images(f: Callable[[Array, Array], Any], x: Array, ct: Array, at_a_time: int) -> Any:
    """Return `f(x, ct)`, sums over the leading axis of both, as sums over parts of it.

    The parts have as many images as divide the batch, `at_a_time` at most. Where those are few, as
    of a prime number, there are no parts.
    """
    batch = x.shape[0]
    images = next(n for n in range(max(min(at_a_time, batch), 1), 0, -1) if batch % n == 0)
    if images == batch or 4 * images < at_a_time:
        return f(x, ct)
    count = batch // images
    parts = x.reshape(count, images, *x.shape[1:]), ct.reshape(count, images, *ct.shape[1:])
    varying = tuple(sorted(jax.typeof(x).mat.varying))

    def zeros(shape: Any) -> Array:
        none = jnp.zeros(shape.shape, shape.dtype)
        return lax.pcast(none, varying, to="varying") if varying else none

    def add(total: Any, part: tuple[Array, Array]) -> tuple[Any, None]:
        return jax.tree.map(operator.add, total, f(*part)), None

    start = jax.tree.map(zeros, jax.eval_shape(f, parts[0][0], parts[1][0]))
    return lax.scan(add, start, parts)[0]
