"""Embeddings: rows of a table, by their indices.

An index that is out of range can't raise inside a compiled program. JAX would return the last row,
or one counted from the end; here such an index gives NaN, so that no wrong number goes unnoticed.
"""

from __future__ import annotations

import math
import operator
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from ._checks import check_inexact, mismatch
from ._dtypes import accumulator

if TYPE_CHECKING:
    from typing import Any

    from jax import Array
    from jaxtyping import Inexact, Int

__all__ = ["embedding_lookup"]


def embedding_lookup(
    ids: Int[Array, "*batch"] | tuple[Int[Array, "*batch"], ...],
    table: Inexact[Array, "entries features"],
    *,
    padding_index: int | None = None,
) -> Inexact[Array, "*batch features"]:
    """Take rows of a table.

    `y[i] = table[ids[i]]`

    **Arguments**

    - `ids`: `(*batch)`, integers from 0 to `entries - 1`; or a tuple of such arrays, one for each
      of the first axes of a table of more axes: `y[i] = table[ids[0][i], ids[1][i]]`
    - `table`: `(entries, features)`, or with any number of axes of features, also none
    - `padding_index`: a row that has no gradient, from 0 to `entries - 1`, or `None` for none; not
      for a tuple of indices

    **Returns**

    `(*batch, features)`, in the dtype of `table`. An index out of range, negative ones included,
    gives NaN. The gradient of the table sums the cotangents of each row, those of half precision in
    `float32`; an index out of range and `padding_index` add nothing to it.

    **Raises**

    `TypeError` where `ids` are no integers or `table` is not floating or complex; `ValueError`
    where `table` has too few axes, the arrays of a tuple differ in shape, or `padding_index` is out
    of range.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.embedding_lookup(jnp.array([2, 0, 3]), jnp.array([[1.0], [2.0], [3.0]]))[:, 0]
    Array([ 3.,  1., nan], dtype=float32)
    ```

    `padding_index` is `padding_idx` of `torch.nn.functional.embedding`: the row itself is returned
    as it is.
    """
    function = "embedding_lookup"
    several = isinstance(ids, tuple)
    parts = [jnp.asarray(part) for part in (ids if several else (ids,))]
    for part in parts:
        if not jnp.issubdtype(part.dtype, jnp.integer):
            raise mismatch(
                function,
                "ids",
                "an integer dtype",
                part.dtype,
                "ids.astype(jax.numpy.int32) makes indices of whole numbers.",
                kind=TypeError,
            )
    check_inexact(function, "table", table)
    if table.ndim < len(parts):
        axes = ", ".join(["entries"] * len(parts))
        raise mismatch(
            function,
            "table",
            f"shape ({axes}, ...)",
            table.shape,
            "It has a row for each index.",
        )
    table = jnp.asarray(table)
    if not several:
        return _lookup(parts[0], table, _padding(padding_index, table.shape[0]))
    if not parts or any(part.shape != parts[0].shape for part in parts):
        shapes = ", ".join(str(part.shape) for part in parts)
        raise mismatch(
            function,
            "ids",
            "arrays of one shape",
            f"({shapes})",
            "Each has an index for every place.",
        )
    if padding_index is not None:
        raise mismatch(
            function,
            "padding_index",
            "None for a tuple of indices",
            repr(padding_index),
            "It is the index of a row of a table of one axis of entries.",
        )
    entries = table.shape[: len(parts)]
    rows = table.reshape(math.prod(entries), *table.shape[len(parts) :])
    return _lookup(_flat_ids(parts, entries), rows, None)


@partial(jax.jit, static_argnums=1)
def _flat_ids(parts: list[Array], entries: tuple[int, ...]) -> Array:
    """Return the index of each place in the flattened table, -1 for one out of range."""
    flat, inside = jnp.zeros(parts[0].shape, jnp.int32), jnp.ones(parts[0].shape, bool)
    for part, size in zip(parts, entries, strict=True):
        inside &= _is_inside(part, size)
        flat = flat * size + part.astype(jnp.int32)
    return jnp.where(inside, flat, -1)


def _is_inside(ids: Array, entries: int) -> Array:
    # In the indices' own dtype: a conversion could wrap them.
    inside = ids >= 0
    return inside & (ids < entries) if entries <= jnp.iinfo(ids.dtype).max else inside


def _padding(index: int | None, entries: int) -> int | None:
    if index is None:
        return None
    try:
        place = operator.index(index)
    except TypeError:
        place = -1
    if not 0 <= place < entries:
        raise mismatch(
            "embedding_lookup",
            "padding_index",
            f"an integer from 0 to {entries - 1}, or None",
            repr(index),
            "It is the index of a row of the table.",
        )
    return place


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _rows(ids: Array, table: Array, padding: int | None) -> Array:
    return _take(table, ids, None, math.nan)


def _rows_jvp(
    padding: int | None, primals: tuple[Array, Array], tangents: tuple[Any, Any]
) -> tuple[Array, Array]:
    (ids, table), (_, table_dot) = primals, tangents
    rows = _rows(ids, table, padding)
    if isinstance(table_dot, SymbolicZero):
        return rows, jnp.zeros_like(rows)
    # In the dtype of sums, since its transpose adds up the rows' cotangents.
    wide = table_dot.astype(accumulator(table.dtype))
    return rows, _take(wide, ids, padding, 0.0).astype(rows.dtype)


_rows.defjvp(_rows_jvp, symbolic_zeros=True)
_lookup = jax.jit(_rows, static_argnums=2)


def _take(table: Array, ids: Array, without: int | None, beyond: float) -> Array:
    """Return the rows, filled with `beyond` for an index out of range and for `without`."""
    entries = table.shape[0]
    if entries == 0:
        return jnp.full((*ids.shape, *table.shape[1:]), beyond, table.dtype)
    inside = _is_inside(ids, entries)
    if without is not None:
        inside &= ids != without
    places = jnp.where(inside, ids.astype(jnp.int32), entries)
    return table.at[places].get(mode="fill", fill_value=beyond)
