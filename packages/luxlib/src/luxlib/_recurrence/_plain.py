"""A recurrence over a sequence as a scan of its step: the reference, and the form off the CPU.

What comes from the input doesn't depend on the carry: it is one product before the scan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
from jax import lax

from ._cell import add_bias, rows_times, step

if TYPE_CHECKING:
    from jax import Array

    from ._cell import Biases, Carry, Cell, Weights

__all__ = ["plain_recurrence"]


def plain_recurrence(
    cell: Cell,
    reverse: bool,
    x: Array,
    carry: Carry,
    weights: Weights,
    biases: Biases,
    valid: Array | None,
) -> tuple[Carry, Array]:
    """Return the last carry `(batch, hidden)`, and the hidden states `(time, batch, hidden)`.

    Where `valid` `(time, batch, 1)` is false a step leaves the carry as it is; `x` is zero there.
    """
    time, batch, features = x.shape
    rows = add_bias(rows_times(x.reshape(time * batch, features), weights[0]), biases[0])
    from_input = rows.reshape(time, batch, rows.shape[1])

    def advance(carry: Carry, inputs: tuple[Array, Array | None]) -> tuple[Carry, Array]:
        from_input, valid = inputs
        after = step(cell, carry, from_input, weights[1], biases[1])
        if valid is not None:
            after = tuple(jnp.where(valid, a, b) for a, b in zip(after, carry, strict=True))
        return after, after[0].astype(x.dtype)

    first = tuple(a.astype(rows.dtype) for a in carry)
    last, hidden = lax.scan(advance, first, (from_input, valid), reverse=reverse)
    return tuple(a.astype(x.dtype) for a in last), hidden
