"""Gathering and scattering: rows of the table of transformations."""

from functools import partial

import numpy as np

import luxlib

from .points import apart, ignoring, normal

INDEX = np.array([1, 0, 1, 1])

TABLE = {
    "gather": (
        ignoring(lambda x: luxlib.gather(x, INDEX)),
        normal(0, 2, 2),
        np.zeros(1),
    ),
    "scatter_mul": (
        ignoring(lambda x: luxlib.scatter(x, INDEX, 3, "mul")),
        normal(0, 4, 2),
        np.zeros(1),
    ),
    "scatter_mean": (
        ignoring(lambda x: luxlib.scatter(x, INDEX, 3, "mean")),
        normal(0, 4, 2),
        np.zeros(1),
    ),
    "scatter_max": (
        ignoring(lambda x: luxlib.scatter(x, INDEX, 2, "max")),
        apart(0, 4, 2),
        np.zeros(1),
    ),
    "batched_vec": (luxlib.batched_vec, normal(0, 2, 2, 2), normal(1, 2, 2)),
    "batched_adjoint": (
        ignoring(partial(luxlib.batched_adjoint)),
        normal(0, 2, 3),
        np.zeros(1),
    ),
}
