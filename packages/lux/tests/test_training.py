"""Steps of training against formulas, and against the same step by hand."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lux
from lux.training import (
    AutoReverse,
    TrainState,
    apply_gradients,
    compute_gradients,
    single_train_step,
)
from luxcore import AbstractLuxLayer, NamedTuple

AD = AutoReverse()
MODEL = lux.Chain(lux.Dense(2, 8, lux.tanh), lux.Dropout(0.2), lux.Dense(8, 1))
SGD, ADAM = optax.sgd(0.1), optax.adam(1e-2)
X = jnp.linspace(-1, 1, 16).reshape(8, 2)
DATA = (X, X.sum(axis=1, keepdims=True))


def mean_square(model, ps, st, data):
    x, target = data
    y, st = model(x, ps, st)
    return ((y - target) ** 2).mean(), st, NamedTuple(largest=abs(y).max())


def state(model=MODEL, optimizer=SGD):
    return TrainState(model, *lux.setup(0, model), optimizer)


def assert_close(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), a, b)


def test_gradients_of_a_line_are_those_of_the_formula():
    model = lux.Dense(2, 1)
    ts = state(model)
    grads, loss, stats, new = compute_gradients(AD, mean_square, DATA, ts)
    weight, bias = (np.asarray(p, np.float64) for p in ts.parameters)
    x, target = (np.asarray(a, np.float64) for a in DATA)
    y = x @ weight + bias
    error = y - target
    np.testing.assert_allclose(loss, (error**2).mean(), rtol=1e-5)
    np.testing.assert_allclose(grads.weight, 2 * x.T @ error / 8, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(grads.bias, 2 * error.mean(0), rtol=1e-4)
    np.testing.assert_allclose(stats.largest, abs(y).max(), rtol=1e-5)
    assert new.parameters is ts.parameters
    assert new.optimizer_state is ts.optimizer_state
    assert int(new.step) == 0


def test_apply_gradients_is_the_optimizers_update():
    ts = state()
    grads = jax.tree.map(jnp.ones_like, ts.parameters)
    new = apply_gradients(ts, grads)
    assert_close(new.parameters, jax.tree.map(lambda p: p - 0.1, ts.parameters))
    assert int(new.step) == 1
    assert new.states.layer_1.rng == ts.states.layer_1.rng


@pytest.mark.parametrize("optimizer", [SGD, ADAM, optax.chain(optax.clip(0.01), ADAM)])
def test_a_step_is_gradients_then_their_application(optimizer):
    ts = state(optimizer=optimizer)
    for _ in range(3):
        grads, loss, stats, half = compute_gradients(AD, mean_square, DATA, ts)
        expected = apply_gradients(half, grads)
        results = single_train_step(AD, mean_square, DATA, ts)
        assert_close(results[:3], (grads, loss, stats))
        ts = results[3]
        assert_close(ts.parameters, expected.parameters)
        assert_close(ts.optimizer_state, expected.optimizer_state)
        assert ts.states == expected.states
    assert int(ts.step) == 3


def test_adam_by_its_formula():
    model = lux.Dense(2, 1)
    ts = state(model, ADAM)
    grads, _, _, new = single_train_step(AD, mean_square, DATA, ts)
    # After one step both moments are unbiased to g and g².
    expected = jax.tree.map(
        lambda p, g: p - 1e-2 * jnp.sign(g) / (1 + 1e-8 / abs(g)), ts.parameters, grads
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), new.parameters, expected)


@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize("return_gradients", [False, True])
def test_options_change_nothing_else(donate: bool, return_gradients: bool):
    expected = single_train_step(AD, mean_square, DATA, state(optimizer=ADAM))
    ts = state(optimizer=ADAM)
    grads, loss, stats, new = single_train_step(
        AD, mean_square, DATA, ts, donate=donate, return_gradients=return_gradients
    )
    assert_close((loss, stats), expected[1:3])
    assert_close(new.parameters, expected[3].parameters)
    if return_gradients:
        assert_close(grads, expected[0])
    else:
        assert grads is None
    assert ts.parameters.layer_0.weight.is_deleted() is donate
    assert ts.optimizer_state[0].mu.layer_0.weight.is_deleted() is donate
    assert not DATA[0].is_deleted()


def test_it_learns():
    ts = state(lux.Chain(lux.Dense(2, 8, lux.tanh), lux.Dense(8, 1)), optax.adam(0.05))
    losses = []
    for _ in range(200):
        _, loss, _, ts = single_train_step(
            AD, mean_square, DATA, ts, return_gradients=False, donate=True
        )
        losses.append(float(loss))
    assert losses[-1] < 1e-3 * losses[0]


def test_every_program_is_compiled_once():
    traces = 0

    def objective(model, ps, st, data):
        nonlocal traces
        traces += 1
        return mean_square(model, ps, st, data)

    ts = state(optimizer=ADAM)
    for _ in range(5):
        *_, ts = single_train_step(AutoReverse(), objective, DATA, ts)
    assert traces == 1
    equal = lux.Chain(lux.Dense(2, 8, lux.tanh), lux.Dropout(0.2), lux.Dense(8, 1))
    single_train_step(AD, objective, DATA, state(equal, ADAM))
    assert traces == 1
    single_train_step(AD, objective, DATA, ts.replace(states=lux.test_mode(ts.states)))
    assert traces == 2
    single_train_step(AD, objective, (X[:4], DATA[1][:4]), ts)
    assert traces == 3


def test_the_dropout_state_advances():
    ts = state()
    *_, first = single_train_step(AD, mean_square, DATA, ts)
    *_, second = compute_gradients(AD, mean_square, DATA, first)
    keys = [t.states.layer_1.rng for t in (ts, first, second)]
    assert len({tuple(jax.random.key_data(key).tolist()) for key in keys}) == 3


def test_inside_scan():
    ts = state(optimizer=ADAM)

    def body(ts, x):
        _, loss, _, ts = single_train_step(AD, mean_square, DATA, ts)
        return ts, loss

    scanned, losses = jax.lax.scan(body, ts, None, length=3)
    for _ in range(3):
        _, loss, _, ts = single_train_step(AD, mean_square, DATA, ts)
    assert_close(scanned.parameters, ts.parameters)
    np.testing.assert_allclose(losses[-1], loss, rtol=1e-4)


def test_vmap_over_seeds():
    def losses(key):
        ts = TrainState(MODEL, *lux.setup(key, MODEL), SGD)
        _, first, _, ts = single_train_step(AD, mean_square, DATA, ts)
        _, second, _, _ = single_train_step(AD, mean_square, DATA, ts)
        return first, second

    first, second = jax.vmap(losses)(jax.random.split(jax.random.key(0), 4))
    assert (second < first).sum() >= 3


def test_half_precision_parameters_keep_their_dtype():
    model = lux.Dense(2, 1)
    ps, st = lux.setup(0, model)
    ps = jax.tree.map(lambda p: p.astype(jnp.bfloat16), ps)
    ts = TrainState(model, ps, st, ADAM)
    *_, new = single_train_step(AD, mean_square, DATA, ts)
    assert new.parameters.weight.dtype == jnp.bfloat16
    assert jax.tree.map(lambda a: a.dtype, new.optimizer_state) == jax.tree.map(
        lambda a: a.dtype, ts.optimizer_state
    )


class ComplexScale(AbstractLuxLayer):
    def initial_parameters(self, rng):
        return NamedTuple(scale=jnp.asarray(1 + 2j))

    def __call__(self, x, ps, st):
        return x * ps.scale, st


def test_complex_parameters_go_downhill():
    def distance(model, ps, st, target):
        y, st = model(1 + 0j, ps, st)
        return abs(y - target) ** 2, st, NamedTuple()

    ts = state(ComplexScale(), SGD)
    grads, *_ = compute_gradients(AD, distance, jnp.asarray(-1 + 0.5j), ts)
    np.testing.assert_allclose(grads.scale, 2 * (1 + 2j - (-1 + 0.5j)), rtol=1e-5)
    for _ in range(50):
        *_, ts = single_train_step(AD, distance, jnp.asarray(-1 + 0.5j), ts)
    np.testing.assert_allclose(ts.parameters.scale, -1 + 0.5j, rtol=1e-3)


@dataclass(frozen=True)
class Forward:
    """A way to differentiate of the user's own."""

    scale: float = 1.0

    def value_and_gradients(self, function, ps):
        value = function(ps)
        grads = jax.jacfwd(lambda ps: function(ps)[0])(ps)
        return value, jax.tree.map(lambda g: self.scale * g, grads)


