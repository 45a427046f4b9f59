"""GPT with Keras, as its example "Text generation with a miniature GPT"."""

from __future__ import annotations

from functools import partial

import keras
from keras import layers

from . import EPSILON, Sizes


class Tokens(layers.Layer):
    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.table = layers.Embedding(sizes.vocabulary, sizes.width)
        self.positions = layers.Embedding(sizes.length, sizes.width)
        self.dropout = layers.Dropout(sizes.rate)

    def call(self, ids):
        return self.dropout(self.table(ids) + self.positions(keras.ops.arange(ids.shape[1])))


class Block(layers.Layer):
    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.attention = layers.MultiHeadAttention(
            sizes.heads, sizes.width // sizes.heads, dropout=sizes.rate
        )
        self.norm_1 = layers.LayerNormalization(epsilon=EPSILON)
        self.up = layers.Dense(
            sizes.hidden, activation=partial(keras.activations.gelu, approximate=True)
        )
        self.down = layers.Dense(sizes.width)
        self.norm_2 = layers.LayerNormalization(epsilon=EPSILON)
        self.dropout = layers.Dropout(sizes.rate)

    def call(self, x):
        y = self.norm_1(x)
        x = x + self.dropout(self.attention(y, y, use_causal_mask=True))
        y = self.dropout(self.up(self.norm_2(x)))
        return x + self.dropout(self.down(y))


def gpt(sizes: Sizes) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((sizes.length,), dtype="int32"),
            Tokens(sizes),
            *(Block(sizes) for _ in range(sizes.layers)),
            layers.LayerNormalization(epsilon=EPSILON),
            layers.Dense(sizes.vocabulary),
        ]
    )
