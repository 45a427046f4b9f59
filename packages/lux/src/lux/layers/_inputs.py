"""Inputs of several arrays: by position, as in Lux.jl, or by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luxcore import AbstractLuxLayer, NamedTuple, items

if TYPE_CHECKING:
    from collections.abc import Sequence


def by_name(
    layer: AbstractLuxLayer,
    x: Any,
    order: Sequence[str],
    *,
    needed: int = 1,
    more: Sequence[str] = (),
) -> dict[str, Any]:
    """The arrays of an input by name: one alone, several in `order`, or any by name."""
    if isinstance(x, NamedTuple):
        given = dict(items(x))
    else:
        several = tuple(x) if isinstance(x, tuple | list) else (x,)
        given = dict(zip(order, several, strict=False)) if len(several) <= len(order) else {}
    arrays = {name: array for name, array in given.items() if array is not None}
    if not {*order[:needed]} <= {*arrays} <= {*order, *more}:
        got = f"the fields ({', '.join(given)})" if isinstance(x, NamedTuple) else _count(x)
        names = ", ".join((*order, *more))
        optional = f"the first {needed} to {len(order)}" if needed > 1 else f"up to {len(order)}"
        raise ValueError(
            f"{type(layer).__name__}: x: expected {optional} of ({', '.join(order)}), or a "
            f"NamedTuple with fields of ({names}), got {got}"
        )
    return arrays


def _count(x: Any) -> str:
    return f"{len(x)} of them" if isinstance(x, tuple | list) else "one array"
