"""Pooling: rows of the table of transformations."""

from functools import partial

import numpy as np

import luxlib

from .points import apart, ignoring, normal

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
    "meanpool": (
        ignoring(partial(luxlib.meanpool, window=(2, 2), padding=1, count_include_pad=False)),
        normal(0, 1, 3, 4, 1),
        np.zeros(1),
    ),
    "meanpool_overlapping": (
        ignoring(partial(luxlib.meanpool, window=(3,), stride=2, ceil_mode=True)),
        normal(0, 6, 2),
        np.zeros(1),
    ),
    "lpnormpool": (
        ignoring(partial(luxlib.lpnormpool, p=3, window=(2,))),
        normal(0, 4, 2),
        np.zeros(1),
    ),
    "adaptive_maxpool": (
        ignoring(partial(luxlib.adaptive_maxpool, output_size=(3, 1))),
        apart(0, 4, 2, 1),
        np.zeros(1),
    ),
    "adaptive_meanpool": (
        ignoring(partial(luxlib.adaptive_meanpool, output_size=(3,))),
        normal(0, 5, 2),
        np.zeros(1),
    ),
    "adaptive_lpnormpool": (
        ignoring(partial(luxlib.adaptive_lpnormpool, p=1.5, output_size=(3,))),
        normal(0, 5, 2),
        np.zeros(1),
    ),
}
