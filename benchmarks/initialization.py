"""The initial parameters of a GPT of 4 layers: what comes before a first step.

Each measurement is a process of its own, which has imported everything. "first" is the time from a
seed to the parameters, "again" that of making them once more with another seed. "jitted" is the
framework's initialization inside of its own `jit`. Each has its own initial values.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys

import jax
import numpy as np

from ._fresh import measures, tell, timed
from ._rounds import record, table
from ._steps import BASELINE, FRAMEWORKS, OURS
from .networks import gpt
from .networks.gpt import Sizes

ROUNDS = 5
SIZES = Sizes()
PROMISED = 0.5  # of the best peer, the first time


def of_lux(sizes):
    import lux

    model = gpt.of_lux(sizes)
    return lambda seed: lux.setup(seed, model)


def of_linen(sizes, *, jitted=False):
    model, ids = gpt.of_linen(sizes), np.zeros((1, sizes.length), "int32")

    def init(seed):
        return model.init(jax.random.key(seed), ids, False)

    return jax.jit(init) if jitted else init


def of_nnx(sizes, *, jitted=False):
    from flax import nnx

    def create(key):
        return gpt.of_nnx(nnx.Rngs(key), sizes)

    made = nnx.jit(create) if jitted else create
    return lambda seed: nnx.state(made(jax.random.key(seed)))


def of_equinox(sizes, *, jitted=False):
    import equinox as eqx

    def create(key):
        return gpt.of_equinox(key, sizes)

    made = eqx.filter_jit(create) if jitted else create
    return lambda seed: eqx.filter(made(jax.random.key(seed)), eqx.is_array)


def of_haiku(sizes, *, jitted=False):
    import haiku as hk

    model = hk.transform(lambda ids: gpt.of_haiku(ids, True, sizes))
    ids = np.zeros((1, sizes.length), "int32")

    def init(seed):
        return model.init(jax.random.key(seed), ids)

    return jax.jit(init) if jitted else init


def of_keras(sizes):
    import keras

    def make(seed):
        keras.utils.set_random_seed(seed)
        model = gpt.of_keras((sizes.length,), sizes)
        return [variable.value for variable in model.variables]

    return make


def of_torch(sizes):
    import torch

    def make(seed):
        torch.manual_seed(seed)
        return gpt.of_torch(sizes)

    return make


MAKERS = {
    OURS: of_lux,
    "Flax Linen": of_linen,
    "Flax NNX": of_nnx,
    "Equinox": of_equinox,
    "Haiku": of_haiku,
    "Keras": of_keras,
    "PyTorch": of_torch,
}
JITTED = ("Flax Linen", "Flax NNX", "Equinox", "Haiku")


def initialization(name: str, sizes: Sizes) -> dict[str, float]:
    """The seconds of the first initialization in this process, and of the second."""
    plain, _, jitted = name.partition(", ")
    make = MAKERS[plain](sizes, **({"jitted": True} if jitted else {}))
    importlib.import_module(f"{gpt.__name__}._{FRAMEWORKS[plain][1]}")
    _, first = timed(lambda: jax.block_until_ready(make(1)))
    _, again = timed(lambda: jax.block_until_ready(make(2)))
    return {**first, "again": again["seconds"]}


def main() -> None:
    installed = [name for name in MAKERS if importlib.util.find_spec(FRAMEWORKS[name][0])]
    names = [*installed, *(f"{name}, jitted" for name in JITTED if name in installed)]
    told = measures(f"{__package__}.initialization", names, BASELINE, ROUNDS)
    for when, key in (("first", "seconds"), ("again", "again")):
        times = {name: [one[key] for one in ones] for name, ones in told.items()}
        rows = table(times, BASELINE, unit="ms")
        what = f"Initial parameters of a GPT of {SIZES.layers} layers, {when}"
        record("initialization", what, rows)
        if when == "first":
            medians = {row["contestant"]: row["median ms"] for row in rows}
            best = min((n for n in medians if n not in (OURS, "PyTorch")), key=medians.get)
            ratio = medians[OURS] / medians[best]
            met = "met" if ratio <= PROMISED else "NOT MET"
            print(f"  {OURS}: {ratio:.3g} of {best}, promised ≤ {PROMISED:g}: {met}")


if __name__ == "__main__":
    tell(**initialization(sys.argv[1], SIZES))
