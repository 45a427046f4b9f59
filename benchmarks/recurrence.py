"""Recurrent layers over whole sequences.

Plain JAX is a `lax.scan` of the cell as Flax writes it: for the GRU a product for each gate of the
input and of the hidden state. "scan of two products" has the gates of each in one product, as in
Equinox; for the LSTM that is what Flax's optimized cell does, and it is the plain one.
"""

from __future__ import annotations

from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import sigmoid

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function

GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def dense(x, weight, bias):
    return x @ weight + bias[None]


def lstm_step(carry, x, weight_ih, weight_hh, bias_ih, bias_hh):
    h, c = carry
    z = dense(x, weight_ih, bias_ih) + dense(h, weight_hh, bias_hh)
    i, f, g, o = jnp.split(z, 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
    h = sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def gru_step(carry, x, weight_ih, weight_hh, bias_ih, bias_hh):
    """A product for each gate."""
    (h,) = carry
    of_x = [(w, b) for w, b in zip(*split((weight_ih, bias_ih)), strict=True)]
    of_h = [(w, b) for w, b in zip(*split((weight_hh, bias_hh)), strict=True)]
    r = sigmoid(dense(x, *of_x[0]) + dense(h, *of_h[0]))
    z = sigmoid(dense(x, *of_x[1]) + dense(h, *of_h[1]))
    n = jnp.tanh(dense(x, *of_x[2]) + r * dense(h, *of_h[2]))
    h = (1 - z) * n + z * h
    return (h,), h


def split(arrays):
    return [jnp.split(a, 3, -1) for a in arrays]


def gru_step_of_two_products(carry, x, weight_ih, weight_hh, bias_ih, bias_hh):
    (h,) = carry
    u, v = (
        jnp.split(dense(x, weight_ih, bias_ih), 3, -1),
        jnp.split(dense(h, weight_hh, bias_hh), 3, -1),
    )
    r, z = sigmoid(u[0] + v[0]), sigmoid(u[1] + v[1])
    n = jnp.tanh(u[2] + r * v[2])
    h = (1 - z) * n + z * h
    return (h,), h


def rnn_step(carry, x, weight_ih, weight_hh, bias_ih, bias_hh):
    (h,) = carry
    h = jnp.tanh(dense(x, weight_ih, bias_ih) + dense(h, weight_hh, bias_hh))
    return (h,), h


def plain(step, states, x, *parameters):
    zeros = jnp.zeros((x.shape[0], parameters[1].shape[0]), x.dtype)

    def advance(carry, x):
        return step(carry, x, *parameters)

    _, y = lax.scan(advance, (zeros,) * states, x.swapaxes(0, 1))
    return y.swapaxes(0, 1)


def with_luxlib(name, x, *parameters):
    return getattr(luxlib, name)(x, *parameters)[0]


def of_torch(name, x, weight_ih, weight_hh, bias_ih, bias_hh, bar=None):
    import torch

    make = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[name]
    layer = make(*(w.shape[0] for w in (weight_ih, weight_hh)), batch_first=True, dtype=x.dtype)
    parameters = list(layer.parameters())
    with torch.no_grad():
        for ours, theirs in zip(
            (weight_ih.T, weight_hh.T, bias_ih, bias_hh), parameters, strict=True
        ):
            theirs.copy_(ours)
    if bar is None:

        def forward():
            with torch.no_grad():
                return layer(x)[0]

        return forward, lambda y: [y]
    x.requires_grad_()

    def both():
        y, _ = layer(x)
        return y, *torch.autograd.grad(y, [x, *parameters], bar)

    return both, lambda made: (*made[:2], made[2].T, made[3].T, *made[4:])


STEPS = {"lstm": (lstm_step, 2), "gru": (gru_step, 1), "rnn": (rnn_step, 1)}


def case(name, batch, time, features, hidden, *, gradients=True, target=None, guarded=False):
    rng = np.random.default_rng(0)
    width, bound = GATES[name] * hidden, hidden**-0.5
    shapes = (features, width), (hidden, width), (width,), (width,)
    arrays = [rng.normal(size=(batch, time, features))]
    arrays += [rng.uniform(-bound, bound, shape) for shape in shapes]
    wrap = forward_and_backward if gradients else (lambda function: function)
    if gradients:
        arrays.append(rng.normal(size=(batch, time, hidden)))
    contestants = {
        "luxlib": jax_function(wrap(partial(with_luxlib, name))),
        "plain JAX": jax_function(wrap(partial(plain, *STEPS[name]))),
        "PyTorch": torch_function(partial(of_torch, name)),
    }
    if name == "gru":
        two = partial(plain, gru_step_of_two_products, 1)
        contestants["scan of two products"] = jax_function(wrap(two))
    passes = "forward and backward" if gradients else "forward"
    return Case(
        f"{name}, {passes}, {batch} × {time}, {features} → {hidden}",
        tuple(arrays),
        contestants,
        target=target,
        guarded=guarded,
    )


CASES = [
    case("lstm", 32, 128, 64, 256, target=0.78, guarded=True),
    case("gru", 32, 128, 64, 256, target=0.65, guarded=True),
    case("rnn", 32, 128, 64, 256),
    case("lstm", 32, 128, 64, 256, gradients=False),
    case("gru", 32, 128, 64, 256, gradients=False),
    case("lstm", 1, 512, 64, 64),
    case("lstm", 8, 100, 16, 16),
    case("gru", 128, 32, 64, 128),
    case("lstm", 32, 32, 512, 512),
]
