"""From the caller's axes, lengths and dtypes to a formulation, and back.

Steps beyond a sequence's length leave the carry as it is. So the last carry is the one at the end
of each sequence, and a scan in reverse begins at each sequence's own end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._dtypes import promote
from luxlib._linear import varying_alike

from ._cell import add_bias, rows_times, step
from ._cudnn import cudnn_recurrence
from ._lean import lean_recurrence
from ._plain import plain_recurrence

if TYPE_CHECKING:
    from jax import Array

    from ._cell import Biases, Carry, Cell, Weights

__all__ = ["Options", "over_sequence", "over_step", "scan_for"]


@dataclass(frozen=True)
class Options:
    """What a compiled program is made for."""

    cell: Cell
    states: int  # how many arrays are carried
    formulation: str
    reverse: bool
    time_major: bool


def scan_for(platform: str) -> str:
    """Return the formulation for a platform, of a cell that has a derivative of its own."""
    # Forward and backward 0.64 of the plain scan's time for an LSTM, 0.73 for a GRU.
    return "lean" if platform == "cpu" else "plain"


@partial(jax.jit, static_argnames=("options",))
def over_sequence(
    x: Array,
    initial: Carry | None,
    weights: Weights,
    biases: Biases,
    lengths: Array | None,
    *,
    options: Options,
) -> tuple[Array, Carry]:
    """Return the hidden states and the last carry."""
    x, *rest = promote(x, *weights, *biases, *(initial or (None,) * options.states))
    weights, biases, states = (rest[0], rest[1]), (rest[2], rest[3]), rest[4:]
    if not options.time_major:
        x = jnp.moveaxis(x, -2, 0)
    time, *batch, _ = x.shape
    x = x.reshape(time, math.prod(batch), x.shape[-1])
    shape = (x.shape[1], weights[1].shape[0])
    carry = tuple(jnp.zeros(shape, x.dtype) if a is None else a.reshape(shape) for a in states)
    valid = None
    if lengths is not None:
        valid = jnp.arange(time)[:, None] < lengths.astype(int).reshape(1, shape[0])
        valid = valid[..., None]
        x = jnp.where(valid, x, jnp.zeros_like(x))

    # Inside jax.shard_map a scan wants its carry to vary over devices as its results do.
    leaves, tree = jax.tree.flatten((x, carry, weights, biases, valid))
    arguments = jax.tree.unflatten(tree, varying_alike(leaves))
    last, hidden = _FORMULATIONS[options.formulation](options.cell, options.reverse, *arguments)
    if valid is not None:
        hidden = jnp.where(valid, hidden, jnp.zeros_like(hidden))
    y = hidden.reshape(time, *batch, shape[1])
    if not options.time_major:
        y = jnp.moveaxis(y, 0, -2)
    return y, tuple(a.reshape(*batch, shape[1]) for a in last)


# Of arrays (time, batch, features) and a carry (batch, hidden).
_FORMULATIONS = {
    "plain": plain_recurrence,
    "lean": lean_recurrence,
    "cudnn": cudnn_recurrence,
}


@partial(jax.jit, static_argnames=("cell",))
def over_step(x: Array, carry: Carry, weights: Weights, biases: Biases, *, cell: Cell) -> Carry:
    """Return the carry after one step."""
    x, *rest = promote(x, *weights, *biases, *carry)
    batch = x.shape[:-1]
    rows = [a.reshape(math.prod(batch), a.shape[-1]) for a in (x, *rest[4:])]
    from_input = add_bias(rows_times(rows[0], rest[0]), rest[2])
    wide = tuple(a.astype(from_input.dtype) for a in rows[1:])
    after = step(cell, wide, from_input, rest[1], rest[3])
    return tuple(a.astype(x.dtype).reshape(*batch, a.shape[1]) for a in after)
