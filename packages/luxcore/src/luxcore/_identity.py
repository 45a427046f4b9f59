"""Equality by value, without Python's coincidences.

Two layer descriptions share one compiled program when they are equal, so equality has to be
finer than Python's own: `1 == True == 1.0` and `0.0 == -0.0` would give one program for two
meanings, and `nan != nan` would compile anew at every call.
"""

from __future__ import annotations

import functools
import numbers
from collections.abc import Hashable
from typing import Any


def value_key(value: Any) -> Hashable:
    """A hashable that is equal for two values exactly when they mean the same.

    Types are told apart, signed zeros are distinct, and NaN is equal to itself; tuples, frozen
    sets and `functools.partial` objects are compared by their parts.
    """
    kind = type(value)
    if isinstance(value, tuple):
        return kind, tuple(map(value_key, value))
    if isinstance(value, frozenset):
        return kind, frozenset(map(value_key, value))
    if isinstance(value, functools.partial):
        keywords = frozenset((name, value_key(item)) for name, item in value.keywords.items())
        return kind, value_key(value.func), value_key(value.args), keywords
    if isinstance(value, numbers.Complex) and not isinstance(value, numbers.Integral):
        return kind, repr(value)
    return kind, value
