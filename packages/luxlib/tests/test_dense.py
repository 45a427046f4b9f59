"""The dense kernel against sums written out in float64."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luxlib
from luxlib import fused_dense_bias_activation

EPSILON = {"float64": 2e-16, "float32": 1.2e-7, "float16": 1e-3, "bfloat16": 8e-3}


def reference(x, weight, bias=None):
    """`x @ weight + bias`, element by element."""
    y = np.zeros((*x.shape[:-1], weight.shape[1]), np.result_type(x, weight, np.float64))
    for place in np.ndindex(y.shape):
        y[place] = sum(x[place[:-1]][i] * weight[i, place[-1]] for i in range(weight.shape[0]))
        if bias is not None:
            y[place] += bias[place[-1]]
    return y


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize(
    ("batch", "inputs", "outputs"),
    [
        ((), 5, 3),
        ((1,), 1, 1),
        ((7,), 1, 4),
        ((2, 3), 4, 1),
        ((0,), 5, 3),
        ((2, 0, 3), 5, 3),
        ((2, 1, 3, 2), 5, 3),
    ],
)
def test_value_and_dtype(batch, inputs, outputs, dtype):
    with jax.enable_x64(dtype == "float64"):
        x, weight, bias = (
            jnp.asarray(normal(seed, *shape), dtype)
            for seed, shape in enumerate([(*batch, inputs), (inputs, outputs), (outputs,)])
        )
        y = fused_dense_bias_activation(x, weight, bias)
        assert y.dtype == x.dtype
        plain = fused_dense_bias_activation(x, weight)
    x, weight, bias, y, plain = (np.asarray(a, np.float64) for a in (x, weight, bias, y, plain))
    tolerance = 4 * EPSILON[dtype]
    np.testing.assert_allclose(y, reference(x, weight, bias), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(plain, reference(x, weight), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("shape", [(3, 0), (0, 4), (0, 0)])
def test_no_features(shape):
    inputs, outputs = shape
    bias = jnp.arange(float(outputs))
    y = fused_dense_bias_activation(jnp.ones((2, inputs)), jnp.ones(shape), bias)
    np.testing.assert_array_equal(y, np.broadcast_to(np.arange(outputs) + inputs, (2, outputs)))


def test_the_activation_comes_last():
    x, weight, bias = normal(0, 4, 5), normal(1, 5, 3), normal(2, 3)
    y = fused_dense_bias_activation(x, weight, bias, luxlib.relu)
    np.testing.assert_allclose(y, np.maximum(reference(x, weight, bias), 0), rtol=1e-5, atol=1e-6)
    softened = partial(luxlib.leakyrelu, negative_slope=0.5)
    z = fused_dense_bias_activation(x, weight, bias, softened)
    np.testing.assert_allclose(np.where(z < 0, 2 * z, z), reference(x, weight, bias), rtol=1e-4)


@pytest.mark.parametrize(
    ("x", "weight", "bias", "result"),
    [
        ("float32", "bfloat16", "bfloat16", "float32"),
        ("bfloat16", "float32", "float32", "float32"),
        ("float16", "bfloat16", "bfloat16", "float32"),
        ("bfloat16", "bfloat16", "float32", "float32"),
        ("int32", "float16", "float16", "float16"),
        ("uint8", "bfloat16", "bfloat16", "bfloat16"),
        ("bool", "float32", "float32", "float32"),
        ("float32", "complex64", "complex64", "complex64"),
        ("complex64", "float32", "float32", "complex64"),
        ("int32", "complex64", "float32", "complex64"),
    ],
)
def test_promotion(x, weight, bias, result):
    x = jnp.asarray(normal(0, 3, 4) > 0 if x in ("bool", "uint8", "int32") else normal(0, 3, 4), x)
    weight, bias = jnp.asarray(normal(1, 4, 2), weight), jnp.asarray(normal(2, 2), bias)
    y = fused_dense_bias_activation(x, weight, bias)
    assert y.dtype == result
    wide = np.complex128 if result == "complex64" else np.float64
    expected = reference(*(np.asarray(a, wide) for a in (x, weight, bias)))
    tolerance = 4 * EPSILON.get(result, 1.2e-7)
    np.testing.assert_allclose(np.asarray(y, wide), expected, rtol=tolerance, atol=tolerance)


def test_complex():
    x, weight = (normal(i, *s) + 1j * normal(9, *s) for i, s in enumerate([(3, 4), (4, 2)]))
    y = fused_dense_bias_activation(jnp.asarray(x, "complex64"), jnp.asarray(weight, "complex64"))
    np.testing.assert_allclose(y, reference(x, weight), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(dtype):
    """In half precision itself, 1 + … + 1 stops growing at 2048 or at 256."""
    many = 10_000
    x, weight = jnp.ones((2, many), dtype), jnp.ones((many, 3), dtype)
    y = fused_dense_bias_activation(x, weight)
    np.testing.assert_array_equal(y, jnp.full((2, 3), many, dtype))
    gradient = jax.grad(lambda w: fused_dense_bias_activation(x.T, w).astype("float32").sum())
    weight_bar = gradient(jnp.ones((2, 3), dtype))
    np.testing.assert_array_equal(weight_bar, jnp.full((2, 3), many, dtype))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_once_with_the_bias(dtype):
    x, weight = jnp.ones((1, 4096), dtype), jnp.ones((4096, 1), dtype)
    y = fused_dense_bias_activation(x.at[0, 0].set(0.5), weight, jnp.array([-4096], dtype))
    assert y == -0.5  # the product alone, 4095.5, has no place in either dtype


@pytest.mark.parametrize("batch", [(), (6,), (2, 3)])
def test_gradients_against_the_formula(batch):
    with jax.enable_x64(True):
        x, weight, bias, ct = (
            normal(seed, *shape)
            for seed, shape in enumerate([(*batch, 4), (4, 3), (3,), (*batch, 3)])
        )
        _, pullback = jax.vjp(fused_dense_bias_activation, *map(jnp.asarray, (x, weight, bias)))
        x_bar, weight_bar, bias_bar = pullback(jnp.asarray(ct))
        assert x_bar.dtype == weight_bar.dtype == bias_bar.dtype == jnp.float64
    np.testing.assert_allclose(x_bar, reference(ct, weight.T), rtol=1e-12)
    rows, cts = x.reshape(-1, 4), ct.reshape(-1, 3)
    np.testing.assert_allclose(weight_bar, reference(rows.T, cts), rtol=1e-12)
    np.testing.assert_allclose(bias_bar, cts.sum(0), rtol=1e-12)


def test_leading_axes_meet_in_one_two_dimensional_product():
    text = jax.jit(fused_dense_bias_activation).lower(jnp.ones((2, 5, 4)), jnp.ones((4, 3)))
    assert "tensor<10x4xf32>, tensor<4x3xf32>) -> tensor<10x3xf32>" in text.as_text()


def test_numpy_arrays_are_accepted():
    y = fused_dense_bias_activation(np.ones((2, 3), np.float32), np.ones((3, 4), np.float32))
    assert isinstance(y, jax.Array)
    assert y.shape == (2, 4)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.floats(-2, 2), st.floats(-2, 2))
def test_linear_in_x_and_in_weight(seed, a, b):
    with jax.enable_x64(True):
        x, x2, w, w2 = (
            jnp.asarray(normal(seed + i, *s))
            for i, s in enumerate([(2, 3), (2, 3), (3, 2), (3, 2)])
        )
        f = fused_dense_bias_activation
        np.testing.assert_allclose(f(a * x + b * x2, w), a * f(x, w) + b * f(x2, w), atol=1e-12)
        np.testing.assert_allclose(f(x, a * w + b * w2), a * f(x, w) + b * f(x, w2), atol=1e-12)


WEIGHT = jnp.ones((4, 3))
MESSAGES = {
    "features": (
        lambda: fused_dense_bias_activation(jnp.ones((2, 5)), WEIGHT),
        ValueError,
        "fused_dense_bias_activation: x: expected shape (..., 4), got (2, 5). "
        "The last axis of x must have the size of the first of weight (4, 3).",
    ),
    "scalar": (
        lambda: fused_dense_bias_activation(jnp.float32(1), WEIGHT),
        ValueError,
        "fused_dense_bias_activation: x: expected shape (..., 4), got (). "
        "The last axis of x must have the size of the first of weight (4, 3).",
    ),
    "weight-rank": (
        lambda: fused_dense_bias_activation(jnp.ones((2, 4)), jnp.ones(4)),
        ValueError,
        "fused_dense_bias_activation: weight: expected shape (in, out), got (4,). "
        "Reshape it to two axes.",
    ),
    "weight-dtype": (
        lambda: fused_dense_bias_activation(jnp.ones((2, 4)), WEIGHT.astype(int)),
        TypeError,
        "fused_dense_bias_activation: weight: expected a floating or complex dtype, got int32. "
        "Convert it first, for example weight.astype(jax.numpy.float32).",
    ),
    "bias-shape": (
        lambda: fused_dense_bias_activation(jnp.ones((2, 4)), WEIGHT, jnp.ones(4)),
        ValueError,
        "fused_dense_bias_activation: bias: expected shape (3,), got (4,). "
        "The bias has one number for each output feature: weight has shape (4, 3).",
    ),
    "bias-dtype": (
        lambda: fused_dense_bias_activation(jnp.ones((2, 4)), WEIGHT, jnp.ones(3, bool)),
        TypeError,
        "fused_dense_bias_activation: bias: expected a floating or complex dtype, got bool. "
        "Convert it first, for example bias.astype(jax.numpy.float32).",
    ),
    "activation": (
        lambda: fused_dense_bias_activation(jnp.ones((2, 4)), WEIGHT, None, "relu"),
        TypeError,
        "fused_dense_bias_activation: activation: expected a function of one array, got 'relu'. "
        "Pass luxlib.identity for none.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
