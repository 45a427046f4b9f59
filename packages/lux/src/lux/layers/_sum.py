"""The sum of what a layer is given and what it makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax

if TYPE_CHECKING:
    from jax import Array


def added(x: Array, y: Array) -> Array:
    """The sum of two arrays, in the dtype that they have in common."""
    with jax.numpy_dtype_promotion("standard"):
        return x + y
