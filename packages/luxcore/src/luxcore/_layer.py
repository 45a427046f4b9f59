"""`AbstractLuxLayer`: what a layer is.

A layer is an immutable description of an architecture. It holds no arrays. What is trained, `ps`,
and what changes from call to call, `st`, are trees that live outside it, so that a model is an
ordinary pure function:

    ps, st = setup(rng, layer)
    y, st = layer(x, ps, st)

Nobody but the caller keeps `ps` and `st`; a layer gets them, and hands back its output and a state
of the same structure. Two descriptions that are equal by value are one description: they hash alike
and share one compiled program.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Sequence
from typing import Any, ClassVar, Self, dataclass_transform

from ._abstract import evaluate, fallback_output_size, tree_length
from ._call import traced_call
from ._describe import describe
from ._fields import check_field, stored
from ._identity import value_key
from ._named_tuple import NamedTuple
from ._pickling import by_name, from_name
from ._tree import Children, Node

ExpectedFields = tuple[tuple[str, ...] | None, tuple[str, ...] | None]

_DATACLASS = "__dataclass_params__"


# Not `frozen_default`: type checkers would refuse the assignments of a class's own `__init__`.
@dataclass_transform(eq_default=False, field_specifiers=(dataclasses.field,))
class AbstractLuxLayer(Node):
    """The base of every layer: an immutable description, compared by value, without arrays.

    A subclass is a frozen dataclass by itself, without a decorator. It declares its fields, and
    defines `__call__(self, x, ps, st)`, which returns `(y, st)` and makes it a concrete layer;
    concrete layers are final. One without `__call__`, or declared with `abstract=True`, is a base
    to derive from.

    Lists in fields are stored as tuples and dicts as named tuples. A class may write its own
    `__init__` and assign `self.field = ...`; when it returns, the layer is checked and frozen.

    **To define**

    - `__call__(self, x, ps, st)`: the output and the new state, of the structure of `st`.
    - `initial_parameters(self, rng)`: the trainable parameters, as a rule a `NamedTuple`.
    - `initial_states(self, rng)`: the state, a `NamedTuple`.
    - `parameter_length(self)`, `state_length(self)`: their sizes, where counting is cheaper than
      making them.
    - `output_size(self, x, rng)`: the size of the output without the batch.
    - `preserves_state_type`: whether the new state has the type of the old one.

    **Raises**

    - `TypeError`: for a field that holds an array or is not hashable, for a field left unset, for
      a subclass of a concrete layer, and for a second `@dataclass`.

    ```python
    >>> from luxcore import AbstractLuxLayer, NamedTuple, setup
    >>> class Scale(AbstractLuxLayer):
    ...     factor: float = 2.0
    ...
    ...     def initial_parameters(self, rng):
    ...         return NamedTuple(shift=rng.random())
    ...
    ...     def __call__(self, x, ps, st):
    ...         return self.factor * x + ps.shift, st
    >>> import random
    >>> layer = Scale(3.0)
    >>> ps, st = setup(random.Random(0), layer)
    >>> y, st = layer(1.0, ps, st)
    >>> y == 3.0 + ps.shift, layer == Scale(3.0)
    (True, True)

    ```

    The design is that of Lux.jl's `AbstractLuxLayer`.
    """

    _field_names: ClassVar[tuple[str, ...]] = ()
    _is_abstract: ClassVar[bool] = True
    _writes_init: ClassVar[bool] = False

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__bases__:
            if issubclass(base, AbstractLuxLayer) and not base._is_abstract:
                raise TypeError(
                    f"{cls.__name__} derives from the concrete layer {base.__name__}: layers are "
                    "final; hold one in a field and call it (composition), or derive from an "
                    "abstract base"
                )
        if _DATACLASS in cls.__dict__:
            raise TypeError(_second_dataclass(cls))
        own_call = cls.__dict__.get("__call__")
        if own_call is not None:
            cls.__call__ = traced_call(own_call)  # type: ignore[assignment,method-assign]
        cls._is_abstract = abstract or cls.__call__ is AbstractLuxLayer.__call__
        own_init = "__init__" in cls.__dict__
        cls._writes_init = own_init or (cls._writes_init and not inspect.get_annotations(cls))
        dataclasses.dataclass(init=not cls._writes_init, eq=False, repr=False)(cls)
        cls._field_names = tuple(field.name for field in _fields(cls))
        cls.__init__ = _closing_init(cls, getattr(cls, _DATACLASS))  # type: ignore[method-assign]

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        """The output and the new state for an input, parameters and states."""
        raise NotImplementedError(f"{type(self).__name__} defines no __call__(self, x, ps, st)")

    def initial_parameters(self, rng: Any) -> Any:
        """New trainable parameters; none by default."""
        return NamedTuple()

    def initial_states(self, rng: Any) -> NamedTuple:
        """A new state; none by default."""
        return NamedTuple()

    def parameter_length(self) -> int:
        """The number of parameters; counted from `initial_parameters` by default."""
        return tree_length(evaluate(self.initial_parameters))

    def state_length(self) -> int:
        """The number of state values; counted from `initial_states` by default."""
        return tree_length(evaluate(self.initial_states))

    def output_size(self, x: Any, rng: Any) -> Any:
        """The size of the output without the batch; the default comes with Lux."""
        return fallback_output_size(self, x, rng)

    @property
    def preserves_state_type(self) -> bool:
        """Whether the state that comes out has the type of the one that went in."""
        return True

    def _expected_fields(self) -> ExpectedFields:
        """The field names of `ps` and `st` where they are known without making them."""
        return None, None

    # --- immutable -------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if "_hash" in self.__dict__:
            raise dataclasses.FrozenInstanceError(
                f"cannot assign to {name!r}: a layer is immutable; dataclasses.replace(layer, "
                f"{name}=...) makes another one"
            )
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete {name!r}: a layer is immutable")

    def _close(self) -> None:
        """Brings the fields into their stored form, checks them, and freezes the layer."""
        names = self._field_names
        for name in self.__dict__:
            if name not in names:
                raise TypeError(
                    f"{type(self).__name__}.__init__ sets {name!r}, which is no field: declare it "
                    f"in the class ({name}: its type), since layers are compared by their fields"
                )
        for name in names:
            if name not in self.__dict__:
                raise TypeError(f"{type(self).__name__}.__init__ leaves the field {name!r} unset")
            value = stored(self.__dict__[name])
            check_field(f"{type(self).__name__}.{name}", value)
            self.__dict__[name] = value
        key = tuple(value_key(self.__dict__[name]) for name in names)
        self.__dict__["_key"] = key
        self.__dict__["_hash"] = hash((type(self), key))

    def __hash__(self) -> int:
        return self.__dict__["_hash"]  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or hash(self) != hash(other):
            return False
        return bool(self.__dict__["_key"] == other.__dict__["_key"])

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    # The hash stays behind: those of texts and functions differ from process to process.
    def __getstate__(self) -> dict[str, Any]:
        return {name: by_name(self.__dict__[name]) for name in self._field_names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: from_name(value) for name, value in state.items()})
        self._close()

    # --- as a node of a tree ---------------------------------------------------------------

    def _children(self) -> Children:
        return [(name, self.__dict__[name]) for name in self._field_names]

    def _with_children(self, values: Sequence[Any]) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(zip(self._field_names, values, strict=True))
        other._close()
        return other

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(_arguments(self))})"

    def __repr__(self) -> str:
        from ._display import show

        return show(self)


def _fields(layer: AbstractLuxLayer | type[AbstractLuxLayer]) -> tuple[dataclasses.Field[Any], ...]:
    # Type checkers do not know that __init_subclass__ makes a dataclass.
    return dataclasses.fields(layer)  # type: ignore[arg-type]


def _second_dataclass(cls: type) -> str:
    return (
        f"{cls.__name__} is decorated with @dataclass, but a layer is a frozen dataclass by "
        "itself: remove the decorator"
    )


def _closing_init(cls: type[AbstractLuxLayer], params: object) -> Any:
    """The class's `__init__`, followed by the check and the freezing."""
    init = cls.__init__

    @functools.wraps(init)
    def __init__(self: AbstractLuxLayer, *args: Any, **kwargs: Any) -> None:
        if type(self) is not cls:  # an abstract base's, called by `super().__init__`
            init(self, *args, **kwargs)
            return
        if cls.__dict__.get(_DATACLASS) is not params:
            raise TypeError(_second_dataclass(cls))
        if cls._is_abstract:
            raise TypeError(f"{cls.__name__} is abstract: define __call__(self, x, ps, st)")
        init(self, *args, **kwargs)
        self._close()

    return __init__


def defaulted(layer: AbstractLuxLayer) -> set[str]:
    """The fields that have the value that they have when left out."""
    return {
        field.name
        for field in _fields(layer)
        if field.default is not dataclasses.MISSING
        and value_key(layer.__dict__[field.name]) == value_key(stored(field.default))
    }


def _arguments(layer: AbstractLuxLayer) -> list[str]:
    """The fields as they are written in a call, without those that have their default."""
    left_out = defaulted(layer)
    arguments = []
    by_keyword = False
    for field in _fields(layer):
        by_keyword = by_keyword or field.name in left_out or bool(field.kw_only)
        if field.name not in left_out:
            text = describe(layer.__dict__[field.name])
            arguments.append(f"{field.name}={text}" if by_keyword else text)
    return arguments
