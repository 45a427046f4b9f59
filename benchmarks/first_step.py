"""The first training step of a GPT of 24 layers: tracing, compilation, and one run.

Each measurement is a process of its own: the model, its weights and the optimizer's state are made,
JAX's caches are cleared, and one step is timed, until its loss is known. "scanned" is the loop over
layers that the framework's documentation has for faster compilation; the others are unrolled. All
begin with the same weights, and the first loss has to be that of Flax Linen.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import jax
import numpy as np

from . import _weights
from ._fresh import measures, tell, timed
from ._rounds import record, table
from ._steps import BASELINE, CROSS_ENTROPY, OURS, PEERS, adam, contestants
from .networks import gpt
from .networks.gpt import Sizes

ROUNDS, BATCH, LAYERS = 3, 8, 24
TOLERANCE = 1e-4
SCANNED = ", scanned"
SCANNING = (OURS, "Flax Linen", "Flax NNX", "Equinox", "Haiku")
PROMISED = {OURS: 0.7, OURS + SCANNED: 0.35}  # of the best peer, unrolled


def competitors(sizes):
    return contestants(gpt, CROSS_ENTROPY, adam(1e-4), sizes=sizes)


def first_step(name: str, sizes: Sizes) -> dict[str, float]:
    """The seconds of the first step in this process, and its loss."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, sizes.vocabulary, (BATCH, sizes.length + 1))
    weights = _weights.made(gpt.of_lux(sizes))
    if name.endswith(SCANNED):
        sizes, weights = replace(sizes, scan=True), gpt.stacked(weights)
    make = competitors(sizes)[name.removesuffix(SCANNED)]
    ready = make((ids[:, :-1], ids[:, 1:].copy(), *weights), "float32", "default")
    jax.clear_caches()
    _, figures = timed(ready.run)
    if name == "PyTorch, compiled":
        figures["others"] = 0.0  # its compilers are processes of their own, which count as others
    return {**figures, "loss": float(ready.values()[0][0])}


def main() -> None:
    installed = list(competitors(Sizes()))
    names = [*installed, *(name + SCANNED for name in SCANNING if name in installed)]
    told = measures(f"{__package__}.first_step", names, BASELINE, ROUNDS)
    expected = told[BASELINE][0]["loss"]
    for name, ones in told.items():
        if abs(ones[0]["loss"] / expected - 1) > TOLERANCE:
            raise SystemExit(f"{name} computes another loss: {ones[0]['loss']} for {expected}")
    times = {name: [one["seconds"] for one in ones] for name, ones in told.items()}
    rows = table(times, BASELINE, unit="s")
    record("first_step", f"First step of a GPT of {LAYERS} layers, {BATCH} × 256", rows)
    medians = {row["contestant"]: row["median s"] for row in rows}
    best, best_scanned = (
        min((peer + kind for peer in PEERS if peer + kind in medians), key=medians.get)
        for kind in ("", SCANNED)
    )
    for name, promised in PROMISED.items():
        ratio = medians[name] / medians[best]
        met = "met" if ratio <= promised else "NOT MET"
        print(f"  {name}: {ratio:.3g} of {best}, promised ≤ {promised:g}: {met}")
    ratio = medians[OURS + SCANNED] / medians[best_scanned]
    print(f"  {OURS + SCANNED}: {ratio:.3g} of {best_scanned}")


if __name__ == "__main__":
    tell(**first_step(sys.argv[1], Sizes(layers=LAYERS)))
