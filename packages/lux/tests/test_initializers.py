"""Initializers: distributions by their formulas, and the two call forms."""

import copy
import math
import pickle

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import lux
from lux import initializers as init

RANDOM = ["glorot_uniform", "glorot_normal", "kaiming_uniform", "kaiming_normal", "linear_bias",
          "truncated_normal"]  # fmt: skip
SHAPE = (3, 3, 20, 50)
FAN_IN, FAN_OUT = 180, 450

# The bound or standard deviation by hand, for a gain of 1.5.
FORMULAS = {
    "glorot_uniform": 1.5 * math.sqrt(6 / (FAN_IN + FAN_OUT)),
    "kaiming_uniform": 1.5 * math.sqrt(3 / FAN_IN),
    "glorot_normal": 1.5 * math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "kaiming_normal": 1.5 / math.sqrt(FAN_IN),
}


@pytest.mark.parametrize("name", ["glorot_uniform", "kaiming_uniform"])
def test_uniform_fills_its_interval(name: str):
    x = np.asarray(getattr(init, name)(0, SHAPE, gain=1.5), np.float64)
    bound = FORMULAS[name]
    assert abs(x).max() <= bound
    assert abs(x).max() > 0.999 * bound
    assert abs(x.mean()) < 4 * bound / math.sqrt(3 * x.size)
    assert x.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize("name", ["glorot_normal", "kaiming_normal"])
def test_normal_has_its_standard_deviation(name: str):
    x = np.asarray(getattr(init, name)(0, SHAPE, gain=1.5), np.float64)
    assert x.std() == pytest.approx(FORMULAS[name], rel=0.03)
    assert abs(x).max() > 3 * FORMULAS[name]  # not truncated
    assert (x**4).mean() / x.var() ** 2 == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("kaiming_uniform", math.sqrt(6 / 100)),
        ("glorot_uniform", math.sqrt(6 / 150)),
    ],
)
def test_default_gain(name: str, scale: float):
    x = getattr(init, name)(0, (100, 50))
    assert 0.99 * scale < float(abs(x).max()) <= scale


def test_a_vector_has_one_input():
    assert 0.9 < float(abs(init.kaiming_uniform(0, (500,), gain=1)).max()) / math.sqrt(3) <= 1
    assert float(abs(init.kaiming_uniform(0, ()))) <= math.sqrt(6)


def test_linear_bias_is_uniform():
    x = init.linear_bias(0, (5000,), fan_in=25)
    assert 0.199 < float(abs(x).max()) <= 0.2


def test_truncated_normal_is_the_normal_between_its_limits():
    lo, hi, mean, std = -0.1, 0.5, 0.1, 0.3
    x = np.asarray(init.truncated_normal(0, (100_000,), mean=mean, std=std, lo=lo, hi=hi))
    assert lo <= x.min() < lo + 1e-3
    assert hi - 1e-3 < x.max() <= hi
    phi = lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    cdf = lambda z: (1 + math.erf(z / math.sqrt(2))) / 2  # noqa: E731
    a, b = (lo - mean) / std, (hi - mean) / std
    assert x.mean() == pytest.approx(mean + std * (phi(a) - phi(b)) / (cdf(b) - cdf(a)), abs=2e-3)
    standard = init.truncated_normal(1, (100_000,))
    assert float(abs(standard).max()) <= 2
    assert float(standard.std()) == pytest.approx(0.8796, abs=5e-3)


def test_truncated_normal_refuses_impossible_limits():
    with pytest.raises(ValueError, match=r"std > 0 and lo < hi, got std=1\.0, lo=2, hi=1"):
        init.truncated_normal(0, (3,), lo=2, hi=1)


