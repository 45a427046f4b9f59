"""Activations against their formulas in float64, with dtypes, extremes, names and pickles.

The formulas are accurate in float64 wherever float32 has numbers: none subtracts nearly equal ones.
"""

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

erfc = np.vectorize(math.erfc, otypes=[float])


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def mish(x):
    """`tanh(log(1 + w)) = (w² + 2 w) / (w² + 2 w + 2)`, in `exp(-|x|)`."""
    e = np.exp(-np.abs(x))
    below = (e * e + 2 * e) / (e * e + 2 * e + 2)
    return x * np.where(x < 0, below, (1 + 2 * e) / (1 + 2 * e + 2 * e * e))


# Bernoulli numbers make the series of tanh.
TANH_SERIES = (-1 / 3, 2 / 15, -17 / 315, 62 / 2835, -1382 / 155925, 21844 / 6081075)


def tanhshrink(x):
    near = -sum(c * x ** (2 * k + 3) for k, c in enumerate(TANH_SERIES))
    return np.where(np.abs(x) < 0.03, near, x - np.tanh(x))


def logcosh(x):
    near = np.log1p(2 * np.sinh(np.clip(x, -1, 1) / 2) ** 2)
    far = np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - math.log(2)
    return np.where(np.abs(x) < 1, near, far)


def squareplus(x, b):
    root = np.sqrt(x * x + b)
    return np.where(x < 0, b / 2 / np.where(x < 0, root - x, 1), (x + root) / 2)


def gelu_tanh(x):
    return x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def floating(x):
    return x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32


# name: (function, formula in float64, points where it has no derivative)
FORMULAS = {
    "celu": (luxlib.celu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), [0]),
    "celu-2": (
        partial(luxlib.celu, alpha=2.0),
        lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2)),
        [0],
    ),
    "elu": (luxlib.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), [0]),
    "elu-2": (
        partial(luxlib.elu, alpha=2.0),
        lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0))),
        [0],
    ),
    "gelu": (luxlib.gelu, gelu_tanh, []),
    "gelu_erf": (luxlib.gelu_erf, lambda x: x * erfc(-x / math.sqrt(2)) / 2, []),
    "gelu_sigmoid": (luxlib.gelu_sigmoid, lambda x: x * sigmoid(1.702 * x), []),
    "gelu_tanh": (luxlib.gelu_tanh, gelu_tanh, []),
    "hardshrink": (luxlib.hardshrink, lambda x: np.where(np.abs(x) > 0.5, x, 0), [-0.5, 0.5]),
    "hardsigmoid": (luxlib.hardsigmoid, lambda x: np.clip(x / 6 + 0.5, 0, 1), [-3, 3]),
    "hardswish": (luxlib.hardswish, lambda x: x * np.clip(x / 6 + 0.5, 0, 1), [-3, 3]),
    "hardtanh": (luxlib.hardtanh, lambda x: np.clip(x, -1, 1), [-1, 1]),
    "identity": (luxlib.identity, lambda x: x, []),
    "leakyrelu": (luxlib.leakyrelu, lambda x: np.where(x >= 0, x, 0.01 * x), [0]),
    "leakyrelu-0.3": (
        partial(luxlib.leakyrelu, negative_slope=0.3),
        lambda x: np.where(x >= 0, x, 0.3 * x),
        [0],
    ),
    "lisht": (luxlib.lisht, lambda x: x * np.tanh(x), []),
    "logsigmoid": (luxlib.logsigmoid, lambda x: -softplus(-x), []),
    "logcosh": (luxlib.logcosh, logcosh, []),
    "mish": (luxlib.mish, mish, []),
    "prelu": (
        lambda x: luxlib.prelu(x, jnp.asarray(0.25, floating(x))),
        lambda x: np.where(x >= 0, x, 0.25 * x),
        [0],
    ),
    "relu": (luxlib.relu, lambda x: np.maximum(x, 0), [0]),
    "relu6": (luxlib.relu6, lambda x: np.clip(x, 0, 6), [0, 6]),
    "rrelu": (luxlib.rrelu, lambda x: np.where(x >= 0, x, 11 / 48 * x), [0]),
    "selu": (
        luxlib.selu,
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        [0],
    ),
    "sigmoid": (luxlib.sigmoid, sigmoid, []),
    "swish": (luxlib.swish, lambda x: x * sigmoid(x), []),
    "softsign": (luxlib.softsign, lambda x: x / (1 + np.abs(x)), [0]),
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
    "softplus-3": (partial(luxlib.softplus, beta=3.0), lambda x: softplus(3 * x) / 3, []),
    "sparse_plus": (
        luxlib.sparse_plus,
        lambda x: np.where(x >= 1, x, (np.clip(x, -1, 1) + 1) ** 2 / 4),
        [-1, 1],
    ),
    "sparse_sigmoid": (luxlib.sparse_sigmoid, lambda x: np.clip((x + 1) / 2, 0, 1), [-1, 1]),
    "squareplus": (luxlib.squareplus, lambda x: squareplus(x, 4), []),
    "squareplus-1": (partial(luxlib.squareplus, b=1.0), lambda x: squareplus(x, 1), []),
    "tanh": (luxlib.tanh, np.tanh, []),
    "tanhshrink": (luxlib.tanhshrink, tanhshrink, []),
    "threshold": (
        partial(luxlib.threshold, threshold=0.25, value=-2.0),
        lambda x: np.where(x > 0.25, x, -2),
        [0.25],
    ),
    "trelu": (luxlib.trelu, lambda x: np.where(x > 1, x, 0), [1]),
    "trelu-0": (partial(luxlib.trelu, threshold=0.0), lambda x: np.where(x > 0, x, 0), [0]),
}
GRID = np.linspace(-8, 8, 641)
every = pytest.mark.parametrize("name", FORMULAS)


