"""The flash attention of cuDNN, through `jax.nn.dot_product_attention`.

JAX gives it a backward pass and nothing else, and has no name for what it keeps between the two. So
the value is taken with its pullback, whose arrays are what is kept.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from ._kernels import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    from ._terms import Options, Sides

__all__ = ["cudnn_kernel"]


@cache
def cudnn_kernel(attention: Callable[..., Array] | None = None) -> Kernel:
    """Return the kernel; `attention` takes the place of JAX's function."""
    if attention is not None:
        return Kernel(partial(_forward, attention), partial(_backward, attention), platform=None)
    ours = partial(jax.nn.dot_product_attention, implementation="cudnn")
    return Kernel(partial(_forward, ours), partial(_backward, ours))


def _attend(
    attention: Callable[..., Array], options: Options, query: Array, key: Array, value: Array
) -> Array:
    """Call it with the axes that it wants, `(batch, time, heads, head_dim)`."""
    queries = query.reshape(query.shape[0], -1, *query.shape[-2:])
    window = None if options.left is None else (options.left, 0)
    result = attention(
        *(jnp.swapaxes(a, 1, 2) for a in (queries, key, value)),
        scale=options.scale,
        is_causal=options.right == 0,
        local_window_size=window,
    )
    return jnp.swapaxes(result, 1, 2).reshape(*query.shape[:-1], -1)


def _forward(
    attention: Callable[..., Array],
    options: Options,
    query: Array,
    key: Array,
    value: Array,
    sides: Sides,
) -> tuple[Array, list[Array]]:
    result, pullback = jax.vjp(partial(_attend, attention, options), query, key, value)
    return result.astype(jnp.float32), jax.tree.leaves(pullback)


def _backward(
    attention: Callable[..., Array],
    options: Options,
    query: Array,
    key: Array,
    value: Array,
    sides: Sides,
    result: Array,
    kept: list[Array],
    result_bar: Array,
) -> tuple[Array, Array, Array, None]:
    def pullback_of(*arrays: Array) -> Any:
        return jax.vjp(partial(_attend, attention, options), *arrays)[1]

    tree = jax.tree.structure(jax.eval_shape(pullback_of, query, key, value))
    bars = jax.tree.unflatten(tree, kept)(result_bar.astype(query.dtype))
    return (*bars, None)
