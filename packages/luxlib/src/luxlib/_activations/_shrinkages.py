"""Activations that move each element toward zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from ._elementary import exp
from ._pointwise import elementwise, pointwise, real

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float

__all__ = ["hardshrink", "softshrink", "tanhshrink"]


def softshrink(x: Float[Array, "*shape"], *, threshold: float = 0.5) -> Float[Array, "*shape"]:
    """Move each element toward zero by a threshold, and not across it.

    `y = sign(x) * max(|x| - threshold, 0)`

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.softshrink(jnp.array([-2.0, 0.25, 2.0]))
    Array([-1.5,  0. ,  1.5], dtype=float32)
    ```
    """
    return _softshrink(real("softshrink", x), threshold)


@elementwise
def _softshrink(x: Array, threshold: float) -> Array:
    moved = jnp.where(x > 0, x - threshold, x + threshold)
    return jnp.where(jnp.abs(x) <= threshold, jnp.zeros_like(x), moved)


def hardshrink(x: Float[Array, "*shape"], *, threshold: float = 0.5) -> Float[Array, "*shape"]:
    """Set elements to zero that are within a threshold of it.

    `y = where(|x| > threshold, x, 0)`

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.hardshrink(jnp.array([-2.0, 0.25, 2.0]))
    Array([-2.,  0.,  2.], dtype=float32)
    ```

    As in PyTorch.
    """
    return _hardshrink(real("hardshrink", x), threshold)


@elementwise
def _hardshrink(x: Array, threshold: float) -> Array:
    return jnp.where(jnp.abs(x) <= threshold, jnp.zeros_like(x), x)


def tanhshrink(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Subtract the `tanh`, accurately near zero too, where the two are nearly equal.

    `y = x - tanh(x)`
    """
    return _tanhshrink(real("tanhshrink", x))


def _tanhshrink_value(x: Array) -> Array:
    """Near 0 by Lambert's continued fraction, `tanh(x) = x / (1 + x² / (3 + x² / (5 + …)))`.

    With `x² / (3 + …) = n / d` the difference is `x n / (d + n)`, in which nothing cancels.
    """
    a = jnp.abs(x)
    square = jnp.minimum(a, 1.25) ** 2
    levels = 5 if x.dtype == jnp.float32 else 12
    n, d = jnp.zeros_like(x), jnp.ones_like(x)
    for odd in range(2 * levels + 1, 1, -2):
        n, d = square * d, odd * d + n
    e = exp(-2 * a)
    far = (a - 1) + 2 * e / (1 + e)
    return jnp.where(a < 1.25, x * n / (d + n), jnp.where(x < 0, -far, far))


def _tanhshrink_slope(x: Array) -> Array:
    y = jnp.tanh(x)
    return y * y


_tanhshrink = elementwise(pointwise(_tanhshrink_value, _tanhshrink_slope))
