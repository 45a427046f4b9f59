"""Initial values that are not random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from ._initializer import Initializer

if TYPE_CHECKING:
    from jax import Array


@Initializer
def zeros(rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """An array of zeros.

    ```python
    >>> import lux
    >>> lux.initializers.zeros(0, (2,))
    Array([0., 0.], dtype=float32)

    ```
    """
    return jnp.zeros(shape, dtype)


@Initializer
def ones(rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """An array of ones.

    ```python
    >>> import lux
    >>> lux.initializers.ones(0, (2,))
    Array([1., 1.], dtype=float32)

    ```
    """
    return jnp.ones(shape, dtype)
