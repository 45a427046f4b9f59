"""`Val`: a value that lives in the type, and so is static under a transformation.

`Val(True)` is a named tuple without fields whose class stands for `True`. JAX sees a node without
leaves: the value costs nothing at run time, `if st.training:` works inside `jax.jit`, and a program
compiled for `Val(True)` is not used for `Val(False)`.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from typing import Any, ClassVar, cast

from ._identity import value_key
from ._type_hooks import announce

# Weak: the class goes with the last of its objects, and what it holds with it.
_types: weakref.WeakValueDictionary[Hashable, type[Val]] = weakref.WeakValueDictionary()


class _ValType(type):
    # Pickle finds a class by its qualified name: written out on demand, as few are ever pickled.
    def __getattribute__(cls, name: str) -> Any:
        if name != "__qualname__" or "value" not in cls.__dict__:
            return super().__getattribute__(name)
        import pickle

        return "Val:" + pickle.dumps(cls.__dict__["value"], protocol=4).hex()


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
                "__new__": lambda cls: tuple.__new__(cls),
                "__module__": __name__,
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


def __getattr__(name: str) -> type[Val]:
    # A new process makes the class again from its qualified name.
    if name.startswith("Val:"):
        import pickle

        return type(Val(pickle.loads(bytes.fromhex(name[4:]))))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
