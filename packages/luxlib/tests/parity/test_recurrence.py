"""Recurrent layers against PyTorch's, with packed sequences and in reverse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import luxlib

BATCH, TIME, FEATURES, HIDDEN = 3, 21, 4, 5
LENGTHS = [21, 1, 14]
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
MAKE = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def tensor(a):
    return torch.tensor(np.ascontiguousarray(a), requires_grad=True)


def of_torch(layer, x, initial, lengths, reverse):
    """The forward half of a layer, or the reverse half of a bidirectional one."""
    half = int(reverse)
    first = [torch.stack([torch.zeros_like(a), a][-1 - half :]) for a in initial]
    if lengths is not None:
        x = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
    y, last = layer(x, tuple(first) if len(first) == 2 else first[0])
    if lengths is not None:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=TIME)
    last = last if len(first) == 2 else (last,)
    return y[..., half * HIDDEN :][..., :HIDDEN], [a[half] for a in last]


@pytest.mark.parametrize(
    ("name", "activation"), [("lstm", None), ("gru", None), ("rnn", "tanh"), ("rnn", "relu")]
)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_values_and_gradients(name, activation, lengths, reverse):
    options = {} if activation is None else {"nonlinearity": activation}
    layer = MAKE[name](
        FEATURES, HIDDEN, batch_first=True, bidirectional=reverse, dtype=torch.float64, **options
    )
    suffix = "_l0_reverse" if reverse else "_l0"
    names = [f"{part}{suffix}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    theirs = [getattr(layer, part) for part in names]
    parameters = [p.detach().numpy() for p in theirs]
    states = 2 if name == "lstm" else 1
    x = normal(0, BATCH, TIME, FEATURES)
    initial = [normal(1 + i, BATCH, HIDDEN) for i in range(states)]

    given, first = tensor(x), [tensor(a) for a in initial]
    y, last = of_torch(layer, given, first, lengths, reverse)
    bars = [normal(9 + i, *a.shape) for i, a in enumerate([y, *last])]
    sum((a * torch.tensor(bar)).sum() for a, bar in zip([y, *last], bars, strict=True)).backward()

    def ours(x, parameters, initial):
        options = {} if activation is None else {"activation": getattr(luxlib, activation)}
        weights = [p.T for p in parameters[:2]]
        y, last = getattr(luxlib, name)(
            x,
            *weights,
            *parameters[2:],
            tuple(initial) if states == 2 else initial[0],
            lengths=None if lengths is None else jnp.array(lengths),
            reverse=reverse,
            **options,
        )
        return [y, *(last if states == 2 else [last])]

    arguments = jax.tree.map(jnp.asarray, (x, parameters, initial))
    results, pull_back = jax.jit(lambda *arguments: jax.vjp(ours, *arguments))(*arguments)
    gradients = jax.tree.leaves(pull_back([jnp.asarray(bar) for bar in bars]))
    expected = [given.grad, *(p.grad for p in theirs), *(a.grad for a in first)]
    for a, b in zip([*results, *gradients], [y, *last, *expected], strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", GATES)
def test_cells(name):
    make = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[name]
    cell = make(FEATURES, HIDDEN, dtype=torch.float64)
    theirs = cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh
    parameters = [jnp.asarray(p.detach().numpy()) for p in theirs]
    x, carry = normal(0, BATCH, FEATURES), (normal(1, BATCH, HIDDEN), normal(2, BATCH, HIDDEN))
    carry = carry if name == "lstm" else carry[0]
    expected = cell(torch.tensor(x), jax.tree.map(torch.tensor, carry))
    after = getattr(luxlib, f"{name}_cell")(
        jnp.asarray(x),
        jax.tree.map(jnp.asarray, carry),
        parameters[0].T,
        parameters[1].T,
        *parameters[2:],
    )
    for a, b in zip(
        jax.tree.leaves(after), expected if name == "lstm" else [expected], strict=True
    ):
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=1e-12)