def test_another_way_to_differentiate():
    ts = state()
    grads, loss, _, _ = compute_gradients(AD, mean_square, DATA, ts)
    forward, same, _, _ = compute_gradients(Forward(2.0), mean_square, DATA, ts)
    np.testing.assert_allclose(same, loss, rtol=1e-6)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, 2 * b, rtol=1e-4, atol=1e-6), forward, grads
    )


class Growing(AbstractLuxLayer):
    """A layer whose state changes its shape, and which says so."""

    def initial_states(self, rng):
        return NamedTuple(seen=jnp.zeros(0))

    @property
    def preserves_state_type(self):
        return False

    def __call__(self, x, ps, st):
        return x, NamedTuple(seen=jnp.append(st.seen, x.sum()))


class Weak(AbstractLuxLayer):
    """A layer whose state comes out with a weak type."""

    def initial_states(self, rng):
        return NamedTuple(count=0)

    def __call__(self, x, ps, st):
        return x, NamedTuple(count=jnp.asarray(0))


@pytest.mark.parametrize("layer", [Growing(), Weak()])
def test_states_that_are_allowed(layer):
    model = lux.Chain(lux.Dense(2, 1), layer)
    *_, ts = single_train_step(AD, mean_square, DATA, state(model))
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(ts.states))


