"""Training steps of multilayer perceptrons: what a step costs where its arithmetic costs little.

A tiny one, a deep and narrow one, and one whose matrix products take the time.
"""

from __future__ import annotations

import numpy as np

from . import _weights
from ._race import Case
from ._steps import BASELINE, CROSS_ENTROPY, MEAN_SQUARE, OURS, PEERS, adam, contestants
from .networks import perceptron


def case(name, widths, batch, *, classes=False):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, widths[0]))
    shape = (batch, widths[-1])
    target = rng.integers(0, widths[-1], batch) if classes else rng.normal(size=shape)
    loss = CROSS_ENTROPY if classes else MEAN_SQUARE
    return Case(
        f"{name} perceptron, a training step",
        (x, target, *_weights.made(perceptron.of_lux(widths))),
        contestants(perceptron, loss, adam(1e-3), widths=widths),
        lean_target=1.0,
        baseline=BASELINE,
        ours=OURS,
        peers=PEERS,
        guarded=False,
    )


CASES = [
    case("tiny, 4 × 32", (32,) * 5, 8),
    case("deep, 50 × 16", (16,) * 51, 8),
    case("large, 784-1024-1024-10", (784, 1024, 1024, 10), 256, classes=True),
]
