"""Layers under their names, from the forms in which a container takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, overload

from lux.layers._functions import WrappedFunction
from luxcore import (
    AbstractLuxLayer,
    AbstractLuxWrapperLayer,
    NamedTuple,
    StatefulLuxLayer,
    items,
)


class LayersByName(AbstractLuxWrapperLayer, layer="layers", abstract=True):
    """The base of the containers of several layers: counted, indexed, sliced and iterated."""

    if TYPE_CHECKING:
        layers: Any

    @overload
    def __getitem__(self, key: int | str) -> AbstractLuxLayer: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: Any) -> AbstractLuxLayer | Self:
        layers = self.layers[key]
        if not isinstance(key, slice):
            return layers
        if isinstance(self.layers, NamedTuple):
            layers = NamedTuple(**dict(zip(self.layers._fields[key], layers, strict=True)))
        fields = [(name, getattr(self, name)) for name in self._field_names]
        return self._with_children([layers if n == "layers" else field for n, field in fields])

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[AbstractLuxLayer]:
        return iter(self.layers)


def by_name(owner: str, layers: tuple[Any, ...], named: dict[str, Any]) -> NamedTuple:
    """The layers by position (`layer_0`, …) or by name, each a layer or a function.

    One list or tuple stands for several by position, one dict or named tuple for several by name.
    """
    if layers and named:
        raise TypeError(f"{owner}: give all layers by position or all by name, got both")
    if len(layers) == 1 and isinstance(layers[0], NamedTuple):
        named = dict(items(layers[0]))
    elif len(layers) == 1 and isinstance(layers[0], Mapping):
        named = dict(layers[0])
    else:
        if len(layers) == 1 and isinstance(layers[0], list | tuple):
            layers = tuple(layers[0])
        named = named or {f"layer_{index}": layer for index, layer in enumerate(layers)}
    return NamedTuple(**{name: as_layer(owner, name, layer) for name, layer in named.items()})


def as_layer(owner: str, name: str, layer: Any) -> AbstractLuxLayer:
    """A layer as it is, and a function as a `WrappedFunction`."""
    if isinstance(layer, AbstractLuxLayer):
        return layer
    if _is_function(layer):
        return WrappedFunction(layer)
    advice = ""
    if isinstance(layer, type):
        advice = f": make an object of the class, {layer.__name__}(…)"
    elif isinstance(layer, Iterable) and not isinstance(layer, str | bytes):
        advice = f": unpack it, {owner}(*layers), or make it a Chain"
    elif isinstance(layer, StatefulLuxLayer):
        advice = ": a StatefulLuxLayer holds its parameters, so they would not be trained"
    got = layer.__name__ if isinstance(layer, type) else type(layer).__name__
    raise TypeError(f"{owner}: {name}: expected a layer or a function, got {got}{advice}")


def as_connection(owner: str, field: str, connection: Any) -> Any:
    """A function or a layer, as it is."""
    if not _is_function(connection):
        raise TypeError(f"{owner}: {field}: expected a function or a layer, got {connection!r}")
    return connection


def as_label(owner: str, name: Any) -> str:
    """The name under which a container prints."""
    if not isinstance(name, str):
        raise not_a_layer(owner, "name", "a text", name)
    return name


def as_switch(owner: str, field: str, value: Any) -> bool:
    """Whether something is done."""
    if not isinstance(value, bool):
        raise not_a_layer(owner, field, "True or False", value)
    return value


def not_a_layer(owner: str, field: str, expected: str, got: Any) -> TypeError:
    """The error to raise about an argument that a layer may have been meant to be called by."""
    layer = isinstance(got, AbstractLuxLayer)
    advice = f": for a layer of that name, {owner}({{{field!r}: layer}})" if layer else ""
    text = type(got).__name__ if layer else repr(got)
    return TypeError(f"{owner}: {field}: expected {expected}, got {text}{advice}")


def _is_function(value: Any) -> bool:
    """Whether a value can be called, and holds no parameters that would not be trained."""
    return callable(value) and not isinstance(value, type | StatefulLuxLayer)
