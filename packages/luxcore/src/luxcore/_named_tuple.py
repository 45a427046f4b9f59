"""`NamedTuple`: the tree that parameters and states are made of.

`NamedTuple(weight=w, bias=b)` is an instance of a class that is made once for the names
`(weight, bias)` and kept. Equal names are therefore one type, which is what JAX compares when it
decides whether to compile again, and since that class is a plain named tuple, JAX, optree and
dm-tree flatten it natively, in field order and with attribute paths, without any registration.
"""

from __future__ import annotations

import collections
import keyword
from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn

from ._describe import describe
from ._type_hooks import announce

_types: dict[tuple[str, ...], type[NamedTuple]] = {}


class FieldError(AttributeError, ValueError):
    """A field that a `NamedTuple` does not have was read."""


class NamedTuple(tuple[Any, ...]):
    """An immutable tuple with named fields: `NamedTuple(weight=w, bias=b)`.

    It is read by attribute (`ps.weight`), by name (`ps["weight"]`) or by position (`ps[0]`), and
    iterates over its values. Equality and hash go by names and values. It is a pytree for JAX.

    An empty one is falsy, as every empty tuple: write `if ps is None`, never `if ps`.

    **Arguments**

    - `**fields`: the values by name. A name is an identifier, is no keyword, and does not start
      with an underscore.

    **Raises**

    - `ValueError`: for a bad field name, saying which.
    - `FieldError` (an `AttributeError` and a `ValueError`): when a field is read that is not there.

    ```python
    >>> from luxcore import NamedTuple
    >>> ps = NamedTuple(weight=3.0, bias=0.5)
    >>> ps.weight, ps["bias"], len(ps)
    (3.0, 0.5, 2)
    >>> ps == NamedTuple(weight=3.0, bias=0.5)
    True
    >>> ps
    NamedTuple(weight=3.0, bias=0.5)

    ```
    """

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]]

    def __new__(cls, **fields: Any) -> NamedTuple:
        return named_tuple_type(tuple(fields))(*fields.values())

    def __getattr__(self, name: str) -> Any:
        raise FieldError(
            f"no field {name!r}: expected one of {', '.join(self._fields) or 'no fields'}",
            name=name,
            obj=self,
        )

    def __getitem__(self, key: Any) -> Any:
        return getattr(self, key) if isinstance(key, str) else tuple.__getitem__(self, key)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._fields, tuple(self)))

    def _refuse(self, other: object) -> NoReturn:
        raise TypeError(
            "a NamedTuple has no arithmetic: map over its leaves (jax.tree.map), or join two with "
            "luxcore.merge"
        )

    __add__ = __radd__ = __mul__ = __rmul__ = _refuse

    def __repr__(self) -> str:
        fields = (f"{name}={describe(value)}" for name, value in items(self))
        return f"NamedTuple({', '.join(fields)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._fields, tuple(self))


def named_tuple_type(names: tuple[str, ...]) -> type[NamedTuple]:
    """The one class of the named tuples with these field names."""
    cls = _types.get(names)
    if cls is None:
        _check_names(names)
        # The standard library's class brings the accessors written in C.
        base = collections.namedtuple("NamedTuple", names)  # type: ignore[misc]
        namespace = {
            "__slots__": (),
            "__new__": base.__new__,
            "__module__": __name__,
            "__qualname__": f"NamedTuple({','.join(names)})",
        }
        cls = _types.setdefault(names, type("NamedTuple", (NamedTuple, base), namespace))
        announce(cls)
    return cls


def __getattr__(name: str) -> type[NamedTuple]:
    # Pickle finds a class by its qualified name: a new process makes it again from that name.
    if name.startswith("NamedTuple(") and name.endswith(")"):
        return named_tuple_type(tuple(filter(None, name[11:-1].split(","))))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _rebuild(names: tuple[str, ...], values: tuple[Any, ...]) -> NamedTuple:
    return named_tuple_type(names)(*values)


def _check_names(names: tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"bad field name {name!r}: expected an identifier, such as 'layer_1'")
        if keyword.iskeyword(name):
            raise ValueError(f"bad field name {name!r}: it is a keyword of Python; try '{name}_'")
        if name.startswith("_"):
            raise ValueError(f"bad field name {name!r}: a name does not start with an underscore")


def items(tree: NamedTuple) -> Iterator[tuple[str, Any]]:
    """The `(name, value)` pairs of a named tuple, in field order.

    ```python
    >>> from luxcore import NamedTuple, items
    >>> dict(items(NamedTuple(weight=1, bias=2)))
    {'weight': 1, 'bias': 2}

    ```
    """
    return zip(tree._fields, tree, strict=True)


def merge(*trees: NamedTuple) -> NamedTuple:
    """One named tuple with the fields of all; a later one's value replaces an earlier one's.

    ```python
    >>> from luxcore import NamedTuple, merge
    >>> merge(NamedTuple(a=1, b=2), NamedTuple(b=3, c=4))
    NamedTuple(a=1, b=3, c=4)

    ```
    """
    return NamedTuple(**{name: value for tree in trees for name, value in items(tree)})
