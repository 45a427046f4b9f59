"""Recurrent layers against loops over their formulas in float64."""

import dataclasses
import operator
import pickle
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from layer_rows.recurrent import OWN

import lux
from lux import NamedTuple

RNG = np.random.default_rng(0)
BATCH, TIME, IN, OUT = 4, 6, 3, 2
X = RNG.normal(size=(BATCH, TIME, IN))
LENGTHS = np.array([6, 2, 0, 9])
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_step(x, carry, p):
    (h,) = carry
    h = np.tanh(x @ p["weight_ih"] + h @ p["weight_hh"] + p["bias_ih"] + p["bias_hh"])
    return h, (h,)


def lstm_step(x, carry, p):
    h, c = carry
    z = x @ p["weight_ih"] + h @ p["weight_hh"] + p["bias_ih"] + p["bias_hh"]
    i, f, g, o = np.split(z, 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, (h, c)


def gru_step(x, carry, p):
    (h,) = carry
    r, z, n = np.split(x @ p["weight_ih"] + p["bias_ih"], 3, -1)
    r_h, z_h, n_h = np.split(h @ p["weight_hh"] + p["bias_hh"], 3, -1)
    z, n = sigmoid(z + z_h), np.tanh(n + sigmoid(r + r_h) * n_h)
    h = (1 - z) * n + z * h
    return h, (h,)


def own_step(x, carry, p):
    p = {name: p[name] for name in ("input", "hidden")}
    h = np.tanh(x @ p["input"][0] + p["input"][1])
    h = h * np.tanh(carry @ p["hidden"][0] + p["hidden"][1])
    return np.sin(h), h


# name: the cell, a step of it, and the number of arrays in its carry
CELLS = {
    "rnn": (lux.RNNCell(IN, OUT), rnn_step, 1),
    "lstm": (lux.LSTMCell(IN, OUT), lstm_step, 2),
    "gru": (lux.GRUCell(IN, OUT, init_bias=lux.initializers.normal), gru_step, 1),
}
SLOW_LSTM = pytest.param("lstm", marks=pytest.mark.slow)
SLOW_NAMES = [pytest.param(name, marks=pytest.mark.slow) for name in ("rnn", "gru")]


def numbers(ps):
    """The parameters of a cell, with zeros where there is no bias."""
    if "input" in ps._fields:
        return {name: [np.asarray(p, float) for p in part] for name, part in lux.items(ps)}
    given = {name: np.asarray(p, float) for name, p in lux.items(ps)}
    width = given["weight_ih"].shape[1]
    return {"bias_ih": np.zeros(width), "bias_hh": np.zeros(width), **given}


def reference(name: str, carry_of_one=None):
    """The cell, its step, and its carry at the start of one sequence."""
    if name == "own":
        return OWN, own_step, np.zeros(OUT) if carry_of_one is None else carry_of_one
    cell, step, count = CELLS[name]
    return cell, step, (np.zeros(OUT),) * count if carry_of_one is None else carry_of_one


def run(step, p, x, carry, length, reverse):
    """One sequence, step by step: the outputs, the last of them, and the carry."""
    length = min(max(length, 0), len(x))
    y, last = np.zeros((len(x), OUT)), np.zeros(OUT)
    for t in reversed(range(length)) if reverse else range(length):
        last, carry = step(x[t], carry, p)
        y[t] = last
    return y, last, carry


def run_all(name, ps, x, lengths=None, reverse=False, carries=None):
    _, step, zero = reference(name)
    lengths = [len(row) for row in x] if lengths is None else lengths
    carries = carries or [zero] * len(x)
    rows = zip(x, carries, lengths, strict=True)
    results = [run(step, numbers(ps), row, c, length, reverse) for row, c, length in rows]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *results)


def assert_close(got, expected):
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    jax.tree.map(partial(np.testing.assert_allclose, **CLOSE), got, expected)


def float32(tree):
    return jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), tree)


# --- cells -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch", "use_bias"),
    [
        ((5,), True),
        ((), False),
        *(
            pytest.param(batch, use_bias, marks=pytest.mark.slow)
            for batch, use_bias in [((5,), False), ((), True), ((2, 3), True), ((2, 3), False)]
        ),
    ],
)
@pytest.mark.parametrize("name", CELLS)
def test_a_step(name, batch, use_bias):
    cell, step, count = CELLS[name]
    cell = dataclasses.replace(cell, use_bias=use_bias)
    ps, st = lux.setup(0, cell)
    x = RNG.normal(size=(*batch, IN))
    zero, given = ((*np.zeros((count, *batch, OUT)),), (*RNG.normal(size=(count, *batch, OUT)),))
    assert_close(cell(float32(x), ps, st)[0], step(x, zero, numbers(ps)))
    result, new = cell(float32((x, given)), ps, st)
    assert_close(result, step(x, given, numbers(ps)))
    assert new is st


