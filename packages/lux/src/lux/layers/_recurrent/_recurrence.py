"""A recurrent cell over sequences."""

from __future__ import annotations

from dataclasses import KW_ONLY
from functools import partial
from typing import Any

import jax
from jax import lax

from lux.layers._checks import check_switches
from lux.layers._inputs import by_name
from luxcore import AbstractLuxWrapperLayer, NamedTuple

from ._cell import AbstractRecurrentCell, as_cell
from ._steps import check_sequences, last_step, time_axis

INPUTS = ("x", "carry", "lengths")
_SWITCHES = ("return_sequence", "return_carry", "reverse", "time_major")


class Recurrence(AbstractLuxWrapperLayer, layer="cell"):
    """Runs a recurrent cell over sequences.

    `y[t], carry = cell(x[t], carry)` for each step `t`

    **Arguments**

    - `cell`: an `RNNCell`, `LSTMCell`, `GRUCell`, or one of one's own, an `AbstractRecurrentCell`
    - `return_sequence`: whether to return the outputs of all steps, rather than that of the step
      which is run last
    - `return_carry`: whether to return the carry after that step too
    - `reverse`: whether to run each sequence from its last step to its first; the outputs stay at
      their steps
    - `time_major`: whether time is the first axis, of `x` and of the outputs

    **Inputs**

    - `x`: `(*batch, time, features)`, any number of leading axes, also none, or
      `(time, *batch, features)`; or a tuple, or `NamedTuple`, of several of
    - `carry`: the one before the first step; by default, for `None`, the cell's initial one
    - `lengths`: `(*batch,)`, integers: how many steps of each sequence count, the first ones

    **Returns**

    - `y`: `(*batch, out)`, or with `return_sequence` `(*batch, time, out)`. Where there are
      lengths, outputs beyond them are zero, and so is the last one of a sequence without steps; and
      a whole sequence of outputs comes with its lengths, as `NamedTuple(x=y, lengths=lengths)`, so
      that the next layer of a chain has them. With `return_carry` it is `(y, carry)`
    - the state of the cell

    **Parameters and states**

    Those of `cell`.

    **Raises**

    - `TypeError`: for what is no recurrent cell, when the layer is made.
    - `ValueError`: for an input without steps, or arrays that don't fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> model = lux.Chain(
    ...     lux.Recurrence(lux.LSTMCell(2, 4), return_sequence=True),
    ...     lux.Recurrence(lux.LSTMCell(4, 3)),
    ... )
    >>> ps, st = lux.setup(0, model)
    >>> model(jnp.ones((5, 7, 2)), ps, st)[0].shape
    (5, 3)
    >>> x = lux.NamedTuple(x=jnp.ones((5, 7, 2)), lengths=jnp.array([7, 3, 1, 0, 5]))
    >>> model(x, ps, st)[0].shape
    (5, 3)

    ```

    As Lux.jl's `Recurrence`, which returns a sequence as a vector of arrays, with `time_major` for
    its `ordering`. The cells of this package run in luxlib's kernels, others in `lax.scan`.
    """

    cell: AbstractRecurrentCell
    _: KW_ONLY
    return_sequence: bool = False
    return_carry: bool = False
    reverse: bool = False
    time_major: bool = False

    def __post_init__(self) -> None:
        as_cell("Recurrence", "cell", self.cell)
        check_switches(self, *_SWITCHES)

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        arrays = by_name(self, x, INPUTS)
        x, lengths = arrays["x"], arrays.get("lengths")
        check_sequences("Recurrence", x, lengths, self.time_major)
        axis = time_axis(x, self.time_major)
        if "carry" not in arrays:
            first = lax.index_in_dim(x, 0, axis, keepdims=False)
            arrays["carry"], st = self.cell.initial_carry(first, ps, st)
        (y, carry), st = self.cell.sequence(
            x,
            arrays["carry"],
            ps,
            st,
            lengths=lengths,
            reverse=self.reverse,
            time_major=self.time_major,
        )
        if not self.return_sequence:
            last = partial(last_step, axis=axis, lengths=lengths, reverse=self.reverse)
            y = jax.tree.map(last, y)
        elif lengths is not None:
            y = NamedTuple(x=y, lengths=lengths)
        return ((y, carry) if self.return_carry else y), st
