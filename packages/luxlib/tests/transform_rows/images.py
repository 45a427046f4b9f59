"""Images: rows of the table of transformations."""

from functools import partial

import numpy as np

import luxlib

from .points import ignoring, normal

TABLE = {
    "upsample_nearest": (
        ignoring(partial(luxlib.upsample_nearest, size=(3,))),
        normal(0, 2, 2),
        np.zeros(1),
    ),
    "upsample_bilinear": (
        ignoring(partial(luxlib.upsample_bilinear, size=(3, 2))),
        normal(0, 2, 3, 1),
        np.zeros(1),
    ),
    "upsample_bicubic": (
        ignoring(partial(luxlib.upsample_bicubic, size=(3, 2), align_corners=False)),
        normal(0, 2, 3, 1),
        np.zeros(1),
    ),
    "pixel_shuffle": (
        ignoring(partial(luxlib.pixel_shuffle, factor=(2,))),
        normal(0, 2, 4),
        np.zeros(1),
    ),
    "pixel_unshuffle": (
        ignoring(partial(luxlib.pixel_unshuffle, factor=(2,))),
        normal(0, 4, 2),
        np.zeros(1),
    ),
    "grid_sample": (luxlib.grid_sample, normal(0, 3, 3, 1), 0.4 * normal(1, 2, 2)),
    "grid_sample_reflection": (
        partial(luxlib.grid_sample, padding_mode="reflection", align_corners=False),
        normal(0, 4, 2),
        1.5 * normal(1, 3, 1),
    ),
    "grid_sample_border": (
        partial(luxlib.grid_sample, padding_mode="border"),
        normal(0, 2, 3, 1),
        normal(1, 2, 2),
    ),
    "grid_sample_nearest": (
        partial(luxlib.grid_sample, method="nearest"),
        normal(0, 3, 3, 1),
        0.4 * normal(1, 2, 2),
    ),
    "imrotate": (
        lambda x, w: luxlib.imrotate(x, w[0], rotation_center=(0.8, 1.1)),
        normal(0, 3, 3, 1),
        np.array([0.3]),
    ),
    "imrotate_nearest": (
        lambda x, w: luxlib.imrotate(x, w[0], method="nearest"),
        normal(0, 3, 3, 1),
        np.array([0.3]),
    ),
}
