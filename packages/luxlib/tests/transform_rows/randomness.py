"""What draws random numbers: rows of the table of transformations."""

import jax
import numpy as np

import luxlib

from .points import ignoring, normal

KEY = jax.random.key(3)

TABLE = {
    "dropout": (
        ignoring(lambda x: luxlib.dropout(x, 0.4, KEY)),
        normal(0, 3, 4),
        np.zeros(1),
    ),
    "dropout_counter": (
        ignoring(lambda x: luxlib.dropout(x, 0.4, KEY, axis=0, generator="counter")),
        normal(0, 3, 4),
        np.zeros(1),
    ),
    "alpha_dropout": (
        ignoring(lambda x: luxlib.alpha_dropout(x, 0.4, KEY)),
        normal(0, 3, 4),
        np.zeros(1),
    ),
    "rrelu": (ignoring(lambda x: luxlib.rrelu(x, key=KEY)), normal(0, 8), np.zeros(1)),
}
