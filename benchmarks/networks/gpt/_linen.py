"""GPT with Flax Linen, as its example `lm1b`."""

from __future__ import annotations

import flax.linen as nn

from . import EPSILON, Sizes


class Block(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, x, mask, train):
        sizes = self.sizes
        drop = nn.Dropout(sizes.rate, deterministic=not train)
        y = nn.LayerNorm(epsilon=EPSILON)(x)
        y = nn.MultiHeadDotProductAttention(
            sizes.heads,
            dropout_rate=sizes.rate,
            broadcast_dropout=False,
            deterministic=not train,
        )(y, mask=mask)
        x = x + drop(y)
        y = nn.LayerNorm(epsilon=EPSILON)(x)
        y = drop(nn.gelu(nn.Dense(sizes.hidden)(y)))
        return x + drop(nn.Dense(sizes.width)(y)), None


class GPT(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, ids, train):
        sizes = self.sizes
        x = nn.Embed(sizes.vocabulary, sizes.width)(ids)
        initial = nn.initializers.normal(0.02)
        x = x + self.param("positions", initial, (sizes.length, sizes.width))[: ids.shape[1]]
        x = nn.Dropout(sizes.rate, deterministic=not train)(x)
        mask = nn.make_causal_mask(ids)
        if sizes.scan:
            # "Lifted transformations" of its documentation: scan over layers.
            repeated = nn.scan(
                Block,
                variable_axes={"params": 0},
                split_rngs={"params": True, "dropout": True},
                in_axes=(nn.broadcast, nn.broadcast),
                length=sizes.layers,
            )
            x, _ = repeated(sizes)(x, mask, train)
        else:
            for _ in range(sizes.layers):
                x, _ = Block(sizes)(x, mask, train)
        return nn.Dense(sizes.vocabulary)(nn.LayerNorm(epsilon=EPSILON)(x))
