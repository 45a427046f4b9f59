"""Norms of weights: rows of the table of transformations."""

import jax.numpy as jnp

import luxlib

from .points import normal

TABLE = {
    "norm_except": (lambda x, w: luxlib.norm_except(x) * w, normal(0, 3, 2), normal(1, 1, 2)),
    "weight_norm": (lambda x, w: luxlib.weight_norm(x, w), normal(0, 2, 3, 2), normal(1, 1, 1, 2)),
    "spectral_norm": (
        lambda x, w: luxlib.spectral_norm(x, jnp.ones(2), jnp.ones(3), iterations=0)[0] * w,
        normal(0, 3, 2),
        normal(1, 1, 2),
    ),
}
