"""An array as it is stored: in a dtype that every reader of safetensors knows, with a checksum.

Where safetensors has the dtype the array is stored as it is. Complex numbers are pairs of floats on
one more axis; floats and integers of less than 16 bits that only some readers know are bytes. Typed
random keys are stored as their data.
"""

from __future__ import annotations

import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_NATIVE = frozenset(
    ["bool", "bfloat16"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    + [f"float{bits}" for bits in (16, 32, 64)]
)
_COMPLEX = {"complex64": "float32", "complex128": "float64"}
_BYTES = frozenset(
    ["int2", "int4", "uint2", "uint4", "float4_e2m1fn", "float8_e3m4", "float8_e8m0fnu"]
    + [f"float8_e4m3{kind}" for kind in ("", "fn", "fnuz", "b11fnuz")]
    + [f"float8_e5m2{kind}" for kind in ("", "fnuz")]
)
_NEEDS_X64 = frozenset(["int64", "uint64", "float64", "complex128"])


def is_key(array: Any) -> bool:
    """Whether an array is one of typed random keys."""
    return jnp.issubdtype(array.dtype, jax.dtypes.prng_key)


def key_impl(keys: Any) -> str:
    """The name of the generator of keys."""
    if isinstance(keys, jax.ShapeDtypeStruct):
        return str(keys.dtype)
    return str(jax.random.key_impl(keys))


def is_known(dtype: str) -> bool:
    """Whether arrays of a dtype can be stored."""
    return dtype in _NATIVE or dtype in _COMPLEX or dtype in _BYTES


def needs_x64(dtype: str) -> bool:
    """Whether JAX would make something narrower of a dtype, as it is configured."""
    return dtype in _NEEDS_X64 and not jax.config.jax_enable_x64  # type: ignore[attr-defined]


def stored_type(dtype: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """The dtype and shape in which an array is stored."""
    if dtype in _COMPLEX:
        return _COMPLEX[dtype], (*shape, 2)
    return ("uint8" if dtype in _BYTES else dtype), shape


def to_stored(array: Any) -> np.ndarray[Any, Any]:
    """An array in the form in which it is stored."""
    values = np.asarray(array)
    values = np.asarray(values, values.dtype.newbyteorder("<"), order="C")
    dtype, shape = stored_type(values.dtype.name, values.shape)
    return values.reshape(-1).view(np.dtype(dtype)).reshape(shape)


def from_stored(stored: np.ndarray[Any, Any], dtype: str) -> jax.Array:
    """The inverse of `to_stored`, as a JAX array."""
    shape = stored.shape[:-1] if dtype in _COMPLEX else stored.shape
    return jnp.asarray(stored.reshape(-1).view(np.dtype(dtype)).reshape(shape))


def checksum(stored: np.ndarray[Any, Any]) -> int:
    """The CRC-32 of the bytes of an array."""
    return zlib.crc32(stored.reshape(-1).view(np.uint8).data)


def outline(dtype: str, shape: tuple[int, ...] | list[int]) -> str:
    """An array in words: `float32[3,2]`."""
    return f"{dtype}[{','.join(map(str, shape))}]"
