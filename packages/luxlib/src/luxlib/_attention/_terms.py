"""What decides how much a query attends to a key: the terms that all formulations share.

Inside this folder arrays have their heads before time, and query heads that share a key head are an
axis of their own:

    query         (batch, key_heads, *group, time, head_dim)
    key, value    (batch, key_heads, key_time, head_dim or value_dim)
    Sides         (batch, key_heads, *group, time, key_time), sizes of 1 where nothing varies

There is no axis `group` where every query head has a key head of its own: XLA's kernel library on
CPU would copy the logits for it. So rows (queries) lie in the second last axis of all, and so do
keys in `key` and `value`; columns (keys) lie in the last axis of the sides.

The weight of a key for a query is

    softmax over keys of  soft_cap * tanh(scale * query · key / soft_cap) + bias

over those keys that the query sees. A key that it doesn't see has the logit -inf.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
from jax import lax

from luxlib._dtypes import accumulator
from luxlib._products import product

if TYPE_CHECKING:
    from jax import Array

__all__ = ["Options", "Sides", "by_keys", "exponentials", "keep_factor", "logits", "of_values"]


@dataclass(frozen=True)
class Options:
    """What is known when the program is made.

    A query at row `i` sees the keys from `i + shift - left` to `i + shift + right`, bounds that are
    `None` aside. `shift` is `None` where it is an array, in `Sides`. `always_sees` tells whether
    each query is known to see a key.
    """

    scale: float
    soft_cap: float | None
    left: int | None
    right: int | None
    shift: int | None
    always_sees: bool = False


class Sides(NamedTuple):
    """Arrays beside query, key and value; `None` where there is nothing."""

    bias: Array | None = None
    mask: Array | None = None
    shift: Array | None = None  # (batch, 1, 1, 1, 1)
    query_segments: Array | None = None  # (batch, 1, 1, time, 1)
    key_segments: Array | None = None  # (batch, 1, 1, 1, key_time)
    sinks: Array | None = None  # (1, key_heads, group, 1, 1)
    seeds: tuple[Array, Array] | None = None  # of dropout, (batch, key_heads, group, time, 1) each
    rate: Array | None = None  # of dropout, ()


def by_keys(rows: Array, keys: Array) -> Array:
    """Multiply `(b, h, *g, rows, d)` with `(b, h, keys, d)` to `(b, h, *g, rows, keys)`."""
    return _by_group(rows, keys, (((3,), (3,)), ((0, 1), (0, 1))))


def of_values(weights: Array, values: Array) -> Array:
    """Multiply `(b, h, *g, rows, keys)` with `(b, h, keys, d)` to `(b, h, *g, rows, d)`."""
    return _by_group(weights.astype(values.dtype), values, (((3,), (2,)), ((0, 1), (0, 1))))


def _by_group(x: Array, y: Array, dimensions: Any) -> Array:
    """Multiply with a group's rows as one axis: its gradient then sums over one axis too."""
    multiply = partial(lax.dot_general, dimension_numbers=dimensions)
    rows = math.prod(x.shape[2:-1])
    z = product(multiply, x.reshape(*x.shape[:2], rows, x.shape[-1]), y)
    return z.reshape(*x.shape[:-1], z.shape[-1])


def logits(
    options: Options, row: Any, column: Any, query: Array, key: Array, sides: Sides
) -> tuple[Array, Array | None]:
    """Return the logits of a block whose first row and column are given, and the cap's slope."""
    scores, slope = by_keys(query, key) * options.scale, None
    if options.soft_cap is not None:
        capped = jnp.tanh(scores / options.soft_cap)
        scores, slope = options.soft_cap * capped, 1 - capped * capped
    if sides.bias is not None:
        scores = scores + sides.bias.astype(scores.dtype)
    seen = _seen(options, row, column, scores.shape, sides)
    if seen is not None:
        scores = scores + jnp.where(seen, jnp.zeros((), scores.dtype), -jnp.inf)
    return scores, slope


