"""The losses against optax's."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lux_losses import CrossEntropyLoss

SHAPES = [(4,), (7, 3), (2, 5, 10), (64, 1000)]


@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy_of_labels(shape: tuple):
    rng = np.random.default_rng(0)
    logits = jnp.asarray(4 * rng.standard_normal(shape), jnp.float32)
    labels = jnp.asarray(rng.integers(0, shape[-1], shape[:-1]), jnp.int32)

    def theirs(logits):
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    expected, expected_gradient = jax.value_and_grad(theirs)(logits)
    value, gradient = jax.value_and_grad(CrossEntropyLoss(logits=True))(logits, labels)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy_of_distributions(shape: tuple, smoothing: float):
    rng = np.random.default_rng(0)
    logits = jnp.asarray(4 * rng.standard_normal(shape), jnp.float32)
    y = jnp.asarray(rng.dirichlet(np.ones(shape[-1]), shape[:-1]), jnp.float32)

    def theirs(logits):
        return optax.softmax_cross_entropy(logits, optax.smooth_labels(y, smoothing)).mean()

    loss = CrossEntropyLoss(logits=True, label_smoothing=smoothing)
    expected, expected_gradient = jax.value_and_grad(theirs)(logits)
    value, gradient = jax.value_and_grad(loss)(logits, y)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-6)
