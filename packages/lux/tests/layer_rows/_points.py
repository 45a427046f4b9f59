"""Points to check layers at: fixed, without symmetry, and without two equal elements."""

import numpy as np


def normal(seed: int, *shape: int):
    """Normally distributed numbers, always the same for a seed."""
    return np.random.default_rng(seed).normal(size=shape)
