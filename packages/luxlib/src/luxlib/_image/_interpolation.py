"""Reading an image between its pixels.

Positions count pixels from 0, along each spatial axis, and are of `float32` at least: in half
precision there are no two numbers a pixel apart above 2048 (`float16`) or 256 (`bfloat16`). What
lies beyond the image is zero. A position that is NaN gives NaN, and no index is made of it.
"""

from __future__ import annotations

import itertools
import math
from functools import reduce
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array

__all__ = ["interpolated", "picked"]


def picked(image: Array, positions: Array) -> Array:
    """Return the pixels `(*places, channels)` of `image` `(*space, channels)` at whole positions.

    `positions` is `(*places, axes)`, in the order of the spatial axes.
    """
    *space, channels = image.shape
    outside = jnp.zeros(positions.shape[:-1], bool)
    index = jnp.zeros(positions.shape[:-1], jnp.int32)
    for axis, size in enumerate(space):
        position = positions[..., axis]
        outside = outside | (position < 0) | (position > size - 1)
        # Not by clipping: NaN is no index.
        within = jnp.where(position >= 0, jnp.minimum(position, size - 1), jnp.zeros_like(position))
        index = index * size + jax.lax.stop_gradient(within).astype(jnp.int32)
    rows = image.reshape(math.prod(space), channels)
    pixels = rows.at[index].get(mode="promise_in_bounds")
    pixels = jnp.where(outside[..., None], jnp.zeros_like(pixels), pixels)
    if not jnp.issubdtype(image.dtype, jnp.inexact):
        return pixels
    undefined = jnp.isnan(positions).any(-1, keepdims=True)
    return jnp.where(undefined, jnp.full_like(pixels, jnp.nan), pixels)


def interpolated(image: Array, positions: Array) -> Array:
    """Return the means of the pixels around positions, the nearer the heavier."""
    axes = positions.shape[-1]
    below = jnp.floor(positions)
    fractions = positions - below
    corners = jnp.asarray(list(itertools.product((0, 1), repeat=axes)), below.dtype)
    corners = corners.reshape(-1, *(1,) * (positions.ndim - 1), axes)
    shares = jnp.where(corners == 1, fractions[None], 1 - fractions[None])
    weights = reduce(jnp.multiply, [shares[..., axis] for axis in range(axes)])
    pixels = picked(image, below[None] + corners)
    return (weights[..., None].astype(image.dtype) * pixels).sum(0)
