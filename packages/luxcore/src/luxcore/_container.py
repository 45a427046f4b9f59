"""Layers made of layers.

A container has the parameters and states of its children, by name; a wrapper around one layer has
that layer's, without a name of its own. A child may also be a tuple or a named tuple of layers:
then a tree of the same names stands in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ._layer import AbstractLuxLayer, ExpectedFields
from ._length import parameter_length, state_length
from ._named_tuple import NamedTuple, named_tuple_type
from ._setup import (
    contains_lux_layer,
    initial_parameters,
    initial_states,
    part_names,
    preserves_state_type,
)
from ._tree import Children


class AbstractLuxContainerLayer(AbstractLuxLayer):
    """The base of a layer made of layers: its parameters and states are those of its children.

    **Arguments of the class**

    - `layers`: the names of the fields that hold layers, tuples or named tuples of layers, or
      `None`: `class Block(AbstractLuxContainerLayer, layers=("first", "second"))`. When left out
      they are found from the fields of each object: those that hold a layer.

    **Parameters and states**

    A `NamedTuple` with one field a child, of the child's name.

    ```python
    >>> from luxcore import AbstractLuxContainerLayer, AbstractLuxLayer, NamedTuple, setup
    >>> class Add(AbstractLuxLayer):
    ...     amount: int
    ...
    ...     def __call__(self, x, ps, st):
    ...         return x + self.amount, st
    >>> class Twice(AbstractLuxContainerLayer, layers=("first", "second")):
    ...     first: Add
    ...     second: Add
    ...
    ...     def __call__(self, x, ps, st):
    ...         y, st_first = self.first(x, ps.first, st.first)
    ...         y, st_second = self.second(y, ps.second, st.second)
    ...         return y, NamedTuple(first=st_first, second=st_second)
    >>> import random
    >>> model = Twice(Add(1), Add(10))
    >>> ps, st = setup(random.Random(0), model)
    >>> model(0, ps, st)
    (11, NamedTuple(first=NamedTuple(), second=NamedTuple()))

    ```

    The design is that of Lux.jl's `AbstractLuxContainerLayer`.
    """

    _layers: ClassVar[tuple[str, ...] | None] = None

    def __init_subclass__(cls, *, layers: Sequence[str] | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if layers is not None:
            cls._layers = (layers,) if isinstance(layers, str) else tuple(layers)
        _check_fields_exist(cls, cls._layers or ())

    def _layer_fields(self) -> tuple[str, ...]:
        if self._layers is not None:
            return self._layers
        return tuple(name for name in self._field_names if contains_lux_layer(getattr(self, name)))

    def _by_field(self) -> NamedTuple:
        """The children by name: a container is to its parts as a named tuple of them."""
        names = self._layer_fields()
        return named_tuple_type(names)(*(getattr(self, name) for name in names))

    def initial_parameters(self, rng: Any) -> Any:
        return initial_parameters(rng, self._by_field())

    def initial_states(self, rng: Any) -> NamedTuple:
        return initial_states(rng, self._by_field())

    def parameter_length(self) -> int:
        return parameter_length(self._by_field())

    def state_length(self) -> int:
        return state_length(self._by_field())

    @property
    def preserves_state_type(self) -> bool:
        return preserves_state_type(self._by_field())

    def _expected_fields(self) -> ExpectedFields:
        names = self._layer_fields()
        return _expected(self, AbstractLuxContainerLayer, names, names)


class AbstractLuxWrapperLayer(AbstractLuxLayer, abstract=True):
    """The base of a layer around one other: it has the inner layer's parameters and states.

    The inner layer may be a named tuple of layers, as in a chain. Calling the wrapper calls the
    inner layer, unless the class defines `__call__`.

    **Arguments of the class**

    - `layer`: the name of the field that holds the inner layer:
      `class Loud(AbstractLuxWrapperLayer, layer="model")`.
    - `beside`: the names of fields that hold a function or a layer, as what joins two branches may
      be either. An object in which one of them holds a layer is no wrapper but a container: its
      parameters and states are a `NamedTuple` of the inner layer's and those, by field.

    ```python
    >>> from luxcore import AbstractLuxLayer, AbstractLuxWrapperLayer, NamedTuple, setup
    >>> class Shift(AbstractLuxLayer):
    ...     def initial_parameters(self, rng):
    ...         return NamedTuple(amount=1.0)
    ...
    ...     def __call__(self, x, ps, st):
    ...         return x + ps.amount, st
    >>> class Named(AbstractLuxWrapperLayer, layer="model"):
    ...     model: AbstractLuxLayer
    ...     name: str
    >>> import random
    >>> setup(random.Random(0), Named(Shift(), "shift"))
    (NamedTuple(amount=1.0), NamedTuple())

    ```

    The design is that of Lux.jl's `AbstractLuxWrapperLayer`.
    """

    _layer: ClassVar[str | None] = None
    _beside: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls, *, layer: str | None = None, beside: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if layer is not None:
            cls._layer = layer
        if beside:
            cls._beside = (beside,) if isinstance(beside, str) else tuple(beside)
        if cls._layer is None and not cls._is_abstract:
            raise TypeError(
                f"{cls.__name__} does not say which field it wraps: "
                f'class {cls.__name__}(AbstractLuxWrapperLayer, layer="...")'
            )
        if cls._layer is not None:
            _check_fields_exist(cls, (cls._layer, *cls._beside))

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        inner = self._inner()
        if not isinstance(inner, AbstractLuxLayer):
            raise TypeError(
                f"{type(self).__name__} wraps no single layer, so it has to define "
                "__call__(self, x, ps, st)"
            )
        return inner(x, ps, st)

    def _layers_beside(self) -> tuple[str, ...]:
        return tuple(name for name in self._beside if contains_lux_layer(getattr(self, name)))

    def _inner(self) -> Any:
        """What the parameters are of: the inner layer, or all by field where it is not alone."""
        wrapped, beside = self._layer or "", self._layers_beside()
        if not beside:
            return getattr(self, wrapped)
        names = (wrapped, *beside)
        return named_tuple_type(names)(*(getattr(self, name) for name in names))

    def initial_parameters(self, rng: Any) -> Any:
        return initial_parameters(rng, self._inner())

    def initial_states(self, rng: Any) -> NamedTuple:
        return initial_states(rng, self._inner())

    def parameter_length(self) -> int:
        return parameter_length(self._inner())

    def state_length(self) -> int:
        return state_length(self._inner())

    @property
    def preserves_state_type(self) -> bool:
        return preserves_state_type(self._inner())

    def _expected_fields(self) -> ExpectedFields:
        inner = self._inner()
        if isinstance(inner, AbstractLuxLayer):
            names = inner._expected_fields()
        else:
            names = (part_names(inner),) * 2
        return _expected(self, AbstractLuxWrapperLayer, *names)

    def _children(self) -> Children:
        wrapped = None if self._layers_beside() else self._layer
        return [(None if name == wrapped else name, part) for name, part in super()._children()]


def _check_fields_exist(cls: type[AbstractLuxLayer], names: tuple[str, ...]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise TypeError(
                f"{cls.__name__}: {name!r} is named as a layer {names.count(name)} times"
            )
        if not cls._is_abstract and name not in cls._field_names:
            raise TypeError(f"{cls.__name__}: {name!r} is named as a layer, but is no field of it")


def _expected(
    layer: AbstractLuxLayer,
    base: type[AbstractLuxLayer],
    parameters: tuple[str, ...] | None,
    states: tuple[str, ...] | None,
) -> ExpectedFields:
    """The field names of `ps` and `st`, where the class has not taken over making them."""
    cls = type(layer)
    return (
        parameters if cls.initial_parameters is base.initial_parameters else None,
        states if cls.initial_states is base.initial_states else None,
    )
