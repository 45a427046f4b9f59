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
          "truncated_normal", "lecun_uniform", "lecun_normal", "variance_scaling", "uniform",
          "normal", "orthogonal", "sparse_init"]  # fmt: skip
REQUIRED = {"sparse_init": {"sparsity": 0.3}}
SHAPE = (3, 3, 20, 50)
FAN_IN, FAN_OUT = 180, 450

# The bound or standard deviation by hand, for a gain of 1.5.
FORMULAS = {
    "glorot_uniform": 1.5 * math.sqrt(6 / (FAN_IN + FAN_OUT)),
    "kaiming_uniform": 1.5 * math.sqrt(3 / FAN_IN),
    "lecun_uniform": 1.5 * math.sqrt(3 / FAN_IN),
    "lecun_normal": 1.5 / math.sqrt(FAN_IN),
    "glorot_normal": 1.5 * math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "kaiming_normal": 1.5 / math.sqrt(FAN_IN),
}


@pytest.mark.parametrize("name", ["glorot_uniform", "kaiming_uniform", "lecun_uniform"])
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


def test_lecun_normal_has_its_standard_deviation_and_no_tails():
    x = np.asarray(init.lecun_normal(0, SHAPE, gain=1.5), np.float64)
    assert x.std() == pytest.approx(FORMULAS["lecun_normal"], rel=0.02)
    # Two standard deviations of the normal distribution before it is truncated.
    limit = 2 * FORMULAS["lecun_normal"] / 0.8796256610342398
    assert 0.99 * limit < abs(x).max() <= limit


@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "uniform"])
@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 180), ("fan_out", 450), ("fan_avg", 315)])
def test_variance_scaling(mode: str, fan: int, distribution: str):
    x = init.variance_scaling(0, SHAPE, scale=2.0, mode=mode, distribution=distribution)
    assert float(x.var()) == pytest.approx(2 / fan, rel=0.05)
    largest = float(abs(x).max()) / math.sqrt(2 / fan)
    if distribution == "normal":
        assert largest > 3
    else:
        exact = math.sqrt(3) if distribution == "uniform" else 2 / 0.8796256610342398
        assert 0.99 * exact < largest <= exact * (1 + 1e-6)


def test_uniform_and_normal():
    x = init.uniform(0, (10_000,), lo=-1.0, hi=3.0)
    assert -1 <= float(x.min()) < -0.99
    assert 2.99 < float(x.max()) < 3
    assert float(x.mean()) == pytest.approx(1, abs=0.05)
    x = init.uniform(0, (10_000,))
    assert 0 <= float(x.min()) < 0.01 < 0.99 < float(x.max()) < 1
    x = init.normal(0, (10_000,), mean=2.0, std=0.5)
    assert float(x.mean()) == pytest.approx(2, abs=0.02)
    assert float(x.std()) == pytest.approx(0.5, rel=0.03)
    assert float(init.normal(0, (10_000,)).std()) == pytest.approx(1, rel=0.03)
    assert (init.normal(0, (3,), mean=2.0, std=0.0) == 2).all()


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 3, 4), (1, 2, 9)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal(shape, gain):
    x = np.asarray(init.orthogonal(0, shape, gain=gain), np.float64).reshape(-1, shape[-1]) / gain
    rows, columns = x.shape
    product = x.T @ x if rows >= columns else x @ x.T
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-5)


def test_orthogonal_is_drawn_evenly():
    """Without the signs of the decomposition no first element of a column would be positive."""
    x = np.stack([init.orthogonal(seed, (3, 3)) for seed in range(200)])
    assert abs(x.mean(0)).max() < 0.2
    assert abs((x**2).mean(0) - 1 / 3).max() < 0.1


@pytest.mark.parametrize(("shape", "centre"), [((3, 2, 4), (1,)), ((4, 5, 2, 2), (1, 2))])
def test_delta_orthogonal(shape, centre):
    x = np.array(init.delta_orthogonal(0, shape, gain=2.0))
    matrix = x[centre].copy()
    np.testing.assert_allclose(matrix @ matrix.T, 4 * np.eye(2), atol=1e-5)
    x[centre] = 0
    assert not x.any()


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.3, 3), (0.0, 0), (1.0, 10), (0.31, 4)])
def test_sparse_init(sparsity, zeros):
    x = np.asarray(init.sparse_init(0, (2000, 10), sparsity=sparsity, std=0.5))
    np.testing.assert_array_equal((x == 0).sum(1), zeros)
    if zeros < 10:
        assert x[x != 0].std() == pytest.approx(0.5, rel=0.03)
        # Each output is 0 as often as the others.
        np.testing.assert_allclose((x == 0).mean(0), zeros / 10, atol=0.05)


def test_identity_init_is_the_identity_of_layers():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5, 5, 3)), jnp.float32)
    identity = init.identity_init(gain=2.0)
    for layer in (
        lux.Dense(3, 3, init_weight=identity, init_bias=identity),
        lux.Conv((3, 3), 3, 3, padding="SAME", init_weight=identity, init_bias=identity),
        lux.Conv((5, 1), 3, 3, padding="SAME", init_weight=identity, cross_correlation=True,
                 use_bias=False),
    ):  # fmt: skip
        np.testing.assert_array_equal(layer(x, *lux.setup(0, layer))[0], 2 * x)


