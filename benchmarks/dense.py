"""Dense layers, forward and backward: products of many rows with a matrix.

A sequence `(batch, time, features)` is flattened before the product, which spares the weight
gradient's transposing copies.
"""

from __future__ import annotations

import jax
import numpy as np

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function


def with_luxlib(x, weight, bias):
    return luxlib.fused_dense_bias_activation(x, weight, bias, luxlib.relu)


def plain(x, weight, bias):
    return jax.nn.relu(x @ weight + bias.reshape((1,) * (x.ndim - 1) + (-1,)))


def of_torch(x, weight, bias, bar):
    import torch

    leaves = [x.requires_grad_(), weight.T.contiguous().requires_grad_(), bias.requires_grad_()]

    def run():
        y = torch.relu(torch.nn.functional.linear(*leaves))
        return y, *torch.autograd.grad(y, leaves, bar)

    return run, lambda made: (made[0], made[1], made[2].T, made[3])


def case(batch, inputs, outputs):
    rng = np.random.default_rng(0)
    arrays = (
        rng.normal(size=(*batch, inputs)),
        rng.normal(size=(inputs, outputs)) / inputs**0.5,
        rng.normal(size=outputs),
        rng.normal(size=(*batch, outputs)),
    )
    shape = "×".join(map(str, batch))
    return Case(
        f"dense, forward and backward, {shape}, {inputs} → {outputs}",
        arrays,
        {
            "luxlib": jax_function(forward_and_backward(with_luxlib)),
            "plain JAX": jax_function(forward_and_backward(plain)),
            "PyTorch": torch_function(of_torch),
        },
    )


CASES = [case((256,), 784, 1024), case((8, 256), 256, 1024), case((32, 100), 64, 64)]
