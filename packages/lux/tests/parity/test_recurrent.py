"""Recurrent cells and layers beside PyTorch's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import lux
from lux import NamedTuple

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
RNG = np.random.default_rng(0)
BATCH, TIME, IN, OUT = 3, 5, 4, 3
X = RNG.normal(size=(BATCH, TIME, IN))
LENGTHS = np.array([3, 5, 1])
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

dtypes = pytest.mark.parametrize("dtype", TOLERANCE)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def tensor(array):
    return torch.tensor(np.array(array))


def random_like(tree, dtype):
    return jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), dtype), tree)


def set_cell(module, ps, suffix=""):
    """Give torch's module our parameters; it has its weights the other way around."""
    with torch.no_grad():
        for name, p in lux.items(ps):
            module.get_parameter(name + suffix).copy_(tensor(p.T))


def check_cell(module, grads, close, suffix=""):
    for name, grad in lux.items(grads):
        theirs = module.get_parameter(name + suffix).grad
        np.testing.assert_allclose(grad, theirs.numpy().T, **close)


def check(call, module, ps, inputs, their_call, places, dtype):
    """Outputs, and gradients of parameters and inputs, both with random weights of the outputs.

    `places` has for the path of each cell among our parameters the end of the names of torch's.
    """
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    module.to(getattr(torch, dtype))
    for path, suffix in places.items():
        set_cell(module, lux_at(ps, path), suffix)
    their_inputs = [tensor(array).requires_grad_() for array in inputs]
    expected = their_call(module, *their_inputs)
    bars = [RNG.normal(size=tuple(a.shape)).astype(dtype) for a in expected]
    torch.autograd.backward(expected, [torch.tensor(bar) for bar in bars])

    got, vjp = jax.vjp(call, ps, *inputs)
    assert all(a.dtype == dtype for a in got)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b.detach(), **close)
    grads, *input_bars = vjp([jnp.asarray(bar) for bar in bars])
    for a, b in zip(input_bars, their_inputs, strict=True):
        np.testing.assert_allclose(a, b.grad, **close)
    assert len(jax.tree.leaves(grads)) == sum(1 for _ in module.parameters())
    for path, suffix in places.items():
        check_cell(module, lux_at(grads, path), close, suffix)


def lux_at(tree, path):
    for name in filter(None, path.split(".")):
        tree = tree[name]
    return tree


def flat(tree):
    return list(jax.tree.leaves(tree))


def their_flat(tree):
    if isinstance(tree, torch.Tensor):
        return [tree]
    return [leaf for part in tree for leaf in their_flat(part)]


def arrays_of_a_carry(count, *shape):
    return [RNG.normal(size=shape) for _ in range(count)]


# name: our cell, torch's cell, torch's layer, the number of arrays in a carry
KINDS = {
    "rnn": (lux.RNNCell, torch.nn.RNNCell, torch.nn.RNN, 1),
    "lstm": (lux.LSTMCell, torch.nn.LSTMCell, torch.nn.LSTM, 2),
    "gru": (lux.GRUCell, torch.nn.GRUCell, torch.nn.GRU, 1),
}
RELU = (lux.relu, {"nonlinearity": "relu"})


# --- cells -----------------------------------------------------------------------------------

# name: whether there is a bias, the sizes, the batch, whether a carry is given
CELLS = {
    "plain": (True, (IN, OUT), (BATCH,), False),
    "carry": (True, (IN, OUT), (BATCH,), True),
    "no bias": (False, (IN, OUT), (BATCH,), True),
    "wide": (True, (2, 7), (BATCH,), True),
    "one feature": (True, (1, 1), (1,), True),
    "one example": (True, (IN, OUT), (), True),
}


@dtypes
@pytest.mark.parametrize("config", CELLS)
@pytest.mark.parametrize("kind", [*KINDS, "relu"])
def test_cells(kind, config, dtype):
    ours, theirs, _, count = KINDS["rnn" if kind == "relu" else kind]
    use_bias, sizes, batch, given = CELLS[config]
    activation, options = RELU if kind == "relu" else (None, {})
    cell = ours(*sizes, *filter(None, [activation]), use_bias=use_bias)
    made, st = lux.setup(0, cell)
    inputs = [RNG.normal(size=(*batch, sizes[0]))]
    if given:
        inputs += arrays_of_a_carry(count, *batch, sizes[1])

    def call(ps, x, *carry):
        (y, new), _ = cell((x, carry) if carry else x, ps, st)
        assert y is new[0]
        return flat(new)

    def their_call(module, x, *carry):
        carry = carry if len(carry) > 1 else (*carry, None)[0]
        return their_flat(module(x, carry))

    check(
        call,
        theirs(*sizes, bias=use_bias, **options),
        random_like(made, dtype),
        [jnp.asarray(a, dtype) for a in inputs],
        their_call,
        {"": ""},
        dtype,
    )


# --- layers ----------------------------------------------------------------------------------

# name: a function of our cell that makes the layer, and how many layers and directions torch's has
SHAPES = {"one": (1, 1), "stacked": (3, 1), "both": (1, 2), "both stacked": (2, 2)}
LAYERS = [
    # shape, bias, carry, lengths, time first
    ("one", True, False, False, False),
    ("one", True, True, False, True),
    ("one", False, True, True, False),
    ("stacked", True, False, False, False),
    ("stacked", True, False, True, True),
    ("both", True, True, False, False),
    ("both", True, False, True, False),
    ("both", False, True, True, True),
    ("both stacked", True, False, False, False),
    ("both stacked", True, False, True, False),
]


