"""What a recurrent cell is to the layers that run it over sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from lux.layers._loop import check_same, settled
from luxcore import AbstractLuxLayer, NamedTuple, apply

from ._steps import check_rows, chosen, counted, time_axis

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Int, Num


class AbstractRecurrentCell(AbstractLuxLayer, abstract=True):
    """The base of recurrent cells: one step of a sequence, and what it begins with.

    **To define**

    - `initial_carry(self, x, ps, st)`: the carry before the first step, an array or a tree of
      arrays with the leading axes of `x`, and the state. `x` is the input of a step
    - `step(self, x, carry, ps, st)`: `((y, carry), st)`, the output, the next carry and the state.
      The carry keeps its type
    - `sequence(self, x, carry, ps, st, *, lengths, reverse, time_major)`: the outputs of all steps
      and the last carry; for a cell that has something faster than a scan of its steps

    and what every layer has, such as `initial_parameters`. A cell that is made of layers derives
    from `AbstractLuxContainerLayer` too.

    **Inputs**

    - `x`: `(*batch, features)`, which begins with the initial carry, or `(x, carry)`

    **Returns**

    - `(y, carry)`: the output, and the carry for the next step
    - the state

    ```python
    >>> import jax.numpy as jnp, lux
    >>> class Decay(lux.AbstractRecurrentCell):
    ...     rate: float
    ...
    ...     def initial_carry(self, x, ps, st):
    ...         return jnp.zeros_like(x), st
    ...
    ...     def step(self, x, carry, ps, st):
    ...         y = self.rate * carry + x
    ...         return (y, y), st
    >>> layer = lux.Recurrence(Decay(0.5), return_sequence=True)
    >>> y, st = layer(jnp.ones((3, 1)), *lux.setup(0, layer))
    >>> y[:, 0]
    Array([1.  , 1.5 , 1.75], dtype=float32)

    ```

    As Lux.jl's `AbstractRecurrentCell`, whose cells have `initial_carry` inside of their call.
    """

    def initial_carry(self, x: Num[Array, "*batch in"], ps: Any, st: Any) -> tuple[Any, NamedTuple]:
        """The carry before the first step, and the state."""
        raise NotImplementedError(_undefined(self, "initial_carry(self, x, ps, st)"))

    def step(
        self, x: Num[Array, "*batch in"], carry: Any, ps: Any, st: Any
    ) -> tuple[tuple[Any, Any], NamedTuple]:
        """The output and the carry after one step, and the state."""
        raise NotImplementedError(_undefined(self, "step(self, x, carry, ps, st)"))

    def sequence(
        self,
        x: Num[Array, "..."],
        carry: Any,
        ps: Any,
        st: NamedTuple,
        *,
        lengths: Int[Array, "*batch"] | None = None,
        reverse: bool = False,
        time_major: bool = False,
    ) -> tuple[tuple[Any, Any], NamedTuple]:
        """The outputs of all steps, zero beyond a sequence's length, the last carry, and the state.

        **Arguments**

        - `x`: `(*batch, time, features)`, or `(time, *batch, features)`
        - `carry`: the one before the first step
        - `ps`, `st`: the parameters and the state
        - `lengths`: how many steps of each sequence count, the first ones; `None` for all
        - `reverse`: whether to run from the last step that counts to the first
        - `time_major`: whether time is the first axis of `x` and of the outputs
        """
        name, axis = type(self).__name__, time_axis(x, time_major)
        steps = jnp.moveaxis(x, axis, 0)
        valid = None if lengths is None else counted(len(steps), lengths)
        if valid is not None:
            check_rows(name, carry, valid.shape[1:])

        def call(x: Array, carry: Any, st: NamedTuple) -> tuple[tuple[Any, Any], NamedTuple]:
            return apply(self, (x, carry), ps, st)

        def advance(before: tuple[Any, Any], inputs: tuple[Array, Any]) -> tuple[Any, Any]:
            (x, counts), (carry, st) = inputs, before
            # What is beyond has no influence, on a gradient neither, whatever it is.
            x = x if counts is None else chosen(counts, x, jnp.zeros_like(x))
            (y, after), new = call(x, carry, st)
            check_same(f"{name}: expected a step whose carry keeps its type", carry, after)
            check_same(f"{name}: expected a step whose state keeps its type", st, new)
            if counts is not None:
                y = chosen(counts, y, jax.tree.map(jnp.zeros_like, y))
                after = chosen(counts, after, carry)
            return (after, new), y

        carry = settled(lambda carry: call(steps[0], carry, st)[0][1], carry, (x, ps))
        (carry, st), y = lax.scan(advance, (carry, st), (steps, valid), reverse=reverse)
        return (jax.tree.map(lambda a: jnp.moveaxis(a, 0, axis), y), carry), st

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[tuple[Any, Any], NamedTuple]:
        if type(x) is not tuple:  # a named tuple is the input of a cell that takes several arrays
            carry, st = self.initial_carry(x, ps, st)
        elif len(x) == 2:
            x, carry = x
        else:
            name = type(self).__name__
            raise ValueError(f"{name}: x: expected an input or (x, carry), got {len(x)} of them")
        return self.step(x, carry, ps, st)


def as_cell(owner: str, field: str, cell: Any) -> AbstractRecurrentCell:
    """A recurrent cell, as it is."""
    if not isinstance(cell, AbstractRecurrentCell):
        got = str(cell) if isinstance(cell, AbstractLuxLayer) else repr(cell)
        expected = "a recurrent cell, such as lux.LSTMCell(2, 3)"
        raise TypeError(f"{owner}: {field}: expected {expected}, got {got}")
    return cell


def _undefined(cell: AbstractLuxLayer, method: str) -> str:
    return f"{type(cell).__name__} defines no {method}"
