"""Batched products against sums written out in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luxlib import batched_matmul

SHAPES = [
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((2, 5, 2, 3), (5, 3, 4)),
    ((2, 1, 2, 3), (5, 3, 1)),
    ((0, 2, 3), (3, 4)),
    ((0, 2, 3), (0, 3, 4)),
    ((2, 2, 0), (2, 0, 3)),
    ((1, 1), (1, 1)),
]


def reference(x, y):
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = (np.broadcast_to(a, (*batch, *a.shape[-2:])) for a in (x, y))
    z = np.zeros((*batch, x.shape[-2], y.shape[-1]))
    for *b, i, j in np.ndindex(z.shape):
        z[(*b, i, j)] = sum(x[(*b, i, k)] * y[(*b, k, j)] for k in range(x.shape[-1]))
    return z


def normal(seed, shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_value_and_gradient(left, right):
    x, y = normal(0, left), normal(1, right)
    expected = reference(x, y)
    ct = normal(2, expected.shape)
    with jax.enable_x64(True):
        z, pullback = jax.vjp(batched_matmul, jnp.asarray(x), jnp.asarray(y))
        x_bar, y_bar = pullback(jnp.asarray(ct))
    np.testing.assert_allclose(z, expected, rtol=1e-12, atol=1e-13)
    for bar, full in ((x_bar, reference(ct, np.swapaxes(y, -1, -2))), (y_bar, None)):
        full = reference(np.swapaxes(x, -1, -2), ct) if full is None else full
        lead = tuple(range(full.ndim - bar.ndim))
        full = full.sum(lead)
        ones = tuple(i for i, n in enumerate(bar.shape) if n == 1)
        np.testing.assert_allclose(bar, full.sum(ones, keepdims=True), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("shape", [(10_000, 3), (2, 10_000, 3)])
def test_half_precision_is_summed_in_float32(dtype, shape):
    x, y = jnp.ones((2, 2, 10_000), dtype), jnp.ones(shape, dtype)
    z = batched_matmul(x, y)
    assert z.dtype == dtype
    np.testing.assert_array_equal(z, jnp.full((2, 2, 3), 10_000, dtype))


def test_one_matrix_for_all_is_one_two_dimensional_product():
    text = jax.jit(batched_matmul).lower(jnp.ones((5, 2, 3)), jnp.ones((3, 4))).as_text()
    assert "tensor<10x3xf32>, tensor<3x4xf32>) -> tensor<10x4xf32>" in text


@pytest.mark.parametrize(
    ("x", "y", "result"),
    [
        ("float32", "bfloat16", "float32"),
        ("int32", "float16", "float16"),
        ("bfloat16", "bool", "bfloat16"),
        ("float32", "complex64", "complex64"),
    ],
)
def test_promotion(x, y, result):
    assert batched_matmul(jnp.ones((4, 2, 3), x), jnp.ones((4, 3, 2), y)).dtype == result


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from([1, 3]), max_size=2), st.lists(st.sampled_from([1, 3]), max_size=2))
def test_broadcasts_as_numpy(left, right):
    x, y = normal(0, (*left, 2, 3)), normal(1, (*right, 3, 2))
    z = batched_matmul(jnp.asarray(x, "float32"), jnp.asarray(y, "float32"))
    np.testing.assert_allclose(z, x @ y, rtol=1e-5, atol=1e-6)


MESSAGES = {
    "axes": (
        lambda: batched_matmul(jnp.ones(3), jnp.ones((3, 4))),
        ValueError,
        "batched_matmul: x: expected at least two axes, got shape (3,). "
        "Add an axis, for example x[None, :].",
    ),
    "axes-y": (
        lambda: batched_matmul(jnp.ones((2, 3)), jnp.ones(3)),
        ValueError,
        "batched_matmul: y: expected at least two axes, got shape (3,). "
        "Add an axis, for example y[:, None].",
    ),
    "dtype": (
        lambda: batched_matmul(jnp.ones((2, 3), int), jnp.ones((3, 2), bool)),
        TypeError,
        "batched_matmul: x and y: expected one of a floating or complex dtype, got int32 and bool. "
        "For integers use jax.numpy.matmul.",
    ),
    "inner": (
        lambda: batched_matmul(jnp.ones((2, 3)), jnp.ones((4, 2))),
        ValueError,
        "batched_matmul: y: expected shape (..., 3, columns), got (4, 2). "
        "The last axis of x (2, 3) is summed with the second last of y.",
    ),
    "batch": (
        lambda: batched_matmul(jnp.ones((5, 2, 3)), jnp.ones((4, 3, 2))),
        ValueError,
        "batched_matmul: y: expected leading axes that broadcast with (5,), got (4,). "
        "Each pair, counted from the right, must be equal or hold a 1.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
