"""`Val`: a value that lives in the type, and so is static under a transformation.

`Val(True)` is a named tuple without fields whose class stands for `True`. JAX sees a node without
leaves: the value costs nothing at run time, `if st.training:` works inside `jax.jit`, and a program
compiled for `Val(True)` is not used for `Val(False)`.
"""

from __future__ import annotations

import copyreg
import itertools
import weakref
from collections.abc import Hashable
from typing import Any, ClassVar, cast

from ._identity import value_key
from ._type_hooks import announce

# Weak: the class goes with the last of its objects, and what it holds with it.
_types: weakref.WeakValueDictionary[Hashable, type[Val]] = weakref.WeakValueDictionary()
_numbers = itertools.count()


class _ValType(type):
    """The type of the classes, by which pickle knows how to write one: see `_reduce`."""


class Val(tuple[()], metaclass=_ValType):
    """A hashable value as a type: static where arrays are traced.

    Truthy as its value is; compares and hashes by `(type(value), value)`, so that `Val(1)`,
    `Val(True)` and `Val(1.0)` are three.

    **Arguments**

    - `value`: any hashable value.

    **Raises**

    - `TypeError`: for a value that is not hashable.

    ```python
    >>> from luxcore import Val
    >>> training = Val(True)
    >>> training, training.value, bool(Val(False))
    (Val(True), True, False)
    >>> Val(1) == Val(True)
    False

    ```
    """

    __slots__ = ()
    _fields: ClassVar[tuple[()]] = ()
    value: ClassVar[Hashable]

    def __new__(cls, value: Hashable) -> Val:
        key = value_key(value)
        try:
            known = _types.get(key)
        except TypeError:
            raise TypeError(
                f"Val holds a hashable value, got {type(value).__name__}: make it a tuple, or keep "
                "it in the parameters or states themselves"
            ) from None
        if known is None:
            namespace: dict[str, Any] = {
                "__slots__": (),
                "__new__": tuple.__new__,
                "__module__": __name__,
                "__qualname__": f"Val:{next(_numbers)}",
                "value": value,
            }
            known = cast("type[Val]", _ValType(f"Val({value!r})", (Val,), namespace))
            _types[key] = known
            announce(known)
        return tuple.__new__(known)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __ne__(self, other: object) -> bool:
        return type(self) is not type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"Val({self.value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Val, (self.value,)


def _class_of(value: Hashable) -> type[Val]:
    return type(Val(value))


# A class is pickled by its value, so that a new process finds its own class for it.
def _reduce(cls: _ValType) -> str | tuple[Any, ...]:
    return "Val" if cls is Val else (_class_of, (cls.__dict__["value"],))


copyreg.pickle(_ValType, _reduce)


def __getattr__(name: str) -> type[Val]:
    # cloudpickle writes a class out in full unless it finds it by its qualified name.
    for cls in list(_types.values()):
        if cls.__qualname__ == name:
            return cls
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