def objective(change):
    """`mean_square`, with what it returns changed."""

    def changed(model, ps, st, data):
        return change(*mean_square(model, ps, st, data))

    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda loss, st, stats: loss,
            "changed: expected (loss, st, stats), got float32[]: an objective(model, ps, st, data) "
            "returns the loss, the new states and a tree of statistics, which may be empty: "
            "NamedTuple()",
        ),
        (
            lambda loss, st, stats: (loss, st),
            "changed: expected (loss, st, stats), got a tuple of 2: an objective(model, ps, st, "
            "data) returns the loss, the new states and a tree of statistics, which may be empty: "
            "NamedTuple()",
        ),
        (
            lambda loss, st, stats: (jnp.stack([loss, loss]), st, stats),
            "changed: loss: expected a scalar, got shape (2,): average it, for example loss.mean()",
        ),
        (
            lambda loss, st, stats: (loss.astype(jnp.int32), st, stats),
            "changed: loss: expected a floating dtype, got int32",
        ),
        (
            lambda loss, st, stats: (jax.lax.complex(loss, loss), st, stats),
            "changed: loss: expected a floating dtype, got complex64",
        ),
        (
            lambda loss, st, stats: (loss, NamedTuple(), stats),
            "changed: states: layer_1.rng: expected key<fry>[], got nothing: a step returns states "
            "of the structure, shapes and dtypes that it was given",
        ),
        (
            lambda loss, st, stats: (loss, NamedTuple(extra=loss, **dict(lux.items(st))), stats),
            "changed: states: extra: expected nothing, got float32[]: a step returns states of the "
            "structure, shapes and dtypes that it was given",
        ),
    ],
)
@pytest.mark.parametrize("step", [compute_gradients, single_train_step])
def test_what_an_objective_should_not_return(change, message: str, step):
    with pytest.raises((TypeError, ValueError)) as caught:
        step(AD, objective(change), DATA, state())
    assert str(caught.value) == message


def test_a_state_of_another_mode_is_no_state_of_the_model():
    with pytest.raises(ValueError, match="expected PyTreeDef"):
        compute_gradients(
            AD, objective(lambda loss, st, stats: (loss, lux.test_mode(st), stats)), DATA, state()
        )


class Unhashable:
    __hash__ = None

    def __call__(self, model, ps, st, data):
        return mean_square(model, ps, st, data)


