"""Rotary and sinusoidal embeddings of positions."""

import jax.numpy as jnp
import numpy as np

import luxlib

from .points import ignoring, normal

COS, SIN = luxlib.compute_rotary_embedding_params(4, 8)
POSITIONS = np.array([3, 0])


def at_positions(x):
    """Half of the features turned, in neighbouring pairs."""
    return luxlib.apply_rotary_embedding(x, COS, SIN, jnp.asarray(POSITIONS), interleaved=True)


TABLE = {
    "sinusoidal_embedding": (luxlib.sinusoidal_embedding, normal(2, 2, 3), normal(3, 2)),
    "apply_rotary_embedding": (
        ignoring(lambda x: luxlib.apply_rotary_embedding(x, COS, SIN)),
        normal(0, 3, 1, 4),
        np.zeros(1),
    ),
    "apply_rotary_embedding at positions": (
        ignoring(at_positions),
        normal(1, 2, 2, 6),
        np.zeros(1),
    ),
}
