"""What the cells of this package have in common: gates side by side, and a carry of vectors."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import jax.numpy as jnp

from lux._random import as_key
from lux.initializers import linear_bias, zeros
from lux.layers._affine import check_shape
from lux.layers._checks import check_callable, check_sizes, check_switches, fail
from lux.layers._leaf import Leaf, Names
from lux.layers._outline import outlines
from luxcore import NamedTuple, child, split

from ._cell import AbstractRecurrentCell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from jax import Array
    from jaxtyping import Float, Num

    Init: TypeAlias = Callable[..., Array]
    InitByGate: TypeAlias = Init | Sequence[Init | None] | None

_WEIGHTS = {
    "weight_ih": "init_weight",
    "weight_hh": "init_recurrent_weight",
    "bias_ih": "init_bias",
    "bias_hh": "init_bias",
}


class GatedCell(Leaf, AbstractRecurrentCell, abstract=True):
    """The base of the cells of this package.

    **Of the class**

    - `_gates`: how many there are
    - `_carried()`: what is carried
    """

    in_dims: int
    out_dims: int
    _: KW_ONLY
    use_bias: bool = True
    train_state: bool = False
    init_weight: InitByGate = None
    init_recurrent_weight: InitByGate = None
    init_bias: InitByGate = None
    init_state: Init = zeros

    _gates: ClassVar[int] = 1

    def _carried(self) -> list[tuple[str, bool, Init]]:
        """What is carried: the name, whether its beginning is a parameter, and its initializer."""
        return [("hidden_state", self.train_state, self.init_state)]

    def __post_init__(self) -> None:
        check_sizes(self, "in_dims", "out_dims")
        check_switches(self, "use_bias", "train_state")
        for field in sorted({*_WEIGHTS.values()}):
            self._by_gate(field)
        check_callable(self, "init_state")

    def _by_gate(self, field: str) -> tuple[Init | None, ...]:
        """The initializers in a field, one for each gate; `None` for the default."""
        value, gates = getattr(self, field), self._gates
        several = tuple(value) if isinstance(value, list | tuple) else (value,) * gates
        if len(several) != gates or not all(init is None or callable(init) for init in several):
            more = f", {gates} of them, one for each gate," if gates > 1 else ""
            raise fail(self, field, f"an initializer{more} or None", value)
        return several

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter."""
        width = self._gates * self.out_dims
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (self.in_dims, width),
            "weight_hh": (self.out_dims, width),
        }
        if self.use_bias:
            shapes |= {"bias_ih": (width,), "bias_hh": (width,)}
        return shapes | {name: (self.out_dims,) for name, trained, _ in self._carried() if trained}

    def _expected_fields(self) -> tuple[Names, Names]:
        return tuple(self._shapes()), ("rng",)

    def initial_parameters(self, rng: Any) -> NamedTuple:
        begins = {name: init for name, _, init in self._carried()}
        return NamedTuple(
            **{
                name: begins[name](child(rng, name), shape)
                if name in begins
                else self._gate_by_gate(child(rng, name), name, shape)
                for name, shape in self._shapes().items()
            }
        )

    def _gate_by_gate(self, rng: Any, name: str, shape: tuple[int, ...]) -> Array:
        field = _WEIGHTS[name]
        if getattr(self, field) is None and field == "init_recurrent_weight":
            field = "init_weight"
        uniform = linear_bias(fan_in=self.out_dims)
        gates = zip(split(rng, self._gates), self._by_gate(field), strict=True)
        parts = [(init or uniform)(key, (*shape[:-1], self.out_dims)) for key, init in gates]
        return jnp.concatenate(parts, -1)

    def initial_states(self, rng: Any) -> NamedTuple:
        return NamedTuple(rng=as_key(child(rng, "rng")))

    def initial_carry(
        self, x: Num[Array, "*batch in"], ps: Any, st: Any
    ) -> tuple[tuple[Float[Array, "*batch out"], ...], NamedTuple]:
        shape, rng, carry = (*x.shape[:-1], self.out_dims), st.rng, []
        for name, trained, init in self._carried():
            if trained:
                start = self._given(ps, name)
            else:
                key = rng
                if init != zeros:
                    rng, key = jax.random.split(rng)
                start = init(key, shape).astype(ps.weight_hh.dtype)
            carry.append(jnp.broadcast_to(start, shape))
        return tuple(carry), NamedTuple(rng=rng)

    def _given(self, ps: Any, name: str) -> Any:
        """A parameter, of the shape that it has in this cell; `None` where there is none."""
        shape = self._shapes().get(name)
        if shape is None:
            return None
        check_shape(name, getattr(ps, name), shape)
        return getattr(ps, name)

    def _weights(self, ps: Any) -> tuple[Array, Array, Array | None, Array | None]:
        """The weights and the biases, as luxlib takes them."""
        weight_ih, weight_hh, bias_ih, bias_hh = (self._given(ps, name) for name in _WEIGHTS)
        return weight_ih, weight_hh, bias_ih, bias_hh

    def _parts(self, carry: Any) -> tuple[Array, ...]:
        """The arrays that are carried."""
        names = [name for name, _, _ in self._carried()]
        if not isinstance(carry, list | tuple) or len(carry) != len(names):
            listed = ", ".join(names) + "," * (len(names) == 1)
            raise TypeError(
                f"{type(self).__name__}: carry: expected a tuple ({listed}), got {outlines(carry)}"
            )
        return tuple(carry)

    def __str__(self) -> str:
        return self._text(f"{self.in_dims} → {self.out_dims}", hide=("in_dims", "out_dims"))
