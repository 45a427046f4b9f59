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

import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from jax import Array

__all__ = ["interpolated", "nearest"]


def nearest(image: Array, positions: Array) -> Array:
    """Return the pixels `(*places, channels)` of `image` `(*space, channels)` at whole positions.

    `positions` is `(*places, axes)`, in the order of the spatial axes.
    """
    pixels = _picked(image, positions)
    if not jnp.issubdtype(image.dtype, jnp.inexact):
        return pixels
    undefined = jnp.isnan(positions).any(-1, keepdims=True)
    return jnp.where(undefined, jnp.full_like(pixels, jnp.nan), pixels)


def interpolated(image: Array, positions: Array) -> Array:
    """Return the means of the pixels around positions, the nearer the heavier."""
    axes = positions.shape[-1]
    below = jnp.floor(positions)
    above_share = positions - below
    total = jnp.zeros((*positions.shape[:-1], image.shape[-1]), image.dtype)
    for corner in itertools.product((0, 1), repeat=axes):
        shares = [
            above_share[..., axis] if above else 1 - above_share[..., axis]
            for axis, above in enumerate(corner)
        ]
        weight = reduce(jnp.multiply, shares)[..., None].astype(image.dtype)
        steps = jnp.asarray(corner, below.dtype).reshape((1,) * (below.ndim - 1) + (axes,))
        total = total + weight * _picked(image, below + steps)
    return total


def _picked(image: Array, positions: Array) -> Array:
    """Return the pixels at whole positions, zero beyond the image; any of them for NaN."""
    *space, channels = image.shape
    outside = jnp.zeros(positions.shape[:-1], bool)
    index = jnp.zeros(positions.shape[:-1], jnp.int32)
    for axis, size in enumerate(space):
        position = lax.stop_gradient(positions[..., axis])
        outside = outside | (position < 0) | (position > size - 1)
        # Not by clipping: NaN is no index.
        within = jnp.where(position >= 0, jnp.minimum(position, size - 1), jnp.zeros_like(position))
        index = index * size + within.astype(jnp.int32)
    pixels = image.reshape(math.prod(space), channels).at[index].get(mode="promise_in_bounds")
    # What lies beyond is not multiplied by zero: the pixel read in its stead may be infinite.
    return jnp.where(outside[..., None], jnp.zeros_like(pixels), pixels)
