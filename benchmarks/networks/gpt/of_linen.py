"""GPT with Flax Linen."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from . import BLOCK, EPSILON, Sizes, parts


class Block(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, x, mask, train):
        sizes = self.sizes
        drop = nn.Dropout(sizes.rate, deterministic=not train)
        y = nn.LayerNorm(epsilon=EPSILON, name="norm_1")(x)
        y = nn.MultiHeadDotProductAttention(
            sizes.heads,
            dropout_rate=sizes.rate,
            broadcast_dropout=False,
            deterministic=not train,
            name="attention",
        )(y, mask=mask)
        x = x + drop(y)
        y = nn.LayerNorm(epsilon=EPSILON, name="norm_2")(x)
        y = drop(nn.gelu(nn.Dense(sizes.hidden, name="up")(y)))
        return x + drop(nn.Dense(sizes.width, name="down")(y)), None


class GPT(nn.Module):
    sizes: Sizes

    @nn.compact
    def __call__(self, ids, train=True):
        sizes = self.sizes
        initial = nn.initializers.normal(0.02)
        positions = self.param("positions", initial, (sizes.length, sizes.width))
        x = nn.Embed(sizes.vocabulary, sizes.width, name="table")(ids) + positions[: ids.shape[1]]
        x = nn.Dropout(sizes.rate, deterministic=not train)(x)
        mask = nn.make_causal_mask(ids)
        if sizes.scan:
            # https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/transformations.html
            blocks = nn.scan(
                Block,
                variable_axes={"params": 0},
                split_rngs={"params": True, "dropout": True},
                in_axes=nn.broadcast,
                length=sizes.layers,
            )
            x, _ = blocks(sizes, name="blocks")(x, mask, train)
        else:
            for i in range(sizes.layers):
                x, _ = Block(sizes, name=f"block_{i}")(x, mask, train)
        x = nn.LayerNorm(epsilon=EPSILON, name="norm")(x)
        return nn.Dense(sizes.vocabulary, name="head")(x)


def model(sizes: Sizes) -> GPT:
    return GPT(sizes)


def parameters(sizes: Sizes, arrays):
    """The collection `params` of `model(sizes)`."""
    given = parts(arrays)
    split = (sizes.heads, sizes.width // sizes.heads)

    def dense(pair):
        return {"kernel": pair[0], "bias": pair[1]}

    def norm(pair):
        return {"scale": pair[0], "bias": pair[1]}

    def block(pairs):
        named = dict(zip(BLOCK, pairs, strict=True))
        out, bias = named["out"]
        attention = {
            name: dense((weight.reshape(sizes.width, *split), bias.reshape(split)))
            for name in ("query", "key", "value")
            for weight, bias in [named[name]]
        }
        return {
            "norm_1": norm(named["norm_1"]),
            "attention": {**attention, "out": dense((out.reshape(*split, -1), bias))},
            "norm_2": norm(named["norm_2"]),
            "up": dense(named["up"]),
            "down": dense(named["down"]),
        }

    blocks = [block(pairs) for pairs in given.blocks]
    if sizes.scan:
        of_blocks = {"blocks": jax.tree.map(lambda *leaves: jnp.stack(leaves), *blocks)}
    else:
        of_blocks = {f"block_{i}": made for i, made in enumerate(blocks)}
    return jax.tree.map(
        jnp.asarray,
        {
            "table": {"embedding": given.table},
            "positions": given.positions,
            **of_blocks,
            "norm": norm(given.norm),
            "head": dense(given.head),
        },
    )
