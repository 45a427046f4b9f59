"""What is checked when a layer is made: a field's name, what was expected, what came."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

from luxcore import AbstractLuxLayer


def fail(layer: AbstractLuxLayer, field: str, expected: str, got: Any) -> ValueError:
    """Return the error to raise about a field."""
    return ValueError(f"{type(layer).__name__}: {field}: expected {expected}, got {got!r}")


def integers(value: Any) -> tuple[int, ...] | None:
    """Return one integer or several as a tuple, and `None` for anything else."""
    entries = tuple(value) if isinstance(value, Iterable) else (value,)
    if any(isinstance(entry, bool) for entry in entries):
        return None
    try:
        return tuple(map(operator.index, entries))
    except TypeError:
        return None


def check_switches(layer: AbstractLuxLayer, *fields: str) -> None:
    """Refuse what is neither true nor false."""
    for field in fields:
        check_switch(type(layer).__name__, field, getattr(layer, field))


def check_switch(owner: str, field: str, value: Any) -> None:
    """Refuse an argument that is neither true nor false."""
    if not isinstance(value, bool):
        raise TypeError(f"{owner}: {field}: expected True or False, got {value!r}")


def check_sizes(layer: AbstractLuxLayer, *fields: str) -> None:
    """Refuse what is no integer of at least 1, and store the others as `int`."""
    for field in fields:
        object.__setattr__(layer, field, as_size(layer, field, getattr(layer, field)))


def as_size(layer: AbstractLuxLayer, field: str, value: Any) -> int:
    """Refuse what is no integer of at least 1, and return it as `int`."""
    sizes = None if isinstance(value, Iterable) else integers(value)
    if sizes is None or sizes[0] < 1:
        raise fail(layer, field, "an integer of at least 1", value)
    return sizes[0]


def check_several_sizes(layer: AbstractLuxLayer, field: str) -> None:
    """Refuse what is neither an integer of at least 1 nor several; store them as a tuple."""
    value = getattr(layer, field)
    sizes = integers(value)
    if not sizes or min(sizes) < 1:
        raise fail(layer, field, "an integer or several, each at least 1", value)
    object.__setattr__(layer, field, sizes)


def as_float(value: Any) -> float | None:
    """Return a real number as a `float`, and `None` for anything else."""
    if isinstance(value, bool | str | bytes):
        return None
    try:
        return float(value)
    except TypeError:
        return None


def check_share(layer: AbstractLuxLayer, *fields: str) -> None:
    """Refuse what is no number from 0 to 1, and store the others as `float`."""
    for field in fields:
        number = as_float(getattr(layer, field))
        if number is None or not 0 <= number <= 1:
            raise fail(layer, field, "a number from 0 to 1", getattr(layer, field))
        object.__setattr__(layer, field, number)


def check_positive(layer: AbstractLuxLayer, *fields: str) -> None:
    """Refuse what is no positive finite number, and store the others as `float`."""
    for field in fields:
        number = as_float(getattr(layer, field))
        if number is None or not 0 < number < math.inf:
            raise fail(layer, field, "a positive number", getattr(layer, field))
        object.__setattr__(layer, field, number)


def check_axes(layer: AbstractLuxLayer, field: str) -> None:
    """Refuse what is neither one axis nor several different ones; `None` is left."""
    value = getattr(layer, field)
    if value is None:
        return
    axes = integers(value)
    if not axes or len(set(axes)) != len(axes):
        raise fail(layer, field, "different axes, as integers", value)
    object.__setattr__(layer, field, axes if isinstance(value, Iterable) else axes[0])


def check_window(layer: AbstractLuxLayer, field: str = "window") -> int:
    """Refuse what are no sizes of one to three spatial axes; return the number of axes."""
    value = getattr(layer, field)
    sizes = integers(value) if isinstance(value, Iterable) else None
    if sizes is None or not 1 <= len(sizes) <= 3 or min(sizes) < 1:
        expected = "one to three integers of at least 1, one for each spatial axis"
        raise fail(layer, field, expected, value)
    object.__setattr__(layer, field, sizes)
    return len(sizes)


def check_per_axis(layer: AbstractLuxLayer, axes: int, *fields: str, least: int = 1) -> None:
    """Refuse what is neither one integer of at least `least` nor one for each spatial axis."""
    for field in fields:
        value = getattr(layer, field)
        sizes = integers(value)
        several = isinstance(value, Iterable)
        if not sizes or min(sizes) < least or (several and len(sizes) != axes):
            raise fail(layer, field, f"an integer or {axes} of them, each at least {least}", value)
        object.__setattr__(layer, field, sizes if several else sizes[0])


def check_padding(layer: Any, axes: int, words: Sequence[str]) -> None:
    """Refuse what is neither a word nor numbers of elements before and after each axis."""
    value = layer.padding
    if isinstance(value, str):
        if value in words and (value != "CAUSAL" or axes == 1):
            return
        listed = ", ".join(map(repr, words))
        causal = " ('CAUSAL' for one spatial axis)" if "CAUSAL" in words else ""
        raise fail(layer, "padding", f"one of {listed}{causal}", value)
    several = isinstance(value, Iterable)
    entries = [integers(entry) for entry in value] if several else [integers(value)]
    numbers = [entry for entry in entries if entry and len(entry) <= 2 and min(entry) >= 0]
    if len(numbers) != len(entries) or (several and len(entries) != axes):
        expected = f"an integer, {axes} integers or pairs (before, after), none of them negative"
        raise fail(layer, "padding", expected, value)


def check_callable(layer: AbstractLuxLayer, *fields: str) -> None:
    """Refuse what cannot be called."""
    for field in fields:
        value = getattr(layer, field)
        if not callable(value) or isinstance(value, AbstractLuxLayer):
            name = f"{type(layer).__name__}: {field}"
            raise TypeError(f"{name}: expected a function, got {value!r}")
