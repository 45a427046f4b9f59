"""A word about every class that is made here, to libraries that want each registered once."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

TypeHook = Callable[[type[tuple[Any, ...]]], object]

# Weak, for a `Val` of a model is made with the model and goes with it.
_known: weakref.WeakSet[type[tuple[Any, ...]]] = weakref.WeakSet()
_hooks: list[TypeHook] = []


def register_type_hook(hook: TypeHook) -> Callable[[], None]:
    """Calls `hook(cls)` for every class that is made here, before and after; returns its removal.

    They are the classes of named tuples, one for equal names, and of `Val`, one for equal values.
    Lux uses it for `jax.export`, which wants each class registered once.
    """
    for cls in list(_known):
        hook(cls)
    _hooks.append(hook)
    return lambda: _hooks.remove(hook)


def announce(cls: type[tuple[Any, ...]]) -> None:
    """Tells the hooks of a new class."""
    _known.add(cls)
    for hook in _hooks:
        hook(cls)
