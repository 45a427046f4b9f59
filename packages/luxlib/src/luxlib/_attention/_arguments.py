"""The arguments of attention: what is refused, and the form in which formulations get them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from luxlib._checks import check_inexact, integers, mismatch
from luxlib._compilation import compilation

from ._choice import Case
from ._terms import Options

if TYPE_CHECKING:
    from jax import Array

__all__ = ["Arguments", "checked"]


@dataclass(frozen=True)
class Arguments:
    """Checked arguments: the arrays by name, the options, and what a choice depends on."""

    arrays: dict[str, Any]
    options: Options
    case: Case


def checked(
    function: str,
    query: Array,
    key: Array,
    value: Array,
    *,
    bias: Array | None = None,
    mask: Array | None = None,
    is_causal: bool = False,
    query_offset: int | Array = 0,
    scale: float | None = None,
    sliding_window: tuple[int | None, int | None] | None = None,
    segment_ids: Array | tuple[Array, Array] | None = None,
    soft_cap: float | None = None,
    dropout_rate: float | Array = 0.0,
    dropout_key: Array | None = None,
    sinks: Array | None = None,
) -> Arguments:
    """Check all arguments of `scaled_dot_product_attention`."""
    _check_shapes(function, query, key, value)
    batch, (length, heads, head_dim) = query.shape[:-3], query.shape[-3:]
    key_length = key.shape[-3]
    weights = (*batch, heads, length, key_length)
    if bias is not None:
        check_inexact(function, "bias", bias)
        _check_broadcasts(function, "bias", bias, weights)
    if mask is not None:
        if mask.dtype != jnp.bool_:
            raise mismatch(
                function,
                "mask",
                "booleans, true where a key is seen",
                mask.dtype,
                "Numbers that are added to the logits are a bias.",
                kind=TypeError,
            )
        _check_broadcasts(function, "mask", mask, weights)
    if sinks is not None:
        check_inexact(function, "sinks", sinks)
        if sinks.shape != (heads,):
            raise mismatch(
                function,
                "sinks",
                f"shape ({heads},)",
                sinks.shape,
                "It is one logit for each of query's heads.",
            )
    left, right = _window(function, sliding_window)
    if is_causal:
        right = 0
    shift = _offset(function, query_offset, batch)
    scale = head_dim**-0.5 if scale is None else _number(function, "scale", scale)
    if soft_cap is not None and not _number(function, "soft_cap", soft_cap) > 0:
        raise mismatch(
            function,
            "soft_cap",
            "a number above 0",
            repr(soft_cap),
            "Logits lie between -soft_cap and soft_cap; pass None for no cap.",
        )
    arrays = {
        "query": query,
        "key": key,
        "value": value,
        "bias": bias,
        "mask": mask,
        "segments": _segments(function, segment_ids, (*batch, length), (*batch, key_length)),
        "sinks": sinks,
        "dropout": _dropout(function, dropout_rate, dropout_key),
        "shift": query_offset if shift is None else None,
    }
    names = {"segments": "segment_ids", "shift": "query_offset array"}
    given = {names.get(name, name) for name, array in arrays.items() if array is not None}
    options = Options(
        float(scale),
        None if soft_cap is None else float(soft_cap),
        left,
        right,
        shift,
        # The first query has the least to its left, the last one the least to its right.
        always_sees=shift is not None
        and not given & {"bias", "mask", "segment_ids"}
        and (right is None or shift + right >= 0)
        and (left is None or length - 1 + shift - left < key_length),
    )
    with jax.numpy_dtype_promotion("standard"):
        dtype = jnp.result_type(query.dtype, key.dtype, value.dtype)
    case = Case(
        compilation().platform,
        dtype,
        length,
        key_length,
        head_dim,
        value.shape[-1],
        options,
        frozenset(given),
    )
    return Arguments(arrays, options, case)


def _check_shapes(function: str, query: Array, key: Array, value: Array) -> None:
    for name, array in (("query", query), ("key", key), ("value", value)):
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise mismatch(
                function,
                name,
                "a floating dtype",
                array.dtype,
                f"Convert it first, for example {name}.astype(jax.numpy.float32).",
                kind=TypeError,
            )
        if array.ndim < 3 or 0 in array.shape[-2:]:
            raise mismatch(
                function,
                name,
                "shape (*batch, time, heads, features) with heads and features",
                array.shape,
                "Split the features into heads first.",
            )
    batch, (_, heads, head_dim) = query.shape[:-3], query.shape[-3:]
    if key.shape[:-3] != batch or key.shape[-1] != head_dim or heads % key.shape[-2]:
        expected = ", ".join(map(str, (*batch, "key_time", "key_heads", head_dim)))
        raise mismatch(
            function,
            "key",
            f"shape ({expected}) with a divisor of {heads} as key_heads",
            key.shape,
            f"It must fit query {query.shape}.",
        )
    if value.shape[:-1] != key.shape[:-1]:
        expected = ", ".join(map(str, (*key.shape[:-1], "value_dim")))
        raise mismatch(
            function, "value", f"shape ({expected})", value.shape, f"It must fit key {key.shape}."
        )


def _check_broadcasts(function: str, name: str, array: Array, weights: tuple[int, ...]) -> None:
    """Refuse a shape that doesn't broadcast to that of the weights without growing it."""
    missing = len(weights) - array.ndim
    if missing < 0 or any(
        size not in (1, full) for size, full in zip(array.shape, weights[missing:], strict=True)
    ):
        raise mismatch(
            function,
            name,
            f"a shape that broadcasts to (*batch, heads, time, key_time), here {weights}",
            array.shape,
            "Each of its sizes, counted from the right, must be equal or 1.",
        )


