"""Pooling of all spatial axes to one place."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.layers._checks import check_positive
from lux.layers._leaf import Leaf
from luxlib import adaptive_lpnormpool, adaptive_maxpool, adaptive_meanpool

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float, Inexact, Num, Real, Shaped

    from luxcore import NamedTuple


class GlobalPool(Leaf, abstract=True):
    """The base of pooling over all of space, whatever its number of axes."""

    def _pool(self, pool: Callable[..., Array], x: Array, *options: Any) -> Array:
        """Pool the spatial axes as one, and leave each with one place."""
        if x.ndim < 3:
            expected = "expected shape (batch, *space, channels) with a spatial axis at least"
            raise ValueError(f"{type(self).__name__}: x: {expected}, got {x.shape}")
        batch, *space, channels = x.shape
        y = pool(x.reshape(batch, math.prod(space), channels), *options, (1,))
        return y.reshape(batch, *(1 for _ in space), channels)


class GlobalMaxPool(GlobalPool):
    """The largest element of each channel over all of space.

    `y[b, c] = max(x[b, :, c])`

    **Inputs**

    - `x`: `(batch, *space, channels)`, with one spatial axis at least

    **Returns**

    - `(batch, 1, …, 1, channels)`, with the axes of `x`
    - the state, which is empty

    **Raises**

    - `ValueError`: for an input without a spatial axis, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.GlobalMaxPool()
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([[[1.0], [3.0], [2.0]]]), ps, st)[0]
    Array([[[3.]]], dtype=float32)

    ```

    As Lux.jl's `GlobalMaxPool`. A `FlattenLayer` after it makes `(batch, channels)`.
    """

    def __call__(
        self, x: Shaped[Array, " batch *space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Shaped[Array, " batch *ones channels"], NamedTuple]:
        return self._pool(adaptive_maxpool, x), st


class GlobalMeanPool(GlobalPool):
    """The mean of each channel over all of space.

    `y[b, c] = mean(x[b, :, c])`

    **Inputs**

    - `x`: `(batch, *space, channels)`, with one spatial axis at least

    **Returns**

    - `(batch, 1, …, 1, channels)`, with the axes of `x`
    - the state, which is empty

    **Raises**

    - `ValueError`: for an input without a spatial axis, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.GlobalMeanPool()
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([[[1.0], [3.0], [2.0]]]), ps, st)[0]
    Array([[[2.]]], dtype=float32)

    ```

    As Lux.jl's `GlobalMeanPool`. A `FlattenLayer` after it makes `(batch, channels)`.
    """

    def __call__(
        self, x: Num[Array, " batch *space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, " batch *ones channels"], NamedTuple]:
        return self._pool(adaptive_meanpool, x), st


class GlobalLPPool(GlobalPool):
    """The `p`-norm of each channel over all of space.

    `y[b, c] = sum(abs(x[b, :, c]) ** p) ** (1 / p)`

    **Arguments**

    - `p`: the norm's exponent, a positive number

    **Inputs**

    - `x`: `(batch, *space, channels)`, with one spatial axis at least

    **Returns**

    - `(batch, 1, …, 1, channels)`, with the axes of `x`
    - the state, which is empty

    **Raises**

    - `ValueError`: for a `p` that is not positive, when the layer is made; for an input without a
      spatial axis, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.GlobalLPPool()
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([[[3.0], [-4.0], [12.0]]]), ps, st)[0]
    Array([[[13.]]], dtype=float32)

    ```

    As Lux.jl's `GlobalLPPool`; the norm is that of `LPPool`.
    """

    _: KW_ONLY
    p: float = 2

    def __post_init__(self) -> None:
        check_positive(self, "p")

    def __call__(
        self, x: Real[Array, " batch *space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, " batch *ones channels"], NamedTuple]:
        return self._pool(adaptive_lpnormpool, x, self.p), st
