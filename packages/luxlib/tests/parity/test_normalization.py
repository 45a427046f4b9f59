"""Normalization against PyTorch's, in value, gradient and running statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import luxlib

TOLERANCE = 1e-9


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def channels_first(a):
    return np.moveaxis(np.asarray(a), -1, 1)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE)


def compare(ours, theirs, shape, parameters, layout):
    """Hold value and gradients of `ours` to those of `theirs`."""
    arrays = [normal(0, *shape) * 3 + 1, *(normal(1 + i, *s) for i, s in enumerate(parameters))]
    tensors = [
        torch.tensor(np.ascontiguousarray(lay(a)), requires_grad=True)
        for a, lay in zip(arrays, [layout, *[np.asarray] * len(parameters)], strict=True)
    ]
    expected = theirs(*tensors)
    y, pull_back = jax.vjp(ours, *map(jnp.asarray, arrays))
    bar = normal(9, *shape)
    expected.backward(torch.tensor(np.ascontiguousarray(layout(bar))))
    bars = pull_back(jnp.asarray(bar))
    close(layout(y), expected.detach().numpy())
    close(layout(bars[0]), tensors[0].grad.numpy())
    for ours_bar, tensor in zip(bars[1:], tensors[1:], strict=True):
        close(ours_bar, tensor.grad.numpy())


SHAPES = [(5, 6), (4, 7, 6), (3, 4, 5, 6), (2, 3, 2, 3, 6)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_batchnorm(shape, training):
    mean, var = normal(5, 6), normal(6, 6) ** 2 + 0.1
    running = torch.tensor(mean.copy()), torch.tensor(var.copy())
    after = {}

    def ours(x, scale, bias):
        y, after["ours"] = luxlib.batchnorm(
            x,
            scale,
            bias,
            jnp.asarray(mean),
            jnp.asarray(var),
            training=training,
            momentum=0.2,
            epsilon=1e-3,
        )
        return y

    def theirs(x, scale, bias):
        return F.batch_norm(x, *running, scale, bias, training=training, momentum=0.2, eps=1e-3)

    compare(ours, theirs, shape, [(6,), (6,)], channels_first)
    x = jnp.asarray(normal(0, *shape) * 3 + 1)
    ours(x, jnp.ones(6), jnp.zeros(6))
    for ours_after, tensor in zip(after["ours"], running, strict=True):
        close(ours_after, tensor.numpy())


@pytest.mark.parametrize("shape", SHAPES[1:], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_instancenorm(shape, training):
    mean, var = normal(5, 6), normal(6, 6) ** 2 + 0.1
    running = torch.tensor(mean.copy()), torch.tensor(var.copy())

    def ours(x, scale, bias):
        return luxlib.instancenorm(
            x, scale, bias, jnp.asarray(mean), jnp.asarray(var), training=training
        )[0]

    def theirs(x, scale, bias):
        return F.instance_norm(x, *running, scale, bias, use_input_stats=training)

    compare(ours, theirs, shape, [(6,), (6,)], channels_first)
    x = jnp.asarray(normal(0, *shape) * 3 + 1)
    after = luxlib.instancenorm(
        x, None, None, jnp.asarray(mean), jnp.asarray(var), training=training
    )[1]
    for ours_after, tensor in zip(after, running, strict=True):
        close(ours_after, tensor.numpy())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_groupnorm(shape, groups):
    if groups == 6 and len(shape) == 2:
        pytest.skip("PyTorch refuses groups of one element")
    compare(
        lambda x, scale, bias: luxlib.groupnorm(x, scale, bias, groups),
        lambda x, scale, bias: F.group_norm(x, groups, scale, bias),
        shape,
        [(6,), (6,)],
        channels_first,
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("axes", [1, 2])
def test_layernorm(shape, axes):
    last = shape[-axes:]
    compare(
        lambda x, scale, bias: luxlib.layernorm(x, scale, bias, axis=range(-axes, 0)),
        lambda x, scale, bias: F.layer_norm(x, last, scale, bias),
        shape,
        [last, last],
        np.asarray,
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("axes", [1, 2])
def test_rmsnorm(shape, axes):
    last = shape[-axes:]
    compare(
        lambda x, scale: luxlib.rmsnorm(x, scale, axis=range(-axes, 0), epsilon=1e-6),
        lambda x, scale: F.rms_norm(x, last, scale, eps=1e-6),
        shape,
        [last],
        np.asarray,
    )


def test_a_hundred_steps_of_running_statistics():
    layer = torch.nn.BatchNorm1d(3, dtype=torch.float64)
    running = jnp.zeros(3), jnp.ones(3)
    step = jax.jit(lambda x, running: luxlib.batchnorm(x, None, None, *running)[1])
    for i in range(100):
        x = normal(i, 8, 3) * (1 + i / 10) + i
        layer(torch.tensor(x))
        running = step(jnp.asarray(x), running)
    close(running[0], layer.running_mean.numpy())
    close(running[1], layer.running_var.numpy())
