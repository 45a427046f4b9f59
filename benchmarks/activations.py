"""Activations, forward and backward, on the hidden features of a transformer's batch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function

SHAPE = (2048, 1024)
TARGETS = {"gelu_erf": 0.5}
PLAIN = {
    "gelu_erf": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": jax.nn.gelu,
    "swish": jax.nn.silu,
    "mish": jax.nn.mish,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "logsigmoid": jax.nn.log_sigmoid,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "relu": jax.nn.relu,
    "leakyrelu": jax.nn.leaky_relu,
    "hardswish": jax.nn.hard_swish,
    "softsign": jax.nn.soft_sign,
    "squareplus": jax.nn.squareplus,
    "logcosh": lambda x: jnp.logaddexp(x, -x) - jnp.log(jnp.asarray(2, x.dtype)),
    "lisht": lambda x: x * jnp.tanh(x),
    "tanhshrink": lambda x: x - jnp.tanh(x),
}


def of_torch(name):
    import torch

    functions = torch.nn.functional
    return {
        "gelu_erf": functions.gelu,
        "gelu_tanh": lambda x: functions.gelu(x, approximate="tanh"),
        "logsigmoid": functions.logsigmoid,
        "hardswish": functions.hardswish,
        "leakyrelu": functions.leaky_relu,
        "swish": functions.silu,
        "softsign": functions.softsign,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
    }.get(name) or getattr(functions, name)


def torch_contestant(name):
    def make(x, bar):
        import torch

        function = of_torch(name)
        x.requires_grad_()

        def run():
            y = function(x)
            return y, *torch.autograd.grad(y, (x,), bar)

        return run, lambda made: made

    return torch_function(make)


def case(name):
    rng = np.random.default_rng(0)
    contestants = {
        "luxlib": jax_function(forward_and_backward(getattr(luxlib, name))),
        "plain JAX": jax_function(forward_and_backward(PLAIN[name])),
    }
    if name not in ("squareplus", "logcosh", "lisht"):
        contestants["PyTorch"] = torch_contestant(name)
    return Case(
        f"{name}, forward and backward, {SHAPE[0]} × {SHAPE[1]}",
        (2 * rng.normal(size=SHAPE), rng.normal(size=SHAPE)),
        contestants,
        target=TARGETS.get(name),
        guarded=name in ("gelu_erf", "gelu_tanh", "swish", "softplus", "elu"),
    )


CASES = [case(name) for name in PLAIN]
