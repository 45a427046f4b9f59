"""Initial values of one dtype each: what a name such as `zeros32` or `randnC64` says.

The number is that of the bits of a real number, so `C64` are pairs of 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from ._initializer import Initializer

if TYPE_CHECKING:
    from jax import Array

_REAL = {jnp.dtype("complex64"): jnp.float32, jnp.dtype("complex128"): jnp.float64}


def _zeros(rng: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    return jnp.zeros(shape, dtype)


def _ones(rng: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    return jnp.ones(shape, dtype)


def _rand(rng: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Uniform on `[0, 1)`, of a complex number both parts."""
    if dtype not in _REAL:
        return jax.random.uniform(rng, shape, dtype)
    real, imaginary = jax.random.uniform(rng, (2, *shape), _REAL[dtype])
    return jax.lax.complex(real, imaginary)


def _randn(rng: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Normal with variance 1, of a complex number half of it in each part."""
    return jax.random.normal(rng, shape, dtype)


def _typed(name: str, make: Callable[..., Array], dtype: Any) -> Initializer:
    """The initializer of a name, which makes one dtype."""

    def function(rng: Any, shape: tuple[int, ...], dtype: Any) -> Array:
        return make(rng, shape, dtype)

    function.__name__ = function.__qualname__ = name
    return Initializer(function, dtype)


zeros16 = _typed("zeros16", _zeros, jnp.float16)
"""Zeros, of dtype `float16`."""
zeros32 = _typed("zeros32", _zeros, jnp.float32)
"""Zeros, of dtype `float32`."""
zeros64 = _typed("zeros64", _zeros, jnp.float64)
"""Zeros, of dtype `float64`."""
zerosC32 = _typed("zerosC32", _zeros, jnp.complex64)
"""Zeros, of dtype `complex64`."""
zerosC64 = _typed("zerosC64", _zeros, jnp.complex128)
"""Zeros, of dtype `complex128`."""

ones16 = _typed("ones16", _ones, jnp.float16)
"""Ones, of dtype `float16`."""
ones32 = _typed("ones32", _ones, jnp.float32)
"""Ones, of dtype `float32`."""
ones64 = _typed("ones64", _ones, jnp.float64)
"""Ones, of dtype `float64`."""
onesC32 = _typed("onesC32", _ones, jnp.complex64)
"""Ones, of dtype `complex64`."""
onesC64 = _typed("onesC64", _ones, jnp.complex128)
"""Ones, of dtype `complex128`."""

rand16 = _typed("rand16", _rand, jnp.float16)
"""Uniform on `[0, 1)`, of dtype `float16`."""
rand32 = _typed("rand32", _rand, jnp.float32)
"""Uniform on `[0, 1)`, of dtype `float32`."""
rand64 = _typed("rand64", _rand, jnp.float64)
"""Uniform on `[0, 1)`, of dtype `float64`."""
randC32 = _typed("randC32", _rand, jnp.complex64)
"""Uniform on `[0, 1)`, of dtype `complex64`."""
randC64 = _typed("randC64", _rand, jnp.complex128)
"""Uniform on `[0, 1)`, of dtype `complex128`."""

randn16 = _typed("randn16", _randn, jnp.float16)
"""Normal with mean 0 and standard deviation 1, of dtype `float16`."""
randn32 = _typed("randn32", _randn, jnp.float32)
"""Normal with mean 0 and standard deviation 1, of dtype `float32`."""
randn64 = _typed("randn64", _randn, jnp.float64)
"""Normal with mean 0 and standard deviation 1, of dtype `float64`."""
randnC32 = _typed("randnC32", _randn, jnp.complex64)
"""Normal with mean 0 and standard deviation 1, of dtype `complex64`."""
randnC64 = _typed("randnC64", _randn, jnp.complex128)
"""Normal with mean 0 and standard deviation 1, of dtype `complex128`."""
