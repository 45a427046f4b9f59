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


def blocks(weights):
    """Those of attention, its norm, the network and its norm, of each block or of all stacked."""
    inner = weights[2:-4]
    each = [inner[i : i + 16] for i in range(0, len(inner), 16)]
    return [(w[:8], w[8:10], w[10:14], w[14:]) for w in each]


def rearranged(weights, order):
    """Those of each block as `order` gives them."""
    arranged = [array for block in blocks(weights) for array in order(*block)]
    return [*weights[:2], *arranged, *weights[-4:]]


def stacked(weights):
    """The weights for `scan`: each array with those of all blocks along a new first axis."""
    inner = weights[2:-4]
    return [*weights[:2], *(np.stack(inner[i::16]) for i in range(16)), *weights[-4:]]


def are_stacked(weights):
    return weights[2].ndim == 3


def weights_of_linen(weights):
    """As they are applied, or where they are stacked by the names of the layers, and of theirs."""

    def applied(attention, norm_1, network, norm_2):
        return [*norm_1, *attention, *norm_2, *network]

    def by_name(attention, norm_1, network, norm_2):
        return [*turned(network), *turned(norm_1), *turned(norm_2), *key_out_query_value(attention)]

    return rearranged(weights, by_name if are_stacked(weights) else applied)


def weights_of_haiku(weights):
    """Likewise; its norms come before its layers."""

    def by_name(attention, norm_1, network, norm_2):
        return [*turned(norm_1), *turned(norm_2), *turned(network), *key_out_query_value(attention)]

    return rearranged(weights, by_name) if are_stacked(weights) else weights_of_linen(weights)


def weights_of_nnx(weights):
    """Where they are stacked, by name."""

    def by_name(attention, norm_1, network, norm_2):
        up, down = turned(network[:2]), turned(network[2:])
        return [*key_out_query_value(attention), *down, *turned(norm_1), *turned(norm_2), *up]

    return rearranged(weights, by_name) if are_stacked(weights) else list(weights)


def weights_of_equinox(weights):
    """Where they are stacked, flat: the output features are first in each layer, not in all."""

    def flat(*parts):
        return [array.swapaxes(1, -1).ravel() for part in parts for array in part]

    return rearranged(weights, flat) if are_stacked(weights) else list(weights)


def weights_of_torch(weights):
    """With the projections to queries, keys and values in one."""

    def fused(attention, *rest):
        joined = [np.concatenate(attention[i:6:2], -1) for i in (0, 1)]
        return [*joined, *attention[6:], *(array for part in rest for array in part)]

    return rearranged(weights, fused)


def turned(pairs):
    """The bias before the weight, or before the scale, of each pair."""
    return [array for i in range(0, len(pairs), 2) for array in (pairs[i + 1], pairs[i])]


def key_out_query_value(attention):
    query, key, value, out = (turned(attention[i : i + 2]) for i in range(0, 8, 2))
    return [*key, *out, *query, *value]
