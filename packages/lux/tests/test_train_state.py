"""`TrainState`: a pytree of what a step reads and writes."""

import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lux
from lux.training import TrainState
from luxcore import NamedTuple

MODEL = lux.Chain(lux.Dense(2, 3, lux.tanh), lux.Dropout(0.5))
OPTIMIZER = optax.adam(1e-3)


def state(model=MODEL, optimizer=OPTIMIZER):
    return TrainState(model, *lux.setup(0, model), optimizer)


def test_attributes():
    ps, st = lux.setup(0, MODEL)
    ts = TrainState(MODEL, ps, st, OPTIMIZER)
    assert (ts.model, ts.parameters, ts.states, ts.optimizer) == (MODEL, ps, st, OPTIMIZER)
    assert jax.tree.structure(ts.optimizer_state) == jax.tree.structure(OPTIMIZER.init(ps))
    assert (ts.step.shape, ts.step.dtype, int(ts.step)) == ((), jnp.int32, 0)
    assert not any(getattr(leaf, "weak_type", False) for leaf in jax.tree.leaves(ts))


def test_it_is_a_pytree_with_static_model_and_optimizer():
    ts = state()
    leaves = jax.tree_util.tree_leaves_with_path(ts)
    paths = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]
    assert paths == [
        "parameters.layer_0.weight",
        "parameters.layer_0.bias",
        "states.layer_1.rng",
        "optimizer_state.0.count",
        "optimizer_state.0.mu.layer_0.weight",
        "optimizer_state.0.mu.layer_0.bias",
        "optimizer_state.0.nu.layer_0.weight",
        "optimizer_state.0.nu.layer_0.bias",
        "step",
    ]
    doubled = jax.jit(lambda ts: jax.tree.map(lambda leaf: leaf, ts))(ts)
    assert doubled.model is ts.model
    assert doubled.optimizer is ts.optimizer
    assert jax.tree.structure(state()) == jax.tree.structure(state())
    other = state(optimizer=optax.adam(1e-3))
    assert jax.tree.structure(other) != jax.tree.structure(ts)


def test_replace():
    ts = state()
    tested = ts.replace(states=lux.test_mode(ts.states))
    assert not tested.states.layer_1.training
    assert ts.states.layer_1.training
    assert tested.parameters is ts.parameters
    with pytest.raises(TypeError) as caught:
        ts.replace(state=1)
    assert str(caught.value) == (
        "TrainState: no attribute 'state': expected one of model, optimizer, parameters, states, "
        "optimizer_state, step"
    )


def test_it_is_immutable():
    ts = state()
    with pytest.raises(dataclasses.FrozenInstanceError, match=r"ts\.replace\(step=\.\.\.\)"):
        ts.step = 3
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete 'step'"):
        del ts.step
    with pytest.raises(AttributeError):
        ts.other = 3


def test_repr():
    assert repr(state(lux.Chain(lux.Dense(2, 3), lux.Dense(3, 1)), optax.sgd(0.1))) == (
        "TrainState(\n"
        "    model = Chain(\n"
        "        layer_0 = Dense(2 → 3),                     # 9 parameters\n"
        "        layer_1 = Dense(3 → 1),                     # 4 parameters\n"
        "    )         # Total: 13 parameters,\n"
        "              #        plus 0 states.,\n"
        "    optimizer_state = 0 values,\n"
        "    step = 0,\n"
        ")"
    )
    seen = []
    jax.jit(lambda ts: seen.append(repr(ts)))(state())
    assert "step = JitTracer(int32[])" in seen[0] or "step = " in seen[0]


def no_state(ps):
    return ()


def test_pickle_of_a_state_whose_optimizer_pickles():
    ts = state(optimizer=optax.GradientTransformation(no_state, None))
    ts = ts.replace(states=NamedTuple())  # typed keys do not pickle
    again = pickle.loads(pickle.dumps(ts))
    assert again.model == ts.model
    jax.tree.map(np.testing.assert_array_equal, again.parameters, ts.parameters)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (lux.Dense, NamedTuple(), NamedTuple(), OPTIMIZER),
            "TrainState: model: expected a layer, got type",
        ),
        (
            (MODEL, NamedTuple(), NamedTuple(), 0.1),
            "TrainState: optimizer: expected a gradient transformation of optax, such as "
            "optax.adam(1e-3), got float",
        ),
        (
            (MODEL, NamedTuple(a=NamedTuple(n=jnp.arange(3))), NamedTuple(), OPTIMIZER),
            "TrainState: parameters: a.n: expected a floating or complex array, got int32: what "
            "is not trained belongs into the states",
        ),
        (
            (MODEL, NamedTuple(a=1.0), NamedTuple(), OPTIMIZER),
            "TrainState: parameters: a: expected a floating or complex array, got float: what is "
            "not trained belongs into the states",
        ),
    ],
)
def test_what_is_wrong_is_said(arguments, message: str):
    with pytest.raises(TypeError) as caught:
        TrainState(*arguments)
    assert str(caught.value) == message
