"""A kernel for GPUs with what the vendor's lacks: soft cap, sinks, segments, windows.

FlashAttention-2 (Dao, 2023) in Pallas, compiled by Triton. A program of the grid holds a block of
queries and runs over the blocks of keys that it can see, with a running maximum; going back, one
kernel does so for the queries, and one holds a block of keys and runs over the queries that see it.
Lengths are padded to whole blocks, and no query sees a key of the padding.

It was compiled for no GPU yet: it is tested in Pallas' interpreter, and that Triton's code is made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from luxlib._dtypes import accumulator

from ._kernels import Kernel

if TYPE_CHECKING:
    from jax import Array

    from ._terms import Options, Sides

__all__ = ["pallas_kernel"]


@dataclass(frozen=True)
class _Work:
    """How the work is divided, and the lengths without padding."""

    options: Options
    rows: int  # queries in a block
    columns: int  # keys in a block
    length: int
    key_length: int
    interpret: bool

    @property
    def row_blocks(self) -> int:
        return pl.cdiv(self.length, self.rows)

    @property
    def column_blocks(self) -> int:
        return pl.cdiv(self.key_length, self.columns)


@cache
def pallas_kernel(*, rows: int = 64, columns: int = 64, interpret: bool = False) -> Kernel:
    """Return the kernel with blocks of a size, a power of two from 16."""
    sizes: dict[str, Any] = {"rows": rows, "columns": columns, "interpret": interpret}
    return Kernel(
        partial(_forward, **sizes),
        partial(_backward, **sizes),
        platform=None if interpret else "cuda",
    )


def _forward(
    options: Options, query: Array, key: Array, value: Array, sides: Sides, **sizes: Any
) -> tuple[Array, Array]:
    """Return the result and the logarithm of what the exponentials are divided by."""
    work = _Work(options, length=query.shape[-2], key_length=key.shape[-2], **sizes)
    queries, *others = _operands(work, query, key, value, sides)
    batch, heads, padded, _ = queries.shape
    call = _call(
        partial(_forward_kernel, work, sides.query_segments is not None),
        work,
        (batch, heads, work.row_blocks),
        outputs=[
            ((batch, heads, padded, value.shape[-1]), _block(work.rows, value.shape[-1])),
            ((batch, heads, padded), _line(work.rows)),
        ],
        specs=_specs(work, True, heads // key.shape[1], queries, *others),
    )
    result, over = call(queries, *others)
    shape = query.shape[:-2]
    result = result[:, :, : work.length].reshape(*shape, work.length, -1)
    over = over[:, :, : work.length].reshape(*shape, work.length, 1)
    if sides.sinks is not None:
        with_sink = jnp.logaddexp(over, sides.sinks.astype(over.dtype))
        result, over = result * jnp.exp(over - with_sink), with_sink
    return result, over


def _backward(
    options: Options,
    query: Array,
    key: Array,
    value: Array,
    sides: Sides,
    result: Array,
    over: Array,
    result_bar: Array,
    **sizes: Any,
) -> tuple[Array, Array, Array, Array | None]:
    work = _Work(options, length=query.shape[-2], key_length=key.shape[-2], **sizes)
    segmented = sides.query_segments is not None
    queries, keys, values, *segments = _operands(work, query, key, value, sides)
    batch, heads, padded, size = queries.shape
    key_heads, group = key.shape[1], heads // key.shape[1]
    mean = (result * result_bar).sum(-1, keepdims=True)
    bars = _by_heads(work.rows, result_bar.astype(query.dtype), heads)
    lines = [_by_heads(work.rows, line, heads)[..., 0] for line in (over, mean)]
    operands = (queries, keys, values, *segments, bars, *lines)
    query_bar = _call(
        partial(_query_kernel, work, segmented),
        work,
        (batch, heads, work.row_blocks),
        outputs=[((batch, heads, padded, size), _block(work.rows, size))],
        specs=_specs(work, True, group, *operands),
    )(*operands)[0]
    columns = keys.shape[2]
    key_bar, value_bar = _call(
        partial(_key_kernel, work, segmented),
        work,
        (batch, heads, work.column_blocks),
        outputs=[
            ((batch, heads, columns, size), _block(work.columns, size)),
            ((batch, heads, columns, value.shape[-1]), _block(work.columns, value.shape[-1])),
        ],
        specs=_specs(work, False, group, *operands),
    )(*operands)

    def of_group(bar: Array) -> Array:
        apart = bar[:, :, : work.key_length].reshape(
            batch, key_heads, group, work.key_length, bar.shape[-1]
        )
        return apart.sum(2)

    sinks_bar = None
    if sides.sinks is not None:
        share = -jnp.exp(sides.sinks.astype(over.dtype) - over) * mean
        sinks_bar = share.sum((0, -2, -1)).reshape(sides.sinks.shape)
    query_bar = query_bar[:, :, : work.length].reshape(query.shape)
    return query_bar, of_group(key_bar), of_group(value_bar), sinks_bar


def _by_heads(block: int, array: Array, heads: int) -> Array:
    """Turn `(batch, key_heads, *group, n, d)` into `(batch, heads, n, d)`, padded to blocks."""
    array = array.reshape(array.shape[0], heads, *array.shape[-2:])
    return jnp.pad(array, ((0, 0), (0, 0), (0, -array.shape[2] % block), (0, 0)))


def _operands(work: _Work, query: Array, key: Array, value: Array, sides: Sides) -> list[Array]:
    queries = _by_heads(work.rows, query, math.prod(query.shape[1:-2]))
    keys, values = (_by_heads(work.columns, a, a.shape[1]) for a in (key, value))
    if sides.query_segments is None or sides.key_segments is None:
        return [queries, keys, values]
    segments = []
    for ids, block in ((sides.query_segments, work.rows), (sides.key_segments, work.columns)):
        flat = ids.reshape(ids.shape[0], -1).astype(jnp.int32)
        segments.append(jnp.pad(flat, ((0, 0), (0, -flat.shape[1] % block))))
    return [queries, keys, values, *segments]


def _block(rows: int, size: int) -> pl.BlockSpec:
    return pl.BlockSpec((None, None, rows, size), lambda b, h, i: (b, h, i, 0))


def _line(rows: int) -> pl.BlockSpec:
    return pl.BlockSpec((None, None, rows), lambda b, h, i: (b, h, i))


def _specs(work: _Work, by_rows: bool, group: int, *operands: Array) -> list[pl.BlockSpec]:
    """Say what each program sees of the operands: its own block of some, all of the others."""

    def spec(operand: Array, of_rows: bool, of_keys: bool = False) -> pl.BlockSpec:
        block = work.rows if of_rows else work.columns
        own = of_rows == by_rows
        heads = operand.ndim > 2
        shape = (None,) * (2 if heads else 1) + (
            block if own else operand.shape[2 if heads else 1],
            *operand.shape[3:],
        )

        def index(b: Any, h: Any, i: Any) -> tuple[Any, ...]:
            lead = (b, h // group if of_keys else h) if heads else (b,)
            return (*lead, i if own else 0, *(0,) * (operand.ndim - len(lead) - 1))

        return pl.BlockSpec(shape, index)

    queries, keys, values, *others = operands
    specs = [spec(queries, True), spec(keys, False, True), spec(values, False, True)]
    if others and others[0].ndim == 2:
        specs += [spec(others[0], True), spec(others[1], False)]
        others = others[2:]
    return specs + [spec(other, True) for other in others]


def _call(
    kernel: Any,
    work: _Work,
    grid: tuple[int, ...],
    outputs: list[tuple[tuple[int, ...], pl.BlockSpec]],
    specs: list[pl.BlockSpec],
) -> Any:
    return pl.pallas_call(
        kernel,
        grid=grid,
        in_specs=specs,
        out_specs=[spec for _, spec in outputs],
        out_shape=[jax.ShapeDtypeStruct(shape, jnp.float32) for shape, _ in outputs],
        compiler_params=triton.CompilerParams(num_warps=4, num_stages=2),
        interpret=work.interpret,
        name="luxlib_attention",
    )


def _product(x: Array, y: Array, x_axis: int, y_axis: int) -> Array:
    return lax.dot_general(
        x, y, (((x_axis,), (y_axis,)), ((), ())), preferred_element_type=accumulator(x.dtype)
    )


def _scores(
    work: _Work, row: Any, column: Any, query: Array, key: Array, ids: tuple[Array, Array] | None
) -> tuple[Array, Array | None]:
    """Return the logits of a block and the cap's slope, as `_terms.logits` does."""
    options, slope = work.options, None
    scores = _product(query, key, 1, 1) * options.scale
    if options.soft_cap is not None:
        capped = jnp.tanh(scores / options.soft_cap)
        scores, slope = options.soft_cap * capped, 1 - capped * capped
    columns = column + lax.broadcasted_iota(jnp.int32, scores.shape, 1)
    distance = row + lax.broadcasted_iota(jnp.int32, scores.shape, 0) + options.shift - columns
    seen = columns < work.key_length
    if options.right is not None:
        seen &= distance >= -options.right
    if options.left is not None:
        seen &= distance <= options.left
    if ids is not None:
        seen &= ids[0][:, None] == ids[1][None, :]
    return jnp.where(seen, scores, -jnp.inf), slope


