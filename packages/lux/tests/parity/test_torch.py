"""The layers against PyTorch's: values, gradients, initial values, and a training run."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import lux
from lux.training import AutoReverse, TrainState, single_train_step

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def double(tree):
    """The parameters in float64, where JAX made them in float32."""
    return jax.tree.map(lambda p: jnp.asarray(np.asarray(p, np.float64)), tree)


def first(array, axes):
    """Channels first."""
    return np.moveaxis(np.asarray(array), -1, 1) if axes else np.asarray(array)


def kernel(weight):
    """`(*window, in, out)` as PyTorch has it."""
    return np.ascontiguousarray(np.moveaxis(np.asarray(weight), (-1, -2), (0, 1)))


def compare(layer, module, x, axes):
    """Output, parameter gradients and input gradient, to 1e-10."""
    ps, st = lux.setup(0, layer)
    ps = double(ps)
    with torch.no_grad():
        for name, p in lux.items(ps):
            getattr(module, name).copy_(
                torch.tensor(kernel(p) if name == "weight" else np.array(p))
            )
    tx = torch.tensor(first(x, axes), requires_grad=True)
    ty = module(tx)
    cotangent = RNG.normal(size=tuple(ty.shape))
    ty.backward(torch.tensor(cotangent))
    y, vjp = jax.vjp(lambda ps, x: layer(x, ps, st)[0], ps, jnp.asarray(x))
    grads, dx = vjp(jnp.asarray(np.moveaxis(cotangent, 1, -1) if axes else cotangent))
    close = {"rtol": 1e-10, "atol": 1e-10}
    np.testing.assert_allclose(first(y, axes), ty.detach(), **close)
    np.testing.assert_allclose(first(dx, axes), tx.grad, **close)
    for name, g in lux.items(grads):
        expected = getattr(module, name).grad
        np.testing.assert_allclose(kernel(g) if name == "weight" else g, expected, **close)


@pytest.mark.parametrize("batch", [(5,), (2, 3)])
@pytest.mark.parametrize(("in_dims", "out_dims"), [(4, 3), (1, 7), (16, 1)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense(batch, in_dims, out_dims, use_bias):
    module = torch.nn.Linear(in_dims, out_dims, bias=use_bias, dtype=torch.float64)
    layer = lux.Dense(in_dims, out_dims, use_bias=use_bias)
    compare(layer, module, RNG.normal(size=(*batch, in_dims)), axes=0)


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (lux.Dense(300, 200), torch.nn.Linear(300, 200)),
        (lux.Dense(300, 200, lux.relu), torch.nn.Linear(300, 200)),
        (lux.Conv((5, 5), 16, 64), torch.nn.Conv2d(16, 64, 5)),
        (lux.Conv((3,), 32, 64, groups=4), torch.nn.Conv1d(32, 64, 3, groups=4)),
    ],
)
def test_initial_values_have_the_same_distribution(layer, module):
    torch.manual_seed(0)
    module.reset_parameters()
    ps, _ = lux.setup(0, layer)
    for name, p in lux.items(ps):
        theirs = getattr(module, name).detach()
        # Both are samples of a uniform distribution: the largest is close to the bound.
        few = 2 / p.size**0.5
        assert float(abs(p).max()) == pytest.approx(float(theirs.abs().max()), rel=few)
        assert float(p.std()) == pytest.approx(float(theirs.std()), rel=few)


def test_twenty_steps_of_adam_end_at_the_same_parameters():
    model = lux.Chain(
        lux.Conv((3, 3), 1, 4, lux.tanh, cross_correlation=True),
        lux.MaxPool((2, 2)),
        lux.FlattenLayer(),
        lux.Dense(36, 3),
    )
    ps, st = lux.setup(0, model)
    ps = double(ps)
    conv, linear = torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(36, 3)
    network = torch.nn.Sequential(conv, torch.nn.Tanh(), torch.nn.MaxPool2d(2)).double()
    linear = linear.double()
    with torch.no_grad():
        for module, layer in ((conv, ps.layer_0), (linear, ps.layer_3)):
            module.weight.copy_(torch.tensor(kernel(layer.weight)))
            module.bias.copy_(torch.tensor(np.array(layer.bias)))
    x, target = RNG.normal(size=(6, 8, 8, 1)), RNG.normal(size=(6, 3))
    parameters = [*conv.parameters(), *linear.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    for _ in range(20):
        optimizer.zero_grad()
        hidden = network(torch.tensor(first(x, 2)))
        # Flattened with the channels last, as Lux has them.
        loss = ((linear(hidden.movedim(1, -1).flatten(1)) - torch.tensor(target)) ** 2).mean()
        loss.backward()
        optimizer.step()

    def mean_square(model, ps, st, data):
        y, st = model(data[0], ps, st)
        return ((y - data[1]) ** 2).mean(), st, lux.NamedTuple()

    ts = TrainState(model, ps, st, optax.adam(1e-2))
    data = (jnp.asarray(x), jnp.asarray(target))
    for _ in range(20):
        _, value, _, ts = single_train_step(AutoReverse(), mean_square, data, ts)
    np.testing.assert_allclose(value, loss.detach(), rtol=1e-8)
    for module, layer in ((conv, ts.parameters.layer_0), (linear, ts.parameters.layer_3)):
        np.testing.assert_allclose(kernel(layer.weight), module.weight.detach(), rtol=1e-8)
        np.testing.assert_allclose(layer.bias, module.bias.detach(), rtol=1e-8)
