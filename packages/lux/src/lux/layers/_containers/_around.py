"""Layers around one other: a shortcut past it, a repetition of it, another precision for it."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lux.layers._checks import check_sizes, fail
from lux.layers._loop import check_same, settled
from lux.layers._outline import is_floating, outlines
from luxcore import AbstractLuxLayer, AbstractLuxWrapperLayer, NamedTuple, apply

from ._names import as_connection, as_label, as_layer, as_switch


class SkipConnection(AbstractLuxWrapperLayer, layer="layers", beside=("connection",)):
    """A layer, and a shortcut past it.

    `y = connection(layers(x), x)`

    **Arguments**

    - `layers`: a layer, such as a `Chain`, or a function
    - `connection`: a function of two arguments, such as `operator.add`, or a layer that takes a
      tuple of both
    - `name`: how the container is called where it prints

    **Inputs**

    - `x`: what `layers` takes

    **Returns**

    - what `connection` returns
    - the states

    **Parameters and states**

    Those of `layers`; if `connection` is a layer, a `NamedTuple` of both, as `layers` and
    `connection`.

    **Raises**

    - `TypeError`: for what is neither a layer nor a function, when the layer is made.

    ```python
    >>> import operator, jax.numpy as jnp, lux
    >>> block = lux.SkipConnection(lux.Dense(4, 4, lux.relu), operator.add)
    >>> ps, st = lux.setup(0, block)
    >>> block(jnp.ones((8, 4)), ps, st)[0].shape
    (8, 4)

    ```

    As Lux.jl's `SkipConnection`.
    """

    layers: AbstractLuxLayer
    connection: Any
    name: str = ""

    def __post_init__(self) -> None:
        self.layers = as_layer("SkipConnection", "layers", self.layers)
        as_connection("SkipConnection", "connection", self.connection)
        as_label("SkipConnection", self.name)

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        if not isinstance(self.connection, AbstractLuxLayer):
            y, st = apply(self.layers, x, ps, st)
            return self.connection(y, x), st
        y, st_layers = apply(self.layers, x, ps.layers, st.layers)
        y, st_connection = apply(self.connection, (y, x), ps.connection, st.connection)
        return y, NamedTuple(layers=st_layers, connection=st_connection)


class RepeatedLayer(AbstractLuxWrapperLayer, layer="model"):
    """A layer applied several times over, with the same parameters.

    From `y = x`, `repeats` times `y = model(y)`; with `input_injection`, `y = model((y, x))`

    **Arguments**

    - `model`: the layer, or a function
    - `repeats`: how many times it is applied
    - `input_injection`: whether it gets its last output together with the input, as a tuple

    **Inputs**

    - `x`: what `model` takes; with `input_injection`, what it takes in both places

    **Returns**

    - what `model` returns the last time, of the type of `x`
    - the state that it returns the last time: each time it gets the state of the time before

    **Parameters and states**

    Those of `model`.

    **Raises**

    - `TypeError`, `ValueError`: for what is neither a layer nor a function, or an impossible number
      of repeats, when the layer is made; for a model that returns another type than it takes, of
      its output or its state, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.RepeatedLayer(lux.Dense(4, 4, lux.tanh), repeats=3)
    >>> ps, st = lux.setup(0, layer)
    >>> ps.weight.shape, layer(jnp.ones((8, 4)), ps, st)[0].shape
    ((4, 4), (8, 4))

    ```

    As Lux.jl's `RepeatedLayer`. The program is a loop: the time to compile does not grow with
    `repeats`.
    """

    model: AbstractLuxLayer
    _: KW_ONLY
    repeats: int = 10
    input_injection: bool = False

    def __post_init__(self) -> None:
        self.model = as_layer("RepeatedLayer", "model", self.model)
        check_sizes(self, "repeats")
        as_switch("RepeatedLayer", "input_injection", self.input_injection)

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        def call(y: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
            return apply(self.model, (y, x) if self.input_injection else y, ps, st)

        def step(carry: tuple[Any, NamedTuple], _: None) -> tuple[tuple[Any, NamedTuple], None]:
            new = call(*carry)
            check_same(
                "RepeatedLayer: expected a model that returns what it takes", carry[0], new[0]
            )
            check_same("RepeatedLayer: expected a state that keeps its type", carry[1], new[1])
            return new, None

        y = settled(lambda y: call(y, st)[0], x, ps)
        return lax.scan(step, (y, st), length=self.repeats)[0]


class AlternatePrecision(AbstractLuxWrapperLayer, layer="layer"):
    """A layer that computes in another precision than the layers around it.

    `y = cast(layer(cast(x, dtype)), dtype of x)`

    **Arguments**

    - `dtype`: the floating dtype in which `layer` gets its input
    - `layer`: the layer, or a function

    **Inputs**

    - `x`: an array, or a tree of arrays; those of floating dtype have one dtype in common

    **Returns**

    - what `layer` returns, where it is floating in the dtype of `x`
    - the states, as `layer` returns them

    **Parameters and states**

    Those of `layer`. They are not cast: where they are wider than `dtype`, the layer computes with
    them, and so in their precision.

    **Raises**

    - `TypeError`, `ValueError`: for what is no floating dtype, or neither a layer nor a function,
      when the layer is made; for an input without a floating dtype, or with several, when it is
      called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.AlternatePrecision(jnp.float32, lambda x: x.sum(-1))
    >>> x = jnp.full((1, 4096), 1.001, jnp.bfloat16)
    >>> layer(x, *lux.setup(0, layer))[0].dtype
    dtype(bfloat16)

    ```

    As Lux.jl's `AlternatePrecision`.
    """

    dtype: Any
    layer: AbstractLuxLayer

    def __post_init__(self) -> None:
        try:
            dtype = jnp.dtype(self.dtype)
        except TypeError:
            dtype = np.dtype(object)
        if self.dtype is None or not jnp.issubdtype(dtype, jnp.floating):
            raise fail(self, "dtype", "a floating dtype, such as jnp.float32", self.dtype)
        self.dtype = dtype
        self.layer = as_layer("AlternatePrecision", "layer", self.layer)

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        dtypes = {jnp.result_type(leaf) for leaf in jax.tree.leaves(x) if is_floating(leaf)}
        if len(dtypes) != 1:
            raise ValueError(
                f"AlternatePrecision: x: expected arrays of one floating dtype, got {outlines(x)}"
            )
        y, st = apply(self.layer, _cast(x, self.dtype), ps, st)
        return _cast(y, *dtypes), st


def _cast(tree: Any, dtype: Any) -> Any:
    """The tree with its floating arrays in one dtype."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype) if is_floating(leaf) else leaf, tree)
