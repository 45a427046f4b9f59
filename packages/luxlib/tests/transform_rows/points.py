"""Points at which the functions of the table are smooth."""

import numpy as np


def normal(seed, *shape):
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=shape)


def apart(seed, *shape):
    """Numbers of which no two are close, so that a maximum is smooth."""
    count = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(count).reshape(shape) / count


def ignoring(f):
    """A function of one array as one of an array and a parameter that it doesn't use."""
    return lambda x, _: f(x)