@pytest.mark.parametrize("name", CELLS)
def test_parameters_have_the_names_and_shapes_of_the_documentation(name):
    cell, _, count = CELLS[name]
    width = {"rnn": 1, "lstm": 4, "gru": 3}[name] * OUT
    trained = {"train_state": True} | ({"train_memory": True} if count == 2 else {})
    ps, st = lux.setup(0, dataclasses.replace(cell, **trained))
    shapes = {
        "weight_ih": (IN, width),
        "weight_hh": (OUT, width),
        "bias_ih": (width,),
        "bias_hh": (width,),
        "hidden_state": (OUT,),
        "memory": (OUT,),
    }
    if count == 1:
        del shapes["memory"]
    assert {field: p.shape for field, p in lux.items(ps)} == shapes
    assert list(ps._fields) == list(shapes)
    assert st._fields == ("rng",)
    names = lux.setup(0, dataclasses.replace(cell, use_bias=False))[0]._fields
    assert names == ("weight_ih", "weight_hh")


def test_an_activation():
    cell = lux.RNNCell(IN, OUT, lux.relu)
    ps, st = lux.setup(0, cell)
    x = float32(X[0])
    expected = np.maximum(x @ ps.weight_ih + ps.bias_ih[None] + ps.bias_hh[None], 0)
    np.testing.assert_allclose(cell(x, ps, st)[0][0], expected, **CLOSE)
    y, _ = lux.Recurrence(cell, return_sequence=True)(x[:, None], ps, st)
    np.testing.assert_allclose(y[:, 0], expected, **CLOSE)


def test_a_trained_beginning_is_that_of_all_sequences():
    normal = lux.initializers.normal
    cell = lux.LSTMCell(
        IN, OUT, train_state=True, train_memory=True, init_state=normal, init_memory=normal
    )
    ps, st = lux.setup(0, cell)
    begin = (np.asarray(ps.hidden_state, float), np.asarray(ps.memory, float))
    assert min(abs(b).min() for b in begin) > 0
    assert_close(
        cell(float32(X[:, 0]), ps, st)[0],
        lstm_step(X[:, 0], tuple(np.tile(b, (BATCH, 1)) for b in begin), numbers(ps)),
    )
    y, new = lux.Recurrence(cell)(float32(X), ps, st)
    assert_close(y, run_all("lstm", ps, X, carries=[begin] * BATCH)[1])
    assert new.rng == st.rng
    grads = jax.jit(jax.grad(lambda ps: lux.Recurrence(cell)(float32(X), ps, st)[0].sum()))(ps)
    assert min(abs(g).min() for g in (grads.hidden_state, grads.memory)) > 0


def test_one_of_two_is_trained():
    cell = lux.LSTMCell(IN, OUT, train_memory=True, init_memory=lux.initializers.ones)
    ps, st = lux.setup(0, cell)
    assert ps._fields[4:] == ("memory",)
    begin = np.zeros((BATCH, OUT)), np.ones((BATCH, OUT))
    assert_close(cell(float32(X[:, 0]), ps, st)[0], lstm_step(X[:, 0], begin, numbers(ps)))


def test_a_beginning_that_is_drawn_is_another_each_time():
    uniform = lux.initializers.uniform
    cell = lux.LSTMCell(IN, OUT, init_state=uniform, init_memory=uniform)
    ps, st = lux.setup(0, cell)
    x = float32(X[:, 0])
    carry, new = cell.initial_carry(x, ps, st)
    again, newer = cell.initial_carry(x, ps, new)
    arrays = [np.asarray(a) for a in (*carry, *again)]
    assert all(a.shape == (BATCH, OUT) for a in arrays)
    assert len({float(a.ravel()[0]) for a in arrays}) == 4
    assert len(np.unique(np.concatenate(arrays))) == 4 * BATCH * OUT
    assert st.rng != new.rng != newer.rng
    (y, _), state = cell(x, ps, st)
    assert_close(y, lstm_step(X[:, 0], (arrays[0], arrays[1]), numbers(ps))[0])
    assert state.rng == new.rng
    _, state = lux.Recurrence(cell)(float32(X), ps, st)
    assert state.rng == new.rng


def test_a_beginning_has_the_dtype_of_the_parameters():
    cell = lux.GRUCell(IN, OUT, init_state=lux.initializers.normal)
    ps, st = lux.setup(0, cell)
    half = jax.tree.map(lambda p: p.astype(jnp.bfloat16), ps)
    (y, carry), _ = cell(jnp.ones((2, IN), jnp.bfloat16), half, st)
    assert y.dtype == carry[0].dtype == jnp.bfloat16


# --- initial values --------------------------------------------------------------------------

GRU = partial(lux.GRUCell, init_weight=None)


@pytest.mark.parametrize(
    "kind", [lux.LSTMCell, *(pytest.param(k, marks=pytest.mark.slow) for k in (lux.RNNCell, GRU))]
)
def test_initial_values_are_uniform_within_one_over_the_root_of_the_features(kind):
    ps, _ = lux.setup(0, kind(50, 400, init_bias=None))
    for p in ps:
        assert 0.98 * 0.05 < float(abs(p).max()) <= np.float32(0.05)
        assert float(p.std()) == pytest.approx(0.05 / np.sqrt(3), rel=0.05)
    assert len({float(p.ravel()[0]) for p in ps}) == 4


