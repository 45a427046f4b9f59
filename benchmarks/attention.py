"""Attention, forward and backward, against the better of two plain forms.

Plain JAX is the formula by `einsum` and `jax.nn.softmax`, as Flax writes it;
`jax.nn.dot_product_attention` is timed beside it. PyTorch's is its own fused function.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function


def plain(query, key, value, *, causal, window=None):
    logits = jnp.einsum("bqhd,bkhd->bhqk", query, key) * query.shape[-1] ** -0.5
    shape = logits.shape[-2:]
    row, column = (jax.lax.broadcasted_iota(jnp.int32, shape, axis) for axis in (0, 1))
    if causal:
        logits = jnp.where(row >= column, logits, -1e30)
    if window is not None:
        logits = jnp.where(row - column <= window, logits, -1e30)
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(logits), value)


def of_jax(query, key, value, *, causal, window=None):
    local = None if window is None else (window, 0)
    return jax.nn.dot_product_attention(
        query, key, value, is_causal=causal, local_window_size=local
    )


def with_luxlib(query, key, value, *, causal, window=None):
    sliding = None if window is None else (window, 0)
    return luxlib.scaled_dot_product_attention(
        query, key, value, is_causal=causal, sliding_window=sliding
    )


def of_torch(query, key, value, bar, *, causal):
    import torch

    def heads_first(a):
        return a.transpose(1, 2).contiguous()

    leaves = [heads_first(a).requires_grad_() for a in (query, key, value)]
    bar = heads_first(bar)

    def run():
        y = torch.nn.functional.scaled_dot_product_attention(*leaves, is_causal=causal)
        return y, *torch.autograd.grad(y, leaves, bar)

    return run, lambda made: [a.transpose(1, 2) for a in made]


def case(batch, length, heads, size, *, causal, window=None, target=None, guarded=True):
    rng = np.random.default_rng(0)
    arrays = tuple(rng.normal(size=(batch, length, heads, size)) for _ in range(4))
    options = {"causal": causal, "window": window}
    contestants = {
        name: jax_function(forward_and_backward(partial(function, **options)))
        for name, function in (
            ("luxlib", with_luxlib),
            ("plain JAX", plain),
            ("jax.nn", of_jax),
        )
    }
    if window is None:
        contestants["PyTorch"] = torch_function(partial(of_torch, causal=causal))
    kind = "causal" if causal else "whole"
    if window is not None:
        kind = f"causal, a window of {window}"
    return Case(
        f"attention, forward and backward, {kind}, {batch}×{length}×{heads}×{size}",
        arrays,
        contestants,
        target=target,
        guarded=guarded,
    )


CASES = [
    case(8, 256, 4, 64, causal=True, target=0.6),
    case(4, 1024, 4, 64, causal=True, target=0.6),
    case(1, 4096, 4, 64, causal=True, target=0.22, guarded=False),
    case(8, 256, 4, 64, causal=False),
    case(4, 1024, 4, 64, causal=False, guarded=False),
    case(1, 4096, 4, 64, causal=True, window=512, guarded=False),
    case(16, 64, 8, 32, causal=True),
    case(2, 300, 3, 48, causal=True, guarded=False),
    case(2, 300, 3, 48, causal=False, guarded=False),
    case(64, 8, 4, 16, causal=True, guarded=False),
]
