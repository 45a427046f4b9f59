"""Gather and scatter against loops over rows in float64."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luxlib import gather, scatter

OPERATIONS = ("add", "mul", "max", "min", "mean")
every = pytest.mark.parametrize("operation", OPERATIONS)
NEUTRAL = {"add": 0, "mul": 1, "max": -np.inf, "min": np.inf, "mean": 0}


def combine(values, operation):
    """The value, and the slopes: of equal extremes each has a share, of factors the others."""
    n = len(values)
    if n == 0:
        return NEUTRAL[operation], []
    if operation == "add":
        return sum(values), [1] * n
    if operation == "mean":
        return sum(values) / n, [1 / n] * n
    if operation == "mul":
        return np.prod(values), [np.prod(values[:k] + values[k + 1 :]) for k in range(n)]
    extreme = max(values) if operation == "max" else min(values)
    ties = [v == extreme for v in values]
    return extreme, [tie / sum(ties) for tie in ties]


def reference(x, index, size, operation, ct):
    """`index` has tuples; rows of `x` outside of `size` are left out."""
    features = x.shape[1:]
    y, x_bar = np.zeros((*size, *features)), np.zeros(x.shape)
    for c in np.ndindex(*features):
        for place in np.ndindex(*size):
            rows = [k for k, at in enumerate(index) if tuple(at) == place]
            y[(*place, *c)], slopes = combine([x[(k, *c)] for k in rows], operation)
            for k, slope in zip(rows, slopes, strict=True):
                x_bar[(k, *c)] += slope * ct[(*place, *c)]
    return y, x_bar


@partial(jax.jit, static_argnums=(3, 4))
def scattered(x, index, ct, size, operation):
    y, pullback = jax.vjp(lambda x: scatter(x, index, size, operation), x)
    return y, pullback(ct)[0]


@every
@pytest.mark.parametrize("features", [(), (2,), (2, 1)])
def test_scatter(operation, features):
    rng = np.random.default_rng(0)
    x = rng.integers(-1, 3, (9, *features)).astype(float)  # ties, and zeros among factors
    index = np.array([2, 0, 2, 5, -1, 0, 2, 4, 0])  # 5 and -1 are outside, 1 and 3 are empty
    ct = rng.normal(size=(5, *features))
    expected, expected_bar = reference(x, index[:, None], (5,), operation, ct)
    with jax.enable_x64(True):
        y, x_bar = scattered(jnp.asarray(x), jnp.asarray(index), jnp.asarray(ct), 5, operation)
    assert y.dtype == x_bar.dtype == np.float64
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    np.testing.assert_allclose(x_bar, expected_bar, rtol=1e-12, atol=1e-12)


@every
def test_scatter_to_two_axes(operation):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (2, 4, 3)).astype(float)
    index = rng.integers(-1, 4, (2, 2, 4))
    ct = rng.normal(size=(3, 2, 3))
    expected, expected_bar = reference(
        x.reshape(8, 3), index.reshape(2, 8).T, (3, 2), operation, ct
    )
    with jax.enable_x64(True):
        y, x_bar = scattered(
            jnp.asarray(x), tuple(map(jnp.asarray, index)), jnp.asarray(ct), (3, 2), operation
        )
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    np.testing.assert_allclose(x_bar.reshape(8, 3), expected_bar, rtol=1e-12, atol=1e-12)


def test_second_derivatives_of_products_with_zeros():
    """Of a product of three, by two of them: the third."""
    x, index = jnp.array([0.0, 3.0, 0.0, 5.0, 7.0]), jnp.array([1, 1, 1, 0, 0])

    @jax.jit
    def hessians(x):
        def f(x):
            return scatter(x, index, 2, "mul").sum()

        return jax.hessian(f)(x), jax.jacrev(jax.grad(f))(x)

    expected = np.zeros((5, 5))
    expected[0, 2] = expected[2, 0] = 3
    expected[3, 4] = expected[4, 3] = 1
    for hessian in hessians(x):
        np.testing.assert_array_equal(hessian, expected)


@every
@pytest.mark.parametrize("shape", [(0,), (0, 3), (4, 0)])
def test_empty(operation, shape):
    x, index = jnp.ones(shape), jnp.zeros(shape[0], int)
    y, x_bar = scattered(x, index, jnp.ones((2, *shape[1:])), 2, operation)
    expected = np.full((2, *shape[1:]), NEUTRAL[operation], "float32")
    np.testing.assert_array_equal(y, expected)
    assert x_bar.shape == shape
    assert scatter(jnp.ones(3), jnp.zeros(3, int), 0, operation).shape == (0,)


@every
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_accumulated_in_float32(operation, dtype):
    x = jnp.asarray(1 + np.random.default_rng(0).random(600) / 100, dtype)
    index = jnp.zeros(600, int)
    expected, _ = combine(list(np.asarray(x, float)), operation)
    y = scatter(x, index, 1, operation)
    assert y.dtype == dtype
    np.testing.assert_allclose(float(y[0]), expected, rtol=float(jnp.finfo(dtype).eps) / 2 * 1.02)


def test_integers_and_booleans():
    x, index = jnp.array([3, -1, 2, 2]), jnp.array([0, 2, 0, 0])
    for operation, expected in {
        "add": [7, 0, -1],
        "mul": [12, 1, -1],
        "max": [3, -(2**31), -1],
        "min": [2, 2**31 - 1, -1],
    }.items():
        y = scatter(x, index, 3, operation)
        assert y.dtype == x.dtype
        np.testing.assert_array_equal(y, expected)
    mean = scatter(x, index, 3, "mean")
    np.testing.assert_allclose(mean, np.array([7 / 3, 0, -1]), rtol=1e-6)
    assert scatter(x.astype("uint8"), index, 3, "max")[1] == 0
    np.testing.assert_array_equal(scatter(x > 2, index, 3, "max"), [True, False, False])
    np.testing.assert_array_equal(scatter(x > 2, index, 3, "min"), [False, True, False])


def test_complex_sums():
    x, index = jnp.array([1 + 2j, 3.0, 1j]), jnp.array([1, 1, 0])
    np.testing.assert_allclose(scatter(x, index, 2), [1j, 4 + 2j])
    np.testing.assert_allclose(scatter(x, index, 2, "mean"), [1j, 2 + 1j])
    np.testing.assert_allclose(scatter(x, index, 2, "mul"), [1j, 3 + 6j])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_gather_is_the_transpose_of_the_sum(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(5, 2)).astype("float32"), rng.normal(size=(7, 2)).astype("float32")
    index = jnp.asarray(rng.integers(0, 5, 7))
    np.testing.assert_allclose(
        (gather(jnp.asarray(x), index) * y).sum(),
        (x * scatter(y, index, 5)).sum(),
        rtol=1e-4,
        atol=1e-5,
    )


def test_gather():
    x = np.random.default_rng(0).normal(size=(4, 3, 2))
    index = np.array([[0, 3], [-1, 4]])
    with jax.enable_x64(True):
        filled, clipped = (gather(jnp.asarray(x), index, outside=o) for o in ("fill", "clip"))
        assert filled.dtype == np.float64
        gradient = jax.grad(lambda x: jnp.nansum(gather(x, index) ** 2))(jnp.asarray(x))
        clipped_bar = jax.grad(lambda x: gather(x, index, outside="clip").sum())(jnp.asarray(x))
    np.testing.assert_array_equal(filled[0], x[[0, 3]])
    assert np.isnan(filled[1]).all()
    np.testing.assert_array_equal(clipped, x[[[0, 3], [0, 3]]])
    np.testing.assert_allclose(gradient, 2 * x * np.array([1, 0, 0, 1])[:, None, None])
    np.testing.assert_array_equal(clipped_bar[:, 0, 0], [2, 0, 0, 2])
    pairs = (np.array([3, 1]), np.array([2, 0]))
    np.testing.assert_array_equal(gather(x, pairs), x[pairs].astype("float32"))
    np.testing.assert_array_equal(gather(jnp.arange(4), jnp.array([2, 4])), [2, -(2**31)])
    assert gather(jnp.ones((3, 2), "bfloat16"), jnp.array(1)).shape == (2,)


MESSAGES = {
    "gather-index": (
        lambda: gather(jnp.ones(3), jnp.ones(2)),
        TypeError,
        "gather: index: expected an integer dtype, got float32. Indices count rows from 0.",
    ),
    "gather-shapes": (
        lambda: gather(jnp.ones((3, 3)), (jnp.arange(2), jnp.arange(3))),
        ValueError,
        "gather: index: expected one array, or several of one shape, got shapes [(2,), (3,)]. "
        "Each of them indexes one axis.",
    ),
    "gather-rank": (
        lambda: gather(jnp.ones(3), (jnp.arange(2), jnp.arange(2))),
        ValueError,
        "gather: x: expected at least 2 axes, one for each index array, got shape (3,). "
        "The leading axes are indexed.",
    ),
    "gather-outside": (
        lambda: gather(jnp.ones(3), jnp.arange(2), outside="wrap"),
        ValueError,
        "gather: outside: expected one of 'fill', 'clip', got 'wrap'. Choose one of these words.",
    ),
    "scatter-shape": (
        lambda: scatter(jnp.ones((3, 2)), jnp.arange(2), 3),
        ValueError,
        "scatter: x: expected shape (2, ...), got (3, 2). "
        "Each index has a row of x; axes of features come after those of the index.",
    ),
    "scatter-size": (
        lambda: scatter(jnp.ones(2), jnp.arange(2), -1),
        ValueError,
        "scatter: size: expected an integer or 1 of them, each at least 0, got -1. "
        "Give one integer for every spatial axis, or one that holds for all.",
    ),
    "scatter-operation": (
        lambda: scatter(jnp.ones(2), jnp.arange(2), 2, "sum"),
        ValueError,
        "scatter: operation: expected one of 'add', 'mul', 'max', 'min', 'mean', got 'sum'. "
        "Choose one of these words.",
    ),
    "scatter-complex": (
        lambda: scatter(jnp.ones(2, "complex64"), jnp.arange(2), 2, "min"),
        TypeError,
        "scatter: x: expected a real dtype for 'min', got complex64. "
        "Complex numbers have no order.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
