"""Attention: rows of the table of transformations."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import luxlib
from luxlib._attention._axes import Axes
from luxlib._attention._blocked import Blocks, in_blocks
from luxlib._attention._terms import Options, Sides

from .points import normal


def attention(x, w, **options):
    """Of three queries, keys and values that `w` makes of `x`."""
    query, key, value = (jnp.tanh(x * part) for part in jnp.split(w, 3))
    return luxlib.scaled_dot_product_attention(query, key, value, **options)


def with_more(x, w):
    """Bias and sinks as well, and two query heads for a key."""
    query, key = jnp.concatenate([x, x * w[:1]], -2), x * w[1:]
    return luxlib.scaled_dot_product_attention(
        query, key, x, bias=x[..., 0, :1], sinks=w[:2, 0, 0], soft_cap=2.0
    )


def in_small_blocks(x, w, *, saved):
    """As long sequences are: two blocks of two rows, one of one, a causal window."""
    axes = Axes(x.shape[:-3], x.shape[-2], 1)
    options = Options(0.7, None, 2, 0, 0)
    query, key, value = (x * part for part in jnp.split(w, 3))
    arrays = axes.of_query(query), axes.of_keys(key), axes.of_keys(value)
    blocks = Blocks(2, saved=saved)
    return axes.of_result(in_blocks(options, *arrays, Sides(), blocks=blocks))


def by_features(x, w):
    y, alpha = luxlib.dot_product_attention(
        x, x * w[0], x * w[1], x[..., :1], mask=luxlib.make_causal_mask(x), n_heads=2
    )
    return y + alpha.sum((-3, -1))[..., None]


TABLE = {
    "attention": (partial(attention, is_causal=True), normal(0, 3, 1, 2), normal(1, 3, 1, 1)),
    "attention_plain": (
        partial(attention, implementation="plain", segment_ids=np.array([0, 0, 1])),
        normal(0, 3, 1, 2),
        normal(1, 3, 1, 1),
    ),
    "attention_blocked": (
        partial(attention, implementation="blocked", sliding_window=(1, 0)),
        normal(0, 3, 1, 2),
        normal(1, 3, 1, 1),
    ),
    "attention_of_groups": (with_more, normal(0, 3, 1, 2), normal(1, 2, 1, 1)),
    "attention_dropout": (
        partial(attention, dropout_rate=0.4, dropout_key=jax.random.key(1)),
        normal(0, 3, 1, 2),
        normal(1, 3, 1, 1),
    ),
    "attention_saved": (
        partial(in_small_blocks, saved=True),
        normal(0, 5, 1, 2),
        normal(1, 3, 1, 1),
    ),
    "attention_made_again": (
        partial(in_small_blocks, saved=False),
        normal(0, 5, 1, 2),
        normal(1, 3, 1, 1),
    ),
    "dot_product_attention": (by_features, normal(0, 3, 4), normal(1, 2, 1, 1)),
}
