"""Activations against their formulas in float64, with dtypes, extremes, names and pickles."""

import math
import pickle
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luxlib
from luxlib import _activations

erf = np.vectorize(math.erf)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# name: (function, formula in float64, points where it has no derivative)
FORMULAS = {
    "celu": (luxlib.celu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), []),
    "celu-2": (
        partial(luxlib.celu, alpha=2.0),
        lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2)),
        [],
    ),
    "elu": (luxlib.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), []),
    "elu-2": (
        partial(luxlib.elu, alpha=2.0),
        lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0))),
        [0],
    ),
    "gelu": (
        luxlib.gelu,
        lambda x: x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
        [],
    ),
    "gelu_erf": (luxlib.gelu_erf, lambda x: x * (1 + erf(x / math.sqrt(2))) / 2, []),
    "gelu_tanh": (
        luxlib.gelu_tanh,
        lambda x: x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
        [],
    ),
    "hard_sigmoid": (luxlib.hard_sigmoid, lambda x: np.clip(x / 6 + 0.5, 0, 1), [-3, 3]),
    "hard_swish": (luxlib.hard_swish, lambda x: x * np.clip(x / 6 + 0.5, 0, 1), [-3, 3]),
    "hard_tanh": (luxlib.hard_tanh, lambda x: np.clip(x, -1, 1), [-1, 1]),
    "identity": (luxlib.identity, lambda x: x, []),
    "leaky_relu": (luxlib.leaky_relu, lambda x: np.where(x >= 0, x, 0.01 * x), [0]),
    "leaky_relu-0.3": (
        partial(luxlib.leaky_relu, negative_slope=0.3),
        lambda x: np.where(x >= 0, x, 0.3 * x),
        [0],
    ),
    "lisht": (luxlib.lisht, lambda x: x * np.tanh(x), []),
    "log_sigmoid": (luxlib.log_sigmoid, lambda x: -softplus(-x), []),
    "logcosh": (
        luxlib.logcosh,
        lambda x: np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - math.log(2),
        [],
    ),
    "mish": (luxlib.mish, lambda x: x * np.tanh(softplus(x)), []),
    "relu": (luxlib.relu, lambda x: np.maximum(x, 0), [0]),
    "relu6": (luxlib.relu6, lambda x: np.clip(x, 0, 6), [0, 6]),
    "rrelu": (luxlib.rrelu, lambda x: np.where(x >= 0, x, 11 / 48 * x), [0]),
    "selu": (
        luxlib.selu,
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        [0],
    ),
    "sigmoid": (luxlib.sigmoid, sigmoid, []),
    "silu": (luxlib.silu, lambda x: x * sigmoid(x), []),
    "soft_sign": (luxlib.soft_sign, lambda x: x / (1 + np.abs(x)), []),
    "softplus": (luxlib.softplus, softplus, []),
    "softshrink": (
        luxlib.softshrink,
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
        [-0.5, 0.5],
    ),
    "softshrink-1": (
        partial(luxlib.softshrink, threshold=1.0),
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 1, 0),
        [-1, 1],
    ),
    "squareplus": (luxlib.squareplus, lambda x: (x + np.sqrt(x**2 + 4)) / 2, []),
    "squareplus-1": (
        partial(luxlib.squareplus, b=1.0),
        lambda x: (x + np.sqrt(x**2 + 1)) / 2,
        [],
    ),
    "tanh": (luxlib.tanh, np.tanh, []),
    "tanhshrink": (luxlib.tanhshrink, lambda x: x - np.tanh(x), []),
    "trelu": (luxlib.trelu, lambda x: np.where(x > 1, x, 0), [1]),
    "trelu-0": (partial(luxlib.trelu, threshold=0.0), lambda x: np.where(x > 0, x, 0), [0]),
}
SECOND_SPELLINGS = {
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "hardtanh": "hard_tanh",
    "leakyrelu": "leaky_relu",
    "logsigmoid": "log_sigmoid",
    "softsign": "soft_sign",
    "swish": "silu",
}
GRID = np.linspace(-8, 8, 641)
every = pytest.mark.parametrize("name", FORMULAS)


def test_every_activation_has_a_formula_or_is_a_second_spelling():
    formulas = {name.partition("-")[0] for name in FORMULAS}
    spelled = {name for name in _activations.__all__ if name not in SECOND_SPELLINGS}
    assert formulas == spelled


@cache
def evaluated(name):
    """Everything about a function in default precision, compiled once: inputs, values, slopes."""
    function = FORMULAS[name][0]
    inputs = {
        "float32": jnp.asarray(GRID, "float32"),
        "float16": jnp.asarray(GRID, "float16"),
        "bfloat16": jnp.asarray(GRID, "bfloat16"),
        "integers": jnp.arange(-3, 4),
        "booleans": jnp.array([False, True]),
        "extremes": jnp.array([-1e4, -100.0, -1e-30, 0.0, 1e-30, 100.0, 1e4, jnp.nan]),
    }

    @jax.jit
    def evaluate(inputs):
        slopes = jax.vmap(jax.grad(function))(inputs["extremes"])
        return {kind: function(x) for kind, x in inputs.items()}, slopes

    return inputs, *evaluate(inputs)


@every
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-6), ("float16", 3e-3), ("bfloat16", 3e-2)]
)
def test_value_and_dtype(name, dtype, tolerance):
    inputs, values, _ = evaluated(name)
    x, y = inputs[dtype], values[dtype]
    assert (y.dtype, y.shape) == (x.dtype, x.shape)
    expected = FORMULAS[name][1](np.asarray(x, np.float64))
    np.testing.assert_allclose(np.asarray(y, float), expected, rtol=tolerance, atol=tolerance)


