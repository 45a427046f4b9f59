"""Recurrent layers: rows of the table of transformations."""

import jax.numpy as jnp

import luxlib

from .points import normal


def parameters(w):
    """Weights for two features and two hidden ones, and two biases, from the rows of an array."""
    return w[:2], w[2:4], w[4], w[5]


def lstm(x, w, **options):
    y, (_, c) = luxlib.lstm(x, *parameters(w), (w[0, :2], w[1, :2]), **options)
    return jnp.concatenate([y, c[None]])


def of_different_lengths(x, w):
    lengths = jnp.array([2, 0])
    y, h = luxlib.gru(x, *parameters(w), lengths=lengths, reverse=True, time_major=True)
    return jnp.concatenate([y, h[None]])


def one_step(x, w):
    h, c = luxlib.lstm_cell(x, (x, w[:1, :2]), *parameters(w))
    return jnp.concatenate([h, c])


TABLE = {
    "lstm": (lstm, normal(0, 3, 2), 0.5 * normal(1, 6, 8)),
    "lstm_reverse": (
        lambda x, w: lstm(x, w, reverse=True),
        normal(0, 3, 2),
        0.5 * normal(1, 6, 8),
    ),
    "lstm_cell": (one_step, normal(0, 1, 2), 0.5 * normal(1, 6, 8)),
    "gru": (
        lambda x, w: luxlib.gru(x, *parameters(w), w[0, :2])[0],
        normal(0, 3, 2),
        0.5 * normal(1, 6, 6),
    ),
    "gru_lengths": (of_different_lengths, normal(0, 3, 2, 2), 0.5 * normal(1, 6, 6)),
    "gru_cell": (
        lambda x, w: luxlib.gru_cell(x, x, *parameters(w)),
        normal(0, 1, 2),
        0.5 * normal(1, 6, 6),
    ),
    "rnn": (
        lambda x, w: luxlib.rnn(x, *parameters(w))[0],
        normal(0, 3, 2),
        0.5 * normal(1, 6, 2),
    ),
    "rnn_swish": (
        lambda x, w: luxlib.rnn(x, *parameters(w), activation=luxlib.swish)[0],
        normal(0, 3, 2),
        0.5 * normal(1, 6, 2),
    ),
    "rnn_cell": (
        lambda x, w: luxlib.rnn_cell(x, x, *parameters(w)),
        normal(0, 1, 2),
        0.5 * normal(1, 6, 2),
    ),
}
