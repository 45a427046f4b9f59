"""Recurrent cells, and what runs them over sequences."""

import operator

import jax.numpy as jnp
import numpy as np

import lux

from ._points import normal
from ._row import Row

LENGTHS = np.array([3, 1])


class Own(lux.AbstractRecurrentCell, lux.AbstractLuxContainerLayer, layers=("input", "hidden")):
    """A cell made of layers."""

    input: lux.Dense
    hidden: lux.Dense

    def initial_carry(self, x, ps, st):
        return jnp.zeros((*x.shape[:-1], self.hidden.in_dims), x.dtype), st

    def step(self, x, carry, ps, st):
        from_input, st_input = self.input(x, ps.input, st.input)
        from_hidden, st_hidden = self.hidden(carry, ps.hidden, st.hidden)
        h = from_input * jnp.tanh(from_hidden)
        return (jnp.sin(h), h), lux.NamedTuple(input=st_input, hidden=st_hidden)


OWN = Own(lux.Dense(3, 2, lux.tanh), lux.Dense(2, 2))


def sequences(seed: int):
    return lux.NamedTuple(x=normal(seed, 2, 3, 3), lengths=LENGTHS)


ROWS = {
    "RNNCell": Row(lux.RNNCell(3, 2), normal(0, 2, 3)),
    "RNNCell carry": Row(
        lux.RNNCell(3, 2, lux.relu, use_bias=False, train_state=True),
        (normal(1, 2, 3), (normal(2, 2, 2),)),
    ),
    "LSTMCell": Row(lux.LSTMCell(3, 2), normal(3, 2, 3), roundings=16),
    "LSTMCell trained": Row(
        lux.LSTMCell(
            3,
            2,
            train_state=True,
            train_memory=True,
            init_state=lux.initializers.normal,
            init_memory=lux.initializers.normal,
        ),
        normal(4, 2, 2, 3),
        roundings=16,
    ),
    "GRUCell": Row(lux.GRUCell(3, 2), normal(5, 2, 3), roundings=16),
    "GRUCell drawn": Row(
        lux.GRUCell(3, 2, init_state=lux.initializers.normal), normal(6, 3), roundings=16
    ),
    "Recurrence": Row(lux.Recurrence(lux.LSTMCell(3, 2)), normal(7, 2, 3, 3), roundings=32),
    "Recurrence lengths": Row(
        lux.Recurrence(lux.GRUCell(3, 2), return_sequence=True, return_carry=True, reverse=True),
        sequences(8),
        roundings=32,
    ),
    "Recurrence own cell": Row(lux.Recurrence(OWN), normal(9, 2, 3, 3), roundings=32),
    "Recurrence own cell lengths": Row(
        lux.Recurrence(OWN, return_sequence=True, return_carry=True), sequences(10), roundings=32
    ),
    "Recurrence time_major": Row(
        lux.Recurrence(lux.RNNCell(3, 2), time_major=True),
        (normal(11, 3, 2, 3), (normal(12, 2, 2),)),
        roundings=32,
    ),
    "BidirectionalRNN": Row(
        lux.BidirectionalRNN(lux.RNNCell(3, 2)), normal(13, 2, 3, 3), roundings=32
    ),
    "BidirectionalRNN lengths": Row(
        lux.BidirectionalRNN(
            lux.LSTMCell(3, 2), lux.GRUCell(3, 2), merge_mode=operator.mul, return_sequence=False
        ),
        sequences(14),
        roundings=32,
    ),
    "StatefulRecurrentCell": Row(lux.StatefulRecurrentCell(lux.RNNCell(3, 2)), normal(15, 2, 3)),
    "ReverseSequence": Row(lux.ReverseSequence(), normal(16, 2, 3, 2), wrong=normal(17)),
    "ReverseSequence lengths": Row(
        lux.ReverseSequence(),
        sequences(18),
        wrong=lux.NamedTuple(x=normal(19, 3, 3), lengths=LENGTHS),
    ),
}
