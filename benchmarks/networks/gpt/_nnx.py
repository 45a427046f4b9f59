"""GPT with Flax NNX."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx

from . import EPSILON, Sizes


class Block(nnx.Module):
    def __init__(self, sizes: Sizes, rngs: nnx.Rngs) -> None:
        self.attention = nnx.MultiHeadAttention(
            sizes.heads,
            sizes.width,
            dropout_rate=sizes.rate,
            broadcast_dropout=False,
            decode=False,
            rngs=rngs,
        )
        self.norm_1 = nnx.LayerNorm(sizes.width, epsilon=EPSILON, rngs=rngs)
        self.up = nnx.Linear(sizes.width, sizes.hidden, rngs=rngs)
        self.down = nnx.Linear(sizes.hidden, sizes.width, rngs=rngs)
        self.norm_2 = nnx.LayerNorm(sizes.width, epsilon=EPSILON, rngs=rngs)
        self.dropout = nnx.Dropout(sizes.rate, rngs=rngs)

    def __call__(self, x):
        x = x + self.dropout(self.attention(self.norm_1(x), is_causal=True))
        y = self.dropout(nnx.gelu(self.up(self.norm_2(x))))
        return x + self.dropout(self.down(y))


class GPT(nnx.Module):
    def __init__(self, sizes: Sizes, rngs: nnx.Rngs) -> None:
        self.table = nnx.Embed(sizes.vocabulary, sizes.width, rngs=rngs)
        self.positions = nnx.Embed(sizes.length, sizes.width, rngs=rngs)
        self.dropout = nnx.Dropout(sizes.rate, rngs=rngs)
        if sizes.scan:
            # "Scan over layers" of its guide to transforms.
            @nnx.split_rngs(splits=sizes.layers)
            @nnx.vmap(in_axes=(0,), out_axes=0)
            def blocks(rngs):
                return Block(sizes, rngs)

            self.blocks = blocks(rngs)
        else:
            self.blocks = nnx.List([Block(sizes, rngs) for _ in range(sizes.layers)])
        self.norm = nnx.LayerNorm(sizes.width, epsilon=EPSILON, rngs=rngs)
        self.head = nnx.Linear(sizes.width, sizes.vocabulary, rngs=rngs)

    def __call__(self, ids):
        x = self.dropout(self.table(ids) + self.positions(jnp.arange(ids.shape[1])))
        if isinstance(self.blocks, Block):
            x = repeated(x, self.blocks)
        else:
            for block in self.blocks:
                x = block(x)
        return self.head(self.norm(x))


@nnx.scan(in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)
def repeated(x, block):
    return block(x)