def slow(value):
    return pytest.param(value, marks=pytest.mark.slow)


def test_every_activation_has_a_formula():
    assert {name.partition("-")[0] for name in FORMULAS} == set(_activations.__all__)


# --- accuracy -----------------------------------------------------------------------------------

# How far a value may be off in float32, in units in the last place, where its docstring says more
# than 2; and below which point the docstring says more than that.
LIMITS = {
    "gelu": {-1: 5},
    "gelu_erf": {-14: 60, -5: 10, -2: 5},
    "gelu_sigmoid": {-60: 90, -1: 2},
    "gelu_tanh": {-1: 5},
    "lisht": {-np.inf: 4.4},
    "mish": {-np.inf: 4},
    "swish": {-np.inf: 2.2},
    "softplus-3": {-30: 70},
    "squareplus": {-np.inf: 2.7},
    "squareplus-1": {-np.inf: 2.7},
    "tanh": {-np.inf: 4.4},
    "tanhshrink": {-np.inf: 3.6},
}
SMALLEST = 2e-36


def wide_grid():
    """Every power of 2 that float32 has, cut in 16, and where the activations bend."""
    powers = (np.exp2(np.arange(-126.0, 128))[:, None] * (1 + np.arange(16) / 16)).ravel()
    near = [np.linspace(-110, 110, 20001), np.linspace(-2, 2, 8001), [0.0, -0.0]]
    return np.concatenate([powers, -powers, *near]).astype(np.float32)


def units(y, exact, dtype):
    """The error in units in the last place of the exact value."""
    smallest = float(jnp.finfo(dtype).tiny)
    digits = np.clip(np.abs(exact), max(smallest, SMALLEST), float(jnp.finfo(dtype).max))
    unit = 2.0 ** (np.floor(np.log2(digits)) - jnp.finfo(dtype).nmant)
    return np.abs(np.asarray(y, np.float64) - exact) / unit


@pytest.mark.optimized
@every
def test_float32_is_accurate_to_the_last_places(name):
    function, formula, _ = FORMULAS[name]
    x = wide_grid()
    with np.errstate(over="ignore", invalid="ignore"):
        exact = formula(x.astype(np.float64))
    y = np.asarray(jax.jit(function)(x))
    errors = np.where(
        (np.abs(exact) < SMALLEST) & (np.abs(y) <= SMALLEST), 0, units(y, exact, "float32")
    )
    errors[np.abs(exact) > 3.4e38] = 0
    for start, limit in LIMITS.get(name, {-np.inf: 2}).items():
        worst = np.where(x >= start, errors, 0).argmax()
        print(f"{name} from {start}: {errors[worst]:.2f} units, at {x[worst]:.9g}")
        assert errors[worst] <= limit


