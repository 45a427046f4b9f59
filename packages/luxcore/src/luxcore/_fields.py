"""What may stand in a layer's field, and the form it is stored in."""

from __future__ import annotations

from typing import Any

from ._describe import describe, is_array, is_hashable
from ._named_tuple import NamedTuple, named_tuple_type


def stored(value: Any) -> Any:
    """A field in its stored form: sequences as tuples, dicts as named tuples, sets frozen."""
    if type(value) in (list, tuple):
        return tuple(map(stored, value))
    if isinstance(value, NamedTuple):
        return type(value)(*map(stored, value))
    if type(value) is dict:
        return named_tuple_type(tuple(value))(*map(stored, value.values()))
    return frozenset(value) if type(value) is set else value


def check_field(where: str, value: Any) -> None:
    """Refuses arrays, with advice where they belong, and what is not hashable."""
    if is_array(value):
        raise TypeError(
            f"{where}: a layer holds no arrays, got {describe(value)}: make it in "
            "initial_parameters (what is trained) or initial_states (what is not)"
        )
    if isinstance(value, tuple):
        for index, part in enumerate(value):
            check_field(f"{where}[{index}]", part)
    elif not is_hashable(value):
        raise TypeError(
            f"{where}: a layer's fields are hashable, got {type(value).__name__}: use a tuple, a "
            "frozen dataclass or a function"
        )
