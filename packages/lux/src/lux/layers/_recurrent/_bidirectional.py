"""Two recurrent cells over the same sequences, one in each direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from lux.layers._checks import check_callable, check_switch
from lux.layers._inputs import by_name
from lux.layers._outline import outlines
from luxcore import AbstractLuxContainerLayer, NamedTuple, apply

from ._cell import as_cell
from ._recurrence import INPUTS, Recurrence

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    from ._cell import AbstractRecurrentCell


def concatenated(forward: Array, backward: Array) -> Array:
    """The features of both, one after the other."""
    return jnp.concatenate([forward, backward], -1)


class BidirectionalRNN(AbstractLuxContainerLayer, layers=("forward_rnn", "backward_rnn")):
    """Runs a recurrent cell over sequences, another one backwards, and joins their outputs.

    `y[t] = merge_mode(forward[t], backward[t])`

    **Arguments**

    - `cell`: a recurrent cell, as for `Recurrence`
    - `backward_cell`: the one that runs backwards; by default, for `None`, one as `cell`, with
      parameters of its own
    - `merge_mode`: a function of both outputs, by default one that concatenates their features,
      or another such as `operator.add`; `None` to return them as a tuple
    - `return_sequence`: whether to return the outputs of all steps, rather than those of the steps
      which the two directions run last
    - `return_carry`: whether to return the carries after these too
    - `time_major`: whether time is the first axis, of `x` and of the outputs

    **Inputs**

    - `x`: `(*batch, time, features)`, any number of leading axes, also none, or
      `(time, *batch, features)`; or a tuple, or `NamedTuple`, of several of
    - `carry`: a tuple of both cells' before their first steps
    - `lengths`: `(*batch,)`, integers: how many steps of each sequence count, the first ones. The
      backward cell begins at each sequence's own last step

    **Returns**

    - `y`: what `merge_mode` returns; as from `Recurrence`, with lengths
      `NamedTuple(x=y, lengths=lengths)`, and with `return_carry` `(y, carry)`, with a tuple of both
      carries
    - the states

    **Parameters and states**

    A `NamedTuple` with those of the two cells, as `forward_rnn` and `backward_rnn`.

    **Raises**

    - `TypeError`: for what is no recurrent cell, when the layer is made.
    - `ValueError`: for arrays that don't fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.BidirectionalRNN(lux.GRUCell(2, 3))
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.ones((5, 7, 2)), ps, st)[0].shape
    (5, 7, 6)

    ```

    Schuster and Paliwal, "Bidirectional recurrent neural networks", 1997. As Lux.jl's
    `BidirectionalRNN`, whose backward cell is one level deeper.
    """

    forward_rnn: Recurrence
    backward_rnn: Recurrence
    merge_mode: Callable[[Array, Array], Array] | None

    def __init__(
        self,
        cell: AbstractRecurrentCell,
        backward_cell: AbstractRecurrentCell | None = None,
        *,
        merge_mode: Callable[[Array, Array], Array] | None = concatenated,
        return_sequence: bool = True,
        return_carry: bool = False,
        time_major: bool = False,
    ) -> None:
        name = "BidirectionalRNN"
        other = cell if backward_cell is None else as_cell(name, "backward_cell", backward_cell)
        switches = {
            "return_sequence": return_sequence,
            "return_carry": return_carry,
            "time_major": time_major,
        }
        for field, value in switches.items():
            check_switch(name, field, value)
        self.forward_rnn = Recurrence(as_cell(name, "cell", cell), **switches)
        self.backward_rnn = Recurrence(other, reverse=True, **switches)
        self.merge_mode = merge_mode
        if merge_mode is not None:
            check_callable(self, "merge_mode")

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        arrays = by_name(self, x, INPUTS)
        begins = arrays.pop("carry", (None, None))
        if not isinstance(begins, tuple) or len(begins) != 2:
            raise ValueError(
                "BidirectionalRNN: carry: expected a tuple of the carries of both cells, got "
                f"{outlines(begins)}"
            )
        results, states = [], []
        for name, begin in zip(st._fields, begins, strict=True):
            given = NamedTuple(**arrays, carry=begin)
            result, new = apply(getattr(self, name), given, getattr(ps, name), getattr(st, name))
            results.append(result)
            states.append(new)
        carries = self.forward_rnn.return_carry
        with_lengths = "lengths" in arrays and self.forward_rnn.return_sequence
        ys = tuple(y for y, _ in results) if carries else tuple(results)
        ys = tuple(y.x for y in ys) if with_lengths else ys
        y: Any = ys if self.merge_mode is None else self.merge_mode(*ys)
        y = NamedTuple(x=y, lengths=arrays["lengths"]) if with_lengths else y
        carry = tuple(carry for _, carry in results) if carries else None
        return ((y, carry) if carries else y), type(st)(*states)
