"""Random orthogonal matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from ._initializer import Initializer, check_floating

if TYPE_CHECKING:
    from jax import Array


@Initializer
def orthogonal(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, gain: float = 1.0
) -> Array:
    """A random matrix with orthonormal columns, or rows where it has more columns than rows.

    An array of more axes is a matrix whose last axis is that of the outputs.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `gain`: a factor

    ```python
    >>> import lux
    >>> x = lux.initializers.orthogonal(0, (4, 2))
    >>> (x.T @ x).round(3) + 0.0
    Array([[1., 0.],
           [0., 1.]], dtype=float32)

    ```

    Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", 2014. As in WeightInitializers.jl, JAX and PyTorch.
    """
    check_floating(dtype)
    _check_axes("orthogonal", shape, 2, "(in, out), or more axes")
    return gain * _orthonormal(rng, math.prod(shape[:-1]), shape[-1], dtype).reshape(shape)


@Initializer
def delta_orthogonal(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, gain: float = 1.0
) -> Array:
    """A kernel with a random orthogonal matrix at the centre of its window, and zeros elsewhere.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer; the shape is `(*window, in, out)` with no
      more inputs than outputs
    - `gain`: a factor

    ```python
    >>> import lux
    >>> x = lux.initializers.delta_orthogonal(0, (3, 3, 2, 4))
    >>> bool(x[1, 1].any()), bool(x[0].any())
    (True, False)

    ```

    Xiao et al., "Dynamical isometry and a mean field theory of CNNs", 2018. As in JAX.
    """
    check_floating(dtype)
    _check_axes("delta_orthogonal", shape, 3, "(*window, in, out)")
    *window, inputs, outputs = shape
    if inputs > outputs:
        raise ValueError(
            f"delta_orthogonal: shape: expected no more inputs than outputs, got {shape}"
        )
    centre = tuple((size - 1) // 2 for size in window)
    matrix = gain * _orthonormal(rng, inputs, outputs, dtype)
    return jnp.zeros(shape, dtype).at[centre].set(matrix)


def _orthonormal(rng: Any, rows: int, columns: int, dtype: Any) -> Array:
    """A matrix drawn uniformly from those whose shorter side is orthonormal."""
    # A decomposition has no half precision.
    wide = jnp.float64 if dtype == jnp.float64 else jnp.float32
    x = jax.random.normal(rng, (max(rows, columns), min(rows, columns)), wide)
    q, r = jnp.linalg.qr(x)
    q = q * jnp.where(jnp.diagonal(r) < 0, -1, 1).astype(wide)[None]
    return (q if rows >= columns else q.T).astype(dtype)


def _check_axes(name: str, shape: tuple[int, ...], least: int, expected: str) -> None:
    if len(shape) < least:
        raise ValueError(f"{name}: shape: expected {expected}, got {shape}")
