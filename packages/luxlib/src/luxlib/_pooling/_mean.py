"""A window's mean."""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from luxlib._compilation import compilation
from luxlib._dtypes import accumulator, to_inexact

from ._sliding import UNROLLED, Sliding, Uneven, along, reduce_windows, sliding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Inexact, Num

    from luxlib._windows import Padding

__all__ = ["divide", "meanpool", "sum_along", "window_sum"]


def meanpool(
    x: Num[Array, "*batch_and_space channels"],
    window: Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Inexact[Array, "*batch_and_places channels"]:
    """Take the mean of each window over one, two or three spatial axes.

    In one dimension, with window positions `i`,

    `y[b, t, c] = sum(x[b, stride * t + dilation * i, c]) / count[t]`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, any number of leading axes, also none
    - `window`: its size, one integer for each spatial axis; their number says how many are spatial
    - `stride`: the step between two places of the window, one integer or one for each spatial axis;
      `None` for the window's size, so that windows tile the input
    - `padding`: zeros added on both sides: one integer, for each spatial axis an integer or a pair
      `(before, after)`, or `"VALID"` (none) or `"SAME"` (`ceil(n / stride)` places, an odd element
      after)
    - `dilation`: the distance between two elements of the window, like `stride`
    - `ceil_mode`: whether a last window that reaches over the end counts, if it begins before it
    - `count_include_pad`: whether `count` includes the zeros of the padding, or elements of `x`
      alone; what `ceil_mode` lets a window reach over is never counted

    **Returns**

    `(*batch, *places, channels)`, as many places as `maxpool` has, in the dtype of `x`, integers
    and booleans in the default floating dtype. Half precision is summed in `float32` and rounded
    once.

    **Raises**

    `ValueError` where shapes and options don't fit together.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([1.0, 3.0, 2.0, 0.0, 5.0])[:, None]
    >>> luxlib.meanpool(x, (2,))[:, 0]
    Array([2., 1.], dtype=float32)
    >>> luxlib.meanpool(x, (2,), padding=1)[:, 0]
    Array([0.5, 2.5, 2.5], dtype=float32)
    >>> luxlib.meanpool(x, (2,), padding=1, count_include_pad=False)[:, 0]
    Array([1. , 2.5, 2.5], dtype=float32)
    ```

    As `NNlib.meanpool`, which always counts the padding, and `torch.nn.functional.avg_pool2d`,
    with channels last. TensorFlow and Keras don't count it.
    """
    x = to_inexact(x)
    axes = sliding("meanpool", x, window, stride, padding, dilation, ceil_mode)
    by_axis = compilation().platform == "cpu"
    return _meanpool(x, axes=axes, count_include_pad=count_include_pad, by_axis=by_axis)


@partial(jax.jit, static_argnames=("axes", "count_include_pad", "by_axis"))
def _meanpool(
    x: Array, *, axes: tuple[Sliding, ...], count_include_pad: bool, by_axis: bool
) -> Array:
    sums = window_sum(x.astype(accumulator(x.dtype)), axes, by_axis)
    counts = [axis.counts(with_padding=count_include_pad) for axis in axes]
    return divide(sums, counts).astype(x.dtype)


def window_sum(x: Array, axes: Sequence[Sliding], by_axis: bool) -> Array:
    """Return each window's sum: axis by axis, which on CPU is faster, or all at once."""
    return along(x, axes, sum_along) if by_axis else reduce_windows(x, axes, 0, lax.add)


def divide(sums: Array, counts: Sequence[np.ndarray]) -> Array:
    """Divide by the number of elements that windows hold, given along each axis."""
    count = reduce(np.multiply.outer, counts)
    lengths = (1,) * (sums.ndim - count.ndim - 1)
    return sums / jnp.asarray(count.reshape(*lengths, *count.shape, 1), sums.dtype)


def sum_along(x: Array, axis: Sliding | Uneven) -> Array:
    """Return each window's sum, `(outer, places, inner)`."""
    if isinstance(axis, Uneven) or (axis.disjoint and axis.window > UNROLLED):
        return axis.windows(x, 0).sum(2)
    return _sum_of_elements(x, axis) if axis.disjoint else reduce_windows(x, (axis,), 0, lax.add)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _sum_of_elements(x: Array, axis: Sliding) -> Array:
    return reduce(jnp.add, axis.elements(x, 0))


@_sum_of_elements.defjvp
def _sum_of_elements_jvp(
    axis: Sliding, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    # A sum over an axis transposes to a broadcast, one of slices to slow paddings.
    return _sum_of_elements(*primals, axis), axis.windows(tangents[0], 0).sum(2)
