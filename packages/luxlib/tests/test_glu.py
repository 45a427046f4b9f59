"""Gated linear units against their formulas in float64."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import luxlib

erfc = np.vectorize(math.erfc, otypes=[float])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu_tanh(x):
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


FORMULAS = {
    "glu": (luxlib.glu, sigmoid),
    "geglu": (luxlib.geglu, gelu_tanh),
    "geglu-exact": (
        partial(luxlib.geglu, approximate=False),
        lambda x: x * erfc(-x / math.sqrt(2)) / 2,
    ),
    "reglu": (luxlib.reglu, lambda x: np.maximum(x, 0)),
    "swiglu": (luxlib.swiglu, lambda x: x * sigmoid(x)),
}
every = pytest.mark.parametrize("name", FORMULAS)


@every
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((4,), -1), ((3, 6), -1), ((4, 3), 0), ((2, 4, 3), 1), ((0, 2), -1), ((2, 0), 1)],
)
def test_value(name, shape, axis):
    function, gate = FORMULAS[name]
    x = np.random.default_rng(0).normal(size=shape)
    a, b = np.split(x, 2, axis)
    with jax.enable_x64(True):
        y = function(jnp.asarray(x), axis=axis)
    np.testing.assert_allclose(y, a * gate(b), rtol=1e-13, atol=1e-15)


@every
def test_gradient(name):
    function, gate = FORMULAS[name]
    x, ct = np.random.default_rng(0).normal(size=(2, 3, 6))
    a, b = np.split(x, 2, -1)
    ct = ct[:, :3]
    with jax.enable_x64(True):
        (bar,) = jax.jit(lambda x, ct: jax.vjp(function, x)[1](ct))(jnp.asarray(x), jnp.asarray(ct))
    slope = (gate(b + 1e-6) - gate(b - 1e-6)) / 2e-6
    np.testing.assert_allclose(bar, np.concatenate([ct * gate(b), ct * a * slope], -1), atol=1e-8)


@every
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_once(name, dtype):
    function, gate = FORMULAS[name]
    x = jnp.asarray(np.random.default_rng(0).normal(size=(100, 8)), dtype)
    y = function(x)
    assert y.dtype == dtype
    a, b = np.split(np.asarray(x, np.float64), 2, -1)
    eps = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(np.float64(y), a * gate(b), rtol=eps / 1.9, atol=1e-6)


def test_integers_take_the_default_dtype():
    y = luxlib.reglu(jnp.array([2, 3]))
    assert y.dtype == jnp.float32
    np.testing.assert_array_equal(y, [6])


MESSAGES = {
    "odd": (
        lambda: luxlib.glu(jnp.ones((2, 3))),
        ValueError,
        "glu: x: expected an even size on axis -1, got shape (2, 3). "
        "Its first half is multiplied with the activation of its second.",
    ),
    "axis": (
        lambda: luxlib.swiglu(jnp.ones((2, 4)), axis=2),
        ValueError,
        "swiglu: axis: expected different axes of x (2, 4), got (2,). Count them from -2 to 1.",
    ),
    "complex": (
        lambda: luxlib.reglu(jnp.ones(2, complex)),
        TypeError,
        "reglu: x: expected a real dtype, got complex64. "
        "Apply it to the real and the imaginary part.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