@pytest.mark.parametrize(
    ("ad", "function", "ts", "message"),
    [
        (
            AD,
            Unhashable(),
            state(),
            "objective: expected a hashable object, since a step is compiled once for each, got "
            "Unhashable: define a function, or make a dataclass frozen",
        ),
        (
            Unhashable(),
            mean_square,
            state(),
            "ad: expected a hashable object, since a step is compiled once for each, got "
            "Unhashable: define a function, or make a dataclass frozen",
        ),
        (AD, mean_square, NamedTuple(), "ts: expected a TrainState, got NamedTuple"),
        (
            AutoReverse,
            mean_square,
            state(),
            "ad: expected an object with value_and_gradients(function, ps), got the class "
            "AutoReverse: AutoReverse() makes one",
        ),
        (
            "reverse",
            mean_square,
            state(),
            "ad: expected an object with value_and_gradients(function, ps), got str",
        ),
        (AD, "mean_square", state(), "objective: expected a function, got str"),
    ],
)
@pytest.mark.parametrize("step", [compute_gradients, single_train_step])
def test_what_a_step_is_not_made_of(ad, function, ts, message: str, step):
    with pytest.raises(TypeError) as caught:
        step(ad, function, DATA, ts)
    assert str(caught.value) == message


def test_an_array_in_two_places_cannot_be_given_away(capfd):
    model = lux.Chain(a=lux.Dense(2, 2, use_bias=False), b=lux.Dense(2, 2, use_bias=False))
    ps, st = lux.setup(0, model)
    ts = TrainState(model, NamedTuple(a=ps.a, b=ps.a), st, SGD)
    data = (X, X)
    with pytest.raises(ValueError, match="donate=True") as caught:
        single_train_step(AD, mean_square, data, ts, donate=True)
    assert str(caught.value) == (
        "donate=True gives every array away once, but one array is in two places: "
        "parameters.a.weight and parameters.b.weight: copy one of them (jax.numpy.copy), or pass "
        "donate=False"
    )
    assert not ps.a.weight.is_deleted()
    single_train_step(AD, mean_square, data, ts)


@pytest.mark.parametrize(
    ("grads", "message"),
    [
        (
            NamedTuple(weight=jnp.ones((2, 3))),
            "grads: expected a tree as the parameters, NamedTuple(weight=float32[2,3], "
            "bias=float32[3]), got NamedTuple(weight=float32[2,3])",
        ),
        (
            NamedTuple(weight=jnp.ones((2, 3)), bias=jnp.ones((1, 3))),
            "grads: expected a tree as the parameters, NamedTuple(weight=float32[2,3], "
            "bias=float32[3]), got NamedTuple(weight=float32[2,3], bias=float32[1,3])",
        ),
    ],
)
def test_gradients_of_another_model_are_refused(grads, message: str):
    with pytest.raises(ValueError, match="grads") as caught:
        apply_gradients(state(lux.Dense(2, 3)), grads)
    assert str(caught.value) == message


def test_an_error_in_the_model_has_the_layers_path():
    with pytest.raises(ValueError, match="expected shape") as caught:
        single_train_step(AD, mean_square, (jnp.ones((8, 3)), DATA[1]), state())
    assert any(note.startswith("at layer_0: Dense(2 → 8, tanh)") for note in caught.value.__notes__)


def test_a_state_remembers_no_program_of_another_step():
    def other(model, ps, st, data):
        loss, st, stats = mean_square(model, ps, st, data)
        return 2 * loss, st, stats

    ts = state(optimizer=ADAM).replace(states=lux.test_mode(state().states))
    _, _, _, warm = single_train_step(AD, mean_square, DATA, ts)
    grads, loss, _, _ = single_train_step(AD, mean_square, DATA, warm)
    doubled, twice, _, _ = single_train_step(AD, other, DATA, warm)
    np.testing.assert_allclose(twice, 2 * loss, rtol=1e-6)
    quadrupled, *_ = single_train_step(Forward(4.0), mean_square, DATA, warm)
    assert_close(doubled, jax.tree.map(lambda g: 2 * g, grads))
    np.testing.assert_allclose(quadrupled.layer_0.weight, 4 * grads.layer_0.weight, rtol=1e-3)
    assert single_train_step(AD, mean_square, DATA, warm, return_gradients=False)[0] is None
    slower = warm.replace(optimizer=SGD, optimizer_state=SGD.init(warm.parameters))
    *_, new = single_train_step(AD, mean_square, DATA, slower)
    assert_close(new.parameters, jax.tree.map(lambda p, g: p - 0.1 * g, warm.parameters, grads))
    squashed = warm.replace(model=lux.Chain(*warm.model.layers[:2], lux.Dense(8, 1, lux.tanh)))
    assert single_train_step(AD, mean_square, DATA, squashed)[1] != loss
