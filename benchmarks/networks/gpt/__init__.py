"""A model of language as GPT-2, in each framework by its own layers.

Blocks of causal attention and a network for each token, normalized first, between an embedding
with learned positions and a head; GELU in the form with `tanh`. With a `rate` above 0 the
embedding, the weights of attention, the hidden features of the network and what either adds are
dropped out, each element by itself.

Each module here has `model(sizes)`, and a function that gives it the weights of `weights(sizes)`:
NumPy arrays in the order in which they are applied, products from the left and biases behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

EPSILON = 1e-5  # of every normalization
OF_BLOCK = 16  # arrays: two norms, four projections and two layers, each with two


@dataclass(frozen=True)
class Sizes:
    """The hyperparameters."""

    layers: int = 4
    width: int = 256
    heads: int = 4
    length: int = 256
    vocabulary: int = 8192
    rate: float = 0.0
    scan: bool = False  # whether the blocks are one program that runs again and again

    @property
    def hidden(self) -> int:
        """The features in a block's network."""
        return 4 * self.width


class Parts(NamedTuple):
    """The weights by their places; all but the two tables in pairs."""

    table: np.ndarray
    positions: np.ndarray
    blocks: list[list[tuple[np.ndarray, np.ndarray]]]
    norm: tuple[np.ndarray, np.ndarray]
    head: tuple[np.ndarray, np.ndarray]


BLOCK = ("norm_1", "query", "key", "value", "out", "norm_2", "up", "down")  # the pairs of a block


def weights(sizes: Sizes) -> list[np.ndarray]:
    """Initial weights, of which no two are equal."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.02, shape)

    def norm() -> list[np.ndarray]:
        return [1 + normal(sizes.width), normal(sizes.width)]

    def dense(features: int, out: int) -> list[np.ndarray]:
        return [normal(features, out), normal(out)]

    width = sizes.width
    made = [normal(sizes.vocabulary, width), normal(sizes.length, width)]
    for _ in range(sizes.layers):
        made += norm()
        for _ in ("query", "key", "value", "out"):
            made += dense(width, width)
        made += [*norm(), *dense(width, sizes.hidden), *dense(sizes.hidden, width)]
    return [*made, *norm(), *dense(width, sizes.vocabulary)]


def parts(arrays: Sequence[np.ndarray]) -> Parts:
    """The weights that `weights` made, or others in their order."""
    table, positions, *rest = arrays
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    *of_blocks, norm, head = pairs
    step = len(BLOCK)
    blocks = [of_blocks[i : i + step] for i in range(0, len(of_blocks), step)]
    return Parts(table, positions, blocks, norm, head)


def transposed(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The weights for layers that multiply from the left, as those of Equinox and PyTorch."""
    tables, rest = arrays[:2], arrays[2:]
    return [*tables, *(a.T if a.ndim == 2 else a for a in rest)]
