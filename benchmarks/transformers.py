"""Training steps of a GPT, with and without dropout, in every framework.

Without dropout the losses of the first steps are those of Flax Linen in float64. With it every
framework draws its own numbers: the losses are within two percent of those without. Haiku does not
compete there, since its attention drops nothing out.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import jax
import numpy as np

from . import _weights
from ._race import Case
from ._steps import BASELINE, CROSS_ENTROPY, adam, contestants
from .networks import gpt
from .networks.gpt import Sizes

OPTIMIZER = adam(1e-4)
RATE = 0.1
APART = 0.02  # how far, relatively, a loss with dropout may be from that without


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
        check = near(inputs, replace(sizes, rate=0.0))
    return Case(
        name,
        inputs,
        made,
        target=target,
        tolerance=1e-5,
        check=check,
        baseline=BASELINE,
        guarded=False,
    )


def near(inputs, sizes):
    """A check that losses are close to those of the network without dropout."""

    @cache
    def without():
        plain = contestants(gpt, CROSS_ENTROPY, OPTIMIZER, sizes=sizes)[BASELINE]
        with jax.enable_x64(True):
            return plain(inputs, "float64", "default").values()[0]

    def check(values):
        apart = np.abs(values[0] / without() - 1).max()
        return None if apart <= APART else f"losses {values[0]}, without dropout {without()}"

    return check


CASES = [
    case(Sizes(), 8, target=0.65),
    case(Sizes(rate=RATE), 8, target=0.65),
]