def test_initial_values_of_a_gated_unit_are_those_of_lux():
    ps, _ = lux.setup(0, lux.GRUCell(300, 100))
    for p, bound in ((ps.weight_ih, np.sqrt(6 / 400)), (ps.weight_hh, np.sqrt(6 / 200))):
        for gate in np.split(np.asarray(p), 3, -1):
            assert 0.98 * bound < abs(gate).max() <= bound
    assert not ps.bias_ih.any() | ps.bias_hh.any()


def test_initializers_are_called_gate_by_gate():
    ones, constant = lux.initializers.ones, lux.initializers.constant
    orthogonal = lux.initializers.orthogonal
    by_gate = tuple(constant(value=float(value)) for value in range(4))
    cell = lux.LSTMCell(3, 2, init_weight=by_gate, init_recurrent_weight=orthogonal, init_bias=ones)
    ps, _ = lux.setup(0, cell)
    assert ps.weight_ih[0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    gates = np.split(np.asarray(ps.weight_hh), 4, -1)
    for gate in gates:
        np.testing.assert_allclose(gate @ gate.T, np.eye(2), atol=1e-5)
    assert abs(gates[0] - gates[1]).max() > 0.01
    assert ((ps.bias_ih == 1) & (ps.bias_hh == 1)).all()
    bias = lux.setup(0, lux.LSTMCell(3, 2, init_bias=[None, ones, None, None]))[0].bias_hh
    assert bias[2:4].tolist() == [1, 1]
    assert abs(bias[:2]).max() < 1


def test_the_recurrent_weight_is_initialized_as_the_other_unless_it_is_said():
    ones, zeros = lux.initializers.ones, lux.initializers.zeros
    ps, _ = lux.setup(0, lux.RNNCell(3, 2, init_weight=ones))
    assert (ps.weight_ih == 1).all()
    assert (ps.weight_hh == 1).all()
    ps, _ = lux.setup(0, lux.GRUCell(3, 2, init_weight=ones, init_recurrent_weight=zeros))
    assert (ps.weight_ih == 1).all()
    assert not ps.weight_hh.any()


# --- sequences -------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("name", ["lstm", "own", *SLOW_NAMES])
def test_sequences(name, lengths, reverse):
    cell = reference(name)[0]
    ps, st = lux.setup(0, cell)
    y, last, carry = run_all(name, ps, X, lengths, reverse)
    layer = lux.Recurrence(cell, return_sequence=True, return_carry=True, reverse=reverse)
    beside = {} if lengths is None else {"lengths": jnp.asarray(lengths)}
    (got, got_carry), new = layer(NamedTuple(x=float32(X), **beside), ps, st)
    if lengths is not None:
        assert got._fields == ("x", "lengths")
        assert (got.lengths == lengths).all()
        got = got.x
    assert_close(got, y)
    assert_close(got_carry, carry)
    assert jax.tree.structure(new) == jax.tree.structure(st)
    only = lux.Recurrence(cell, reverse=reverse)
    assert_close(only(NamedTuple(x=float32(X), **beside), ps, st)[0], last)


@pytest.mark.parametrize("name", ["own", *SLOW_NAMES])
def test_time_comes_first(name):
    cell = reference(name)[0]
    ps, st = lux.setup(0, cell)
    for reverse in (False, True):
        y, last, carry = run_all(name, ps, X, LENGTHS, reverse)
        given = NamedTuple(x=float32(np.moveaxis(X, 0, 1)), lengths=jnp.asarray(LENGTHS))
        layer = partial(lux.Recurrence, cell, time_major=True, return_carry=True, reverse=reverse)
        (got, got_carry), _ = layer(return_sequence=True)(given, ps, st)
        assert_close(got.x, np.moveaxis(y, 0, 1))
        assert_close(got_carry, carry)
        assert_close(layer()(given, ps, st)[0], (last, carry))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm", "own"])
def test_any_leading_axes(name):
    cell = reference(name)[0]
    ps, st = lux.setup(0, cell)
    y, last, _ = run_all(name, ps, X, LENGTHS)
    layer, only = lux.Recurrence(cell, return_sequence=True), lux.Recurrence(cell)
    x, lengths = float32(X).reshape(2, 2, TIME, IN), jnp.asarray(LENGTHS).reshape(2, 2)
    given = NamedTuple(x=x, lengths=lengths)
    assert_close(layer(given, ps, st)[0].x, y.reshape(2, 2, TIME, OUT))
    assert_close(only(given, ps, st)[0], last.reshape(2, 2, OUT))
    one = NamedTuple(x=float32(X[1]), lengths=jnp.array(2))
    assert_close(layer(one, ps, st)[0].x, y[1])
    assert_close(only(one, ps, st)[0], last[1])
    assert_close(only(float32(X[0]), ps, st)[0], last[0])


@pytest.mark.parametrize("name", ["lstm", "own", *SLOW_NAMES])
def test_a_sequence_goes_on_where_it_was_left(name):
    cell = reference(name)[0]
    ps, st = lux.setup(0, cell)
    layer = lux.Recurrence(cell, return_sequence=True, return_carry=True)
    (y, carry), st = layer(float32(X[:, :2]), ps, st)
    (z, carry), st = layer((float32(X[:, 2:]), carry), ps, st)
    expected, _, last = run_all(name, ps, X)
    assert_close(jnp.concatenate([y, z], 1), expected)
    assert_close(carry, last)
    (again, _), _ = layer(NamedTuple(carry=carry, x=float32(X), lengths=None), ps, st)
    rows = [jax.tree.map(lambda a, i=i: a[i], last) for i in range(BATCH)]
    assert_close(again, run_all(name, ps, X, carries=rows)[0])


@pytest.mark.parametrize("reverse", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["lstm", "own"])
def test_what_is_beyond_the_length_has_no_influence(name, reverse):
    cell = reference(name)[0]
    ps, st = lux.setup(0, cell)
    beyond = np.arange(TIME) >= LENGTHS[:, None]
    layer = lux.Recurrence(cell, return_sequence=True, return_carry=True, reverse=reverse)

    def loss(ps, x):
        (y, carry), _ = layer(NamedTuple(x=x, lengths=jnp.asarray(LENGTHS)), ps, st)
        return y.x.sum() + sum(leaf.sum() for leaf in jax.tree.leaves(carry))

    good, bad = (float32(np.where(beyond[..., None], other, X)) for other in (0.0, np.nan))
    gradient = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
    value, grads = gradient(ps, good)
    other_value, other_grads = gradient(ps, bad)
    assert_close(other_value, value)
    assert_close(other_grads, grads)
    assert not np.asarray(other_grads[1])[beyond].any()


@pytest.mark.parametrize("name", ["own", SLOW_LSTM, *SLOW_NAMES])
def test_a_gradient_is_that_of_steps_one_by_one(name):
    cell = reference(name)[0]
    ps, st = lux.setup(0, cell)
    c = float32(RNG.normal(size=(BATCH, TIME, OUT)))

    def at_once(ps, x):
        return (c * lux.Recurrence(cell, return_sequence=True)(x, ps, st)[0]).sum()

    def one_by_one(ps, x):
        (y, carry), _ = cell(x[:, 0], ps, st)
        total = (c[:, 0] * y).sum()
        for t in range(1, TIME):
            (y, carry), _ = cell((x[:, t], carry), ps, st)
            total = total + (c[:, t] * y).sum()
        return total

    grads = [jax.jit(jax.grad(f, argnums=(0, 1)))(ps, float32(X)) for f in (at_once, one_by_one)]
    assert_close(*grads)


def test_lengths_go_on_to_the_next_layer():
    layers = [
        lux.Recurrence(lux.GRUCell(IN, OUT), return_sequence=True),
        lux.BidirectionalRNN(lux.RNNCell(OUT, OUT)),
        lux.ReverseSequence(),
        lux.Recurrence(lux.LSTMCell(2 * OUT, OUT)),
    ]
    model = lux.Chain(layers)
    ps, st = lux.setup(0, model)
    lengths = jnp.array([2, 6])
    y, _ = jax.jit(model)(NamedTuple(x=float32(X[:2]), lengths=lengths), ps, st)
    for i, length in enumerate((2, 6)):
        assert_close(y[i], jax.jit(model)(float32(X[i, :length]), ps, st)[0])


@pytest.mark.slow
def test_in_a_loop_and_rematerialized():
    model = lux.Chain(
        lux.Recurrence(lux.GRUCell(IN, OUT), return_sequence=True), lux.Recurrence(OWN_2)
    )
    ps, st = lux.setup(0, model)

    def loss(ps, st, remat):
        call = jax.checkpoint(model) if remat else model
        y, st = call(float32(X), ps, st)
        return (y**2).sum(), st

    def step(loop, _, remat):
        ps, st = loop
        grads, st = jax.grad(loss, has_aux=True)(ps, st, remat)
        return (jax.tree.map(lambda p, g: p - 0.1 * g, ps, grads), st), None

    plain, again = (
        jax.jit(lambda loop, remat=remat: jax.lax.scan(partial(step, remat=remat), loop, None, 3))(
            (ps, st)
        )[0]
        for remat in (False, True)
    )
    assert_close(plain[0], again[0])
    assert abs(plain[0].layer_0.weight_ih - ps.layer_0.weight_ih).max() > 1e-4


OWN_2 = dataclasses.replace(OWN, input=lux.Dense(OUT, OUT))


# --- cells of one's own ----------------------------------------------------------------------


class Counter(lux.AbstractRecurrentCell):
    """Counts in its state, and carries a dict."""

    def initial_states(self, rng):
        return NamedTuple(steps=jnp.int32(0))

    def initial_carry(self, x, ps, st):
        zeros = jnp.zeros(x.shape[:-1], x.dtype)
        return {"sum": zeros, "last": jnp.zeros_like(x)}, st

    def step(self, x, carry, ps, st):
        total = carry["sum"] + x.sum(-1)
        new = {"sum": total, "last": x}
        return ({"total": total, "before": carry["last"]}, new), NamedTuple(steps=st.steps + 1)


def test_a_carry_and_an_output_may_be_trees_and_the_state_goes_from_step_to_step():
    layer = lux.Recurrence(Counter(), return_sequence=True, return_carry=True)
    (y, carry), st = layer(NamedTuple(x=float32(X), lengths=LENGTHS), *lux.setup(0, layer))
    valid = np.arange(TIME) < LENGTHS[:, None]
    counted = np.where(valid[..., None], X, 0)
    np.testing.assert_allclose(carry["sum"], counted.sum((1, 2)), **CLOSE)
    np.testing.assert_allclose(y.x["total"], counted.sum(-1).cumsum(1) * valid, **CLOSE)
    np.testing.assert_allclose(
        y.x["before"][:, 1:], np.where(valid[..., None], X, 0)[:, :-1] * valid[:, 1:, None], **CLOSE
    )
    np.testing.assert_allclose(carry["last"][1], X[1, 1], **CLOSE)
    assert not carry["last"][2].any()
    assert st.steps == TIME
    y, _ = lux.Recurrence(Counter())(float32(X), *lux.setup(0, layer))
    np.testing.assert_allclose(y["total"], X.sum((1, 2)), **CLOSE)
    np.testing.assert_allclose(y["before"], X[:, -2], **CLOSE)


def test_a_narrow_carry_gets_the_dtype_that_the_cell_returns():
    ps, st = lux.setup(0, OWN)
    layer = lux.Recurrence(OWN, return_carry=True)
    (y, carry), _ = layer(jnp.ones((2, TIME, IN), jnp.bfloat16), ps, st)
    assert y.dtype == carry.dtype == jnp.float32


class Unfinished(lux.AbstractRecurrentCell):
    pass


class NoStep(lux.AbstractRecurrentCell):
    def initial_carry(self, x, ps, st):
        return x, st


class Growing(lux.AbstractRecurrentCell):
    what: str = "carry"

    def initial_states(self, rng):
        return NamedTuple(size=jnp.zeros(2))

    def initial_carry(self, x, ps, st):
        return (jnp.zeros(()) if self.what == "rows" else x), st

    def step(self, x, carry, ps, st):
        if self.what == "carry":
            return (x, jnp.concatenate([carry, carry])), st
        return (x, carry), NamedTuple(size=jnp.zeros(3))


@pytest.mark.parametrize(
    ("cell", "lengths", "kind", "message"),
    [
        (
            Unfinished(),
            None,
            NotImplementedError,
            "Unfinished defines no initial_carry(self, x, ps, st)",
        ),
        (NoStep(), None, NotImplementedError, "NoStep defines no step(self, x, carry, ps, st)"),
        (
            Growing(),
            None,
            ValueError,
            "Growing: expected a step whose carry keeps its type, float32[4,3], got float32[8,3]",
        ),
        (
            Growing("state"),
            None,
            ValueError,
            "Growing: expected a step whose state keeps its type, NamedTuple(size=float32[2]), got "
            "NamedTuple(size=float32[3])",
        ),
        (
            Growing("rows"),
            LENGTHS,
            ValueError,
            "Growing: expected a carry whose arrays have the leading axes (4,), since there are "
            "lengths, got float32[]",
        ),
    ],
)
def test_what_is_no_cell_says_what_it_lacks(cell, lengths, kind, message):
    layer = lux.Recurrence(cell)
    ps, st = lux.setup(0, layer)
    with pytest.raises(kind) as caught:
        layer(NamedTuple(x=float32(X), lengths=lengths), ps, st)
    assert str(caught.value) == message


# --- both directions -------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("backward", [None, "gru", "own"])
def test_both_directions(backward, lengths):
    other = None if backward is None else reference(backward)[0]
    make = partial(lux.BidirectionalRNN, CELLS["lstm"][0], other, return_carry=True)
    ps, st = lux.setup(0, make())
    assert ps._fields == st._fields == ("forward_rnn", "backward_rnn")
    forward = run_all("lstm", ps.forward_rnn, X, lengths)
    backward = run_all(backward or "lstm", ps.backward_rnn, X, lengths, reverse=True)
    given = float32(X) if lengths is None else NamedTuple(x=float32(X), lengths=lengths)
    (y, carry), _ = make()(given, ps, st)
    y = y if lengths is None else y.x
    assert_close(y, np.concatenate([forward[0], backward[0]], -1))
    assert_close(carry, (forward[2], backward[2]))
    (y, _), _ = make(merge_mode=None, return_sequence=False)(given, ps, st)
    assert_close(y, (forward[1], backward[1]))


def test_the_two_cells_have_parameters_of_their_own():
    ps, _ = lux.setup(0, lux.BidirectionalRNN(lux.LSTMCell(IN, OUT)))
    assert abs(ps.forward_rnn.weight_ih - ps.backward_rnn.weight_ih).max() > 0.01


def test_ways_to_merge():
    cell = lux.RNNCell(IN, OUT)
    ps, st = lux.setup(0, lux.BidirectionalRNN(cell))
    forward = run_all("rnn", ps.forward_rnn, X)[0]
    backward = run_all("rnn", ps.backward_rnn, X, reverse=True)[0]
    for merge, expected in (
        (operator.add, forward + backward),
        (jnp.maximum, np.maximum(forward, backward)),
        (None, (forward, backward)),
    ):
        layer = lux.BidirectionalRNN(cell, merge_mode=merge)
        assert_close(layer(float32(X), ps, st)[0], expected)
    x = float32(np.moveaxis(X, 0, 1))
    y, _ = lux.BidirectionalRNN(cell, merge_mode=operator.sub, time_major=True)(x, ps, st)
    assert_close(y, np.moveaxis(forward - backward, 0, 1))
    carry = float32(((RNG.normal(size=(BATCH, OUT)),), (RNG.normal(size=(BATCH, OUT)),)))
    y, _ = lux.BidirectionalRNN(cell, merge_mode=None)((float32(X), carry), ps, st)
    rows = [[(c[0][i],) for i in range(BATCH)] for c in carry]
    assert_close(y[0], run_all("rnn", ps.forward_rnn, X, carries=rows[0])[0])
    assert_close(y[1], run_all("rnn", ps.backward_rnn, X, reverse=True, carries=rows[1])[0])


# --- a carry in the state --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lstm", "own"])
def test_a_stateful_cell_remembers(name):
    cell = reference(name)[0]
    layer = lux.StatefulRecurrentCell(cell)
    ps, st = lux.setup(0, layer)
    assert lux.to_dict(st) == {"cell": lux.to_dict(st.cell), "carry": None}
    assert ps._fields == lux.setup(0, cell)[0]._fields
    assert not layer.preserves_state_type
    expected, _, carry = run_all(name, ps, X)
    traces = []

    @jax.jit
    def step(x, ps, st):
        traces.append(1)
        return layer(x, ps, st)

    for t in range(TIME):
        y, st = step(float32(X[:, t]), ps, st)
        assert_close(y, expected[:, t])
    assert len(traces) == 2
    assert_close(st.carry, carry)
    y, st = step(float32(X[:, 0]), ps, lux.update_state(st, "carry", None))
    assert_close(y, expected[:, 0])
    st, ys = jax.lax.scan(
        lambda st, x: layer(x, ps, st)[::-1], st, float32(X[:, 1:]).swapaxes(0, 1)
    )
    assert_close(ys, np.moveaxis(expected[:, 1:], 1, 0))


# --- backwards -------------------------------------------------------------------------------


@pytest.mark.parametrize(("axis", "place"), [(None, 1), (1, 1), (-2, 1), (0, 0), (-1, 2)])
def test_turned_around(axis, place):
    layer = lux.ReverseSequence(axis)
    ps, st = lux.setup(0, layer)
    y, new = layer(jnp.asarray(X), ps, st)
    assert new is st
    assert (y == jnp.asarray(np.flip(X, place))).all()


def test_a_vector_is_turned_around():
    layer = lux.ReverseSequence()
    assert layer(jnp.arange(3), *lux.setup(0, layer))[0].tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("x", "lengths", "axis"),
    [
        (X, LENGTHS, None),
        (np.moveaxis(X, 1, 0), LENGTHS, 0),
        (X[..., 0], LENGTHS, 1),
        (np.moveaxis(X, 1, 2), LENGTHS, -1),
        (X[1], np.array(2), None),
        (X.reshape(2, 2, TIME, IN), np.array([[6, 2], [-1, 9]]), None),
    ],
)
def test_each_sequence_is_turned_around_within_its_length(x, lengths, axis):
    layer = lux.ReverseSequence(axis)
    given = NamedTuple(x=jnp.asarray(x), lengths=jnp.asarray(lengths))
    y, _ = layer(given, *lux.setup(0, layer))
    assert (y.lengths == lengths).all()
    place = x.ndim - 2 if axis is None else axis
    expected = np.moveaxis(x, place, 0).copy()
    for index in np.ndindex(lengths.shape):
        length = max(min(int(lengths[index]), TIME), 0)
        sequence = expected[(slice(None), *index)]
        sequence[:length] = sequence[:length][::-1].copy()
    assert (np.moveaxis(y.x, place, 0) == expected.astype(np.float32)).all()
    back, _ = layer(y, *lux.setup(0, layer))
    assert (back.x == given.x).all()


