"""Short texts for values, as errors and `repr` show them: arrays by dtype and shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_array(value: object) -> bool:
    """Whether a value is an array of any library: one that is filled with numbers."""
    if isinstance(value, type):
        return False
    if hasattr(value, "__dlpack__"):
        return True
    # JAX's random keys have no `__dlpack__`; NumPy's scalars and descriptions of shapes do hash.
    return hasattr(value, "shape") and hasattr(value, "dtype") and not is_hashable(value)


def is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def describe(value: Any) -> str:
    """A short text for a value; an array is `float32[3,2]`, a function is its name."""
    if is_array(value):
        shape = ",".join(map(str, getattr(value, "shape", "?")))
        return f"{getattr(value, 'dtype', type(value).__name__)}[{shape}]"
    if type(value) in (list, tuple):
        parts = ", ".join(map(describe, value))
        if isinstance(value, list):
            return f"[{parts}]"
        return f"({parts},)" if len(value) == 1 else f"({parts})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {describe(part)}" for key, part in value.items()) + "}"
    if hasattr(type(value), "_children"):  # a layer; its `repr` is the long form
        return str(value)
    name = getattr(value, "__name__", None)
    return name if callable(value) and isinstance(name, str) else repr(value)
