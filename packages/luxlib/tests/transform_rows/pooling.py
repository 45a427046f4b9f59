"""Pooling: rows of the table of transformations."""

from functools import partial

import numpy as np

import luxlib

from .points import apart, ignoring

TABLE = {
    "maxpool": (
        ignoring(partial(luxlib.maxpool, window=(2, 2))),
        apart(0, 1, 4, 4, 1),
        np.zeros(1),
    ),
    "maxpool_overlapping": (
        ignoring(partial(luxlib.maxpool, window=(3,), stride=2, padding=1, dilation=2)),
        apart(0, 9, 2),
        np.zeros(1),
    ),
    "maxpool_large": (
        ignoring(partial(luxlib.maxpool, window=(65,), stride=2)),
        apart(0, 70, 1),
        np.zeros(1),
    ),
}
VARIANTS = {"maxpool_large"}
