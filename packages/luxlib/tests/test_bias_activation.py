"""Adding a bias and applying an activation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import luxlib
from luxlib import bias_activation, fast_activation, scale_bias_activation


@pytest.mark.parametrize("shape", [(3,), (2, 3), (0, 3), (2, 1, 4, 3), (2, 0)])
def test_value(shape):
    x, bias = np.random.default_rng(0).normal(size=shape), np.arange(float(shape[-1])) - 1
    with jax.enable_x64(True):
        y = bias_activation(jnp.asarray(x), jnp.asarray(bias), luxlib.relu)
    expected = np.zeros(shape)
    for place in np.ndindex(shape):
        expected[place] = max(x[place] + bias[place[-1]], 0)
    np.testing.assert_array_equal(y, expected)


def test_defaults():
    x = jnp.array([[-1.0, 2.0]])
    np.testing.assert_array_equal(bias_activation(x), x)
    np.testing.assert_array_equal(bias_activation(x, jnp.array([1.0, 2.0])), [[0, 4]])
    np.testing.assert_array_equal(bias_activation(x, None, luxlib.relu), [[0, 2]])
    np.testing.assert_array_equal(fast_activation(x, luxlib.relu), [[0, 2]])
    assert fast_activation(jnp.float32(-1), luxlib.relu) == 0
    assert bias_activation(jnp.float32(-1), None, luxlib.relu) == 0


@pytest.mark.parametrize("batch", [(), (5,), (2, 0)])
@pytest.mark.parametrize("shape", [(3,), (2, 3), ()])
def test_scale(batch, shape):
    rng = np.random.default_rng(0)
    x, scale, bias = (
        rng.normal(size=(*batch, *shape)),
        rng.normal(size=shape),
        rng.normal(size=shape),
    )
    with jax.enable_x64(True):
        arrays = tuple(map(jnp.asarray, (x, scale, bias)))
        y, without = scale_bias_activation(*arrays, luxlib.tanh), scale_bias_activation(*arrays[:2])
    np.testing.assert_allclose(y, np.tanh(x * scale + bias), rtol=1e-13)
    np.testing.assert_allclose(without, x * scale, rtol=1e-13)


def test_scale_rounds_once():
    x = jnp.full(1, 1 + 2**-6, jnp.float16)
    y = scale_bias_activation(x, x, jnp.full(1, -1, jnp.float16))
    assert float(y[0]) == (1 + 2**-6) ** 2 - 1


@pytest.mark.parametrize(
    ("x", "scale", "result"),
    [
        ("float32", "bfloat16", "float32"),
        ("float16", "bfloat16", "float32"),
        ("float16", "float16", "float16"),
        ("int8", "bfloat16", "bfloat16"),
        ("float32", "complex64", "complex64"),
    ],
)
def test_promotion_of_scale(x, scale, result):
    assert scale_bias_activation(jnp.ones((2, 3), x), jnp.ones(3, scale)).dtype == result


@pytest.mark.parametrize(
    ("x", "bias", "result"),
    [
        ("float32", "float32", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("float16", "bfloat16", "float32"),
        ("int8", "float16", "float16"),
        ("float32", "complex64", "complex64"),
    ],
)
def test_promotion(x, bias, result):
    assert bias_activation(jnp.ones((2, 3), x), jnp.ones(3, bias)).dtype == result


def test_the_gradient_of_the_bias_sums_over_the_batch():
    x, bias = jnp.ones((2, 5, 3)), jnp.array([1.0, -1.0, 2.0])
    gradient = jax.grad(lambda bias: bias_activation(x, bias, luxlib.relu).sum())(bias)
    np.testing.assert_array_equal(gradient, [10, 0, 10])


MESSAGES = {
    "bias-shape": (
        lambda: bias_activation(jnp.ones((2, 3)), jnp.ones(2)),
        ValueError,
        "bias_activation: bias: expected shape (3,), got (2,). "
        "The bias has one number for each output feature: x has shape (2, 3).",
    ),
    "scalar": (
        lambda: bias_activation(jnp.float32(1), jnp.ones(1)),
        ValueError,
        "bias_activation: x: expected at least one axis (..., features), got shape (). "
        "Add an axis for the features.",
    ),
    "bias-dtype": (
        lambda: bias_activation(jnp.ones((2, 3)), jnp.ones(3, int)),
        TypeError,
        "bias_activation: bias: expected a floating or complex dtype, got int32. "
        "Convert it first, for example bias.astype(jax.numpy.float32).",
    ),
    "activation": (
        lambda: bias_activation(jnp.ones((2, 3)), None, None),
        TypeError,
        "bias_activation: activation: expected a function of one array, got None. "
        "Pass luxlib.identity for none.",
    ),
    "scale": (
        lambda: scale_bias_activation(jnp.ones((2, 3)), jnp.ones((2, 2))),
        ValueError,
        "scale_bias_activation: x: expected shape (..., 2, 2), got (2, 3). "
        "The last axes of x are those of scale.",
    ),
    "scale of more axes": (
        lambda: scale_bias_activation(jnp.ones(3), jnp.ones((2, 3))),
        ValueError,
        "scale_bias_activation: x: expected shape (..., 2, 3), got (3,). "
        "The last axes of x are those of scale.",
    ),
    "scale and bias": (
        lambda: scale_bias_activation(jnp.ones((2, 3)), jnp.ones(3), jnp.ones(1)),
        ValueError,
        "scale_bias_activation: bias: expected shape (3,), got (1,). It is that of scale.",
    ),
    "fast": (
        lambda: fast_activation(jnp.ones((2, 3)), 3),
        TypeError,
        "fast_activation: activation: expected a function of one array, got 3. "
        "Pass luxlib.identity for none.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
