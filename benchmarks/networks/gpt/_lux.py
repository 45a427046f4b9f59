"""GPT with lux."""

from __future__ import annotations

import lux

from . import EPSILON, Sizes


def gpt(sizes: Sizes) -> lux.Chain:
    block = lux.TransformerEncoderLayer(
        sizes.width,
        sizes.heads,
        sizes.hidden,
        lux.gelu,
        norm=lux.LayerNorm(sizes.width, epsilon=EPSILON),
        norm_first=True,
        is_causal=True,
        dropout_rate=sizes.rate,
    )
    return lux.Chain(
        lux.Embedding(sizes.vocabulary, sizes.width),
        lux.LearnedPositionalEmbedding(sizes.length, sizes.width),
        lux.Dropout(sizes.rate),
        lux.Chain([block] * sizes.layers, scan=sizes.scan),
        lux.LayerNorm(sizes.width, epsilon=EPSILON),
        lux.Dense(sizes.width, sizes.vocabulary),
    )