def make_layers(make_cell, shape, time_major):
    """A chain as torch's layer, with the places of its cells among torch's names."""
    depth, directions = SHAPES[shape]
    layers, places = [], {}
    for index in range(depth):
        cell = make_cell(IN if index == 0 else directions * OUT, OUT)
        last = {"return_carry": index == depth - 1, "time_major": time_major}
        if directions == 1:
            layers.append(lux.Recurrence(cell, return_sequence=True, **last))
            places[f"layer_{index}"] = f"_l{index}"
        else:
            layers.append(lux.BidirectionalRNN(cell, **last))
            places[f"layer_{index}.forward_rnn"] = f"_l{index}"
            places[f"layer_{index}.backward_rnn"] = f"_l{index}_reverse"
    return lux.Chain(layers), places


@pytest.mark.parametrize(
    ("kind", "config", "dtype"),
    [
        *((kind, config, "float64") for kind in KINDS for config in LAYERS),
        *((kind, config, "float32") for kind in KINDS for config in LAYERS[::2]),
        *(("relu", config, "float64") for config in LAYERS[::2]),
    ],
    ids=str,
)
def test_layers(kind, config, dtype):
    shape, use_bias, given, with_lengths, time_major = config
    ours, _, theirs, count = KINDS["rnn" if kind == "relu" else kind]
    depth, directions = SHAPES[shape]
    activation, options = RELU if kind == "relu" else (None, {})

    def make_cell(*sizes):
        return ours(*sizes, *filter(None, [activation]), use_bias=use_bias)

    model, places = make_layers(make_cell, shape, time_major)
    made, st = lux.setup(0, model)
    inputs = [np.moveaxis(X, 0, 1) if time_major else X]
    if given:  # of models of one layer
        inputs += arrays_of_a_carry(count, directions, BATCH, OUT)
    lengths = LENGTHS if with_lengths else None

    def call(ps, x, *arrays):
        carry = None
        if arrays:
            carry = tuple(tuple(a[d] for a in arrays) for d in range(directions))
            carry = carry if directions > 1 else carry[0]
        (y, carry), _ = model(NamedTuple(x=x, carry=carry, lengths=lengths), ps, st)
        carries = carry if directions > 1 else (carry,)
        stacked = [jnp.stack([c[index] for c in carries]) for index in range(count)]
        return [y.x if with_lengths else y, *stacked]

    def their_call(module, x, *arrays):
        if with_lengths:
            x = pack_padded_sequence(x, LENGTHS, batch_first=not time_major, enforce_sorted=False)
        carry = arrays if len(arrays) > 1 else (*arrays, None)[0]
        y, carry = module(x, carry)
        if with_lengths:
            y, _ = pad_packed_sequence(y, batch_first=not time_major, total_length=TIME)
        # Theirs are of all layers, ours of the last one.
        return [y, *(a[-directions:] for a in their_flat(carry))]

    module = theirs(
        IN,
        OUT,
        num_layers=depth,
        bias=use_bias,
        bidirectional=directions == 2,
        batch_first=not time_major,
        **options,
    )
    check(
        call,
        module,
        random_like(made, dtype),
        [jnp.asarray(a, dtype) for a in inputs],
        their_call,
        places,
        dtype,
    )


@dtypes
@pytest.mark.parametrize("kind", KINDS)
def test_one_sequence_without_a_batch(kind, dtype):
    ours, _, theirs, _ = KINDS[kind]
    layer = lux.Recurrence(ours(IN, OUT), return_sequence=True)
    made, st = lux.setup(0, layer)
    check(
        lambda ps, x: [layer(x, ps, st)[0]],
        theirs(IN, OUT, batch_first=True),
        random_like(made, dtype),
        [jnp.asarray(X[0], dtype)],
        lambda module, x: [module(x)[0]],
        {"": "_l0"},
        dtype,
    )


@dtypes
@pytest.mark.parametrize("kind", KINDS)
def test_a_trained_beginning(kind, dtype):
    """Its gradient is the sum of those of the carries that torch is given."""
    ours, _, theirs, count = KINDS[kind]
    trained = {"train_state": True} | ({"train_memory": True} if count == 2 else {})
    layer = lux.Recurrence(ours(IN, OUT, **trained))
    made, st = lux.setup(0, layer)
    ps = random_like(made, dtype)
    module = theirs(IN, OUT, batch_first=True).to(getattr(torch, dtype))
    weights = NamedTuple(**{name: ps[name] for name in PARAMETERS})
    set_cell(module, weights, "_l0")
    begins = [tensor(ps[name]).requires_grad_() for name in ("hidden_state", "memory")[:count]]
    carry = [begin.expand(1, BATCH, OUT).contiguous() for begin in begins]
    expected = module(torch.tensor(X.astype(dtype)), carry if count == 2 else carry[0])[0][:, -1]
    (expected**2).sum().backward()
    x = jnp.asarray(X, dtype)
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(layer(x, ps, st)[0], expected.detach(), **close)
    grads = jax.grad(lambda ps: (layer(x, ps, st)[0] ** 2).sum())(ps)
    check_cell(module, NamedTuple(**{name: grads[name] for name in PARAMETERS}), close, "_l0")
    for name, begin in zip(("hidden_state", "memory"), begins, strict=False):
        np.testing.assert_allclose(grads[name], begin.grad, **close)


@pytest.mark.parametrize("kind", KINDS)
def test_initial_values_are_theirs(kind):
    ours, _, theirs, _ = KINDS[kind]
    options = {"init_weight": None, "init_bias": None} if kind == "gru" else {}
    ps, _ = lux.setup(0, ours(30, 200, **options))
    module = theirs(30, 200)
    for name in PARAMETERS:
        expected = module.get_parameter(f"{name}_l0").detach()
        assert float(abs(ps[name]).max()) == pytest.approx(float(expected.abs().max()), rel=0.05)
        assert float(ps[name].std()) == pytest.approx(float(expected.std()), rel=0.1)
