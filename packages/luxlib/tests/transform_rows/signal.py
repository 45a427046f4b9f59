"""Signals: rows of the table of transformations."""

import numpy as np

import luxlib

from .points import normal

TABLE = {
    "spectrogram": (
        lambda x, w: luxlib.spectrogram(x, 4, hop_length=2, window=w),
        normal(0, 2, 6),
        normal(1, 4),
    ),
    "istft": (
        lambda x, w: luxlib.istft(
            luxlib.stft(x, 4, hop_length=2), 4, hop_length=2, window=w, length=6
        ),
        normal(0, 2, 6),
        np.array([0.5, 1, -0.8, 0.7]),
    ),
    "decibels": (
        lambda x, w: luxlib.power_to_db(luxlib.db_to_power(x), top_db=None) * w,
        normal(0, 3),
        normal(1, 3),
    ),
}
