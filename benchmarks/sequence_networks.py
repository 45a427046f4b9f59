"""Training steps of recurrent networks in every framework: an LSTM and a GRU over whole sequences.

The losses of the first steps are those of Flax Linen in float64, so all compute the same network:
see `networks.recurrent` for its biases, and for why Haiku has no GRU here.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import optax

from . import _weights
from ._race import Case
from ._steps import BASELINE, CROSS_ENTROPY, OURS, PEERS, contestants, sgd
from .networks import recurrent

CLASSES = 10


def frozen(parameters):
    """Which parameters aren't trained: `networks.recurrent` says why."""

    def is_frozen(path, _):
        return any(name in jax.tree_util.keystr(path) for name in recurrent.FROZEN)

    return jax.tree.map_with_path(is_frozen, parameters)


def optimizer(rate):
    made = sgd(rate)
    return replace(made, optax=optax.chain(optax.transforms.freeze(frozen), made.optax))


def case(cell, batch, time, features, hidden, *, target=None):
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(batch, time, features)), rng.integers(0, CLASSES, batch)
    sizes = {"cell": cell, "features": features, "hidden": hidden, "classes": CLASSES}
    weights = recurrent.weights(_weights.made(recurrent.of_lux(**sizes)))
    made = contestants(recurrent, CROSS_ENTROPY, optimizer(0.1), **sizes)
    if cell == "gru":
        made.pop("Haiku", None)
    return Case(
        f"{cell}, a training step, {batch} × {time}, {features} → {hidden}",
        (x, labels, *weights),
        made,
        target=target,
        lean_target=1.0,
        baseline=BASELINE,
        ours=OURS,
        peers=PEERS,
        guarded=False,
    )


CASES = [
    case("lstm", 32, 128, 64, 256, target=0.87),
    case("gru", 32, 128, 64, 256, target=0.92),
]
