"""The softmax family: rows of the table of transformations."""

import jax.numpy as jnp
import numpy as np

import luxlib

from .points import ignoring, normal

MASK = jnp.array([[True, False, True], [True, True, True]])

TABLE = {
    "softmax": (ignoring(luxlib.softmax), normal(0, 2, 3), np.zeros(1)),
    "softmax_axis": (ignoring(lambda x: luxlib.softmax(x, axis=0)), normal(0, 3, 2), np.zeros(1)),
    "softmax_where": (
        ignoring(lambda x: luxlib.softmax(x, where=MASK)),
        normal(0, 2, 3),
        np.zeros(1),
    ),
    "logsoftmax": (ignoring(luxlib.logsoftmax), normal(0, 2, 3), np.zeros(1)),
    "logsumexp": (
        ignoring(lambda x: luxlib.logsumexp(x, axis=(0, 1), keepdims=True)),
        normal(0, 2, 3),
        np.zeros(1),
    ),
}
