"""Dropout with its gradient: JAX's own generator, and the hash of a counter.

Plain JAX is `jax.random.bernoulli` and a `where`, as Flax has it. It keeps the mask for the
backward pass; luxlib draws it again.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import luxlib

from ._race import Case, jax_function, torch_function

RATE = 0.1


def plain(x, key):
    mask = jax.random.bernoulli(key, 1 - RATE, x.shape)
    return jnp.where(mask, x / (1 - RATE), 0)


def with_gradient(drop):
    def both(x, key, bar):
        y, pull_back = jax.vjp(lambda x: drop(x, jax.random.wrap_key_data(key)), x)
        return y, pull_back(bar)[0]

    return both


def of_torch(x, _, bar):
    import torch

    leaf = x.requires_grad_()

    def run():
        y = torch.nn.functional.dropout(leaf, RATE)
        return y, *torch.autograd.grad(y, [leaf], bar)

    return run, lambda made: made


def problem(x, bar, values):
    """Whether elements are dropped at the rate, and the others scaled, in both passes."""
    y, x_bar = (np.asarray(value, "float64") for value in values)
    kept = y != 0
    share = kept.mean()
    if abs(share - (1 - RATE)) > 5 * (RATE * (1 - RATE) / y.size) ** 0.5:
        return f"{share} of the elements are kept"
    if not np.allclose(y, kept * x / (1 - RATE), rtol=1e-5, atol=1e-5):
        return "elements are not scaled"
    if not np.allclose(x_bar, kept * bar / (1 - RATE), rtol=1e-5, atol=1e-5):
        return "the gradient has another mask"
    return None


def case(shape, generator, target=None):
    rng = np.random.default_rng(0)
    x, bar = rng.normal(size=shape), rng.normal(size=shape)
    drop = partial(_dropped, generator=generator)
    return Case(
        f"dropout by {generator}, with gradient, {'×'.join(map(str, shape))}",
        (x, np.array([0, 42], np.uint32), bar),
        {
            "luxlib": jax_function(with_gradient(drop)),
            "plain JAX": jax_function(with_gradient(plain)),
            "PyTorch": torch_function(of_torch),
        },
        target=target,
        check=partial(problem, x, bar),
    )


def _dropped(x, key, generator):
    return luxlib.dropout(x, RATE, key, generator=generator)


CASES = [
    case((8, 256, 1024), "jax", 0.55),
    case((8, 256, 1024), "counter", 0.15),
    case((8, 256, 256), "jax", 0.55),
    case((8, 256, 256), "counter"),
    case((64, 1024), "jax", 0.55),
    case((64, 1024), "counter"),
]