def _window(
    function: str, window: tuple[int | None, int | None] | None
) -> tuple[int | None, int | None]:
    if window is None:
        return None, None
    bounds = tuple(window) if isinstance(window, (tuple, list)) else ()
    numbers = integers([0 if bound is None else bound for bound in bounds])
    if len(bounds) != 2 or numbers is None or min(numbers) < 0:
        raise mismatch(
            function,
            "sliding_window",
            "a pair (left, right) of integers from 0, or None for no bound",
            repr(window),
            "They say how many keys before and after its own position a query sees.",
        )
    left, right = (
        None if bound is None else number for bound, number in zip(bounds, numbers, strict=True)
    )
    return left, right


def _offset(function: str, offset: int | Array, batch: tuple[int, ...]) -> int | None:
    """Return an offset that is known, and `None` for an array."""
    dtype, shape = getattr(offset, "dtype", None), getattr(offset, "shape", ())
    if dtype is None:
        numbers = integers(offset)
        if numbers is not None and isinstance(offset, int):
            return numbers[0]
    elif jnp.issubdtype(dtype, jnp.integer) and shape in ((), batch):
        return None
    raise mismatch(
        function,
        "query_offset",
        f"an integer, or an array of integers of shape () or {batch}",
        repr(offset) if dtype is None else f"{dtype} of shape {shape}",
        "It is the position among the keys at which the first query lies.",
    )


def _number(function: str, name: str, value: Any) -> float:
    if not isinstance(value, Real) or not math.isfinite(value):
        raise mismatch(
            function,
            name,
            "a finite number",
            repr(value),
            "It is part of the program; scale query by what is learned.",
        )
    return float(value)


def _segments(
    function: str,
    segments: Array | tuple[Array, Array] | None,
    query_shape: tuple[int, ...],
    key_shape: tuple[int, ...],
) -> tuple[Array, Array] | None:
    if segments is None:
        return None
    pair = tuple(segments) if isinstance(segments, (tuple, list)) else (segments, segments)
    shapes = tuple(getattr(ids, "shape", None) for ids in pair)
    kinds = [jnp.issubdtype(getattr(ids, "dtype", float), jnp.integer) for ids in pair]
    if shapes != (query_shape, key_shape) or not all(kinds):
        raise mismatch(
            function,
            "segment_ids",
            f"integers of shapes {query_shape} for queries and {key_shape} for keys",
            f"{', '.join(str(getattr(ids, 'dtype', type(ids))) for ids in pair)} of {shapes}",
            "Give a pair, or one array where queries and keys have the same.",
        )
    return pair[0], pair[1]


def _dropout(function: str, rate: float | Array, key: Array | None) -> tuple[Array, Array] | None:
    """Return rate and key; `None` where nothing is dropped."""
    known = isinstance(rate, Real)
    if known and not 0 <= float(rate) <= 1:
        raise mismatch(
            function,
            "dropout_rate",
            "a number from 0 to 1",
            rate,
            "It is the share of the weights that is dropped.",
        )
    if not known and jnp.shape(rate) != ():
        raise mismatch(
            function, "dropout_rate", "one number", f"shape {jnp.shape(rate)}", "Give a scalar."
        )
    if known and rate == 0:
        return None
    if key is None:
        raise mismatch(
            function,
            "dropout_key",
            "a JAX random key where dropout_rate is not 0",
            "None",
            "Pass one, and a new one for each call.",
        )
    return jnp.asarray(rate, jnp.float32), key
