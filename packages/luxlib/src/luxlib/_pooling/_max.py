"""A window's largest element.

The derivative is our own. XLA transposes a maximum over windows into a select-and-scatter, which
on CPU takes 2 to 30 times as long as comparing: the element that equals the maximum, the first one
where several do, is the one that the output varies with. Which one it was is kept as one byte for
each window, and the derivative is a sum over the window's positions of what lies there where that
position won. That is linear and made of ordinary operations, so JAX transposes it, and every
transformation and order of derivative works.
"""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from luxlib._checks import mismatch
from luxlib._compilation import compilation

from ._sliding import UNROLLED, Sliding, Uneven, along, reduce_windows, sliding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Shaped

    from luxlib._windows import Padding

__all__ = ["check_ordered", "maximum_along", "maxpool"]

# In larger windows that lie apart the winner is found faster by a reduction than by comparisons.
_FEW = 3
# Larger overlapping windows are differentiated by XLA's select-and-scatter (where it can: not if
# dilated): the comparisons are written out one by one.
_MOST_COMPARISONS = 64


def maxpool(
    x: Shaped[Array, "*batch_and_space channels"],
    window: Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> Shaped[Array, "*batch_and_places channels"]:
    """Take the largest element of each window over one, two or three spatial axes.

    In one dimension, with window positions `i`,

    `y[b, t, c] = max(x[b, stride * t + dilation * i, c])`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, real, any number of leading axes, also none
    - `window`: its size, one integer for each spatial axis; their number says how many are spatial
    - `stride`: the step between two places of the window, one integer or one for each spatial axis;
      `None` for the window's size, so that windows tile the input
    - `padding`: elements added on both sides, smaller than everything: one integer, for each
      spatial axis an integer or a pair `(before, after)`, or `"VALID"` (none) or `"SAME"`
      (`ceil(n / stride)` places, an odd element after)
    - `dilation`: the distance between two elements of the window, like `stride`
    - `ceil_mode`: whether a last window that reaches over the end counts, if it begins before it

    **Returns**

    `(*batch, *places, channels)` with
    `floor((n + before + after - dilation * (k - 1) - 1) / stride) + 1` places on an axis of `n`
    elements under a window of `k`, in the dtype of `x`. Where several elements of a window are
    largest, the gradient goes to the first. A window with a NaN gives NaN.

    **Raises**

    `ValueError` where shapes and options don't fit together, `TypeError` where `x` is complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([1.0, 3.0, 2.0, 0.0, 5.0])[:, None]
    >>> luxlib.maxpool(x, (2,))[:, 0]
    Array([3., 2.], dtype=float32)
    >>> luxlib.maxpool(x, (2,), ceil_mode=True)[:, 0]
    Array([3., 2., 5.], dtype=float32)
    >>> luxlib.maxpool(x, (3,), stride=1, padding="SAME")[:, 0]
    Array([3., 3., 3., 5., 5.], dtype=float32)
    ```

    As `NNlib.maxpool` and `torch.nn.functional.max_pool2d`, with channels last.
    """
    check_ordered("maxpool", x)
    axes = sliding("maxpool", x, window, stride, padding, dilation, ceil_mode)
    return _maxpool(x, axes=axes, by_axis=_by_axis(compilation().platform, axes))


def check_ordered(function: str, x: Array) -> None:
    """Refuse complex numbers."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            "x",
            "a real dtype",
            x.dtype,
            "Complex numbers have no order: pool jax.numpy.abs(x), for example.",
            kind=TypeError,
        )


def _by_axis(platform: str, axes: Sequence[Sliding]) -> bool:
    """Tell whether axes are pooled one by one: XLA's reduction over all is slow on CPU."""
    # XLA can't differentiate a dilated one anywhere.
    return platform == "cpu" or any(axis.dilation > 1 for axis in axes)


@partial(jax.jit, static_argnames=("axes", "by_axis"))
def _maxpool(x: Array, *, axes: tuple[Sliding, ...], by_axis: bool) -> Array:
    if by_axis:
        return along(x, axes, maximum_along)
    return reduce_windows(x, axes, _smallest(x.dtype), lax.max)


def maximum_along(x: Array, axis: Sliding | Uneven) -> Array:
    """Return each window's largest element, `(outer, places, inner)`."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return _maximum(x, axis)  # nothing to differentiate
    if isinstance(axis, Uneven) or axis.disjoint:
        return _maximum_of_disjoint(x, axis)
    if axis.window <= _MOST_COMPARISONS or axis.dilation > 1:
        return _maximum_of_overlapping(x, axis)
    return _maximum(x, axis)


def _maximum(x: Array, axis: Sliding | Uneven) -> Array:
    if isinstance(axis, Uneven):
        return axis.windows(x, _smallest(x.dtype)).max(2)
    if axis.disjoint and axis.window <= UNROLLED:
        return reduce(jnp.maximum, axis.elements(x, _smallest(x.dtype)))
    return reduce_windows(x, (axis,), _smallest(x.dtype), lax.max)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _maximum_of_disjoint(x: Array, axis: Sliding | Uneven) -> Array:
    return _maximum(x, axis)


@_maximum_of_disjoint.defjvp
def _maximum_of_disjoint_jvp(
    axis: Sliding | Uneven, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (x,), (x_dot,) = primals, tangents
    y = _maximum_of_disjoint(x, axis)
    if isinstance(axis, Sliding) and axis.window <= _FEW:
        winner = _first(axis.elements(x, _smallest(x.dtype)), y)
    else:
        windows = axis.windows(x, _smallest(x.dtype))
        positions = _positions(windows.shape[2])
        # Not less, rather than equal: true somewhere in a window with a NaN too.
        beaten = jnp.asarray(windows.shape[2], positions.dtype)
        winner = jnp.where(windows < y[:, :, None], beaten, positions).min(2)

    def at_the_winner(winner: Array, array: Array) -> Array:
        windows = axis.windows(array, 0)
        won = winner[:, :, None] == _positions(windows.shape[2])
        return jnp.where(won, windows, jnp.zeros_like(windows)).sum(2)

    # The checkpoint keeps `winner` for the backward pass, and not what is computed from it.
    return y, jax.checkpoint(at_the_winner, prevent_cse=False)(winner, x_dot)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _maximum_of_overlapping(x: Array, axis: Sliding) -> Array:
    return _maximum(x, axis)


@_maximum_of_overlapping.defjvp
def _maximum_of_overlapping_jvp(
    axis: Sliding, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (x,), (x_dot,) = primals, tangents
    y = _maximum_of_overlapping(x, axis)
    winner = _first(axis.elements(x, _smallest(x.dtype)), y)

    def at_the_winner(winner: Array, array: Array) -> Array:
        chosen = jnp.zeros_like(y)
        for position, element in enumerate(axis.elements(array, 0)):
            chosen = chosen + jnp.where(winner == position, element, jnp.zeros_like(element))
        return chosen

    return y, jax.checkpoint(at_the_winner, prevent_cse=False)(winner, x_dot)


def _first(elements: Sequence[Array], y: Array) -> Array:
    """Return the first position in the window at which the element is not less than `y`."""
    kind = _counter(len(elements))
    winner = jnp.full(y.shape, len(elements) - 1, kind)
    for position, element in reversed(list(enumerate(elements[:-1]))):
        winner = jnp.where(element < y, winner, jnp.asarray(position, kind))
    return winner


def _positions(window: int) -> Array:
    """Return the positions in a window, as they lie in `(outer, places, window, inner)`."""
    return lax.broadcasted_iota(_counter(window), (1, 1, window, 1), 2)


def _counter(window: int) -> Any:
    """Return the smallest dtype that counts the positions of a window and one more."""
    return jnp.uint8 if window < 256 else jnp.uint32


def _smallest(dtype: Any) -> Any:
    """Return a number that is larger than none of `dtype`."""
    if jnp.issubdtype(dtype, jnp.floating):
        return np.asarray(-np.inf, dtype)
    return np.asarray(False if dtype == jnp.bool_ else jnp.iinfo(dtype).min, dtype)
