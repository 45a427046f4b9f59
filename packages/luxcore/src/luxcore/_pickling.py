"""Functions in a layer's fields, pickled by the name they can be imported by.

Pickle does this for plain functions by itself; jitted ones, such as `jax.nn.relu`, refuse to be
pickled although they can be imported just as well.
"""

from __future__ import annotations

import functools
import importlib
import operator
import sys
import types
from collections.abc import Iterator
from typing import Any


# Plain classes: a dataclass takes a millisecond of the import.
class _Name:
    def __init__(self, module: str, qualname: str) -> None:
        self.module = module
        self.qualname = qualname

    def find(self) -> Any:
        return operator.attrgetter(self.qualname)(importlib.import_module(self.module))


class _Partial:
    def __init__(self, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self.function = function
        self.arguments = arguments
        self.keywords = keywords


def by_name(value: Any) -> Any:
    """The value with the functions that pickle refuses replaced by their importable names."""
    if isinstance(value, tuple):
        return _rebuild(value, map(by_name, value))
    if type(value) is functools.partial:
        keywords = {name: by_name(part) for name, part in value.keywords.items()}
        return _Partial(by_name(value.func), by_name(value.args), keywords)
    if not callable(value) or isinstance(
        value, types.FunctionType | types.BuiltinFunctionType | type
    ):
        return value
    module: str = getattr(value, "__module__", None) or ""
    qualname = str(getattr(value, "__qualname__", "") or getattr(value, "__name__", ""))
    for home in _homes(module):
        if qualname and _find(sys.modules.get(home), qualname) is value:
            return _Name(home, qualname)
    return value


def from_name(value: Any) -> Any:
    """The inverse of `by_name`."""
    if isinstance(value, tuple):
        return _rebuild(value, map(from_name, value))
    if isinstance(value, _Partial):
        keywords = {name: from_name(part) for name, part in value.keywords.items()}
        return functools.partial(from_name(value.function), *from_name(value.arguments), **keywords)
    return value.find() if isinstance(value, _Name) else value


def _rebuild(value: tuple[Any, ...], parts: map[Any]) -> Any:
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def _homes(module: str) -> Iterator[str]:
    """Where a function of a module may be found: in public places first, for they stay."""
    public = [part for part in module.split(".") if not part.startswith("_")]
    for length in range(len(public), 0, -1):
        yield ".".join(public[:length])
    yield module


def _find(module: Any, qualname: str) -> Any:
    try:
        return operator.attrgetter(qualname)(module)
    except AttributeError:
        return None
