"""Layers that the tests share: small, in plain Python, importable by name for pickling."""

from __future__ import annotations

from typing import Any

from luxcore import (
    AbstractLuxContainerLayer,
    AbstractLuxLayer,
    AbstractLuxWrapperLayer,
    NamedTuple,
    Val,
    apply,
)


class Scale(AbstractLuxLayer):
    """Multiplies a number by its one parameter, and refuses other inputs than numbers."""

    init: float = 2.0

    def initial_parameters(self, rng: Any) -> NamedTuple:
        return NamedTuple(factor=self.init * (1 + rng.random()))

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        if isinstance(x, str):
            raise ValueError(f"expected a number, got {x!r}")
        return x * ps.factor, st


class Counter(AbstractLuxLayer):
    """Counts its calls in training mode."""

    def initial_states(self, rng: Any) -> NamedTuple:
        return NamedTuple(count=0, training=Val(True))

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        return x, NamedTuple(count=st.count + int(bool(st.training)), training=st.training)


class Identity(AbstractLuxLayer):
    """Nothing to set up."""

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        return x, st


class Pair(AbstractLuxContainerLayer, layers=("first", "second")):
    """Two layers, one after the other."""

    first: AbstractLuxLayer
    second: AbstractLuxLayer

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        y, st_first = self.first(x, ps.first, st.first)
        y, st_second = apply(self.second, y, ps.second, st.second)
        return y, NamedTuple(first=st_first, second=st_second)


class Sequence(AbstractLuxWrapperLayer, layer="parts"):
    """Any number of layers, one after the other: a chain."""

    parts: Any

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        states = []
        for layer, ps_layer, st_layer in zip(self.parts, ps, st, strict=True):
            x, st_layer = apply(layer, x, ps_layer, st_layer)
            states.append(st_layer)
        return x, type(st)(*states)


class Wrapped(AbstractLuxWrapperLayer, layer="model"):
    """Calls the inner layer by the fallback."""

    model: AbstractLuxLayer
    name: str = ""


def double(x: float) -> float:
    return 2 * x
