"""GPT with Equinox, as its example of BERT: for one text, to be mapped over a batch."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from . import EPSILON, Sizes


class Block(eqx.Module):
    attention: eqx.nn.MultiheadAttention
    norm_1: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear
    norm_2: eqx.nn.LayerNorm
    dropout: eqx.nn.Dropout

    def __init__(self, sizes: Sizes, key) -> None:
        for_attention, for_up, for_down = jax.random.split(key, 3)
        biases = ("query", "key", "value", "output")
        self.attention = eqx.nn.MultiheadAttention(
            sizes.heads,
            sizes.width,
            **{f"use_{name}_bias": True for name in biases},
            dropout_p=sizes.rate,
            key=for_attention,
        )
        self.norm_1 = eqx.nn.LayerNorm(sizes.width, eps=EPSILON)
        self.up = eqx.nn.Linear(sizes.width, sizes.hidden, key=for_up)
        self.down = eqx.nn.Linear(sizes.hidden, sizes.width, key=for_down)
        self.norm_2 = eqx.nn.LayerNorm(sizes.width, eps=EPSILON)
        self.dropout = eqx.nn.Dropout(sizes.rate)

    def __call__(self, x, mask, key):
        keys = [None] * 4 if key is None else jax.random.split(key, 4)
        y = jax.vmap(self.norm_1)(x)
        x = x + self.dropout(self.attention(y, y, y, mask, key=keys[0]), key=keys[1])
        y = jax.nn.gelu(jax.vmap(self.up)(jax.vmap(self.norm_2)(x)))
        y = jax.vmap(self.down)(self.dropout(y, key=keys[2]))
        return x + self.dropout(y, key=keys[3])


class GPT(eqx.Module):
    table: eqx.nn.Embedding
    positions: eqx.nn.Embedding
    dropout: eqx.nn.Dropout
    blocks: Block | list[Block]
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(self, sizes: Sizes, key) -> None:
        for_table, for_positions, for_head, *keys = jax.random.split(key, 3 + sizes.layers)
        self.table = eqx.nn.Embedding(sizes.vocabulary, sizes.width, key=for_table)
        self.positions = eqx.nn.Embedding(sizes.length, sizes.width, key=for_positions)
        self.dropout = eqx.nn.Dropout(sizes.rate)
        if sizes.scan:
            # "Improve compilation speed with `jax.lax.scan`-over-layers" of its documentation.
            self.blocks = eqx.filter_vmap(lambda key: Block(sizes, key))(jnp.stack(keys))
        else:
            self.blocks = [Block(sizes, key) for key in keys]
        self.norm = eqx.nn.LayerNorm(sizes.width, eps=EPSILON)
        self.head = eqx.nn.Linear(sizes.width, sizes.vocabulary, key=for_head)

    def __call__(self, ids, state, key):
        time = len(ids)
        now, key = (None, None) if key is None else jax.random.split(key)
        x = jax.vmap(self.table)(ids) + jax.vmap(self.positions)(jnp.arange(time))
        x = self.dropout(x, key=now)
        mask = jnp.tril(jnp.ones((time, time), bool))
        if isinstance(self.blocks, Block):
            x = self.repeated(x, mask, key)
        else:
            for i, block in enumerate(self.blocks):
                x = block(x, mask, None if key is None else jax.random.fold_in(key, i))
        return jax.vmap(self.head)(jax.vmap(self.norm)(x)), state

    def repeated(self, x, mask, key):
        dynamic, static = eqx.partition(self.blocks, eqx.is_array)

        def one(carry, dynamic):
            x, key = carry
            now, key = (None, None) if key is None else jax.random.split(key)
            return (eqx.combine(dynamic, static)(x, mask, now), key), None

        (x, _), _ = jax.lax.scan(one, (x, key), dynamic)
        return x
