"""Signals in time: windows, short-time Fourier transforms, and what is heard of their power.

A signal is `(*batch, samples)`. What is taken of it frame by frame is a sequence like any other,
`(*batch, frames, frequencies)`.

- `_tapers`: the windows that frames are multiplied with;
- `_fourier`: the transform of each frame, and back;
- `_spectra`: power, decibels and the mel scale.
"""

from ._fourier import istft as istft
from ._fourier import stft as stft
from ._spectra import db_to_power as db_to_power
from ._spectra import melscale_filterbanks as melscale_filterbanks
from ._spectra import power_to_db as power_to_db
from ._spectra import spectrogram as spectrogram
from ._tapers import hamming_window as hamming_window
from ._tapers import hann_window as hann_window

__all__ = [
    "db_to_power",
    "hamming_window",
    "hann_window",
    "istft",
    "melscale_filterbanks",
    "power_to_db",
    "spectrogram",
    "stft",
]