def _seen(
    options: Options, row: Any, column: Any, shape: tuple[int, ...], sides: Sides
) -> Array | None:
    """Tell which keys the queries of a block see; `None` for all."""
    conditions = [] if sides.mask is None else [sides.mask]
    if sides.query_segments is not None and sides.key_segments is not None:
        conditions.append(sides.query_segments == sides.key_segments)
    ndim = len(shape)
    block = (*(1,) * (ndim - 2), *shape[-2:])
    shift = options.shift if sides.shift is None else sides.shift
    first, last = shape[-1] - 1, shape[-2] - 1  # the corners that bounds cut off
    known = options.shift is not None and isinstance(row, int) and isinstance(column, int)
    lead = row + shift - column  # how far the first query lies after the first key
    rows, columns = (lax.broadcasted_iota(jnp.int32, block, axis) for axis in (ndim - 2, ndim - 1))
    distance = rows - columns + lead
    if options.right is not None and not (known and lead - first >= -options.right):
        conditions.append(distance >= -options.right)
    if options.left is not None and not (known and lead + last <= options.left):
        conditions.append(distance <= options.left)
    if not conditions:
        return None
    seen = conditions[0]
    for condition in conditions[1:]:
        seen = jnp.logical_and(seen, condition)
    return seen


def exponentials(
    options: Options, scores: Array, sinks: Array | None
) -> tuple[Array, Array, Array]:
    """Return `exp(scores - top)`, its sum with the sink's, and `top`, for every row.

    The sum is at least 1, but where a row sees nothing: there it is set to 1/2 and all exponentials
    are zero. (Where no row sees nothing, leaving that out saves 0.07 of the time.) Weights don't
    depend on `top`, so it is a constant to derivatives. There are no selections in here, so that
    XLA's kernel library on CPU takes it whole.
    """
    top = lax.stop_gradient(scores).max(-1, keepdims=True)
    if sinks is not None:
        sinks = sinks.astype(scores.dtype)
        top = jnp.maximum(top, lax.stop_gradient(sinks))
    if not options.always_sees:
        top = jnp.maximum(top, jnp.finfo(top.dtype).min)
    weights = jnp.exp(scores - top)
    total = weights.sum(-1, keepdims=True)
    if sinks is not None:
        total = total + jnp.exp(sinks - top)
    return weights, total if options.always_sees else jnp.maximum(total, 0.5), top


def keep_factor(sides: Sides, column: Any, columns: int, dtype: Any) -> Array | None:
    """Return what dropout multiplies the weights of a block with: 0 or `1 / (1 - rate)`.

    It depends on the row's seeds and on the number of the column alone, so it is the same in every
    formulation and is made again where it is needed. Two multiplicative finalisers of 32-bit words,
    one seed added before each; the constants are those of Ettinger's "lowbias32" and of Wellons'
    "triple32" hashes.
    """
    if sides.seeds is None or sides.rate is None:
        return None
    first, second = sides.seeds
    ndim = first.ndim
    number = lax.broadcasted_iota(jnp.uint32, (*(1,) * (ndim - 1), columns), ndim - 1)
    word = number + jnp.asarray(column, jnp.uint32) + first
    word = (word ^ (word >> 16)) * jnp.uint32(0x7FEB352D)
    word = (word ^ (word >> 15)) * jnp.uint32(0x846CA68B)
    word = (word ^ (word >> 16)) + second
    word = (word ^ (word >> 17)) * jnp.uint32(0xED5AD4BB)
    word = (word ^ (word >> 11)) * jnp.uint32(0xAC4C1B51)
    word = word ^ (word >> 15)
    dropped = jnp.round(sides.rate * 2.0**24).astype(jnp.uint32)
    scale = jnp.where(sides.rate < 1, 1 / (1 - sides.rate), 0).astype(accumulator(dtype))
    return jnp.where(word >> 8 >= dropped, scale, jnp.zeros_like(scale))
