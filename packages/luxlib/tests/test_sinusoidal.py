"""Sinusoidal embeddings against their formula in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import luxlib

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_value(shape):
    x, frequencies = RNG.normal(size=shape), RNG.normal(size=4)
    angles = np.multiply.outer(x, frequencies)
    expected = 0.5 * np.concatenate([np.sin(angles), np.cos(angles)], -1)
    with jax.enable_x64(True):
        y = luxlib.sinusoidal_embedding(jnp.asarray(x), jnp.asarray(frequencies), scale=0.5)
    np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-14)


def test_dtypes():
    frequencies = jnp.array([1.0, 0.01])
    assert luxlib.sinusoidal_embedding(jnp.arange(3), frequencies).dtype == jnp.float32
    half = jnp.asarray(RNG.normal(size=50), jnp.bfloat16)
    y = luxlib.sinusoidal_embedding(half, frequencies)
    assert y.dtype == jnp.bfloat16
    angles = np.multiply.outer(np.float64(half), [1.0, 0.01])
    expected = np.concatenate([np.sin(angles), np.cos(angles)], -1)
    np.testing.assert_allclose(np.float64(y), expected, rtol=0.0040, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: luxlib.sinusoidal_embedding(jnp.ones(2), jnp.ones((2, 1))),
            ValueError,
            "sinusoidal_embedding: frequencies: expected an array of floating dtype and shape "
            "(count,), got float32 of shape (2, 1). Each gives a sine and a cosine.",
        ),
        (
            lambda: luxlib.sinusoidal_embedding(jnp.ones(2), jnp.ones(2, int)),
            ValueError,
            "sinusoidal_embedding: frequencies: expected an array of floating dtype and shape "
            "(count,), got int32 of shape (2,). Each gives a sine and a cosine.",
        ),
        (
            lambda: luxlib.sinusoidal_embedding(jnp.ones(2), jnp.ones(2), scale="1"),
            ValueError,
            "sinusoidal_embedding: scale: expected a number, got '1'. It multiplies the result.",
        ),
        (
            lambda: luxlib.sinusoidal_embedding(jnp.ones(2, complex), jnp.ones(2)),
            TypeError,
            "sinusoidal_embedding: x: expected a real dtype, got complex64. Embed its real part.",
        ),
    ],
)
def test_a_mistake_is_named(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
