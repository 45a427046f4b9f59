"""What layers that drop elements have in common: a rate, and keys in the state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax

from lux._random import as_key
from lux.layers._checks import check_share
from lux.layers._leaf import Leaf
from luxcore import NamedTuple, Val, child

if TYPE_CHECKING:
    from jax import Array


class Dropping(Leaf, abstract=True):
    """The base of the layers that draw a mask from a key, which is a new one for each call."""

    rate: float

    def __post_init__(self) -> None:
        check_share(self, "rate")

    def initial_states(self, rng: Any) -> NamedTuple:
        return NamedTuple(rng=as_key(child(rng, "rng")), training=Val(True))

    def _drop(
        self, drop: Callable[..., Array], x: Array, st: Any, axis: int | Sequence[int] | None
    ) -> tuple[Array, NamedTuple]:
        """What is left of `x`, and the state with the next key; in test mode both as they are."""
        if not st.training or self.rate == 0:
            return x, st
        rng, key = jax.random.split(st.rng)
        return drop(x, self.rate, key, axis=axis), NamedTuple(rng=rng, training=st.training)

    def __str__(self) -> str:
        return self._text(repr(self.rate), hide=("rate",))
