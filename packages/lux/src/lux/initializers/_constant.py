"""Initial values that are not random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

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


@Initializer
def constant(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, value: complex = 0.0
) -> Array:
    """An array with one value everywhere.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `value`: a number

    ```python
    >>> import lux
    >>> lux.initializers.constant(0, (2,), value=0.5)
    Array([0.5, 0.5], dtype=float32)

    ```
    """
    return jnp.full(shape, value, dtype)


@Initializer
def identity_init(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, gain: float = 1.0, shift: int = 0
) -> Array:
    """A weight with which a layer returns its input, as far as it can.

    A matrix `(in, out)` is the identity. A kernel `(*window, in, out)` has it at the centre of the
    window, and zeros elsewhere; with `"SAME"` padding and odd windows a convolution returns its
    input. A vector, such as a bias, is zero.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `gain`: a factor
    - `shift`: by how many places the outputs are turned around

    ```python
    >>> import lux
    >>> lux.initializers.identity_init(0, (2, 3), gain=2.0)
    Array([[2., 0., 0.],
           [0., 2., 0.]], dtype=float32)

    ```

    As in WeightInitializers.jl, where `shift` turns the inputs of a kernel too.
    """
    array = np.zeros(shape)
    if len(shape) > 1:
        centre = tuple((size - 1) // 2 for size in shape[:-2])
        array[centre] = np.roll(gain * np.eye(shape[-2], shape[-1]), shift, axis=-1)
    return jnp.asarray(array.astype(dtype))
