"""Axes that a function reduces over, and masks that broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from ._checks import integers, mismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array

__all__ = ["broadcast_mask", "positive_axes"]


def positive_axes(
    function: str, axis: int | Sequence[int] | None, shape: Sequence[int]
) -> tuple[int, ...]:
    """Return the named axes of `shape` in order, counted from the front; `None` is all of them."""
    ndim = len(shape)
    if axis is None:
        return tuple(range(ndim))
    given = integers(axis)
    axes = {i + ndim if i < 0 else i for i in given or ()}
    if given is None or len(axes) != len(given) or not axes <= set(range(ndim)):
        raise mismatch(
            function,
            "axis",
            f"different axes of x {tuple(shape)}",
            repr(axis),
            f"Count them from {-ndim} to {ndim - 1}." if ndim else "x has none.",
        )
    return tuple(sorted(axes))


def broadcast_mask(function: str, where: Array | None, shape: tuple[int, ...]) -> Array | None:
    """Return a mask of booleans in the given shape, if it broadcasts to it."""
    if where is None:
        return None
    where = jnp.asarray(where)
    if where.dtype != jnp.bool_:
        raise mismatch(
            function,
            "where",
            "booleans",
            where.dtype,
            "It is true where an element counts.",
            kind=TypeError,
        )
    fits = len(where.shape) <= len(shape) and all(
        n in (1, m) for n, m in zip(where.shape[::-1], shape[::-1], strict=False)
    )
    if not fits:
        raise mismatch(
            function,
            "where",
            f"a shape that broadcasts to {shape}",
            where.shape,
            "It has one element for each of x, or broadcasts to that.",
        )
    return jnp.broadcast_to(where, shape)