# --- descriptions and mistakes ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.RNNCell(3, 2), "RNNCell(3 → 2)"),
        (lux.RNNCell(3, 2, lux.relu, use_bias=False), "RNNCell(3 → 2, relu, use_bias=False)"),
        (lux.LSTMCell(3, 2, train_memory=True), "LSTMCell(3 → 2, train_memory=True)"),
        (
            lux.LSTMCell(3, 2, init_weight=lux.initializers.orthogonal),
            "LSTMCell(3 → 2, init_weight=orthogonal)",
        ),
        (lux.GRUCell(3, 2), "GRUCell(3 → 2)"),
        (lux.ReverseSequence(), "ReverseSequence()"),
    ],
)
def test_text(layer, text):
    assert str(layer) == text


def test_equal_by_value_and_pickled():
    for make in (
        lambda: lux.Recurrence(lux.LSTMCell(3, 2), return_sequence=True),
        lambda: lux.BidirectionalRNN(lux.GRUCell(3, 2), merge_mode=operator.add),
        lambda: lux.StatefulRecurrentCell(lux.LSTMCell(3, 2, init_weight=[None] * 4)),
    ):
        assert make() == make()
        assert hash(make()) == hash(make())
        assert pickle.loads(pickle.dumps(make())) == make()
    cell = lux.GRUCell(3, 2)
    assert lux.BidirectionalRNN(cell) == lux.BidirectionalRNN(cell, cell)
    assert lux.Recurrence(cell) != lux.Recurrence(cell, reverse=True)


