"""Layers side by side: what comes out of each is joined, by a function or by a layer.

The function gets the outputs as arguments; the layer gets a tuple of them, and its parameters and
states stand beside those of the branches.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp

from luxcore import AbstractLuxLayer, NamedTuple, apply, items

from ._names import LayersByName, as_connection, as_label, by_name


def _each(
    layers: NamedTuple, xs: tuple[Any, ...], ps: Any, st: NamedTuple
) -> tuple[tuple[Any, ...], NamedTuple]:
    """The outputs of the layers, each of its own input, and their states."""
    pairs = [
        apply(layer, x, getattr(ps, name), getattr(st, name))
        for (name, layer), x in zip(items(layers), xs, strict=True)
    ]
    return tuple(y for y, _ in pairs), type(st)(*(new for _, new in pairs))


def inputs(owner: str, x: Any, count: int) -> tuple[Any, ...]:
    """The inputs of several layers: a tuple of them, or one that stands in every place."""
    if not isinstance(x, tuple) or hasattr(x, "_fields"):
        return (x,) * count
    if len(x) != count:
        raise ValueError(f"{owner}: x: expected a tuple of {count} inputs, got {len(x)} of them")
    return x


def _join(
    layers: NamedTuple, field: str, joint: Any, xs: tuple[Any, ...], ps: Any, st: NamedTuple
) -> tuple[Any, NamedTuple]:
    """The outputs of the layers as `joint`, which is in that field, joins them, and the states."""
    if isinstance(joint, AbstractLuxLayer):
        ys, st_layers = _each(layers, xs, ps.layers, st.layers)
        y, st_joint = apply(joint, ys, getattr(ps, field), getattr(st, field))
        return y, NamedTuple(**{"layers": st_layers, field: st_joint})
    ys, st = _each(layers, xs, ps, st)
    return (ys if joint is None else joint(*ys)), st


class Parallel(LayersByName, beside=("connection",)):
    """Layers side by side, each with its own input or all with the same, joined.

    `y = connection(layer_0(x[0]), layer_1(x[1]), …)`

    **Arguments**

    - `connection`: a function of as many arguments as there are layers, a layer that takes a tuple
      of them, or `None` to return the tuple
    - `*layers`: the layers or functions; also one list or tuple of them
    - `**named`: the layers by name; also one dict or named tuple of them
    - `name`: how the container is called where it prints

    **Inputs**

    - `x`: a tuple with an input for each layer, or anything else, which all of them get

    **Returns**

    - what `connection` returns
    - the states

    **Parameters and states**

    A `NamedTuple` with those of each layer, by its name; if `connection` is a layer, one of those
    as `layers` and its own as `connection`.

    **Raises**

    - `TypeError`: for what is neither a layer nor a function, when the layer is made.
    - `ValueError`: for a tuple of another length, when it is called.

    ```python
    >>> import operator, jax.numpy as jnp, lux
    >>> model = lux.Parallel(operator.add, lux.Dense(2, 3), lux.Dense(5, 3))
    >>> ps, st = lux.setup(0, model)
    >>> model((jnp.ones(2), jnp.ones(5)), ps, st)[0].shape
    (3,)
    >>> both = lux.Parallel(None, jnp.sin, jnp.cos)
    >>> [y.tolist() for y in both(jnp.zeros(()), *lux.setup(0, both))[0]]
    [0.0, 1.0]

    ```

    As Lux.jl's `Parallel`.
    """

    connection: Any
    layers: NamedTuple
    name: str = ""

    def __init__(self, connection: Any, *layers: Any, name: str = "", **named: Any) -> None:
        if connection is not None:
            as_connection("Parallel", "connection", connection)
        self.connection = connection
        self.layers = by_name("Parallel", layers, named)
        self.name = as_label("Parallel", name)

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        return _join(
            self.layers, "connection", self.connection, inputs("Parallel", x, len(self)), ps, st
        )


class BranchLayer(LayersByName, beside=("fusion",)):
    """Layers side by side that all get the same input, a tuple too.

    `y = (layer_0(x), layer_1(x), …)`, or `fusion(layer_0(x), layer_1(x), …)`

    **Arguments**

    - `*layers`: the layers or functions; also one list or tuple of them
    - `**named`: the layers by name; also one dict or named tuple of them
    - `fusion`: a function of as many arguments as there are layers, a layer that takes a tuple of
      them, or `None` to return the tuple
    - `name`: how the container is called where it prints

    **Inputs**

    - `x`: what all of the layers take

    **Returns**

    - the outputs as a tuple, or what `fusion` returns
    - the states

    **Parameters and states**

    A `NamedTuple` with those of each layer, by its name; if `fusion` is a layer, one of those as
    `layers` and its own as `fusion`.

    **Raises**

    - `TypeError`: for what is neither a layer nor a function, when the layer is made.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> model = lux.BranchLayer(lux.Dense(2, 3), jnp.square)
    >>> y, st = model(jnp.ones(2), *lux.setup(0, model))
    >>> [part.shape for part in y]
    [(3,), (2,)]

    ```

    As Lux.jl's `BranchLayer`.
    """

    layers: NamedTuple
    fusion: Any = None
    name: str = ""

    def __init__(self, *layers: Any, fusion: Any = None, name: str = "", **named: Any) -> None:
        if fusion is not None:
            as_connection("BranchLayer", "fusion", fusion)
        self.layers = by_name("BranchLayer", layers, named)
        self.fusion = fusion
        self.name = as_label("BranchLayer", name)

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        return _join(self.layers, "fusion", self.fusion, (x,) * len(self.layers), ps, st)


class Maxout(LayersByName):
    """The largest of what several layers make of one input, element by element.

    `y = max(layer_0(x), layer_1(x), …)`

    **Arguments**

    - `*layers`: the layers or functions, at least one; also one list or tuple of them
    - `**named`: the layers by name; also one dict or named tuple of them

    **Inputs**

    - `x`: what all of the layers take

    **Returns**

    - an array of the shape of the layers' outputs
    - the states

    **Parameters and states**

    A `NamedTuple` with those of each layer, by its name.

    **Raises**

    - `TypeError`: for what is neither a layer nor a function, when the layer is made.
    - `ValueError`: without a layer.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> model = lux.Maxout([lux.Dense(4, 2) for _ in range(3)])
    >>> ps, st = lux.setup(0, model)
    >>> model(jnp.ones((8, 4)), ps, st)[0].shape
    (8, 2)

    ```

    Goodfellow et al., "Maxout networks", 2013; as Lux.jl's `Maxout`. Where several are largest, the
    gradient is shared among them.
    """

    layers: NamedTuple

    def __init__(self, *layers: Any, **named: Any) -> None:
        self.layers = by_name("Maxout", layers, named)
        if len(self.layers) == 0:
            raise ValueError("Maxout: layers: expected at least one, got none")

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        ys, st = _each(self.layers, (x,) * len(self.layers), ps, st)
        with jax.numpy_dtype_promotion("standard"):  # of layers with parameters of other dtypes
            return reduce(jnp.maximum, ys), st
