"""Gathering rows by index, and scattering rows to indices.

The indexed axes lead and the features follow, as batch and channels do. The two belong together:
the sum that `scatter` takes is what `gather` transposes to.

XLA has no derivative for a product scattered to equal indices, and dividing by a factor fails where
it is zero. So the derivative goes through a scan over the rows, sorted by index: the running
product of each run is multiplied out, and only multiplied, so zeros need no care in any order of
derivative.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ._checks import check_one_of, mismatch, per_axis
from ._dtypes import accumulator, to_inexact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from jax import Array
    from jaxtyping import Shaped

    Index: TypeAlias = Array | tuple[Array, ...]

__all__ = ["gather", "scatter"]

_OPERATIONS = ("add", "mul", "max", "min", "mean")
_OUTSIDE = ("fill", "clip")


def gather(
    x: Shaped[Array, "*sizes_and_features"], index: Index, *, outside: str = "fill"
) -> Shaped[Array, "*index_and_features"]:
    """Take rows of `x` by their index.

    `y[k, c] = x[index[k], c]`, with two index arrays `y[k, c] = x[index[0][k], index[1][k], c]`

    **Arguments**

    - `x`: `(*sizes, *features)`
    - `index`: integers from 0, of any shape; or a tuple of such arrays of one shape, one for each
      leading axis of `x` that is indexed
    - `outside`: what stands for an index that is negative or too large: with `"fill"` NaN, in an
      array of integers the smallest one (of unsigned ones and booleans the largest); with `"clip"`
      the nearest row

    **Returns**

    `(*index_shape, *features)`, in the dtype of `x`. Its derivative is a sum over equal indices;
    what stands for an index outside has none with `"fill"`.

    **Raises**

    `ValueError` where shapes don't fit together, `TypeError` where an index is not of integers.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> luxlib.gather(x, jnp.array([2, 0, 3]))
    Array([[ 5.,  6.],
           [ 1.,  2.],
           [nan, nan]], dtype=float32)
    ```

    As `NNlib.gather`, which counts from 1, indexes the last axes, and fails outside.
    """
    index = _indices("gather", index)
    if x.ndim < len(index):
        raise mismatch(
            "gather",
            "x",
            f"at least {len(index)} axes, one for each index array",
            f"shape {x.shape}",
            "The leading axes are indexed.",
        )
    check_one_of("gather", "outside", outside, _OUTSIDE)
    return _gather(x, index, outside=outside)


@partial(jax.jit, static_argnames=("outside",))
def _gather(x: Array, index: tuple[Array, ...], *, outside: str) -> Array:
    return x.at[index].get(mode=outside, wrap_negative_indices=False)


def scatter(
    x: Shaped[Array, "*index_and_features"],
    index: Index,
    size: int | Sequence[int],
    operation: str = "add",
) -> Shaped[Array, "*sizes_and_features"]:
    """Combine the rows of `x` that have the same index.

    `y[i, c] = operation(x[k, c] for all k with index[k] == i)`

    **Arguments**

    - `x`: `(*index_shape, *features)`, for `"max"` and `"min"` real
    - `index`: integers from 0, of any shape; or a tuple of such arrays of one shape, one for each
      leading axis of the result
    - `size`: how many rows the result has, one integer for each index array
    - `operation`: `"add"`, `"mul"`, `"max"`, `"min"` or `"mean"`

    Rows whose index is negative or too large are left out.

    **Returns**

    `(*size, *features)`, in the dtype of `x`; of `"mean"`, integers and booleans in the default
    floating dtype. Half precision is accumulated in `float32` and rounded once. Where no row goes,
    the sum and the mean are 0, the product is 1, the maximum is the smallest number (`-inf`) and
    the minimum the largest. Where several rows are largest (smallest), each gets an equal share of
    the gradient. The gradient of a product is right where factors are zero.

    **Raises**

    `ValueError` where shapes don't fit together or `operation` is another word, `TypeError` where
    an index is not of integers or complex numbers would be ordered.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x, index = jnp.array([1.0, 2.0, 3.0, 4.0]), jnp.array([0, 2, 0, 2])
    >>> luxlib.scatter(x, index, 3)
    Array([4., 0., 6.], dtype=float32)
    >>> luxlib.scatter(x, index, 3, "max")
    Array([  3., -inf,   4.], dtype=float32)
    ```

    As `NNlib.scatter`, which counts from 1, indexes the last axes, and gives all of several largest
    rows the whole gradient. To combine with rows that are already there, apply the operation once
    more.
    """
    function = "scatter"
    index = _indices(function, index)
    shape = index[0].shape
    if x.shape[: len(shape)] != shape:
        raise mismatch(
            function,
            "x",
            f"shape {_with_features(shape)}",
            x.shape,
            "Each index has a row of x; axes of features come after those of the index.",
        )
    check_one_of(function, "operation", operation, _OPERATIONS)
    sizes = per_axis(function, "size", size, len(index), least=0)
    if operation in ("max", "min") and jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            "x",
            f"a real dtype for {operation!r}",
            x.dtype,
            "Complex numbers have no order.",
            kind=TypeError,
        )
    if operation == "mean":
        x = to_inexact(x)
    return _scatter(x, index, size=sizes, operation=operation)


def _indices(function: str, index: Index) -> tuple[Array, ...]:
    """Return the index arrays, one for each indexed axis, as a tuple."""
    arrays = tuple(jnp.asarray(i) for i in (index if isinstance(index, tuple) else (index,)))
    for array in arrays:
        if not jnp.issubdtype(array.dtype, jnp.integer):
            raise mismatch(
                function,
                "index",
                "an integer dtype",
                array.dtype,
                "Indices count rows from 0.",
                kind=TypeError,
            )
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) != 1:
        raise mismatch(
            function,
            "index",
            "one array, or several of one shape",
            f"shapes {shapes}",
            "Each of them indexes one axis.",
        )
    return arrays


def _with_features(shape: Sequence[int]) -> str:
    return "(" + ", ".join((*map(str, shape), "...")) + ")"


@partial(jax.jit, static_argnames=("size", "operation"))
def _scatter(x: Array, index: tuple[Array, ...], *, size: tuple[int, ...], operation: str) -> Array:
    if operation in ("max", "min"):
        return _extremes(x, index, size, operation)
    wide = x.astype(accumulator(x.dtype))
    if operation == "mul":
        return _products(wide, index, size).astype(x.dtype)
    sums = _sums(wide, index, size)
    if operation == "mean":
        ones = jnp.ones(index[0].shape, jnp.finfo(wide.dtype).dtype)
        counts = jnp.maximum(_sums(ones, index, size), 1)
        features = (1,) * (sums.ndim - counts.ndim)
        sums = sums / counts.reshape(*counts.shape, *features).astype(sums.dtype)
    return sums.astype(x.dtype)


def _rows(x: Array, index: tuple[Array, ...], size: tuple[int, ...], value: Any) -> Array:
    """Return the result as it is before anything is scattered."""
    return jnp.full((*size, *x.shape[index[0].ndim :]), value, x.dtype)


def _sums(x: Array, index: tuple[Array, ...], size: tuple[int, ...]) -> Array:
    rows = _rows(x, index, size, 0)
    return rows.at[index].add(x, mode="drop", wrap_negative_indices=False)


def _extremes(x: Array, index: tuple[Array, ...], size: tuple[int, ...], operation: str) -> Array:
    rows = _rows(x, index, size, _neutral(x.dtype, operation)).at[index]
    update = rows.max if operation == "max" else rows.min
    return update(x, mode="drop", wrap_negative_indices=False)


def _neutral(dtype: Any, operation: str) -> Any:
    """Return the number that changes no maximum, or no minimum."""
    if dtype == jnp.bool_:
        return operation == "min"
    if jnp.issubdtype(dtype, jnp.floating):
        return -np.inf if operation == "max" else np.inf
    return jnp.iinfo(dtype).min if operation == "max" else jnp.iinfo(dtype).max


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _products(x: Array, index: tuple[Array, ...], size: tuple[int, ...]) -> Array:
    rows = _rows(x, index, size, 1)
    return rows.at[index].multiply(x, mode="drop", wrap_negative_indices=False)


@_products.defjvp
def _products_jvp(
    size: tuple[int, ...],
    primals: tuple[Array, tuple[Array, ...]],
    tangents: tuple[Array, Any],
) -> tuple[Array, Array]:
    x, index = primals
    _, y_dot = jax.jvp(lambda x: _products_by_scan(x, index, size), (x,), (tangents[0],))
    return _products(x, index, size), y_dot


def _products_by_scan(x: Array, index: tuple[Array, ...], size: tuple[int, ...]) -> Array:
    """Multiply each run of rows with equal indices, sorted."""
    features = x.shape[index[0].ndim :]
    columns = [i.reshape(-1) for i in index]
    order = jnp.lexsort(columns)
    columns = [column[order] for column in columns]
    rows = x.reshape(order.size, *features)[order]
    changes = [column[1:] != column[:-1] for column in columns]
    change = jnp.stack(changes).any(0)
    edge = jnp.ones((min(order.size, 1),), bool)
    begins = jnp.concatenate([edge, change]).reshape(order.size, *(1,) * len(features))
    ends = jnp.concatenate([change, edge])

    def join(earlier: Any, later: Any) -> Any:
        return later[0] | earlier[0], jnp.where(later[0], later[1], earlier[1] * later[1])

    _, running = lax.associative_scan(join, (begins, rows))
    outside = jnp.asarray(-1, columns[0].dtype)
    last = (jnp.where(ends, columns[0], outside), *columns[1:])  # others than the last go nowhere
    whole = _rows(x, index, size, 1)
    return whole.at[last].set(running, mode="drop", wrap_negative_indices=False)
