"""Attention in blocks of queries, with a derivative of its own.

A block of queries is taken with only those keys that a causal mask or a sliding window lets it see.
With weights `p`, logits `s` and output `y` of a block, the derivative is

    y_dot = (p * s_dot) @ value - sum(p * s_dot) * y + p @ value_dot

(the middle term holds the softmax's normalisation; a sink adds its own weight and tangent there).
Transposed, that is the backward pass of FlashAttention (Dao et al., 2022), with the row sums of
`y_bar * y` in place of those of `p * p_bar`.

Short sequences keep their weights for the backward pass. Long ones make them again from the
logarithm of the row sums, so that memory grows with the length and not with its square; their
blocks are run by `lax.scan`, a few scans in all, so that programs stay small and one block's
memory is the next one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from luxlib._checkpoint import saveable

from ._terms import Sides, by_keys, exponentials, keep_factor, logits, of_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    from ._terms import Options

__all__ = ["Blocks", "blocked", "blocks_for", "in_blocks"]


@dataclass(frozen=True)
class Blocks:
    """How the work is divided."""

    rows: int  # queries in a block
    saved: bool  # whether the weights are kept for the backward pass


def blocks_for(length: int, key_length: int, bounded: bool) -> Blocks:
    """Choose the division, from what `benchmarks/attention.py` measures.

    `bounded` tells whether some keys are out of sight by their position.
    """
    size = length * key_length
    if size > (1024 * 1024 if bounded else 512 * 512):
        return Blocks(256, saved=False)  # larger products, less memory to go through
    if not bounded:
        return Blocks(length, saved=True)  # nothing to skip
    return Blocks(128 if length <= 384 else 256, saved=True)  # 128 at 512: 1.2 times as slow


# Program size and compile time grow with the scans, what is skipped does with each less.
_MOST_SCANS = 4


@dataclass(frozen=True)
class _Group:
    """Blocks of equal size that one scan runs; each begins `step` columns after the one before."""

    row: int
    rows: int
    count: int
    column: int
    columns: int
    step: int


def blocked(options: Options, query: Array, key: Array, value: Array, sides: Sides) -> Array:
    """Return what `plain` does, block by block."""
    bounded = options.shift is not None and (options.left, options.right) != (None, None)
    blocks = blocks_for(query.shape[-2], key.shape[-2], bounded)
    return in_blocks(options, query, key, value, sides, blocks=blocks)


def in_blocks(
    options: Options, query: Array, key: Array, value: Array, sides: Sides, *, blocks: Blocks
) -> Array:
    """Return what `plain` does, in the given blocks."""
    fixed = sides._replace(bias=None, sinks=None)
    return _attend(options, blocks, query, key, value, sides.bias, sides.sinks, fixed)


def _cut(array: Array, axis: int, start: Any, size: int, of: int) -> Array:
    """Take `size` elements of an axis, unless nothing varies along it."""
    if array.ndim == 0 or (array.shape[axis] == 1 and of != 1) or size == of:
        return array
    if isinstance(start, int):
        return lax.slice_in_dim(array, start, start + size, axis=axis)
    return lax.dynamic_slice_in_dim(array, start, size, axis)


def _groups(options: Options, blocks: Blocks, length: int, key_length: int) -> list[_Group]:
    """Divide the rows, and find the columns that each group can see."""

    def columns(first: int, last: int) -> tuple[int, int]:
        """The first column that rows `first` to `last` see, and how many from there."""
        low, high = 0, key_length
        if options.shift is not None and options.left is not None:
            low = first + options.shift - options.left
        if options.shift is not None and options.right is not None:
            high = last + options.shift + options.right + 1
        low = min(max(low, 0), key_length - 1)
        return low, max(min(high, key_length) - low, 1)

    rows, whole = blocks.rows, length // blocks.rows
    banded = None not in (options.left, options.right, options.shift)
    width = rows + (options.left or 0) + (options.right or 0)
    groups = []
    if banded and whole > 2 and width < key_length:
        first = (options.shift or 0) - (options.left or 0)
        groups.append(_Group(0, rows, whole, first, max(width, 1), rows))
    elif whole:
        bounded = options.shift is not None and (options.left, options.right) != (None, None)
        scans = min(whole, _MOST_SCANS if bounded else 1)
        edges = [whole * i // scans for i in range(scans + 1)]
        for start, stop in pairwise(edges):
            seen = columns(start * rows, stop * rows - 1)
            groups.append(_Group(start * rows, rows, stop - start, *seen, 0))
    if length % rows:
        seen = columns(whole * rows, length - 1)
        groups.append(_Group(whole * rows, length % rows, 1, *seen, 0))
    return groups


def _run(
    group: _Group, body: Callable[..., Any], rows: Any, sides: Any, keys: Any, key_length: int
) -> Any:
    """Call `body(row, column, rows, sides, keys)` for every block of a group, join the results.

    All are pytrees: `rows` and `sides` of arrays cut to the group's rows already, `sides` to be cut
    by columns, `keys` by keys.
    """

    def columns(column: Any, sides: Any, keys: Any) -> tuple[Any, Any]:
        cut = partial(_cut, start=column, size=group.columns, of=key_length)
        sides = jax.tree.map(partial(cut, axis=-1), sides)
        return sides, jax.tree.map(partial(cut, axis=-2), keys)

    if not group.step:
        sides, keys = columns(group.column, sides, keys)
    if group.count == 1:
        return body(group.row, group.column, rows, sides, keys)

    leaves, tree = jax.tree.flatten((rows, sides))
    moving = [leaf.ndim > 1 and leaf.shape[-2] > 1 for leaf in leaves]

    def block(_: None, numbered: tuple[Array, list[Array]]) -> tuple[None, Any]:
        number, parts = numbered
        rest = iter(parts)
        own = [next(rest) if moves else leaf for leaf, moves in zip(leaves, moving, strict=True)]
        own_rows, own_sides = jax.tree.unflatten(tree, own)
        row = group.row + number * group.rows
        if not group.step:
            return None, body(row, group.column, own_rows, own_sides, keys)
        last = key_length - group.columns
        column = jnp.clip(group.column + number * group.step, 0, last)
        return None, body(row, column, own_rows, *columns(column, own_sides, keys))

    numbers = jnp.arange(group.count, dtype=jnp.int32)
    parts = [_to_blocks(leaf, group) for leaf, moves in zip(leaves, moving, strict=True) if moves]
    return jax.tree.map(_from_blocks, lax.scan(block, None, (numbers, parts))[1])


def _to_blocks(array: Array, group: _Group) -> Array:
    shape = (*array.shape[:-2], group.count, group.rows, array.shape[-1])
    return jnp.moveaxis(array.reshape(shape), -3, 0)


def _from_blocks(array: Array) -> Array:
    array = jnp.moveaxis(array, 0, -3)
    return array.reshape(*array.shape[:-3], array.shape[-3] * array.shape[-2], array.shape[-1])


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _attend(
    options: Options,
    blocks: Blocks,
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None,
    sinks: Array | None,
    fixed: Sides,
) -> Array:
    sides, key_length = fixed._replace(bias=bias, sinks=sinks), key.shape[-2]
    parts = []
    for group in _groups(options, blocks, query.shape[-2], key_length):
        own_query, own_sides = jax.tree.map(
            partial(_rows_of, group, query.shape[-2]), (query, sides)
        )
        forward = partial(_forward, options, False)
        parts.append(_run(group, forward, own_query, own_sides, (key, value), key_length)[0])
    return _join(parts)


def _attend_jvp(
    options: Options, blocks: Blocks, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Array, Array]:
    query, key, value, bias, sinks, fixed = primals
    query_dot, key_dot, value_dot, bias_dot, sinks_dot = (
        None if isinstance(dot, SymbolicZero) else dot for dot in tangents[:5]
    )
    sides, key_length = fixed._replace(bias=bias, sinks=sinks), key.shape[-2]
    parts, part_dots = [], []
    for group in _groups(options, blocks, query.shape[-2], key_length):
        own_query, own_query_dot, own_sides, own_bias_dot = jax.tree.map(
            partial(_rows_of, group, query.shape[-2]), (query, query_dot, sides, bias_dot)
        )
        forward = partial(_forward, options, blocks.saved)
        part, kept = _run(group, forward, own_query, own_sides, (key, value), key_length)
        part, kept = saveable(part), kept._replace(over=saveable(kept.over))
        # Where it is not in a scan, what is made again must not be taken for what was there.
        again = group.count == 1 and not blocks.saved
        tangent = jax.checkpoint(partial(_tangent, options), prevent_cse=again)
        part_dot = _run(
            group,
            tangent,
            (own_query, own_query_dot, part, kept),
            (own_sides, own_bias_dot, sinks_dot),
            (key, value, key_dot, value_dot),
            key_length,
        )
        parts.append(part)
        part_dots.append(part_dot)
    return _join(parts), _join(part_dots)


_attend.defjvp(_attend_jvp, symbolic_zeros=True)


def _rows_of(group: _Group, length: int, array: Array) -> Array:
    return _cut(array, -2, group.row, group.rows * group.count, length)


def _join(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, -2)


class _Kept(NamedTuple):
    """What the derivative of a block takes from its value."""

    over: Array  # the logarithm of what the exponentials of the logits are divided by
    weights: Array | None = None
    slope: Array | None = None


def _forward(
    options: Options,
    saved: bool,
    row: Any,
    column: Any,
    query: Array,
    sides: Sides,
    keys: tuple[Array, Array],
) -> tuple[Array, _Kept]:
    key, value = keys
    scores, slope = logits(options, row, column, query, key, sides)
    weights, total, top = exponentials(options, scores, sides.sinks)
    weights = weights / total
    keep = keep_factor(sides, column, key.shape[-2], value.dtype)
    result = of_values(weights if keep is None else weights * keep, value)
    over = top + jnp.log(total)
    return result, _Kept(over, weights, slope) if saved else _Kept(over)


def _tangent(
    options: Options,
    row: Any,
    column: Any,
    rows: tuple[Array, Array | None, Array, _Kept],
    sides_and_tangents: tuple[Sides, Array | None, Array | None],
    keys: tuple[Array, Array, Array | None, Array | None],
) -> Array:
    """Return the tangent of a block's result, linear in the tangents."""
    query, query_dot, result, kept = rows
    sides, bias_dot, sinks_dot = sides_and_tangents
    key, value, key_dot, value_dot = keys
    weights, slope = kept.weights, kept.slope
    if weights is None:
        scores, slope = logits(options, row, column, query, key, sides)
        weights = jnp.exp(scores - kept.over)
    keep = keep_factor(sides, column, key.shape[-2], value.dtype)

    def dropped(weights: Array) -> Array:
        return weights if keep is None else weights * keep

    tangent = jnp.zeros_like(result)
    scores_dot = None
    if query_dot is not None:
        scores_dot = by_keys(query_dot, key)
    if key_dot is not None:
        of_key = by_keys(query, key_dot)
        scores_dot = of_key if scores_dot is None else scores_dot + of_key
    if scores_dot is not None:
        scores_dot = scores_dot * options.scale
        scores_dot = scores_dot if slope is None else scores_dot * slope
    if bias_dot is not None:
        bias_dot = bias_dot.astype(weights.dtype)
        scores_dot = bias_dot if scores_dot is None else scores_dot + bias_dot
    if scores_dot is not None:
        weights_dot = weights * scores_dot
        normalisation = weights_dot.sum(-1, keepdims=True) * result
        tangent = tangent + of_values(dropped(weights_dot), value) - normalisation
    if value_dot is not None:
        tangent = tangent + of_values(dropped(weights), value_dot)
    if sides.sinks is not None and sinks_dot is not None:
        tangent = tangent - jnp.exp(sides.sinks - kept.over) * sinks_dot * result
    return tangent
