"""One room where dtypes are decided: what a result has, and what it is summed in.

JAX promotes by itself and silently; a library that does so hides half of a network's cost from its
user. Here every cast is written out, and this is the only place where one is chosen:

- arrays of different floating (or complex) dtypes meet in the promoted dtype;
- an integer or boolean input takes the parameters' dtype, an activation's the default one;
- half precision (`float16`, `bfloat16`) is summed in `float32` and rounded once, at the end.

All of it holds under `jax_numpy_dtype_promotion="strict"`.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array

__all__ = ["accumulator", "is_half", "promote", "to_inexact"]


def promote(*arrays: Array | None) -> tuple[Any, ...]:
    """Cast the arrays to the dtype that those of floating or complex dtype have in common.

    At least one of them is of such a dtype; a `None` stays `None`.
    """
    dtypes = [a.dtype for a in arrays if a is not None and jnp.issubdtype(a.dtype, jnp.inexact)]
    with jax.numpy_dtype_promotion("standard"):
        dtype = reduce(jnp.promote_types, dtypes)
    return tuple(a if a is None else a.astype(dtype) for a in arrays)


def is_half(dtype: Any) -> bool:
    """Tell whether `dtype` is a floating dtype of at most sixteen bits."""
    return jnp.issubdtype(dtype, jnp.floating) and jnp.dtype(dtype).itemsize < 4


def accumulator(dtype: Any) -> Any:
    """Return the dtype in which values of `dtype` are summed."""
    return jnp.dtype(jnp.float32) if is_half(dtype) else jnp.dtype(dtype)


def to_inexact(x: Any) -> Array:
    """Return `x` as an array, integers and booleans in the default floating dtype."""
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(float)
