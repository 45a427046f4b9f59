"""GPT with Haiku, as its example `transformer`, whose attention has no dropout of its own."""

from __future__ import annotations

import dataclasses

import haiku as hk
import jax
import jax.numpy as jnp

from . import EPSILON, Sizes


def norm():
    return hk.LayerNorm(-1, create_scale=True, create_offset=True, eps=EPSILON)


@dataclasses.dataclass
class Block(hk.Module):
    sizes: Sizes

    def __call__(self, x, mask):
        sizes, initial = self.sizes, hk.initializers.VarianceScaling()
        y = norm()(x)
        size = sizes.width // sizes.heads
        x = x + hk.MultiHeadAttention(sizes.heads, size, w_init=initial)(y, y, y, mask)
        y = jax.nn.gelu(hk.Linear(sizes.hidden)(norm()(x)))
        return x + hk.Linear(sizes.width)(y)


@dataclasses.dataclass
class GPT(hk.Module):
    sizes: Sizes

    def __call__(self, ids):
        sizes, time = self.sizes, ids.shape[1]
        initial = hk.initializers.TruncatedNormal(0.02)
        x = hk.Embed(sizes.vocabulary, sizes.width, w_init=initial)(ids)
        shape = (sizes.length, sizes.width)
        x = x + hk.get_parameter("positions", shape, x.dtype, initial)[:time]
        mask = jnp.tril(jnp.ones((1, 1, time, time)))
        if sizes.scan:
            x = hk.layer_stack(sizes.layers)(lambda x: Block(sizes)(x, mask))(x)
        else:
            for _ in range(sizes.layers):
                x = Block(sizes)(x, mask)
        return hk.Linear(sizes.vocabulary)(norm()(x))
