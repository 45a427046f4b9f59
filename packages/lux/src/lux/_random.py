"""Any random generator as a JAX key: the form in which the layers of Lux take randomness."""

from __future__ import annotations

import operator
import random
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from jax import Array


def as_key(rng: Any) -> Array:
    """The JAX key of a seed or generator; a generator with a state is advanced by one draw.

    A key, typed or raw, traced or not, is returned as it is.
    """
    if isinstance(rng, jax.Array):
        return _checked(rng)
    if isinstance(rng, random.Random):
        return _from_bits(rng.getrandbits(64))
    if isinstance(rng, np.random.Generator):
        return _from_bits(int(rng.integers(2**64, dtype=np.uint64)))
    if isinstance(rng, bool) or not hasattr(rng, "__index__"):
        raise TypeError(
            "expected a seed or a random generator (an int, a JAX key, random.Random or "
            f"numpy.random.Generator), got {type(rng).__name__}"
        )
    seed = operator.index(rng)
    if not 0 <= seed < 2**32:
        raise ValueError(f"a seed is an integer from 0 to 2**32 - 1, got {seed}")
    return jax.random.key(seed)


def _from_bits(bits: int) -> Array:
    """Both halves count, whether or not JAX has 64-bit integers."""
    return jax.random.fold_in(jax.random.key(bits % 2**32), bits >> 32)


def _checked(key: Array) -> Array:
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    if (typed and key.ndim == 0) or (not typed and key.dtype == jnp.uint32 and key.ndim == 1):
        return key
    if typed or (key.dtype == jnp.uint32 and key.ndim > 1):
        raise ValueError(
            f"expected one random key, got an array of them of shape {key.shape}: jax.vmap over it"
        )
    raise TypeError(
        f"expected a JAX key, got {key.dtype}[{','.join(map(str, key.shape))}]: "
        "jax.random.key(seed) makes one"
    )
