"""A model of language as GPT-2, in each framework by its own layers.

Blocks of causal attention and a network for each token, normalized first, stand between an
embedding with learned positions and a head; GELU is the form with `tanh`. With a `rate` above 0 the
embedding, the weights of attention, the hidden features of the network and what either adds to its
input are dropped out, each element by itself. With `scan` a framework's documented loop runs the
blocks, so that one is traced and compiled for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EPSILON = 1e-5  # of every normalization


@dataclass(frozen=True)
class Sizes:
    """The hyperparameters."""

    layers: int = 4
    width: int = 256
    heads: int = 4
    length: int = 256
    vocabulary: int = 8192
    rate: float = 0.0
    scan: bool = False

    @property
    def hidden(self) -> int:
        """The features in a block's network."""
        return 4 * self.width


def of_lux(sizes):
    from ._lux import gpt

    return gpt(sizes)


def of_linen(sizes):
    from ._linen import GPT

    return GPT(sizes)


def of_nnx(rngs, sizes):
    from ._nnx import GPT

    return GPT(sizes, rngs)


def of_equinox(key, sizes):
    from ._equinox import GPT

    return GPT(sizes, key)


def of_haiku(x, train, sizes):
    from ._haiku import GPT

    return GPT(sizes)(x)


def of_keras(shape, sizes):
    from ._keras import gpt

    return gpt(sizes)


def of_torch(sizes):
    from ._torch import GPT

    return GPT(sizes)


def weights_of_linen(weights):
    """As they are applied: the norm of attention before it, and that of the network too."""
    arranged = []
    for query_to_out, norm_1, up_down, norm_2 in blocks(weights):
        arranged += [*norm_1, *query_to_out, *norm_2, *up_down]
    return [*weights[:2], *arranged, *weights[-4:]]


weights_of_haiku = weights_of_linen


def weights_of_torch(weights):
    """With the projections to queries, keys and values in one."""
    arranged = []
    for query_to_out, *rest in blocks(weights):
        joined = [np.concatenate(query_to_out[i:6:2], -1) for i in (0, 1)]
        arranged += [*joined, *query_to_out[6:], *(array for pair in rest for array in pair)]
    return [*weights[:2], *arranged, *weights[-4:]]


def blocks(weights):
    """Those of each block: of attention, its norm, the network, its norm."""
    inner = weights[2:-4]
    each = [inner[i : i + 16] for i in range(0, len(inner), 16)]
    return [(w[:8], w[8:10], w[10:14], w[14:]) for w in each]
