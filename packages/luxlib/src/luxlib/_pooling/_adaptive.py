"""Pooling to a given number of places.

Where the number of places divides the number of elements, the windows tile them and are those of
the other functions. Elsewhere they are uneven, and some elements lie in two.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax

from luxlib._checks import mismatch, per_axis
from luxlib._dtypes import accumulator, to_inexact

from ._lpnorm import check_norm, power, root
from ._max import check_ordered, maximum_along
from ._mean import divide, sum_along
from ._sliding import Sliding, Uneven, along, spatial_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Float, Inexact, Num, Real, Shaped

__all__ = ["adaptive_lpnormpool", "adaptive_maxpool", "adaptive_meanpool"]


def adaptive_maxpool(
    x: Shaped[Array, "*batch_and_space channels"], output_size: Sequence[int]
) -> Shaped[Array, "*batch_and_output_size channels"]:
    """Take the largest element of each of `output_size` windows that cover the spatial axes.

    In one dimension, with `n` elements and `m` windows,

    `y[b, t, c] = max(x[b, floor(t * n / m) : ceil((t + 1) * n / m), c])`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, real, any number of leading axes, also none
    - `output_size`: the number of windows, one integer for each of one to three spatial axes

    **Returns**

    `(*batch, *output_size, channels)` in the dtype of `x`. Where several elements of a window are
    largest, the gradient goes to the first. A window with a NaN gives NaN.

    **Raises**

    `ValueError` where shapes and sizes don't fit together, `TypeError` where `x` is complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([1.0, 3.0, 2.0, 0.0, 5.0])[:, None]
    >>> luxlib.adaptive_maxpool(x, (2,))[:, 0]
    Array([3., 5.], dtype=float32)
    ```

    As `torch.nn.functional.adaptive_max_pool2d`, with channels last: windows differ by at most one
    element and may share one. Lux.jl instead makes all windows equal and lets them overlap more;
    the two agree where `output_size` divides the spatial sizes.
    """
    check_ordered("adaptive_maxpool", x)
    return _adaptive_maxpool(x, axes=_axes("adaptive_maxpool", x, output_size))


def adaptive_meanpool(
    x: Num[Array, "*batch_and_space channels"], output_size: Sequence[int]
) -> Inexact[Array, "*batch_and_output_size channels"]:
    """Take the mean of each of `output_size` windows that cover the spatial axes.

    In one dimension, with `n` elements and `m` windows,

    `y[b, t, c] = mean(x[b, floor(t * n / m) : ceil((t + 1) * n / m), c])`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, any number of leading axes, also none
    - `output_size`: the number of windows, one integer for each of one to three spatial axes

    **Returns**

    `(*batch, *output_size, channels)` in the dtype of `x`, integers and booleans in the default
    floating dtype. Half precision is summed in `float32` and rounded once.

    **Raises**

    `ValueError` where shapes and sizes don't fit together.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([1.0, 3.0, 2.0, 0.0, 5.0])[:, None]
    >>> luxlib.adaptive_meanpool(x, (1,))[:, 0]
    Array([2.2], dtype=float32)
    ```

    As `torch.nn.functional.adaptive_avg_pool2d`, with the windows of `adaptive_maxpool`.
    """
    x = to_inexact(x)
    return _adaptive_meanpool(x, axes=_axes("adaptive_meanpool", x, output_size))


def adaptive_lpnormpool(
    x: Real[Array, "*batch_and_space channels"], p: float, output_size: Sequence[int]
) -> Float[Array, "*batch_and_output_size channels"]:
    """Take the `p`-norm of each of `output_size` windows that cover the spatial axes.

    In one dimension, with `n` elements and `m` windows,

    `y[b, t, c] = sum(abs(x[b, floor(t * n / m) : ceil((t + 1) * n / m), c]) ** p) ** (1 / p)`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, real, any number of leading axes, also none
    - `p`: the norm's exponent, a positive number
    - `output_size`: the number of windows, one integer for each of one to three spatial axes

    **Returns**

    `(*batch, *output_size, channels)` in the dtype of `x`, integers and booleans in the default
    floating dtype; precision and derivatives as in `lpnormpool`.

    **Raises**

    `ValueError` where `p` is not a positive number or shapes and sizes don't fit together,
    `TypeError` where `x` is complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([3.0, -4.0, 12.0])[:, None]
    >>> luxlib.adaptive_lpnormpool(x, 2, (1,))[:, 0]
    Array([13.], dtype=float32)
    ```

    The norm of `lpnormpool` with the windows of `adaptive_maxpool`.
    """
    x = check_norm("adaptive_lpnormpool", x, p)
    return _adaptive_lpnormpool(x, p=float(p), axes=_axes("adaptive_lpnormpool", x, output_size))


def _axes(function: str, x: Array, output_size: Sequence[int]) -> tuple[Sliding | Uneven, ...]:
    """Check the arguments and return the windows along each axis."""
    count = spatial_axes(function, "output_size", output_size, x)
    sizes = per_axis(function, "output_size", output_size, count)
    space = x.shape[-count - 1 : -1]
    if 0 in space:
        raise mismatch(
            function,
            "x",
            "spatial axes with elements",
            space,
            "A window without an element has nothing to pool.",
        )
    return tuple(
        Uneven(n, m) if n % m else Sliding(n, n // m, n // m, 1, 0, 0, 0)
        for n, m in zip(space, sizes, strict=True)
    )


@partial(jax.jit, static_argnames=("axes",))
def _adaptive_maxpool(x: Array, *, axes: tuple[Sliding | Uneven, ...]) -> Array:
    return along(x, axes, maximum_along)


@partial(jax.jit, static_argnames=("axes",))
def _adaptive_meanpool(x: Array, *, axes: tuple[Sliding | Uneven, ...]) -> Array:
    sums = along(x.astype(accumulator(x.dtype)), axes, sum_along)
    return divide(sums, [axis.counts() for axis in axes]).astype(x.dtype)


@partial(jax.jit, static_argnames=("p", "axes"))
def _adaptive_lpnormpool(x: Array, *, p: float, axes: tuple[Sliding | Uneven, ...]) -> Array:
    return root(along(power(x, p), axes, sum_along), p).astype(x.dtype)
