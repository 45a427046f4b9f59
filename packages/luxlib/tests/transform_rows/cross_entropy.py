"""Cross-entropy: rows of the table of transformations."""

import jax
import jax.numpy as jnp

import luxlib

from .points import ignoring, normal

LABELS = jnp.array([2, 0, 1])

TABLE = {
    "softmax_cross_entropy": (
        ignoring(lambda z: luxlib.softmax_cross_entropy(z, LABELS, label_smoothing=0.1)),
        normal(0, 3, 4),
        normal(1, 1),
    ),
    "softmax_cross_entropy_distribution": (
        lambda z, y: luxlib.softmax_cross_entropy(z, jax.nn.sigmoid(y)),
        normal(0, 2, 3),
        normal(1, 2, 3),
    ),
    "linear_cross_entropy": (
        lambda x, w: luxlib.linear_cross_entropy(x, w[:-1], LABELS, bias=w[-1], chunk=2),
        normal(0, 3, 2),
        normal(1, 3, 4),
    ),
}
