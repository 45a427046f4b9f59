"""The random numbers of `jax.random`, without a program for each shape.

`jax.random` compiles its generator for every shape that it draws, and compiling that takes longer
than anything else of setting up a model. The generator, Threefry, is a function of a key and a
counter. So for a key that is known NumPy computes it, in pieces that stay in the cache, and a small
program for pieces of one length makes numbers of its bits: the numbers that `jax.random` draws. It
draws itself where the key is traced or of another generator, and in other dtypes than `float32`.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

if TYPE_CHECKING:
    from jax import Array

    Words = np.ndarray[Any, np.dtype[np.uint32]]

_PIECE = 2**15
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_SQRT_2 = np.float32(math.sqrt(2))


def uniform(key: Array, shape: tuple[int, ...], dtype: Any, lo: float, hi: float) -> Array:
    """As `jax.random.uniform`."""
    if not _is_known(key, shape, dtype):
        return jax.random.uniform(key, shape, dtype, lo, hi)
    return _in_pieces(_uniform, key, shape, lo, hi)


def normal(key: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """As `jax.random.normal`."""
    if not _is_known(key, shape, dtype):
        return jax.random.normal(key, shape, dtype)
    return _in_pieces(_normal, key, shape)


def truncated_normal(key: Array, shape: tuple[int, ...], dtype: Any, lo: float, hi: float) -> Array:
    """As `jax.random.truncated_normal`."""
    if not _is_known(key, shape, dtype):
        return jax.random.truncated_normal(key, lo, hi, shape, dtype)
    return _in_pieces(_truncated_normal, key, shape, lo, hi)


def _is_known(key: Array, shape: tuple[int, ...], dtype: Any) -> bool:
    return (
        not isinstance(key, jax.core.Tracer)
        and dtype == jnp.float32
        and 0 < math.prod(shape) < 2**32
        and str(jax.random.key_impl(key)) == "threefry2x32"
        and jax.config.jax_threefry_partitionable  # type: ignore[attr-defined]
    )


def _in_pieces(
    numbers: Callable[..., Array], key: Array, shape: tuple[int, ...], *limits: float
) -> Array:
    """Numbers made of the bits of a key, the same program for each piece."""
    words = np.asarray(jax.random.key_data(key))
    size = math.prod(shape)
    given = [np.float32(limit) for limit in limits]
    bits = np.zeros(_PIECE, np.uint32)  # the last piece is filled up with those of the one before
    result = np.empty(size, np.float32)
    for start in range(0, size, _PIECE):
        length = min(_PIECE, size - start)
        bits[:length] = _bits(words, start, length)
        result[start : start + length] = np.asarray(numbers(bits, *given))[:length]
    return jnp.asarray(result.reshape(shape))


def _bits(key: Words, start: int, length: int) -> Words:
    """Threefry of the counters from `start` on, both words of each together."""
    keys = (key[0], key[1], key[0] ^ key[1] ^ np.uint32(0x1BD11BDA))
    high, low = np.zeros(length, np.uint32), np.arange(start, start + length, dtype=np.uint32)
    high += keys[0]
    low += keys[1]
    turned = np.empty_like(low)
    for block in range(5):
        for rotation in _ROTATIONS[block % 2]:
            high += low
            np.right_shift(low, np.uint32(32 - rotation), out=turned)
            low <<= np.uint32(rotation)
            low |= turned
            low ^= high
        high += keys[(block + 1) % 3]
        # The sum may pass 2³², as it should; NumPy warns of that for scalars only.
        low += np.uint32((int(keys[(block + 2) % 3]) + block + 1) % 2**32)
    return high ^ low


@jax.jit
def _uniform(bits: Array, lo: Array, hi: Array) -> Array:
    """The upper bits are the fraction of a number from 1 to 2."""
    one = jnp.uint32(0x3F800000)
    fraction = lax.bitcast_convert_type(bits >> jnp.uint32(9) | one, jnp.float32) - 1
    return jnp.maximum(lo, fraction * (hi - lo) + lo)


@jax.jit
def _normal(bits: Array) -> Array:
    return _SQRT_2 * lax.erf_inv(_uniform(bits, np.nextafter(np.float32(-1), np.float32(0)), 1.0))


@jax.jit
def _truncated_normal(bits: Array, lo: Array, hi: Array) -> Array:
    u = _uniform(bits, lax.erf(lo / _SQRT_2), lax.erf(hi / _SQRT_2))
    inside = lax.nextafter(lo, np.float32(np.inf)), lax.nextafter(hi, np.float32(-np.inf))
    return jnp.clip(_SQRT_2 * lax.erf_inv(u), *inside)