def test_identity_init_by_hand():
    np.testing.assert_array_equal(init.identity_init(0, (2, 3)), [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(init.identity_init(0, (3, 2)), [[1, 0], [0, 1], [0, 0]])
    np.testing.assert_array_equal(init.identity_init(0, (2, 3), shift=1), [[0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(init.identity_init(0, (4,)), np.zeros(4))
    kernel = np.zeros((4, 2, 2))
    kernel[1] = [[0, 3], [3, 0]]
    np.testing.assert_array_equal(init.identity_init(0, (4, 2, 2), gain=3, shift=1), kernel)


def test_constant():
    x = init.constant(0, (2, 3), "bfloat16", value=0.5)
    assert x.dtype == jnp.bfloat16
    assert (x == 0.5).all()
    x = init.constant(0, (2,), complex, value=1j)
    assert x.dtype == jnp.complex64
    assert (x == 1j).all()
    assert init.normal(0, (2,), float).dtype == jnp.float32


TYPES = {
    "16": "float16",
    "32": "float32",
    "64": "float64",
    "C32": "complex64",
    "C64": "complex128",
}


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("kind", ["zeros", "ones", "rand", "randn"])
def test_a_name_says_the_dtype(kind: str, type_: str):
    function = getattr(init, kind + type_)
    assert repr(function) == kind + type_
    assert pickle.loads(pickle.dumps(function)) is function
    with jax.enable_x64(True):
        x = function(0, (20_000,))
        assert x.dtype == TYPES[type_]
        assert not x.weak_type
        assert function(0, (2,), TYPES[type_]).dtype == TYPES[type_]
        if kind in ("zeros", "ones"):
            assert (np.asarray(x) == (kind == "ones")).all()
            return
        parts = [x.real, x.imag] if type_.startswith("C") else [x]
        for part in map(np.asarray, parts):
            part = part.astype(float)
            if kind == "rand":
                assert 0 <= part.min() < 0.01 < 0.99 < part.max() <= 1
                assert part.std() == pytest.approx(1 / math.sqrt(12), rel=0.02)
            else:
                assert part.mean() == pytest.approx(0, abs=0.03)
                assert part.std() == pytest.approx(1 / math.sqrt(len(parts)), rel=0.02)
        if len(parts) == 2:
            assert abs(np.corrcoef(*parts)[0, 1]) < 0.03


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


@pytest.mark.parametrize("name", [*RANDOM, "zeros", "ones", "constant", "identity_init"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_dtype(name: str, dtype: str):
    x = getattr(init, name)(0, (4, 5), dtype, **REQUIRED.get(name, {}))
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
        getattr(init, name)(0, (3, 4), jnp.int32, **REQUIRED.get(name, {}))


def test_zeros_and_ones_have_any_dtype():
    assert init.ones(0, (2,), bool).all()
    assert (init.zeros(0, (2,), jnp.int32) == jnp.zeros(2, jnp.int32)).all()


@pytest.mark.parametrize("name", RANDOM)
def test_a_key_decides_and_transformations_change_nothing(name: str):
    function = getattr(init, name)(**REQUIRED.get(name, {}))
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
            lambda: init.rand16(0, (2,), jnp.float32),
            TypeError,
            "rand16: dtype: expected float16, which it always makes, got float32",
        ),
        (
            lambda: init.onesC64(0, (2,)),
            TypeError,
            "onesC64: dtype: complex128 needs 64-bit numbers, which JAX makes after "
            "jax.config.update('jax_enable_x64', True)",
        ),
        (
            lambda: init.normal(0, (2,), jnp.float64),
            TypeError,
            "normal: dtype: float64 needs 64-bit numbers, which JAX makes after "
            "jax.config.update('jax_enable_x64', True)",
        ),
        (
            lambda: init.uniform(0, (2,), lo=1.0),
            ValueError,
            "uniform: expected lo < hi, got lo=1.0, hi=1.0",
        ),
        (
            lambda: init.normal(0, (2,), std=-1.0),
            ValueError,
            "normal: std: expected a number of at least 0, got -1.0",
        ),
        (
            lambda: init.variance_scaling(0, (2, 2), mode="fan"),
            ValueError,
            "variance_scaling: mode: expected one of 'fan_in', 'fan_out', 'fan_avg', got 'fan'",
        ),
        (
            lambda: init.variance_scaling(0, (2, 2), distribution="beta"),
            ValueError,
            "variance_scaling: distribution: expected one of 'truncated_normal', 'normal', "
            "'uniform', got 'beta'",
        ),
        (
            lambda: init.variance_scaling(0, (2, 2), scale=0.0),
            ValueError,
            "variance_scaling: scale: expected a positive number, got 0.0",
        ),
        (
            lambda: init.orthogonal(0, (2,)),
            ValueError,
            "orthogonal: shape: expected (in, out), or more axes, got (2,)",
        ),
        (
            lambda: init.delta_orthogonal(0, (2, 2)),
            ValueError,
            "delta_orthogonal: shape: expected (*window, in, out), got (2, 2)",
        ),
        (
            lambda: init.delta_orthogonal(0, (3, 3, 2)),
            ValueError,
            "delta_orthogonal: shape: expected no more inputs than outputs, got (3, 3, 2)",
        ),
        (
            lambda: init.sparse_init(0, (2, 2, 2), sparsity=0.5),
            ValueError,
            "sparse_init: shape: expected (in, out), got (2, 2, 2)",
        ),
        (
            lambda: init.sparse_init(0, (2, 2), sparsity=1.5),
            ValueError,
            "sparse_init: sparsity: expected a number from 0 to 1, got 1.5",
        ),
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
