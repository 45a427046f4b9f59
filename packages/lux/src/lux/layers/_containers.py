"""Layers that are made of layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, overload

from luxcore import (
    AbstractLuxLayer,
    AbstractLuxWrapperLayer,
    NamedTuple,
    StatefulLuxLayer,
    apply,
    items,
)

from ._functions import WrappedFunction


class Chain(AbstractLuxWrapperLayer, layer="layers"):
    """Layers one after the other.

    `y = layer_n(… layer_1(layer_0(x)))`

    **Arguments**

    - `*layers`: the layers, or functions, of which each becomes a `WrappedFunction`; also one list
      or tuple of them. They are called `layer_0`, `layer_1`, …
    - `**named`: the layers by name, in order; also one dict or named tuple of them in the place of
      `*layers`.
    - `name`: how the chain is called where it prints

    `chain[0]`, `chain[-1]` and `chain["encoder"]` are layers, `chain[1:3]` is the chain of some of
    them under their names here. `len(chain)` counts them, and iterating gives them in order.

    **Inputs**

    - `x`: what the first layer takes

    **Returns**

    - what the last layer returns; `x` where there is none
    - the states

    **Parameters and states**

    A `NamedTuple` with those of each layer, by its name.

    **Raises**

    - `TypeError`: for what is neither a layer nor a function, or for layers with and without names.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> model = lux.Chain(lux.Dense(784, 256, lux.relu), lux.Dense(256, 10))
    >>> ps, st = lux.setup(0, model)
    >>> model(jnp.ones((32, 784)), ps, st)[0].shape
    (32, 10)
    >>> named = lux.Chain(encoder=lux.Dense(4, 2), decoder=lux.Dense(2, 4))
    >>> lux.setup(0, named)[0].decoder.weight.shape
    (2, 4)
    >>> len(named), named[1:] == lux.Chain(decoder=lux.Dense(2, 4))
    (2, True)

    ```

    As Lux.jl's `Chain`, with names counted as Python's indexes.
    """

    layers: NamedTuple
    name: str = ""

    def __init__(self, *layers: Any, name: str = "", **named: Any) -> None:
        self.layers = _by_name(layers, named)
        self.name = _as_name(name)

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        states = []
        for name, layer in items(self.layers):
            x, new = apply(layer, x, getattr(ps, name), getattr(st, name))
            states.append(new)
        return x, type(st)(*states)

    @overload
    def __getitem__(self, key: int | str) -> AbstractLuxLayer: ...
    @overload
    def __getitem__(self, key: slice) -> Chain: ...
    def __getitem__(self, key: Any) -> AbstractLuxLayer | Chain:
        if isinstance(key, slice):
            return Chain(NamedTuple(**dict(list(items(self.layers))[key])))
        return self.layers[key]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[AbstractLuxLayer]:
        return iter(self.layers)


def _by_name(layers: tuple[Any, ...], named: dict[str, Any]) -> NamedTuple:
    """The layers under their names, from the forms in which a chain takes them."""
    if layers and named:
        raise TypeError("Chain: give all layers by position or all by name, got both")
    if len(layers) == 1 and isinstance(layers[0], NamedTuple):
        named = dict(items(layers[0]))
    elif len(layers) == 1 and isinstance(layers[0], Mapping):
        named = dict(layers[0])
    else:
        if len(layers) == 1 and isinstance(layers[0], list | tuple):
            layers = tuple(layers[0])
        named = named or {f"layer_{index}": layer for index, layer in enumerate(layers)}
    return NamedTuple(**{name: _as_layer(name, layer) for name, layer in named.items()})


def _as_layer(name: str, layer: Any) -> AbstractLuxLayer:
    if isinstance(layer, AbstractLuxLayer):
        return layer
    if callable(layer) and not isinstance(layer, type | StatefulLuxLayer):
        return WrappedFunction(layer)
    advice = ""
    if isinstance(layer, type):
        advice = f": make an object of the class, {layer.__name__}(…)"
    elif isinstance(layer, list | tuple):
        advice = ": unpack it, Chain(*layers), or make it a Chain"
    elif isinstance(layer, StatefulLuxLayer):
        advice = ": a StatefulLuxLayer holds its parameters, so they would not be trained"
    got = layer.__name__ if isinstance(layer, type) else type(layer).__name__
    raise TypeError(f"Chain: {name}: expected a layer or a function, got {got}{advice}")


def _as_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(
            f"Chain: name: expected a text, got {type(name).__name__}: for a layer of that name, "
            "Chain({'name': layer})"
        )
    return name
