"""Models and steps compiled with options, at the top and inside of other programs."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lux
import luxlib
from lux.training import AutoReverse, TrainState, compute_gradients, single_train_step
from luxlib._compilation import compilation

X = np.linspace(-1, 1, 8, dtype="float32").reshape(4, 2)
MODEL = lux.Chain(lux.Dense(2, 3, lux.tanh), lux.Dropout(0.5), lux.Dense(3, 1))


def recording(seen):
    """A layer that notes for which options it is traced."""
    return lux.WrappedFunction(lambda x: (seen.append(compilation().library_convolutions), x)[1])


def start(model):
    return TrainState(model, *lux.setup(0, model), optax.adam(0.1))


def mean_square(model, ps, st, x):
    y, st = model(x, ps, st)
    return (y**2).mean(), st, lux.NamedTuple()


def test_it_is_the_model():
    ps, st = lux.setup(0, MODEL)
    y, new = lux.compile_apply(MODEL)(X, ps, st)
    expected, expected_st = jax.jit(MODEL)(X, ps, st)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), new, expected_st))


def test_equal_models_share_one_program():
    model = lux.Dense(2, 3)
    assert lux.compile_apply(model) is lux.compile_apply(lux.Dense(2, 3))
    assert lux.compile_apply(model) is not lux.compile_apply(model, compiler_options={})
    assert lux.compile_apply(model) is not lux.compile_apply(lux.Dense(2, 4))


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, False), ({}, True), (luxlib.compiler_options("cpu"), False)],
    ids=["the platform's", "none", "given"],
)
def test_kernels_are_formulated_for_the_options(given, expected, monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    seen = []
    model = recording(seen)
    ps, st = lux.setup(0, model)
    lux.compile_apply(model, compiler_options=given)(X, ps, st)
    assert seen == [expected]
    ts = start(lux.Chain(lux.Dense(2, 2), model))
    single_train_step(AutoReverse(), mean_square, X, ts, compiler_options=given)
    assert set(seen) == {expected}


def test_gradients_are_computed_with_the_platforms_options(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    seen = []
    model = lux.Chain(lux.Dense(2, 2), recording(seen))
    compute_gradients(AutoReverse(), mean_square, X, start(model))
    assert set(seen) == {False}


def test_xla_gets_the_options():
    """One that it doesn't know is refused, by name."""
    model = lux.Dense(2, 3)
    ps, st = lux.setup(0, model)
    with pytest.raises(Exception, match="xla_no_such_option"):
        lux.compile_apply(model, compiler_options={"xla_no_such_option": "1"})(X, ps, st)


def in_other_programs(function, ps, st):
    def loss(ps):
        return (function(X, ps, st)[0] ** 2).sum()

    return {
        "grad": jax.grad(loss)(ps),
        "jit": jax.jit(jax.grad(loss))(ps),
        "vmap": jax.vmap(lambda x: function(x, ps, st)[0])(X[:, None]),
        "scan": jax.lax.scan(lambda y, x: (y + function(x, ps, st)[0], None), jnp.zeros(1), X)[0],
    }


def test_in_other_programs():
    model = lux.Dense(2, 1, lux.tanh)
    ps, st = lux.setup(0, model)
    ours = in_other_programs(lux.compile_apply(model), ps, st)
    plain = in_other_programs(model, ps, st)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), ours, plain)


def test_a_step_in_a_scan():
    ts = start(MODEL)

    def step(ts, x):
        _, loss, _, ts = single_train_step(
            AutoReverse(), mean_square, x, ts, return_gradients=False
        )
        return ts, loss

    data = np.stack([X, 2 * X, 3 * X])
    scanned, losses = jax.lax.scan(step, ts, data)
    expected = []
    for x in data:
        ts, loss = step(ts, x)
        expected.append(loss)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        scanned.parameters,
        ts.parameters,
    )


def test_errors_pass_through():
    model = lux.Chain(lux.Dense(3, 1))
    ps, st = lux.setup(0, model)
    with pytest.raises(ValueError) as error:
        lux.compile_apply(model)(X, ps, st)
    assert str(error.value) == (
        "fused_dense_bias_activation: x: expected shape (..., 3), got (4, 2). The last axis of x "
        "must have the size of the first of weight (3, 1)."
    )
    assert error.value.__notes__[0].startswith("at layer_0: Dense(3 → 1)\n")


def test_it_can_be_lowered():
    model = lux.Dense(2, 3)
    ps, st = lux.setup(0, model)
    cost = lux.compile_apply(model).lower(X, ps, st).compile().cost_analysis()
    assert cost["flops"] >= 2 * 4 * 2 * 3
