"""The softmax family, forward and backward, over short rows and long ones, and other axes."""

from __future__ import annotations

import jax
import numpy as np

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function

NAMES = {
    "softmax": (luxlib.softmax, jax.nn.softmax, "softmax"),
    "logsoftmax": (luxlib.logsoftmax, jax.nn.log_softmax, "log_softmax"),
    "logsumexp": (luxlib.logsumexp, jax.nn.logsumexp, "logsumexp"),
}


def case(name, shape, axis=-1, target=None):
    ours, plain, theirs = NAMES[name]
    rng = np.random.default_rng(0)
    x = 3 * rng.normal(size=shape)
    bar = rng.normal(size=np.delete(shape, axis) if name == "logsumexp" else shape)

    def make(x, bar):
        import torch

        x.requires_grad_()

        def run():
            y = getattr(torch, theirs)(x, axis)
            return y, *torch.autograd.grad(y, (x,), bar)

        return run, lambda made: made

    return Case(
        f"{name}, forward and backward, {' × '.join(map(str, shape))}, axis {axis}",
        (x, bar),
        {
            "luxlib": jax_function(forward_and_backward(lambda x: ours(x, axis=axis))),
            "plain JAX": jax_function(forward_and_backward(lambda x: plain(x, axis=axis))),
            "PyTorch": torch_function(make),
        },
        target=target,
        guarded=name == "softmax" and shape[0] > 2000,
    )


CASES = [
    case("softmax", (8192, 256), target=0.6),
    case("softmax", (4096, 256), target=0.6),
    case("softmax", (65536, 10)),
    case("softmax", (64, 1000)),
    case("softmax", (4096, 1024)),
    case("softmax", (1024, 32000)),
    case("softmax", (32, 256, 64), axis=1),
    case("softmax", (512, 4096), axis=0),
    case("logsoftmax", (8192, 256)),
    case("logsoftmax", (65536, 10)),
    case("logsoftmax", (1024, 32000)),
    case("logsumexp", (8192, 256)),
    case("logsumexp", (1024, 32000)),
]