CELL = "expected a recurrent cell, such as lux.LSTMCell(2, 3)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lux.RNNCell(0, 2), "RNNCell: in_dims: expected an integer of at least 1, got 0"),
        (
            lambda: lux.LSTMCell(2, 2.5),
            "LSTMCell: out_dims: expected an integer of at least 1, got 2.5",
        ),
        (
            lambda: lux.RNNCell(2, 2, "relu"),
            "RNNCell: activation: expected a function, got 'relu'",
        ),
        (
            lambda: lux.GRUCell(2, 2, use_bias=1),
            "GRUCell: use_bias: expected True or False, got 1",
        ),
        (
            lambda: lux.GRUCell(2, 2, train_state=None),
            "GRUCell: train_state: expected True or False, got None",
        ),
        (
            lambda: lux.LSTMCell(2, 2, train_memory="yes"),
            "LSTMCell: train_memory: expected True or False, got 'yes'",
        ),
        (
            lambda: lux.LSTMCell(2, 2, init_memory=0),
            "LSTMCell: init_memory: expected a function, got 0",
        ),
        (
            lambda: lux.LSTMCell(2, 2, init_state=None),
            "LSTMCell: init_state: expected a function, got None",
        ),
        (
            lambda: lux.LSTMCell(2, 2, init_weight=(None, None)),
            "LSTMCell: init_weight: expected an initializer, 4 of them, one for each gate, or "
            "None, got (None, None)",
        ),
        (
            lambda: lux.RNNCell(2, 2, init_recurrent_weight=1.0),
            "RNNCell: init_recurrent_weight: expected an initializer or None, got 1.0",
        ),
        (
            lambda: lux.GRUCell(2, 2, init_bias=[None, None, 0]),
            "GRUCell: init_bias: expected an initializer, 3 of them, one for each gate, or None, "
            "got [None, None, 0]",
        ),
        (
            lambda: lux.Recurrence(lux.Dense(2, 3)),
            f"Recurrence: cell: {CELL}, got Dense(2 → 3)",
        ),
        (
            lambda: lux.Recurrence(lux.LSTMCell),
            f"Recurrence: cell: {CELL}, got {lux.LSTMCell!r}",
        ),
        (
            lambda: lux.Recurrence(lux.GRUCell(2, 3), reverse="yes"),
            "Recurrence: reverse: expected True or False, got 'yes'",
        ),
        (
            lambda: lux.StatefulRecurrentCell("lstm"),
            f"StatefulRecurrentCell: cell: {CELL}, got 'lstm'",
        ),
        (
            lambda: lux.BidirectionalRNN(lux.Dense(2, 3)),
            f"BidirectionalRNN: cell: {CELL}, got Dense(2 → 3)",
        ),
        (
            lambda: lux.BidirectionalRNN(lux.GRUCell(2, 3), lux.Dense(2, 3)),
            f"BidirectionalRNN: backward_cell: {CELL}, got Dense(2 → 3)",
        ),
        (
            lambda: lux.BidirectionalRNN(lux.GRUCell(2, 3), merge_mode="sum"),
            "BidirectionalRNN: merge_mode: expected a function, got 'sum'",
        ),
        (
            lambda: lux.BidirectionalRNN(lux.GRUCell(2, 3), return_carry=0),
            "BidirectionalRNN: return_carry: expected True or False, got 0",
        ),
        (
            lambda: lux.ReverseSequence(1.0),
            "ReverseSequence: axis: expected an integer or None, got 1.0",
        ),
    ],
)
def test_an_impossible_layer_is_refused(make, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert str(caught.value) == message


H = jnp.ones((4, 2))


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (
            lux.LSTMCell(3, 2),
            jnp.ones((4, 2)),
            "lstm_cell: x: expected shape (..., 3), got (4, 2). The last axis of x must have the "
            "size of the first of weight_ih (3, 8).",
        ),
        (
            lux.LSTMCell(3, 2),
            (jnp.ones((4, 3)), H),
            "LSTMCell: carry: expected a tuple (hidden_state, memory), got float32[4,2]",
        ),
        (
            lux.GRUCell(3, 2),
            (jnp.ones((4, 3)), (H, H)),
            "GRUCell: carry: expected a tuple (hidden_state,), got (float32[4,2], float32[4,2])",
        ),
        (
            lux.GRUCell(3, 2),
            (jnp.ones((5, 3)), (H,)),
            "gru_cell: carry: expected shape (5, 2), got (4, 2). It has the leading axes of x and "
            "the size of weight_hh's first axis.",
        ),
        (
            lux.RNNCell(3, 2),
            (jnp.ones((4, 3)), (H,), 3),
            "RNNCell: x: expected an input or (x, carry), got 3 of them",
        ),
        (
            lux.Recurrence(lux.RNNCell(3, 2)),
            jnp.ones(3),
            "Recurrence: x: expected shape (*batch, time, features) with at least one step, got "
            "(3,)",
        ),
        (
            lux.Recurrence(lux.RNNCell(3, 2), time_major=True),
            jnp.ones((0, 4, 3)),
            "Recurrence: x: expected shape (time, *batch, features) with at least one step, got "
            "(0, 4, 3)",
        ),
        (
            lux.Recurrence(lux.RNNCell(3, 2)),
            NamedTuple(x=jnp.ones((4, 5, 3)), lengths=jnp.ones(4)),
            "Recurrence: lengths: expected integers of shape (4,), got float32[4]",
        ),
        (
            lux.Recurrence(lux.RNNCell(3, 2), time_major=True),
            NamedTuple(x=jnp.ones((4, 5, 3)), lengths=jnp.ones(4, int)),
            "Recurrence: lengths: expected integers of shape (5,), got int32[4]",
        ),
        (
            lux.Recurrence(lux.RNNCell(3, 2)),
            NamedTuple(x=jnp.ones((4, 5, 3)), mask=jnp.ones(4)),
            "Recurrence: x: expected up to 3 of (x, carry, lengths), or a NamedTuple with fields "
            "of (x, carry, lengths), got the fields (x, mask)",
        ),
        (
            lux.BidirectionalRNN(lux.RNNCell(3, 2)),
            (jnp.ones((4, 5, 3)), H),
            "BidirectionalRNN: carry: expected a tuple of the carries of both cells, got "
            "float32[4,2]",
        ),
        (
            lux.ReverseSequence(2),
            jnp.ones((4, 5)),
            "ReverseSequence: x: expected an axis 2, got shape (4, 5)",
        ),
        (
            lux.ReverseSequence(),
            NamedTuple(x=jnp.ones((4, 5, 3)), lengths=jnp.ones(5, int)),
            "ReverseSequence: lengths: expected integers of shape (4,), got int32[5]",
        ),
        (
            lux.ReverseSequence(),
            NamedTuple(x=jnp.ones((4, 5, 3)), lengths=jnp.ones(4)),
            "ReverseSequence: lengths: expected integers of shape (4,), got float32[4]",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_refused(layer, x, message):
    ps, st = lux.setup(0, layer)
    for call in (layer, partial(jax.eval_shape, layer)):
        with pytest.raises((ValueError, TypeError)) as caught:
            call(x, ps, st)
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            lux.LSTMCell(3, 2, use_bias=False),
            "the parameters do not fit: expected the fields (weight_ih, weight_hh, bias_ih, "
            "bias_hh), got (weight_ih, weight_hh): are these the parameters of another model?",
        ),
        (
            lux.LSTMCell(3, 2, train_state=True),
            "the parameters do not fit: expected the fields (weight_ih, weight_hh, bias_ih, "
            "bias_hh), got (weight_ih, weight_hh, bias_ih, bias_hh, hidden_state): are these the "
            "parameters of another model?",
        ),
        (
            lux.LSTMCell(3, 4),
            "the parameters do not fit: weight_ih: expected shape (3, 8), got (3, 16): are these "
            "the parameters of another model?",
        ),
    ],
)
def test_parameters_of_another_cell_are_refused(given, message):
    cell = lux.LSTMCell(3, 2)
    ps = lux.setup(0, given)[0]
    model = lux.Chain(lux.BidirectionalRNN(cell), lux.Recurrence(lux.RNNCell(4, 1)))
    all_ps, st = lux.setup(0, model)
    for place in ("forward_rnn", "backward_rnn"):
        with pytest.raises(ValueError, match="do not fit") as caught:
            model(jnp.ones((4, 5, 3)), lux.replace_at(all_ps, f"layer_0.{place}", ps), st)
        assert str(caught.value) == message
        assert caught.value.__notes__[0].startswith(f"at layer_0.{place}: ")
    for layer in (cell, lux.Recurrence(cell), lux.StatefulRecurrentCell(cell)):
        x = jnp.ones((4, 5, 3)) if isinstance(layer, lux.Recurrence) else jnp.ones((4, 3))
        with pytest.raises(ValueError, match="do not fit") as caught:
            layer(x, ps, lux.setup(0, layer)[1])
        assert str(caught.value) == message


def test_trained_beginnings_of_another_size_are_refused():
    cell = lux.GRUCell(3, 2, train_state=True)
    ps, st = lux.setup(0, cell)
    for given in (jnp.ones(1), jnp.ones((4, 2))):
        with pytest.raises(ValueError, match="hidden_state: expected shape"):
            cell(jnp.ones((4, 3)), lux.replace_at(ps, "hidden_state", given), st)


def test_states_of_another_layer_are_refused():
    layer = lux.StatefulRecurrentCell(lux.GRUCell(3, 2))
    ps, st = lux.setup(0, layer)
    with pytest.raises(ValueError, match="the states do not fit"):
        layer(jnp.ones((4, 3)), ps, st.cell)


def test_an_error_in_a_cell_of_ones_own_says_where():
    model = lux.Chain(lux.Recurrence(OWN, return_sequence=True), lux.Recurrence(OWN))
    ps, st = lux.setup(0, model)
    with pytest.raises(ValueError, match="expected shape") as caught:
        model(jnp.ones((4, 5, 3)), ps, st)
    assert caught.value.__notes__[0].startswith("at layer_1.input: Dense(3 → 2, tanh)\n")
