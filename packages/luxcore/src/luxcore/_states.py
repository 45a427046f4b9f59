"""Changing what is in a state: the training flag, and any other entry by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._named_tuple import NamedTuple
from ._tree import children, with_children
from ._val import Val


def train_mode(st: NamedTuple) -> NamedTuple:
    """The state with every `training` entry set to `Val(True)`.

    ```python
    >>> from luxcore import NamedTuple, Val, train_mode
    >>> train_mode(NamedTuple(dropout=NamedTuple(training=Val(False))))
    NamedTuple(dropout=NamedTuple(training=Val(True)))

    ```
    """
    return update_state(st, "training", Val(True))


def test_mode(st: NamedTuple) -> NamedTuple:
    """The state with every `training` entry set to `Val(False)`.

    ```python
    >>> from luxcore import NamedTuple, Val, test_mode
    >>> test_mode(NamedTuple(dropout=NamedTuple(training=Val(True))))
    NamedTuple(dropout=NamedTuple(training=Val(False)))

    ```
    """
    return update_state(st, "training", Val(False))


test_mode.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test otherwise


def update_state(
    st: NamedTuple,
    key: str,
    value: Any,
    *,
    exclude: Callable[[Any], bool] | None = None,
) -> NamedTuple:
    """The state with every entry of one name set to a value, at any depth.

    **Arguments**

    - `st`: the state.
    - `key`: the name of the entries.
    - `value`: what they are set to.
    - `exclude`: a predicate on subtrees; where it holds nothing is changed inside.

    ```python
    >>> from luxcore import NamedTuple, update_state
    >>> update_state(NamedTuple(a=NamedTuple(step=1), step=2), "step", 0)
    NamedTuple(a=NamedTuple(step=0), step=0)

    ```
    """
    parts = None if exclude is not None and exclude(st) else children(st)
    if parts is None:
        return st
    values = [
        value if name == key else update_state(part, key, value, exclude=exclude)
        for name, part in parts
    ]
    return with_children(st, values)  # type: ignore[no-any-return]
