"""GPT with lux."""

from __future__ import annotations

import jax.numpy as jnp

import lux

from . import EPSILON, Sizes, parts


def model(sizes: Sizes) -> lux.Chain:
    block = lux.TransformerEncoderLayer(
        sizes.width,
        sizes.heads,
        sizes.hidden,
        lux.gelu,
        norm_first=True,
        is_causal=True,
        dropout_rate=sizes.rate,
    )
    return lux.Chain(
        table=lux.Embedding(sizes.vocabulary, sizes.width),
        positions=lux.LearnedPositionalEmbedding(sizes.length, sizes.width),
        dropout=lux.Dropout(sizes.rate),
        blocks=lux.Chain([block] * sizes.layers, scan=sizes.scan),
        norm=lux.LayerNorm(sizes.width, epsilon=EPSILON),
        head=lux.Dense(sizes.width, sizes.vocabulary),
    )


def parameters(sizes: Sizes, arrays):
    """The parameters of `model(sizes)`."""
    given, none = parts(arrays), lux.NamedTuple()

    def dense(pair):
        return lux.NamedTuple(weight=jnp.asarray(pair[0]), bias=jnp.asarray(pair[1]))

    def norm(pair):
        return lux.NamedTuple(scale=jnp.asarray(pair[0]), bias=jnp.asarray(pair[1]))

    def block(pairs):
        norm_1, query, key, value, out, norm_2, up, down = pairs
        return lux.NamedTuple(
            attention=lux.NamedTuple(
                q_proj=dense(query),
                k_proj=dense(key),
                v_proj=dense(value),
                attention=none,
                out_proj=dense(out),
            ),
            attention_norm=norm(norm_1),
            attention_dropout=none,
            feed_forward=lux.NamedTuple(dense_1=dense(up), dropout=none, dense_2=dense(down)),
            feed_forward_norm=norm(norm_2),
            feed_forward_dropout=none,
        )

    blocks = {f"layer_{i}": block(pairs) for i, pairs in enumerate(given.blocks)}
    ps = lux.NamedTuple(
        table=lux.NamedTuple(weight=jnp.asarray(given.table)),
        positions=lux.NamedTuple(weight=jnp.asarray(given.positions)),
        dropout=none,
        blocks=lux.NamedTuple(**blocks),
        norm=norm(given.norm),
        head=dense(given.head),
    )
    return lux.stack_parameters(model(sizes), ps)
