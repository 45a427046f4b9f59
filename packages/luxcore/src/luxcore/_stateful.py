"""`StatefulLuxLayer`: a layer together with its parameters and states, called as `f(x)`.

A convenience for the inside of other layers, for solvers that want a function of one argument, and
for the prompt. It is the one mutable object here: every call replaces its state. A transformation
traces a function once and runs it many times, so a state that a trace writes into an object made
outside of it would be a tracer without a value; that is refused.
"""

from __future__ import annotations

import sys
from typing import Any

from ._apply import apply
from ._call import layer_name
from ._describe import describe
from ._layer import AbstractLuxLayer
from ._named_tuple import NamedTuple
from ._tree import children, walk


class StatefulLuxLayer:
    """A layer with its parameters and states inside: `y = layer(x)`.

    This is no `AbstractLuxLayer`. Lux registers it as a pytree, so it can be passed into and out of
    transformed functions.

    **Arguments**

    - `model`: a layer.
    - `ps`: its parameters; `None` where every call gives them.
    - `st`: its states.
    - `fixed_state_type`: whether the new state must have the structure, shapes and dtypes of the
      old one, as `lax.scan` and one compilation require.

    **Inputs**

    - `x`: the input.
    - `ps`: the parameters; by default those inside.

    **Returns**

    The output alone. The new state is in `st`.

    **Raises**

    - `TypeError`: where the type of the state changes although it is fixed.
    - `RuntimeError`: where a call in a transformation would write a tracer into an object that was
      made outside of it.

    ```python
    >>> from luxcore import AbstractLuxLayer, NamedTuple, StatefulLuxLayer
    >>> class Counter(AbstractLuxLayer):
    ...     def __call__(self, x, ps, st):
    ...         return x + st.count, NamedTuple(count=st.count + 1)
    >>> counter = StatefulLuxLayer(Counter(), NamedTuple(), NamedTuple(count=0))
    >>> counter(10), counter(10), counter.st
    (10, 11, NamedTuple(count=2))

    ```

    The design is that of Lux.jl's `StatefulLuxLayer`.
    """

    def __init__(
        self, model: AbstractLuxLayer, ps: Any, st: NamedTuple, fixed_state_type: bool = True
    ) -> None:
        if not isinstance(model, AbstractLuxLayer):
            raise TypeError(f"StatefulLuxLayer holds a layer, got {type(model).__name__}")
        self.model = model
        self.ps = ps
        self.st = st
        self.fixed_state_type = fixed_state_type
        self._trace = _current_trace()

    def __call__(self, x: Any, ps: Any = None) -> Any:
        if ps is None:
            ps = self.ps
        if ps is None:
            raise TypeError(f"{self} holds no parameters: give them in the call, layer(x, ps)")
        y, st = apply(self.model, x, ps, self.st)
        self._check_type(st)
        self._check_tracers(st)
        self.st = st
        return y

    def tree_flatten(self) -> tuple[tuple[Any, NamedTuple], tuple[AbstractLuxLayer, bool]]:
        """The arrays and what is static, in the form that JAX asks of a pytree class."""
        return (self.ps, self.st), (self.model, self.fixed_state_type)

    @classmethod
    def tree_unflatten(
        cls, static: tuple[AbstractLuxLayer, bool], parts: tuple[Any, NamedTuple]
    ) -> StatefulLuxLayer:
        """The inverse of `tree_flatten`: a new object, of the transformation that makes it."""
        return cls(static[0], *parts, fixed_state_type=static[1])

    def _check_type(self, st: NamedTuple) -> None:
        if not self.fixed_state_type:
            return
        old, new = _state_type(self.st), _state_type(st)
        changed = [path for path in {**old, **new} if old.get(path) != new.get(path)]
        if changed:
            path = changed[0]
            raise TypeError(
                f"{self}: the type of the state at {path or 'the top level'} changes from "
                f"{old.get(path, 'nothing')} to {new.get(path, 'nothing')}: allow it with "
                "StatefulLuxLayer(model, ps, st, fixed_state_type=False)"
            )

    def _check_tracers(self, st: NamedTuple) -> None:
        if self._trace == _current_trace():
            return
        for path, leaf in walk(st):
            if _is_tracer(leaf):
                raise RuntimeError(
                    f"{self} was made outside of the transformation that calls it, and the call "
                    f"would leave a tracer in its state at {'.'.join(path)}: pass the object into "
                    "the transformed function as an argument and return it, or make it inside"
                )

    def __repr__(self) -> str:
        return f"StatefulLuxLayer({layer_name(self.model)})"


def _state_type(st: Any) -> dict[str, str]:
    """What a state is made of, by path: structure, shapes and dtypes, but no numbers."""
    parts = walk(st, exclude=lambda part: children(part) == [])
    return {".".join(path): _leaf_type(part) for path, part in parts}


def _leaf_type(leaf: Any) -> str:
    if leaf is None or isinstance(leaf, tuple) or hasattr(leaf, "shape"):
        return describe(leaf)
    return type(leaf).__name__


# luxcore depends on nothing: where JAX has not been imported there is no transformation either.
def _current_trace() -> object:
    if "jax" not in sys.modules:
        return None
    import jax.extend.core

    trace: object = jax.extend.core.get_opaque_trace_state()  # type: ignore[no-untyped-call]
    return trace


def _is_tracer(leaf: Any) -> bool:
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(leaf, jax.core.Tracer)
