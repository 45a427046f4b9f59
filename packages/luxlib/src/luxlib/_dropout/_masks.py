"""Which elements are kept: a random word of 32 bits for each, compared with the probability.

With the generator `"jax"` the words are those of `jax.random.bits`, so that masks are those of
`jax.random.bernoulli`. On CPU, JAX runs Threefry's rounds as a loop over whole arrays. Here they
are written out: the same words in one pass, which take a third of the time.

With `"counter"` the key is used once, for a few words of seed, and an element's word is its index,
mixed twice with them. Two rounds of a mixing function, in which each bit of the input turns each
bit of the output with a probability near a half, pass the tests of chance that dropout could
notice (`tests/test_dropout.py`), and cost a tenth of Threefry's twenty. They are no generator for
cryptography or gambling.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import lax

from luxlib._checks import mismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array

__all__ = ["GENERATORS", "check_key", "keep", "seed"]

GENERATORS = ("jax", "counter")

# As many bits of a word as jax.random.bernoulli compares.
_BITS = 23
# The largest index of a word of 32 bits, and one.
_INDICES = 2**32


def check_key(function: str, key: Array) -> None:
    """Refuse several keys, and what is no key."""
    shape = jax.random.key_data(key).shape[:-1]  # JAX refuses what is no key
    if shape != ():
        raise mismatch(
            function,
            "key",
            "one JAX random key",
            f"keys of shape {shape}",
            "For a key for each example, map over them with jax.vmap.",
        )


def seed(key: Array, generator: str) -> Array:
    """Return what the words are drawn from: the key itself, or words for the counter's hash."""
    return key if generator == "jax" else jax.random.bits(key, (3,), jnp.uint32)


def keep(seed: Array, shape: Sequence[int], probability: Array, generator: str) -> Array:
    """Return booleans of `shape`, each true with `probability`, a float32 scalar."""
    below = jnp.ceil(probability.astype(jnp.float32) * 2**_BITS).astype(jnp.uint32)
    if generator == "counter":  # cheaper to compute again than to write and read
        return _counter(seed, shape) >> (32 - _BITS) < below
    # The barrier keeps the words from being computed again by everything that uses the result.
    return lax.optimization_barrier(_threefry(seed, shape) >> (32 - _BITS) < below)


def _threefry(key: Array, shape: Sequence[int]) -> Array:
    """Return the words of `jax.random.bits`, in one pass where the key is of Threefry."""
    ours = jax.random.key_impl(key) == "threefry2x32" and jax.threefry_partitionable.value
    if not ours or math.prod(shape) > _INDICES:
        return jax.random.bits(key, shape, jnp.uint32)
    data = jax.random.key_data(key)
    index = _index(shape)
    first, second = _threefry_2x32(data[0], data[1], jnp.zeros_like(index), index)
    return first ^ second


def _threefry_2x32(key_0: Array, key_1: Array, x_0: Array, x_1: Array) -> tuple[Array, Array]:
    """Encrypt two words with two words: Threefry-2x32 of 20 rounds, Salmon et al., 2011."""
    keys = (key_0, key_1, key_0 ^ key_1 ^ jnp.uint32(0x1BD11BDA))
    x_0, x_1 = x_0 + keys[0], x_1 + keys[1]
    for group in range(5):
        for distance in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x_0 = x_0 + x_1
            x_1 = x_0 ^ (x_1 << distance | x_1 >> 32 - distance)
        x_0 = x_0 + keys[(group + 1) % 3]
        x_1 = x_1 + keys[(group + 2) % 3] + jnp.uint32(group + 1)
    return x_0, x_1


def _counter(seed: Array, shape: Sequence[int]) -> Array:
    """Return a word for each element, mixed of its index and the seed.

    The seed comes out of JAX's generator, so keys that differ in one bit have unrelated seeds. It
    enters before and between the rounds: without the second, two keys would have the same words in
    another order. Where there are more elements than indices, the leading axes are counted apart.
    """
    split = next(i for i in range(len(shape) + 1) if math.prod(shape[i:]) <= _INDICES)
    inner = _mix(_index(shape, slice(split, None)) ^ seed[0], 16, 0x7FEB352D, 15, 0x846CA68B, 16)
    between = seed[1]
    if split:
        outer = _index(shape, slice(split)) ^ seed[2]
        between = between + _mix(outer, 16, 0x7FEB352D, 15, 0x846CA68B, 16)
    return _mix(inner + between, 16, 0x21F0AAAD, 15, 0xD35A2D97, 15)


def _mix(x: Array, a: int, m: int, b: int, n: int, c: int) -> Array:
    """Mix the bits of words, one to one; constants are those of Wellons, "hash prospector"."""
    x = (x ^ x >> a) * jnp.uint32(m)
    x = (x ^ x >> b) * jnp.uint32(n)
    return x ^ x >> c


def _index(shape: Sequence[int], axes: slice = slice(None)) -> Array:
    """Return each element's index, counted over some of the axes, as an array of `shape`."""
    index = jnp.zeros(shape, jnp.uint32)
    step = 1
    for axis in reversed(range(len(shape))[axes]):
        place = lax.broadcasted_iota(jnp.uint32, shape, axis)
        index = index + place * jnp.uint32(step % _INDICES)
        step *= shape[axis]
    return index
