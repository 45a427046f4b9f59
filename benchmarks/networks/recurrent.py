"""A recurrent layer over sequences, and a classification by its last output.

A gate has one bias, as in most frameworks. Where a layer has another one beside the recurrent
weight (`weights` has it, since lux does), it is zero and stays so: `FROZEN` has its names. `cell`
is "lstm" or "gru". Haiku's GRU is another one, with the reset gate before the product.
"""

from __future__ import annotations

import numpy as np

FROZEN = (".bias_hh", ".bias_n", "['hn']['bias']")  # of lux, Equinox, and Linen's GRU


def of_lux(cell, features, hidden, classes):
    import lux

    cells = {"lstm": lux.LSTMCell, "gru": lux.GRUCell}
    return lux.Chain(lux.Recurrence(cells[cell](features, hidden)), lux.Dense(hidden, classes))


def of_linen(cell, features, hidden, classes):
    from flax import linen as nn

    # "This cell is often faster", says the documentation of the optimized one.
    cells = {"lstm": nn.OptimizedLSTMCell, "gru": nn.GRUCell}

    class Classifier(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            y = nn.RNN(cells[cell](hidden, param_dtype=x.dtype))(x)
            return nn.Dense(classes)(y[:, -1])

    return Classifier()


def of_nnx(rngs, cell, features, hidden, classes):
    from flax import nnx

    cells = {"lstm": nnx.OptimizedLSTMCell, "gru": nnx.GRUCell}

    class Classifier(nnx.Module):
        def __init__(self, rngs):
            self.rnn = nnx.RNN(cells[cell](features, hidden, rngs=rngs))
            self.head = nnx.Linear(hidden, classes, rngs=rngs)

        def __call__(self, x):
            return self.head(self.rnn(x)[:, -1])

    return Classifier(rngs)


def of_equinox(key, cell, features, hidden, classes):
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    class Classifier(eqx.Module):
        cell: eqx.Module
        head: eqx.nn.Linear

        def __init__(self, key):
            for_cell, for_head = jax.random.split(key)
            cells = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}
            self.cell = cells[cell](features, hidden, key=for_cell)
            self.head = eqx.nn.Linear(hidden, classes, key=for_head)

        def __call__(self, x, state, key):
            h = jnp.zeros(hidden)
            first = (h, h) if cell == "lstm" else h
            last, _ = jax.lax.scan(lambda carry, x: (self.cell(x, carry), None), first, x)
            return self.head(last[0] if cell == "lstm" else last), state

    return Classifier(key)


def of_haiku(x, train, cell, features, hidden, classes):
    import haiku as hk

    core = hk.LSTM(hidden)
    y, _ = hk.dynamic_unroll(core, x, core.initial_state(len(x)), time_major=False)
    return hk.Linear(classes)(y[:, -1])


def of_keras(shape, cell, features, hidden, classes):
    from keras import Input, Sequential, layers, ops

    def of_input_only(bias):
        return bias * ops.array([[1.0], [0.0]])

    lstm = cell == "lstm"
    layer = layers.LSTM(hidden) if lstm else layers.GRU(hidden, bias_constraint=of_input_only)
    return Sequential([Input(shape), layer, layers.Dense(classes)])


def of_torch(cell, features, hidden, classes):
    from torch import nn

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            cells = {"lstm": nn.LSTM, "gru": nn.GRU}
            self.rnn = cells[cell](features, hidden, batch_first=True)
            self.rnn.bias_hh_l0.requires_grad_(False)
            self.head = nn.Linear(hidden, classes)

        def forward(self, x):
            y, _ = self.rnn(x)
            return self.head(y[:, -1])

    return Classifier()


def weights(made):
    """Those that were made, with recurrent biases of zero."""
    *of_input, recurrent, head, bias = made
    return [*of_input, np.zeros_like(recurrent), head, bias]


def by_gate(weights):
    """The weights of the cell, each apart for input, forget, cell, output or reset, update, new."""
    count = weights[1].shape[-1] // len(weights[1])
    return [np.split(array, count, -1) for array in weights[:4]]


def weights_of_linen(weights):
    """By gate in the order of their names; the LSTM's biases are those of the recurrent product."""
    ih, hh, bias, recurrent = by_gate(weights)
    if len(ih) == 4:
        order = (1, 2, 0, 3)  # f, g, i, o
        recurrent_ones = [array for gate in order for array in (bias[gate], hh[gate])]
        return [*recurrent_ones, *(ih[gate] for gate in order), *weights[4:]]
    of_input = [array for gate in (2, 0, 1) for array in (bias[gate], ih[gate])]
    return [recurrent[2], hh[2], hh[0], hh[1], *of_input, *weights[4:]]


def weights_of_nnx(weights):
    """Without recurrent biases: the LSTM's are those of the recurrent product."""
    ih, hh, bias, _, *head = weights
    return [ih, hh, bias, *head] if len(by_gate(weights)[0]) == 4 else [ih, bias, hh, *head]


def weights_of_equinox(weights):
    """Without recurrent biases but that of the GRU's new state."""
    ih, hh, bias, _, *head = weights
    recurrent = by_gate(weights)[3]
    return [ih, hh, bias, *(recurrent[2:] if len(recurrent) == 3 else ()), *head]


def weights_of_haiku(weights):
    """One product for input and state; input, cell, forget and output, to which it adds a 1."""
    ih, hh, bias, _ = by_gate(weights)
    bias[1] = bias[1] - 1
    weight = [np.concatenate(pair) for pair in zip(ih, hh, strict=True)]
    joined = [
        np.concatenate([parts[gate] for gate in (0, 2, 1, 3)], -1) for parts in (weight, bias)
    ]
    return [*joined, *weights[4:]]


def weights_of_keras(weights):
    """The LSTM's without recurrent biases; the GRU's by update, reset and new, biases in one."""
    ih, hh, bias, recurrent = by_gate(weights)
    if len(ih) == 4:
        return [*weights[:3], *weights[4:]]
    turned = [np.concatenate([z, r, n], -1) for r, z, n in (ih, hh, bias, recurrent)]
    return [*turned[:2], np.stack(turned[2:]), *weights[4:]]