@every
def test_derivatives_against_differences_of_the_formula(name):
    function, formula, kinks = FORMULAS[name]
    points = np.linspace(-7.9, 7.9, 80)
    for kink in kinks:
        points = points[np.abs(points - kink) > 0.05]
    derivative = jax.grad(function)
    with jax.enable_x64(True):
        y, forward, reverse, second = jax.jit(
            jax.vmap(
                lambda x: (
                    function(x),
                    jax.jvp(function, (x,), (jnp.ones_like(x),))[1],
                    derivative(x),
                    jax.grad(derivative)(x),
                )
            )
        )(jnp.asarray(points))
        assert y.dtype == second.dtype == jnp.float64
    before, here, after = (formula(points + step) for step in (-1e-4, 0, 1e-4))
    np.testing.assert_allclose(y, here, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(forward, (after - before) / 2e-4, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(reverse, forward, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(second, (after - 2 * here + before) / 1e-8, rtol=1e-5, atol=1e-5)


@every
def test_extremes_and_nan(name):
    _, values, slopes = evaluated(name)
    assert jnp.isfinite(values["extremes"][:-1]).all()
    assert jnp.isfinite(slopes[:-1]).all()
    assert jnp.isnan(values["extremes"][-1])


@every
@pytest.mark.parametrize("kind", ["integers", "booleans"])
def test_integers_and_booleans(name, kind):
    inputs, values, _ = evaluated(name)
    x, y = inputs[kind], values[kind]
    assert y.dtype == (x.dtype if name == "identity" else jnp.float32)
    expected = FORMULAS[name][1](np.asarray(x, float))
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", _activations.__all__)
def test_pickles_by_its_public_name(name):
    function = getattr(luxlib, name)
    assert pickle.loads(pickle.dumps(function)) is function
    assert function.__module__ == "luxlib"
    assert getattr(luxlib, function.__qualname__) is function


@pytest.mark.parametrize("second", SECOND_SPELLINGS)
def test_second_spelling(second):
    assert getattr(luxlib, second) is getattr(luxlib, SECOND_SPELLINGS[second])


def test_derivatives_at_kinks():
    assert jax.grad(luxlib.relu)(0.0) == 0
    assert jax.grad(luxlib.relu6)(0.0) == 0
    assert jax.grad(luxlib.logcosh)(0.0) == 0
    assert jax.grad(luxlib.elu)(0.0) == 1


def test_logcosh_is_accurate_near_zero():
    x = np.array([1e-6, 1e-4, 1e-2, 0.5, 0.999, 1.001])
    with jax.enable_x64(True):
        exact = np.asarray(luxlib.logcosh(jnp.asarray(x)))
    x32 = np.asarray(luxlib.logcosh(jnp.asarray(x, jnp.float32)), np.float64)
    series = x**2 / 2 - x**4 / 12
    np.testing.assert_allclose(exact[:3], series[:3], rtol=1e-9)
    np.testing.assert_allclose(x32, exact, rtol=3e-7)


def test_gelu_is_approximate_unless_told():
    x = jnp.array(1.0)
    assert luxlib.gelu(x) == luxlib.gelu_tanh(x) != luxlib.gelu_erf(x)
    assert luxlib.gelu(x, approximate=False) == luxlib.gelu_erf(x)


def test_rrelu_draws_slopes_between_its_bounds():
    x = -jnp.ones(4000)
    slope = -luxlib.rrelu(x, key=jax.random.key(0), lower=0.2, upper=0.6)
    assert slope.min() >= 0.2
    assert slope.max() <= 0.6
    assert abs(slope.mean() - 0.4) < 0.01
    assert abs(slope.std() - 0.4 / math.sqrt(12)) < 0.01
    assert (luxlib.rrelu(-x, key=jax.random.key(0)) == 1).all()


def test_rrelu_says_that_its_bounds_are_exchanged():
    with pytest.raises(ValueError) as error:
        luxlib.rrelu(jnp.ones(3), lower=0.5, upper=0.25)
    assert str(error.value) == (
        "rrelu: lower: expected at most upper=0.25, got 0.5. Slopes are drawn between the two."
    )


FLOATS = st.floats(-50, 50, width=32)


@settings(deadline=None, max_examples=50)
@given(FLOATS)
def test_symmetries(x):
    x = jnp.float32(x)
    for odd in (luxlib.tanh, luxlib.soft_sign, luxlib.softshrink, luxlib.hard_tanh):
        assert odd(-x) == -odd(x)
    for even in (luxlib.lisht, luxlib.logcosh):
        np.testing.assert_allclose(even(-x), even(x), rtol=1e-6)
    np.testing.assert_allclose(luxlib.sigmoid(x) + luxlib.sigmoid(-x), 1, rtol=1e-6)
    np.testing.assert_allclose(luxlib.softplus(x) - luxlib.softplus(-x), x, rtol=1e-6, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(FLOATS, FLOATS)
def test_monotone_ones_keep_the_order(a, b):
    low, high = jnp.float32(min(a, b)), jnp.float32(max(a, b))
    for function in (luxlib.relu, luxlib.elu, luxlib.softplus, luxlib.sigmoid, luxlib.leaky_relu):
        assert function(low) <= function(high)
