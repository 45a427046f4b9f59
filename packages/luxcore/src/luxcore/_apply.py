"""`apply`: calling a layer through the type of its input.

An input type of one's own, an array with its time for instance, travels through layers that do not
know it: register for it how it is taken apart before a layer and put together after it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ._abstract import evaluate
from ._call import layer_name
from ._layer import AbstractLuxLayer
from ._named_tuple import NamedTuple
from ._tree import walk

Rule = Callable[[AbstractLuxLayer, Any, Any, NamedTuple], tuple[Any, NamedTuple]]


class Apply:
    """Calls a layer: `apply(model, x, ps, st)` is `model(x, ps, st)` unless `x`'s type has a rule.

    Containers call their children by `apply`, so a rule holds at every depth.

    **Arguments**

    - `model`: a layer.
    - `x`: the input.
    - `ps`: its parameters.
    - `st`: its states.

    **Returns**

    `(y, st)`: the output and the new states.

    ```python
    >>> from dataclasses import dataclass
    >>> from luxcore import AbstractLuxLayer, NamedTuple, apply
    >>> @dataclass
    ... class Timed:
    ...     value: float
    ...     time: float
    >>> @apply.register(Timed)
    ... def apply_to_value(layer, x, ps, st):
    ...     y, st = layer(x.value, ps, st)
    ...     return Timed(y, x.time), st
    >>> class Double(AbstractLuxLayer):
    ...     def __call__(self, x, ps, st):
    ...         return 2 * x, st
    >>> apply(Double(), Timed(3.0, time=0.5), NamedTuple(), NamedTuple())
    (Timed(value=6.0, time=0.5), NamedTuple())

    ```
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[type, type], Rule] = {}

    def __call__(
        self, model: AbstractLuxLayer, x: Any, ps: Any, st: NamedTuple
    ) -> tuple[Any, NamedTuple]:
        if not isinstance(model, AbstractLuxLayer):
            raise TypeError(
                f"apply(model, x, ps, st) takes a layer first, got {type(model).__name__}"
            )
        if self._rules:
            # The nearest type of the input decides, then that of the layer.
            for input_type in type(x).__mro__:
                for layer_type in type(model).__mro__:
                    rule = self._rules.get((input_type, layer_type))
                    if rule is not None:
                        return rule(model, x, ps, st)
        return model(x, ps, st)

    def register(
        self, input_type: type, *, layer: type[AbstractLuxLayer] = AbstractLuxLayer
    ) -> Callable[[Rule], Rule]:
        """Registers `rule(model, x, ps, st)` for an input type and, if given, a layer type."""

        def register(rule: Rule) -> Rule:
            self._rules[input_type, layer] = rule
            return rule

        return register


apply = Apply()


def stateless_apply(model: AbstractLuxLayer, x: Any, ps: Any) -> Any:
    """The output alone, of a model whose state is empty.

    **Raises**

    - `ValueError`: where the model has a state.

    ```python
    >>> from luxcore import AbstractLuxLayer, NamedTuple, stateless_apply
    >>> class Double(AbstractLuxLayer):
    ...     def __call__(self, x, ps, st):
    ...         return 2 * x, st
    >>> stateless_apply(Double(), 3, NamedTuple())
    6

    ```
    """
    return apply(model, x, ps, _empty_state(model))[0]


@functools.lru_cache(maxsize=1024)
def _empty_state(model: AbstractLuxLayer) -> NamedTuple:
    st: NamedTuple = evaluate(model.initial_states)
    entries = [".".join(path) for path, _ in walk(st)]
    if entries:
        raise ValueError(
            f"stateless_apply wants a model without state, but {layer_name(model)} has "
            f"{', '.join(entries)}: call model(x, ps, st), which returns the new state too"
        )
    return st
