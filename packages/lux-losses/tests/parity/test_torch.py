"""The losses against PyTorch's criteria."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from lux_losses import CrossEntropyLoss

AGGREGATIONS = {"mean": jnp.mean, "sum": jnp.sum, "none": None}
# The shapes here have the classes last; PyTorch has them on axis 1 where there is a batch.
SHAPES = [(4,), (7, 3), (2, 5, 10), (2, 3, 4, 6), (64, 1000)]


def channels_first(array):
    array = torch.from_numpy(np.array(array))
    return array.movedim(-1, 1) if array.ndim > 1 else array


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("reduction", AGGREGATIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("target", ["labels", "distribution"])
def test_cross_entropy(shape: tuple, reduction: str, smoothing: float, target: str):
    rng = np.random.default_rng(0)
    logits = 4 * rng.standard_normal(shape).astype(np.float32)
    criterion = torch.nn.CrossEntropyLoss(reduction=reduction, label_smoothing=smoothing)
    z = channels_first(logits).requires_grad_()
    if target == "labels":
        y = rng.integers(0, shape[-1], shape[:-1])
        expected = criterion(z, torch.from_numpy(np.asarray(y)))
    else:
        y = rng.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(np.float32)
        expected = criterion(z, channels_first(y))

    loss = CrossEntropyLoss(logits=True, agg=AGGREGATIONS[reduction], label_smoothing=smoothing)
    value, pullback = jax.vjp(lambda z: loss(z, jnp.asarray(y)), jnp.asarray(logits))
    np.testing.assert_allclose(value, expected.detach(), rtol=2e-6, atol=1e-6)

    expected.backward(torch.ones_like(expected))
    gradient = z.grad.movedim(1, -1) if z.ndim > 1 else z.grad
    (ours,) = pullback(jnp.ones_like(value))
    np.testing.assert_allclose(ours, gradient, rtol=1e-4, atol=2e-6)


def test_cross_entropy_of_probabilities_is_nll_of_logarithms():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(5), 9).astype(np.float32)
    labels = rng.integers(0, 5, 9)
    expected = torch.nn.NLLLoss()(torch.from_numpy(p).log(), torch.from_numpy(labels))
    value = CrossEntropyLoss(epsilon=0)(p, labels)
    np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_classes_on_axis_one():
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((2, 5, 8, 8)).astype(np.float32)
    labels = rng.integers(0, 5, (2, 8, 8))
    expected = torch.nn.CrossEntropyLoss()(torch.from_numpy(logits), torch.from_numpy(labels))
    value = CrossEntropyLoss(logits=True, axis=1)(logits, labels)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
