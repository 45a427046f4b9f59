"""Layers in a row that are joined with a further input each."""

from __future__ import annotations

from typing import Any

from luxcore import AbstractLuxLayer, NamedTuple, apply, items

from ._branches import inputs
from ._names import LayersByName, as_connection, as_label, by_name


class PairwiseFusion(LayersByName):
    """Layers one after the other, each output joined with a further input.

    ```text
    x[0] → layer_0 → connection → layer_1 → connection → y
                         ↑                      ↑
                        x[1]                   x[2]
    ```

    `y = connection(layer_1(connection(layer_0(x[0]), x[1])), x[2])`

    **Arguments**

    - `connection`: a function of two arguments, a layer's output and the next input
    - `*layers`: the layers or functions; also one list or tuple of them
    - `**named`: the layers by name; also one dict or named tuple of them
    - `name`: how the container is called where it prints

    **Inputs**

    - `x`: a tuple with an input more than there are layers, or anything else, which stands in each
      place

    **Returns**

    - the last joined output; `x[0]` where there is no layer
    - the states

    **Parameters and states**

    A `NamedTuple` with those of each layer, by its name.

    **Raises**

    - `TypeError`: for what is neither a layer nor a function, when the layer is made.
    - `ValueError`: for a tuple of another length, when it is called.

    ```python
    >>> import operator, jax.numpy as jnp, lux
    >>> model = lux.PairwiseFusion(operator.add, jnp.sin, jnp.cos)
    >>> ps, st = lux.setup(0, model)
    >>> y, st = model((jnp.array(0.0), jnp.array(0.0), jnp.array(10.0)), ps, st)
    >>> float(y)
    11.0

    ```

    As Lux.jl's `PairwiseFusion`.
    """

    connection: Any
    layers: NamedTuple
    name: str = ""

    def __init__(self, connection: Any, *layers: Any, name: str = "", **named: Any) -> None:
        as_connection("PairwiseFusion", "connection", connection)
        if isinstance(connection, AbstractLuxLayer):
            raise TypeError(
                "PairwiseFusion: connection: expected a function, got a layer: it is called more "
                "than once, with one set of parameters"
            )
        self.connection = connection
        self.layers = by_name("PairwiseFusion", layers, named)
        self.name = as_label("PairwiseFusion", name)

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        y, *others = inputs("PairwiseFusion", x, len(self) + 1)
        states = []
        for (name, layer), other in zip(items(self.layers), others, strict=True):
            y, new = apply(layer, y, getattr(ps, name), getattr(st, name))
            y = self.connection(y, other)
            states.append(new)
        return y, type(st)(*states)
