"""Pooling to a given number of places."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.layers._checks import check_positive, check_window
from lux.layers._leaf import Leaf
from luxlib import adaptive_lpnormpool, adaptive_maxpool, adaptive_meanpool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Float, Inexact, Num, Real, Shaped

    from luxcore import NamedTuple


class AdaptivePool(Leaf, abstract=True):
    """The base of pooling by as many windows as are asked for."""

    out_size: Sequence[int]

    def __post_init__(self) -> None:
        check_window(self, "out_size")

    def __str__(self) -> str:
        return self._text(repr(self.out_size), hide=("out_size",))


class AdaptiveMaxPool(AdaptivePool):
    """The largest element of each of `out_size` windows that cover the spatial axes.

    In one dimension, with `n` elements and `m` windows,
    `y[b, t, c] = max(x[b, w, c])`,
    where `w = floor(t * n / m) : ceil((t + 1) * n / m)`

    **Arguments**

    - `out_size`: the number of windows, one integer for each of one to three spatial axes

    **Inputs**

    - `x`: `(*batch, *space, channels)`, any number of leading axes, also none

    **Returns**

    - `(*batch, *out_size, channels)`
    - the state, which is empty

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.AdaptiveMaxPool((2,))
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([[[1.0], [3.0], [2.0], [0.0], [5.0]]]), ps, st)[0][0, :, 0]
    Array([3., 5.], dtype=float32)

    ```

    As PyTorch's `AdaptiveMaxPool2d`, with channels last: windows differ by at most one element and
    may share one. Lux.jl's `AdaptiveMaxPool` makes all windows equal and lets them overlap more;
    the two agree where `out_size` divides the spatial sizes.
    """

    def __call__(
        self, x: Shaped[Array, "*batch_and_space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Shaped[Array, "*batch_and_places channels"], NamedTuple]:
        return adaptive_maxpool(x, self.out_size), st


class AdaptiveMeanPool(AdaptivePool):
    """The mean of each of `out_size` windows that cover the spatial axes.

    In one dimension, with `n` elements and `m` windows,
    `y[b, t, c] = mean(x[b, w, c])`,
    where `w = floor(t * n / m) : ceil((t + 1) * n / m)`

    **Arguments**

    - `out_size`: the number of windows, one integer for each of one to three spatial axes

    **Inputs**

    - `x`: `(*batch, *space, channels)`, any number of leading axes, also none

    **Returns**

    - `(*batch, *out_size, channels)`
    - the state, which is empty

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.AdaptiveMeanPool((2,))
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([[[1.0], [3.0], [2.0], [0.0], [4.0]]]), ps, st)[0][0, :, 0]
    Array([2., 2.], dtype=float32)

    ```

    As PyTorch's `AdaptiveAvgPool2d`, with channels last: windows differ by at most one element and
    may share one. Lux.jl's `AdaptiveMeanPool` makes all windows equal and lets them overlap more;
    the two agree where `out_size` divides the spatial sizes.
    """

    def __call__(
        self, x: Num[Array, "*batch_and_space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch_and_places channels"], NamedTuple]:
        return adaptive_meanpool(x, self.out_size), st


class AdaptiveLPPool(AdaptivePool):
    """The `p`-norm of each of `out_size` windows that cover the spatial axes.

    In one dimension, with `n` elements and `m` windows,
    `y[b, t, c] = sum(abs(x[b, w, c]) ** p) ** (1 / p)`,
    where `w = floor(t * n / m) : ceil((t + 1) * n / m)`

    **Arguments**

    - `out_size`: the number of windows, one integer for each of one to three spatial axes
    - `p`: the norm's exponent, a positive number

    **Inputs**

    - `x`: `(*batch, *space, channels)`, any number of leading axes, also none

    **Returns**

    - `(*batch, *out_size, channels)`
    - the state, which is empty

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.AdaptiveLPPool((2,))
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([[[3.0], [-4.0], [0.0], [2.0]]]), ps, st)[0][0, :, 0]
    Array([5., 2.], dtype=float32)

    ```

    The norm of `LPPool` with the windows of `AdaptiveMaxPool`. As Lux.jl's `AdaptiveLPPool`,
    with the same difference.
    """

    _: KW_ONLY
    p: float = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "p")

    def __call__(
        self, x: Real[Array, "*batch_and_space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*batch_and_places channels"], NamedTuple]:
        return adaptive_lpnormpool(x, self.p, self.out_size), st