@pytest.mark.parametrize("name", [*RANDOM, "zeros", "ones"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_dtype(name: str, dtype: str):
    x = getattr(init, name)(0, (4, 5), dtype)
    assert x.dtype == dtype
    assert not x.weak_type
    assert bool(jnp.isfinite(x).all())


def test_double_precision_has_double_numbers():
    with jax.enable_x64(True):
        x = init.kaiming_uniform(0, (100, 100), jnp.float64)
        assert x.dtype == jnp.float64
        assert (x.astype(jnp.float32).astype(jnp.float64) != x).any()


@pytest.mark.parametrize("name", RANDOM)
def test_an_integer_dtype_is_refused(name: str):
    with pytest.raises(TypeError, match=r"^dtype: expected a floating dtype, got int32$"):
        getattr(init, name)(0, (3, 4), jnp.int32)


def test_zeros_and_ones_have_any_dtype():
    assert init.ones(0, (2,), bool).all()
    assert (init.zeros(0, (2,), jnp.int32) == jnp.zeros(2, jnp.int32)).all()


@pytest.mark.parametrize("name", RANDOM)
def test_a_key_decides_and_transformations_change_nothing(name: str):
    function = getattr(init, name)
    key = jax.random.key(3)
    x = function(key, (4, 5))
    np.testing.assert_array_equal(x, function(3, (4, 5)))
    np.testing.assert_array_equal(x, function(jax.random.PRNGKey(3), [4, 5]))
    assert not (function(4, (4, 5)) == x).all()
    np.testing.assert_allclose(jax.jit(lambda key: function(key, (4, 5)))(key), x, rtol=1e-6)
    stacked = jax.vmap(lambda key: function(key, (4, 5)))(jax.random.split(key, 2))
    assert stacked.shape == (2, 4, 5)


def test_a_partial_is_the_function_with_options():
    partial = init.kaiming_uniform(gain=2)
    np.testing.assert_array_equal(partial(0, (3, 4)), init.kaiming_uniform(0, (3, 4), gain=2))
    assert partial() is not None
    assert init.truncated_normal(std=3)(mean=1) == init.truncated_normal(mean=1, std=3)
    np.testing.assert_array_equal(
        partial(0, (3, 4), gain=1), init.kaiming_uniform(0, (3, 4), gain=1)
    )
    assert init.kaiming_uniform() is init.kaiming_uniform


def test_partials_are_equal_by_value():
    a, b = init.kaiming_uniform(gain=2), init.kaiming_uniform(gain=2)
    assert a == b
    assert hash(a) == hash(b)
    assert a != init.kaiming_uniform(gain=2.0)
    assert a != init.kaiming_uniform(gain=3)
    assert a != init.glorot_uniform(gain=2)
    assert a != init.kaiming_uniform
    assert (a == "kaiming_uniform") is False
    assert len({a, b, init.kaiming_uniform}) == 2


@pytest.mark.parametrize("value", [init.zeros, init.kaiming_uniform, init.truncated_normal(lo=-1)])
@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_pickle_and_copy(value, pickler):
    assert pickle.loads(pickler.dumps(value)) == value
    assert copy.deepcopy(value) == value
    layer = lux.Dense(2, 3, init_weight=value)
    assert pickle.loads(pickler.dumps(layer)) == layer


def test_repr():
    assert repr(init.zeros) == "zeros"
    assert repr(init.kaiming_uniform(gain=2)) == "kaiming_uniform(gain=2)"
    assert str(lux.Dense(2, 3, init_weight=init.zeros)) == "Dense(2 → 3, init_weight=zeros)"
    assert (
        str(lux.Dense(2, 3, init_bias=init.kaiming_uniform(gain=2)))
        == "Dense(2 → 3, init_bias=kaiming_uniform(gain=2))"
    )


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: init.zeros(0, (2,), gain=2),
            TypeError,
            "zeros: no option 'gain': expected one of none",
        ),
        (
            lambda: init.kaiming_uniform(scale=2),
            TypeError,
            "kaiming_uniform: no option 'scale': expected one of gain",
        ),
        (
            lambda: init.zeros(0),
            TypeError,
            "zeros(rng, shape, dtype=float32) makes an array, zeros(option=...) an initializer: "
            "got neither",
        ),
        (
            lambda: init.zeros(0, 3),
            ValueError,
            "zeros: shape: expected a tuple of sizes, got 3",
        ),
        (
            lambda: init.zeros(0, (3, -1)),
            ValueError,
            "zeros: shape: expected a tuple of sizes, got (3, -1)",
        ),
    ],
)
def test_what_is_wrong_is_said(call, kind, message: str):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message


def test_a_plain_function_is_an_initializer_too():
    he_normal = jax.nn.initializers.he_normal()
    layer = lux.Dense(3, 4, init_weight=he_normal, init_bias=lambda rng, shape: jnp.ones(shape))
    ps, _ = lux.setup(0, layer)
    assert ps.weight.shape == (3, 4)
    assert (ps.bias == 1).all()


@settings(max_examples=20, deadline=None)
@given(gain=some.floats(0.1, 10), name=some.sampled_from(["glorot_normal", "kaiming_uniform"]))
def test_scaling_the_gain_scales_the_values(gain, name):
    function = getattr(init, name)
    expected = gain * np.asarray(function(0, (4, 5), gain=1.0))
    np.testing.assert_allclose(function(0, (4, 5), gain=gain), expected, rtol=1e-4, atol=1e-5)
