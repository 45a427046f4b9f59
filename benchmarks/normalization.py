"""Normalization, forward and backward with the gradients of the parameters.

Plain JAX is the formula as one writes it: `jax.numpy.mean` and `jax.numpy.var` over the axes of a
group. The batch norms return their running statistics too.
"""

from __future__ import annotations

import jax
import numpy as np
from jax import lax

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function

EPSILON = 1e-5


def normalized(x, axes):
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) * lax.rsqrt(var + EPSILON)


def last(parameter, x):
    return parameter.reshape((1,) * (x.ndim - 1) + parameter.shape)


def plain_layernorm(x, scale, bias):
    return normalized(x, -1) * last(scale, x) + last(bias, x)


def plain_rmsnorm(x, scale):
    return x * lax.rsqrt((x**2).mean(-1, keepdims=True) + EPSILON) * last(scale, x)


def plain_groupnorm(groups):
    def groupnorm(x, scale, bias):
        split = x.reshape(*x.shape[:-1], groups, -1)
        y = normalized(split, (*range(1, x.ndim - 1), -1)).reshape(x.shape)
        return y * last(scale, x) + last(bias, x)

    return groupnorm


def plain_instancenorm(x, scale, bias):
    return normalized(x, tuple(range(1, x.ndim - 1))) * last(scale, x) + last(bias, x)


def plain_batchnorm(x, scale, bias, running_mean, running_var):
    axes = tuple(range(x.ndim - 1))
    y = normalized(x, axes) * last(scale, x) + last(bias, x)
    count = x.size // x.shape[-1]
    mean, var = x.mean(axes), x.var(axes) * (count / (count - 1))
    return y, (0.9 * running_mean + 0.1 * mean, 0.9 * running_var + 0.1 * var)


def channels_first(x):
    return x.movedim(-1, 1).contiguous()


def of_torch(function, *, layout=lambda x: x, back=lambda y: y):
    """A contestant of a function of tensors `(x, *parameters)`, whose cotangent comes last."""

    def make(x, *others):
        leaves = [layout(x).requires_grad_(), *(p.requires_grad_() for p in others[:-1])]
        bar = layout(others[-1])

        def run():
            import torch

            y = function(*leaves)
            return y, *torch.autograd.grad(y, leaves, bar)

        return run, lambda made: (back(made[0]), back(made[1]), *made[2:])

    return torch_function(make)


def images_of_torch(function):
    return of_torch(function, layout=channels_first, back=lambda y: y.movedim(1, -1))


def torch_layernorm(x, scale, bias):
    import torch

    return torch.nn.functional.layer_norm(x, x.shape[-1:], scale, bias, EPSILON)


def torch_rmsnorm(x, scale):
    import torch

    return torch.nn.functional.rms_norm(x, x.shape[-1:], scale, EPSILON)


def torch_groupnorm(groups):
    def groupnorm(x, scale, bias):
        import torch

        return torch.nn.functional.group_norm(x, groups, scale, bias, EPSILON)

    return groupnorm


def torch_instancenorm(x, scale, bias):
    import torch

    return torch.nn.functional.instance_norm(x, None, None, scale, bias, eps=EPSILON)


def luxlib_groupnorm(groups):
    return lambda x, scale, bias: luxlib.groupnorm(x, scale, bias, groups)


def luxlib_instancenorm(x, scale, bias):
    return luxlib.instancenorm(x, scale, bias)[0]


def batch_with_gradient(function):
    """The value, the running statistics and the gradients."""

    def both(x, scale, bias, running_mean, running_var, bar):
        def of_three(x, scale, bias):
            return function(x, scale, bias, running_mean, running_var)

        y, pull_back, running = jax.vjp(of_three, x, scale, bias, has_aux=True)
        return y, pull_back(bar), running

    return both


def torch_batchnorm(x, scale, bias, running_mean, running_var, bar):
    import torch

    leaves = [channels_first(x).requires_grad_(), scale.requires_grad_(), bias.requires_grad_()]
    bar = channels_first(bar)

    def run():
        mean, var = running_mean.clone(), running_var.clone()
        y = torch.nn.functional.batch_norm(leaves[0], mean, var, *leaves[1:], training=True)
        return y, *torch.autograd.grad(y, leaves, bar), mean, var

    return run, lambda made: (made[0].movedim(1, -1), made[1].movedim(1, -1), *made[2:])


def arrays(shape, parameters=2):
    rng = np.random.default_rng(0)
    made = [1 + 0.1 * rng.normal(size=shape[-1]), rng.normal(size=shape[-1])][:parameters]
    return rng.normal(size=shape), *made, rng.normal(size=shape)


def case(name, shape, ours, plain, torch, *, parameters=2, target=None, guarded=False):
    return Case(
        f"{name}, forward and backward, {'×'.join(map(str, shape))}",
        arrays(shape, parameters),
        {
            "luxlib": jax_function(forward_and_backward(ours)),
            "plain JAX": jax_function(forward_and_backward(plain)),
            "PyTorch": torch,
        },
        target=target,
        guarded=guarded,
    )


def layer(shape, **options):
    contestants = luxlib.layernorm, plain_layernorm, of_torch(torch_layernorm)
    return case("layernorm", shape, *contestants, **options)


def rms(shape, **options):
    contestants = luxlib.rmsnorm, plain_rmsnorm, of_torch(torch_rmsnorm)
    return case("rmsnorm", shape, *contestants, parameters=1, **options)


def group(shape, groups, **options):
    torch = images_of_torch(torch_groupnorm(groups))
    contestants = luxlib_groupnorm(groups), plain_groupnorm(groups), torch
    return case(f"groupnorm of {groups}", shape, *contestants, **options)


def instance(shape, **options):
    contestants = luxlib_instancenorm, plain_instancenorm, images_of_torch(torch_instancenorm)
    return case("instancenorm", shape, *contestants, **options)


def batch(shape, *, guarded=False):
    x, scale, bias, bar = arrays(shape)
    running = np.zeros(shape[-1]), np.ones(shape[-1])
    return Case(
        f"batchnorm, forward and backward, {'×'.join(map(str, shape))}",
        (x, scale, bias, *running, bar),
        {
            "luxlib": jax_function(batch_with_gradient(luxlib.batchnorm)),
            "plain JAX": jax_function(batch_with_gradient(plain_batchnorm)),
            "PyTorch": torch_function(torch_batchnorm),
        },
        guarded=guarded,
    )


CASES = [
    layer((2048, 256), target=0.85, guarded=True),
    layer((4, 512, 1024), target=0.85),
    layer((32, 768)),
    layer((513, 33)),
    layer((1, 1000)),
    rms((2048, 256), guarded=True),
    rms((4, 512, 1024)),
    rms((32, 768)),
    group((64, 8, 8, 64), 8, target=0.33, guarded=True),
    group((32, 28, 28, 64), 8, target=0.33),
    group((64, 32, 32, 16), 4, target=0.33),
    group((7, 13, 3, 5), 1),
    instance((64, 32, 32, 16), guarded=True),
    instance((32, 28, 28, 64)),
    batch((64, 32, 32, 16), guarded=True),
    batch((32, 28, 28, 64)),
    batch((64, 8, 8, 64)),
    batch((2048, 256)),
    batch((513, 1)),
]