def _seen_by_rows(work: _Work, block: Any) -> tuple[Any, Any]:
    """Return the range of the blocks of keys that a block of queries can see."""
    options, first = work.options, block * work.rows + (work.options.shift or 0)
    low: Any = 0
    high: Any = work.column_blocks
    if options.left is not None:
        low = jnp.clip((first - options.left) // work.columns, 0, high)
    if options.right is not None:
        end = first + work.rows - 1 + options.right
        high = jnp.clip(end // work.columns + 1, 0, high)
    return low, high


def _seeing_columns(work: _Work, block: Any) -> tuple[Any, Any]:
    """Return the range of the blocks of queries that can see a block of keys."""
    options, first = work.options, block * work.columns - (work.options.shift or 0)
    low: Any = 0
    high: Any = work.row_blocks
    if options.right is not None:
        low = jnp.clip((first - options.right) // work.rows, 0, high)
    if options.left is not None:
        end = first + work.columns - 1 + options.left
        high = jnp.clip(end // work.rows + 1, 0, high)
    return low, high


def _forward_kernel(work: _Work, segmented: bool, *refs: Any) -> None:
    query_ref, key_ref, value_ref, *segment_refs, result_ref, over_ref = refs
    block = pl.program_id(2)
    query = query_ref[...]
    own: Any = segment_refs[0][...] if segmented else None

    def step(j: Any, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        result, total, top = state
        part = pl.ds(j * work.columns, work.columns)
        ids = (own, segment_refs[1][part]) if segmented else None
        key, value = key_ref[part, :], value_ref[part, :]
        scores, _ = _scores(work, block * work.rows, j * work.columns, query, key, ids)
        higher = jnp.maximum(top, scores.max(1))
        weights, decay = jnp.exp(scores - higher[:, None]), jnp.exp(top - higher)
        more = _product(weights.astype(value.dtype), value, 1, 0)
        return result * decay[:, None] + more, total * decay + weights.sum(1), higher

    start = (
        jnp.zeros((work.rows, value_ref.shape[-1]), jnp.float32),
        jnp.zeros(work.rows, jnp.float32),
        jnp.full(work.rows, jnp.finfo(jnp.float32).min),
    )
    result, total, top = lax.fori_loop(*_seen_by_rows(work, block), step, start)
    total = jnp.maximum(total, 0.5)  # as in `_terms.exponentials`
    result_ref[...] = result / total[:, None]
    over_ref[...] = top + jnp.log(total)


def _query_kernel(work: _Work, segmented: bool, *refs: Any) -> None:
    query_ref, key_ref, value_ref, *segment_refs, bar_ref, over_ref, mean_ref, out_ref = refs
    block = pl.program_id(2)
    query, bar, over, mean = query_ref[...], bar_ref[...], over_ref[...], mean_ref[...]
    own: Any = segment_refs[0][...] if segmented else None

    def step(j: Any, query_bar: Array) -> Array:
        part = pl.ds(j * work.columns, work.columns)
        ids = (own, segment_refs[1][part]) if segmented else None
        key, value = key_ref[part, :], value_ref[part, :]
        scores, slope = _scores(work, block * work.rows, j * work.columns, query, key, ids)
        weights = jnp.exp(scores - over[:, None])
        scores_bar = weights * (_product(bar, value, 1, 1) - mean[:, None])
        scores_bar = scores_bar if slope is None else scores_bar * slope
        return query_bar + _product(scores_bar.astype(key.dtype), key, 1, 0)

    zeros = jnp.zeros(query.shape, jnp.float32)
    out_ref[...] = work.options.scale * lax.fori_loop(*_seen_by_rows(work, block), step, zeros)


def _key_kernel(work: _Work, segmented: bool, *refs: Any) -> None:
    query_ref, key_ref, value_ref, *segment_refs = refs[:-5]
    bar_ref, over_ref, mean_ref, key_bar_ref, value_bar_ref = refs[-5:]
    block = pl.program_id(2)
    key, value = key_ref[...], value_ref[...]
    own: Any = segment_refs[1][...] if segmented else None

    def step(i: Any, bars: tuple[Array, Array]) -> tuple[Array, Array]:
        part = pl.ds(i * work.rows, work.rows)
        ids = (segment_refs[0][part], own) if segmented else None
        query, bar = query_ref[part, :], bar_ref[part, :]
        scores, slope = _scores(work, i * work.rows, block * work.columns, query, key, ids)
        weights = jnp.exp(scores - over_ref[part][:, None])
        scores_bar = weights * (_product(bar, value, 1, 1) - mean_ref[part][:, None])
        scores_bar = scores_bar if slope is None else scores_bar * slope
        return (
            bars[0] + _product(scores_bar.astype(query.dtype), query, 0, 0),
            bars[1] + _product(weights.astype(bar.dtype), bar, 0, 0),
        )

    start = jnp.zeros(key.shape, jnp.float32), jnp.zeros(value.shape, jnp.float32)
    key_bar, value_bar = lax.fori_loop(*_seeing_columns(work, block), step, start)
    key_bar_ref[...] = work.options.scale * key_bar
    value_bar_ref[...] = value_bar
