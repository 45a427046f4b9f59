"""Training steps of a GPT, with and without dropout, in every framework.

Without dropout the losses of the first steps are those of Flax Linen in float64. With it every
framework draws its own numbers, and the losses are within 1 % of those of Linen; the network
without dropout is not. Haiku does not compete there, since its attention drops nothing out.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from . import _weights
from ._race import Case
from ._steps import BASELINE, CROSS_ENTROPY, OURS, PEERS, adam, contestants
from .networks import gpt
from .networks.gpt import Sizes

OPTIMIZER = adam(1e-4)
RATE = 0.1
APART = 0.01  # how far, relatively, losses with dropout may be from those of the baseline


def case(sizes, batch, *, target=None):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, sizes.vocabulary, (batch, sizes.length + 1))
    inputs = (ids[:, :-1].copy(), ids[:, 1:].copy(), *_weights.made(gpt.of_lux(sizes)))
    made = contestants(gpt, CROSS_ENTROPY, OPTIMIZER, random=sizes.rate > 0, sizes=sizes)
    name = f"GPT, {sizes.layers} layers of {sizes.width}, {batch} × {sizes.length}"
    check = None
    if sizes.rate:
        name += f", dropout {sizes.rate:g}"
        made.pop("Haiku", None)
        check = near(made[BASELINE], inputs)
    return Case(
        name,
        inputs,
        made,
        target=target,
        tolerance=1e-5,
        check=check,
        lean_target=1.0,
        baseline=BASELINE,
        ours=OURS,
        peers=PEERS,
        guarded=False,
    )


def near(baseline, inputs):
    """A check that losses are close to the baseline's, which has drawn other numbers."""

    @cache
    def expected():
        return baseline(inputs, "float32", "default").values()[0]

    def check(values):
        apart = np.abs(values[0] / expected() - 1).max()
        return None if apart <= APART else f"losses {values[0]} for about {expected()}"

    return check


CASES = [
    case(Sizes(), 8, target=0.65),
    case(Sizes(rate=RATE), 8, target=0.65),
]
