"""From a description to its parameters and states: `setup`, and what it is made of.

Every function here takes a layer, a tuple or named tuple of layers, or `None` for "no layer". The
parts of a sequence are `layer_0`, `layer_1`, …, and every part gets the generator of its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ._describe import describe
from ._layer import AbstractLuxLayer
from ._named_tuple import NamedTuple, named_tuple_type
from ._random import child, fork
from ._tree import check_fmap_condition, children


def setup(rng: Any, layer: Any) -> tuple[Any, NamedTuple]:
    """The initial parameters and states of a layer.

    **Arguments**

    - `rng`: a `random.Random`, a `numpy.random.Generator`, or a JAX key. `setup` is pure for a
      JAX key, and advances a stateful generator by one draw.
    - `layer`: a layer, or a tuple or named tuple of layers.

    **Returns**

    `(ps, st)`, as `initial_parameters` and `initial_states` make them.

    **Raises**

    - `TypeError`: for what is no layer or no generator.

    ```python
    >>> import random
    >>> from luxcore import AbstractLuxLayer, NamedTuple, setup
    >>> class Noise(AbstractLuxLayer):
    ...     def initial_states(self, rng):
    ...         return NamedTuple(seed=rng.getrandbits(8))
    ...
    ...     def __call__(self, x, ps, st):
    ...         return x + st.seed, st
    >>> ps, st = setup(random.Random(0), Noise())
    >>> ps, st._fields
    (NamedTuple(), ('seed',))

    ```
    """
    if isinstance(rng, AbstractLuxLayer):
        raise TypeError(f"setup(rng, layer) takes the generator first, got {describe(rng)}")
    rng = fork(rng)
    return initial_parameters(rng, layer), initial_states(rng, layer)


def initial_parameters(rng: Any, layer: Any) -> Any:
    """New parameters for a layer, or a tree of them for a tuple or named tuple of layers.

    ```python
    >>> import random
    >>> from luxcore import AbstractLuxLayer, NamedTuple, initial_parameters
    >>> class Shift(AbstractLuxLayer):
    ...     def initial_parameters(self, rng):
    ...         return NamedTuple(amount=0.0)
    ...
    ...     def __call__(self, x, ps, st):
    ...         return x + ps.amount, st
    >>> initial_parameters(random.Random(0), (Shift(), None))
    NamedTuple(layer_0=NamedTuple(amount=0.0), layer_1=NamedTuple())

    ```
    """
    if isinstance(layer, AbstractLuxLayer):
        return layer.initial_parameters(rng)
    return _for_parts(initial_parameters, rng, layer)


def initial_states(rng: Any, layer: Any) -> NamedTuple:
    """New states for a layer, or a tree of them for a tuple or named tuple of layers.

    ```python
    >>> import random
    >>> from luxcore import initial_states
    >>> initial_states(random.Random(0), None)
    NamedTuple()

    ```
    """
    if isinstance(layer, AbstractLuxLayer):
        return layer.initial_states(rng)
    return _for_parts(initial_states, rng, layer)


def _for_parts(initial: Callable[[Any, Any], Any], rng: Any, layers: Any) -> NamedTuple:
    if layers is None:
        return NamedTuple()
    parts = children(layers)
    if parts is None or isinstance(layers, Mapping):
        raise TypeError(
            f"expected a layer, or a tuple or NamedTuple of layers, got {describe(layers)}"
            + (": make an object of the class first" if isinstance(layers, type) else "")
        )
    names = part_names(layers)
    values = [initial(child(rng, name), part) for name, (_, part) in zip(names, parts, strict=True)]
    return named_tuple_type(names)(*values)


def part_names(layers: Any) -> tuple[str, ...]:
    """The names of the parts in `ps` and `st`: a sequence counts them as Python indexes."""
    if isinstance(layers, NamedTuple):
        return layers._fields
    return tuple(f"layer_{index}" for index in range(len(layers)))


def preserves_state_type(layer: Any) -> bool:
    """Whether the states that come out of a layer have the type of those that went in.

    `True` unless the layer says otherwise; of a container, whether it holds for all children.

    ```python
    >>> from luxcore import preserves_state_type
    >>> preserves_state_type(None)
    True

    ```
    """
    if isinstance(layer, AbstractLuxLayer):
        return layer.preserves_state_type
    return all(preserves_state_type(part) for _, part in children(layer) or ())


def contains_lux_layer(tree: Any) -> bool:
    """Whether a tree is a layer or has one in it.

    ```python
    >>> from luxcore import contains_lux_layer
    >>> contains_lux_layer({"a": (1, 2)})
    False

    ```
    """
    return check_fmap_condition(lambda leaf: False, AbstractLuxLayer, tree)
