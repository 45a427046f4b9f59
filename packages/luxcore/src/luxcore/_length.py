"""How many numbers a layer's parameters and states have, and how large its output is."""

from __future__ import annotations

from typing import Any

from ._abstract import tree_length
from ._layer import AbstractLuxLayer
from ._tree import children


def parameter_length(layer: Any) -> int:
    """The number of parameters of a layer, of a tuple or named tuple of layers, or of a tree.

    A layer may have a rule of its own (the method `parameter_length`); otherwise its parameters
    are evaluated abstractly where Lux is loaded, and made with `random.Random(0)` where not.

    ```python
    >>> from luxcore import NamedTuple, parameter_length
    >>> parameter_length(NamedTuple(weight=3.0, bias=None))
    1

    ```
    """
    if isinstance(layer, AbstractLuxLayer):
        return layer.parameter_length()
    parts = children(layer)
    return tree_length(layer) if parts is None else sum(parameter_length(p) for _, p in parts)


def state_length(layer: Any) -> int:
    """The number of state values of a layer, of a tuple or named tuple of layers, or of a tree.

    What is static, such as `Val(True)`, counts nothing.

    ```python
    >>> from luxcore import NamedTuple, Val, state_length
    >>> state_length(NamedTuple(running_mean=0.0, training=Val(True)))
    1

    ```
    """
    if isinstance(layer, AbstractLuxLayer):
        return layer.state_length()
    parts = children(layer)
    return tree_length(layer) if parts is None else sum(state_length(p) for _, p in parts)


def output_size(layer: AbstractLuxLayer, x: Any, rng: Any) -> Any:
    """The size of a layer's output for one input, without the batch.

    **Arguments**

    - `layer`: a layer; its own `output_size(x, rng)` is asked first.
    - `x`: an input. The fallback, which comes with Lux, takes it as batched.
    - `rng`: a random generator, for the parameters.

    **Raises**

    - `NotImplementedError`: where neither the layer nor Lux gives an answer.

    ```python
    >>> from luxcore import AbstractLuxLayer, output_size
    >>> class Halve(AbstractLuxLayer):
    ...     def output_size(self, x, rng):
    ...         return (len(x) // 2,)
    ...
    ...     def __call__(self, x, ps, st):
    ...         return x[::2], st
    >>> output_size(Halve(), [1, 2, 3, 4], None)
    (2,)

    ```
    """
    return layer.output_size(x, rng)
