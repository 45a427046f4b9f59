"""Arrays of different dtypes, where a layer itself puts two together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array


def promoted(x: Array, *others: Array) -> Array:
    """An array in the dtype that it has in common with others."""
    with jax.numpy_dtype_promotion("standard"):
        return x.astype(jnp.result_type(x.dtype, *(other.dtype for other in others)))


def added(x: Array, y: Array) -> Array:
    """The sum of two arrays, in the dtype that they have in common."""
    return promoted(x, y) + promoted(y, x)