@pytest.mark.optimized
@every
@pytest.mark.parametrize("dtype", ["bfloat16", slow("float16")])
def test_half_precision_is_rounded_once(name, dtype):
    function, formula, _ = FORMULAS[name]
    bits = np.arange(2**16, dtype=np.uint16)
    x = jax.lax.bitcast_convert_type(jnp.asarray(bits), dtype)
    x = x[jnp.isfinite(x)]
    y = np.asarray(jax.jit(function)(x), np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        exact = formula(np.asarray(x, np.float64))
    inside = np.isfinite(y) & (np.abs(exact) < 0.99 * float(jnp.finfo(dtype).max))
    inside &= (np.abs(exact) >= SMALLEST) & (x >= max(LIMITS.get(name, {-np.inf: 2})))
    assert units(y[inside], exact[inside], dtype).max() <= 0.51
    overflowing = np.abs(exact) > 1.01 * float(jnp.finfo(dtype).max)
    assert np.isinf(y[overflowing]).all()


def differences(formula, x, step):
    """First and second derivatives by central differences of fourth order."""
    f = {k: formula(x + k * step) for k in (-2, -1, 0, 1, 2)}
    first = (f[-2] - 8 * f[-1] + 8 * f[1] - f[2]) / (12 * step)
    second = (-f[-2] + 16 * f[-1] - 30 * f[0] + 16 * f[1] - f[2]) / (12 * step**2)
    return first, second


@cache
def derivatives(name, dtype):
    """Points, and the derivatives of first and second order there."""
    function, _, kinks = FORMULAS[name]
    points = np.concatenate([np.linspace(-7.9, 7.9, 159), np.linspace(-60, 60, 80)])
    for kink in kinks:
        points = points[np.abs(points - kink) > 0.05]
    derivative = jax.grad(function)
    with jax.enable_x64(True):
        results = jax.jit(
            jax.vmap(
                lambda x: (
                    function(x),
                    derivative(x),
                    jax.jvp(function, (x,), (jnp.ones_like(x),))[1],
                    jax.grad(derivative)(x),
                    jax.jvp(derivative, (x,), (jnp.ones_like(x),))[1],
                )
            )
        )(jnp.asarray(points, dtype))
    return points, *results


@every
@pytest.mark.slow
def test_derivatives_in_float64(name):
    points, y, reverse, forward, second, forward_second = derivatives(name, "float64")
    first_expected, second_expected = differences(FORMULAS[name][1], points, 2e-3)
    close = np.testing.assert_allclose
    close(y, FORMULAS[name][1](points), rtol=1e-14, atol=1e-14)
    close(reverse, first_expected, rtol=1e-9, atol=1e-9)
    # In a tail the two are rounded differently, and 1 - tanh² is nothing but rounding.
    close(forward, reverse, rtol=1e-14, atol=1e-12)
    close(second, second_expected, rtol=1e-7, atol=1e-7)
    close(forward_second, second, rtol=1e-14, atol=1e-12)
    assert y.dtype == second.dtype == jnp.float64


@pytest.mark.optimized
@every
def test_derivatives_in_float32(name):
    points, _, reverse, _, second, _ = derivatives(name, "float32")
    rounded = points.astype(np.float32).astype(np.float64)
    first_expected, second_expected = differences(FORMULAS[name][1], rounded, 2e-3)
    assert reverse.dtype == second.dtype == jnp.float32
    # Where a weight is 1 but for its rounding, that is multiplied with x.
    scale = np.maximum(1, np.abs(rounded))
    np.testing.assert_allclose(reverse / scale, first_expected / scale, rtol=1e-6, atol=6e-7)
    np.testing.assert_allclose(second / scale, second_expected / scale, rtol=5e-6, atol=5e-6)


@every
@pytest.mark.parametrize("dtype", ["float32", slow("float16"), slow("float64")])
def test_extremes(name, dtype):
    """Values and derivatives at infinity are the limits; a NaN stays one."""
    function, formula, _ = FORMULAS[name]
    with jax.enable_x64(True):
        largest = float(jnp.finfo(dtype).max)
        x = jnp.array(
            [-jnp.inf, -largest, -1e4, -0.0, 0.0, 1e-30, 1e4, largest, jnp.inf, jnp.nan], dtype
        )
        y, first, second = jax.jit(
            jax.vmap(
                lambda x: (function(x), jax.grad(function)(x), jax.grad(jax.grad(function))(x))
            )
        )(x)
    assert not jnp.isnan(y[:-1]).any()
    assert jnp.isnan(y[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        expected = formula(np.array([-1e4, 0.0, 1e4]))
        slopes = (formula(np.array([-9e3, 9e3])) - formula(np.array([-1e4, 1e4]))) / [1e3, -1e3]
    np.testing.assert_allclose(np.asarray(y)[[2, 4, 6]], expected, rtol=2e-3, atol=1e-6)
    for place, side in ((0, -1), (1, -1), (8, 1)):
        limit = formula(np.float64(side * 1e4))
        if abs(formula(np.float64(side * 2e4)) - limit) < 1e-3:
            np.testing.assert_allclose(np.float64(y[place]), limit, rtol=2e-3, atol=1e-3)
        else:
            assert np.sign(y[place]) == np.sign(limit)
            assert place == 1 or np.isinf(y[place])
    assert jnp.isfinite(first[:-1]).all()
    assert jnp.isfinite(second[:-1]).all()
    np.testing.assert_allclose(np.float64(first[jnp.array([0, 8])]), slopes, atol=2e-3)
    np.testing.assert_allclose(np.float64(second[jnp.array([0, 1, 7, 8])]), 0, atol=1e-6)


@every
def test_integers_and_booleans(name):
    function, formula, _ = FORMULAS[name]
    inputs = jnp.arange(-3, 4), jnp.array([False, True])
    values = jax.jit(lambda *inputs: [function(each) for each in inputs])(*inputs)
    for x, y in zip(inputs, values, strict=True):
        assert y.dtype == (x.dtype if name == "identity" else jnp.float32)
        np.testing.assert_allclose(y, formula(np.asarray(x, float)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", _activations.__all__)
def test_pickles_by_its_public_name(name):
    function = getattr(luxlib, name)
    assert pickle.loads(pickle.dumps(function)) is function
    assert function.__module__ == "luxlib"
    assert getattr(luxlib, function.__qualname__) is function


def test_derivatives_at_kinks():
    assert jax.grad(luxlib.relu)(0.0) == 0
    assert jax.grad(luxlib.relu6)(0.0) == 0
    assert jax.grad(luxlib.logcosh)(0.0) == 0
    assert jax.grad(luxlib.elu)(0.0) == 1
    # Where the exponential no longer counts, 2 x = 100.
    assert jax.grad(partial(luxlib.softplus, beta=2.0))(50.0) == 1


def test_differences_are_accurate_near_zero_in_float64():
    x = np.array([1e-8, 1e-6, 1e-4, 1e-2])
    with jax.enable_x64(True):
        logcosh = np.asarray(luxlib.logcosh(jnp.asarray(x)))
        tanhshrink = np.asarray(luxlib.tanhshrink(jnp.asarray(x)))
    np.testing.assert_allclose(logcosh, x**2 / 2 - x**4 / 12 + x**6 / 45, rtol=1e-12)
    series = x**3 / 3 - 2 * x**5 / 15 + 17 * x**7 / 315 - 62 * x**9 / 2835
    np.testing.assert_allclose(tanhshrink, series, rtol=1e-12)


def test_hard_tanh_between_other_bounds():
    x = jnp.array([-3.0, -0.5, 0.5, 3.0])
    np.testing.assert_array_equal(
        luxlib.hardtanh(x, min_value=-0.25, max_value=2.0), [-0.25, -0.25, 0.5, 2]
    )


@pytest.mark.parametrize("name", ["elu", "celu", "leakyrelu", "softplus", "squareplus", "prelu"])
def test_hyperparameters_have_gradients(name):
    keyword = {
        "elu": "alpha",
        "celu": "alpha",
        "leakyrelu": "negative_slope",
        "softplus": "beta",
        "squareplus": "b",
        "prelu": "weight",
    }[name]
    x = jnp.array([-2.0, -0.5, 0.5, 2.0])

    def total(value, x):
        return (getattr(luxlib, name)(x, **{keyword: value}) * jnp.arange(1.0, 5)).sum()

    with jax.enable_x64(True):
        value, x64 = jnp.asarray(1.5), jnp.asarray(np.asarray(x, np.float64))
        gradient = jax.jit(jax.grad(total))(value, x64)
        expected = (total(value + 1e-5, x64) - total(value - 1e-5, x64)) / 2e-5
    np.testing.assert_allclose(gradient, expected, rtol=1e-8)
    assert jax.grad(total)(jnp.float32(1.5), x).dtype == jnp.float32


def test_prelu_has_a_slope_for_each_channel():
    x, weight = -jnp.ones((2, 3, 2), jnp.bfloat16), jnp.array([0.25, 0.5], jnp.float32)
    y = luxlib.prelu(x, weight)
    assert y.dtype == jnp.float32
    np.testing.assert_array_equal(y, np.broadcast_to([-0.25, -0.5], (2, 3, 2)))
    gradient = jax.grad(lambda weight: luxlib.prelu(x, weight).sum())(weight)
    np.testing.assert_array_equal(gradient, [-6, -6])


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


MESSAGES = {
    "bounds": (
        lambda: luxlib.rrelu(jnp.ones(3), lower=0.5, upper=0.25),
        ValueError,
        "rrelu: lower: expected at most upper=0.25, got 0.5. Slopes are drawn between the two.",
    ),
    "slopes": (
        lambda: luxlib.prelu(jnp.ones((3, 2)), jnp.ones(3)),
        ValueError,
        "prelu: weight: expected shape () or (2,), got (3,). "
        "It has one slope for all or for each channel of x (3, 2).",
    ),
    "slopes-dtype": (
        lambda: luxlib.prelu(jnp.ones(3), jnp.ones(3, int)),
        TypeError,
        "prelu: weight: expected a floating or complex dtype, got int32. "
        "Convert it first, for example weight.astype(jax.numpy.float32).",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize(
    "name", sorted({*_activations.__all__} - {"identity", "threshold", "prelu"})
)
def test_complex_numbers_are_refused(name):
    function = getattr(luxlib, name)
    with pytest.raises(TypeError) as error:
        function(jnp.ones(2, complex))
    assert str(error.value) == (
        f"{function.__name__}: x: expected a real dtype, got complex64. "
        "Apply it to the real and the imaginary part."
    )


FLOATS = st.floats(-50, 50, width=32)


@settings(deadline=None, max_examples=50)
@given(FLOATS)
def test_symmetries(x):
    x = jnp.float32(x)
    for odd in (luxlib.tanh, luxlib.softsign, luxlib.softshrink, luxlib.hardtanh):
        assert odd(-x) == -odd(x)
    for even in (luxlib.lisht, luxlib.logcosh):
        np.testing.assert_allclose(even(-x), even(x), rtol=1e-6)
    np.testing.assert_allclose(luxlib.sigmoid(x) + luxlib.sigmoid(-x), 1, rtol=1e-6)
    np.testing.assert_allclose(luxlib.softplus(x) - luxlib.softplus(-x), x, rtol=1e-6, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(FLOATS, FLOATS)
def test_monotone_ones_keep_the_order(a, b):
    low, high = jnp.float32(min(a, b)), jnp.float32(max(a, b))
    for function in (luxlib.relu, luxlib.elu, luxlib.softplus, luxlib.sigmoid, luxlib.leakyrelu):
        assert function(low) <= function(high)
