"""Power, decibels and the mel scale."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from luxlib._checks import check_one_of, mismatch
from luxlib._dtypes import accumulator, to_inexact

from ._fourier import stft
from ._tapers import check_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Float, Inexact, Num, Real

__all__ = ["db_to_power", "melscale_filterbanks", "power_to_db", "spectrogram"]


def spectrogram(
    x: Num[Array, "*batch samples"],
    n_fft: int,
    *,
    hop_length: int | None = None,
    window: Float[Array, " window"] | None = None,
    power: float | None = 2.0,
    center: bool = True,
    pad: int = 0,
    pad_mode: str = "reflect",
    normalized: bool = False,
    window_normalized: bool = False,
) -> Inexact[Array, "*batch frames frequencies"]:
    """Return how strong each frequency is in each frame of a signal.

    `y = abs(stft(x)) ** power`

    **Arguments**

    - `x`: `(*batch, samples)`
    - `n_fft`, `hop_length`, `window`, `center`, `pad_mode`, `normalized`: as in `stft`
    - `power`: 2 for the power, 1 for the magnitude, `None` for the complex transform itself
    - `pad`: the number of zeros to add on both sides first
    - `window_normalized`: whether to divide the transform by `sqrt(sum(window ** 2))`

    **Returns**

    `(*batch, frames, frequencies)`, real unless `power` is `None`. The derivative of a magnitude
    that is zero is zero.

    **Raises**

    `ValueError` where shapes and options don't fit together.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.cos(2 * jnp.pi * jnp.arange(16.0) / 4)
    >>> luxlib.spectrogram(x, 8, window=luxlib.hann_window(8))[4].round(3)
    Array([0., 1., 4., 1., 0.], dtype=float32)
    ```

    As `NNlib.spectrogram` and `torchaudio.functional.spectrogram`, whose frames are the last axis.
    """
    function = "spectrogram"
    if power is not None and not power > 0:
        raise mismatch(
            function,
            "power",
            "a positive number, or None",
            repr(power),
            "It is 2 for the power and 1 for the magnitude.",
        )
    if pad < 0:
        raise mismatch(function, "pad", "a number of zeros", pad, "To crop, slice the signal.")
    x = to_inexact(x)
    if pad and x.ndim:
        x = jnp.pad(x, (*((0, 0),) * (x.ndim - 1), (pad, pad)))
    y = stft(
        x,
        n_fft,
        hop_length=hop_length,
        window=window,
        center=center,
        pad_mode=pad_mode,
        normalized=normalized,
    )
    norm = None
    if window_normalized:
        norm = jnp.ones(n_fft, jnp.float32) if window is None else window
    return _strength(y, norm, power=power)


@partial(jax.jit, static_argnames=("power",))
def _strength(y: Array, window: Array | None, *, power: float | None) -> Array:
    if window is not None:
        real = y.real.dtype
        y = y / jnp.sqrt((window.astype(real) ** 2).sum()).astype(y.dtype)
    if power is None:
        return y
    squared = y.real**2 + y.imag**2  # whose derivative, unlike that of abs, is smooth
    if power == 2:
        return squared
    positive = squared > 0
    return jnp.where(positive, jnp.where(positive, squared, 1) ** (power / 2), 0)


def power_to_db(
    x: Real[Array, "*shape"],
    *,
    ref: float = 1.0,
    amin: float = 1e-10,
    top_db: float | None = 80.0,
    axis: int | Sequence[int] | None = None,
) -> Float[Array, "*shape"]:
    """Convert power to decibels.

    `y = 10 * log10(max(x, amin) / max(ref, amin))`, then at least `max(y) - top_db`

    **Arguments**

    - `x`: powers, such as `spectrogram` returns, of any shape
    - `ref`: the power that has 0 dB
    - `amin`: the power below which all are alike
    - `top_db`: how many dB below the largest value the others may lie; `None` for any number
    - `axis`: the axes over which the largest value is taken; `None` for all of them, `(-2, -1)` for
      each signal of a batch by itself

    **Returns**

    An array of the shape of `x`, in dB.

    **Raises**

    `ValueError` where `amin` or `ref` is not positive or `top_db` is negative.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.power_to_db(jnp.array([1.0, 100.0, 0.0])).astype(int)
    Array([  0,  20, -60], dtype=int32)
    ```

    As `NNlib.power_to_db` and `librosa.power_to_db`.
    """
    function = "power_to_db"
    for argument, value in (("ref", ref), ("amin", amin)):
        if not value > 0:
            raise mismatch(function, argument, "a positive power", value, "It has no decibels.")
    if top_db is not None and not top_db >= 0:
        raise mismatch(
            function, "top_db", "a number of decibels, or None", top_db, "It is not negative."
        )
    axes = tuple(axis) if isinstance(axis, list) else axis
    return _power_to_db(to_inexact(x), ref=ref, amin=amin, top_db=top_db, axis=axes)


@partial(jax.jit, static_argnames=("ref", "amin", "top_db", "axis"))
def _power_to_db(x: Array, *, ref: float, amin: float, top_db: float | None, axis: Any) -> Array:
    wide = x.astype(accumulator(x.dtype))
    y = 10 * jnp.log10(jnp.maximum(wide, amin)) - 10 * np.log10(max(ref, amin)).item()
    if top_db is not None and y.size:
        y = jnp.maximum(y, y.max(axis, keepdims=True) - top_db)
    return y.astype(x.dtype)


def db_to_power(x: Real[Array, "*shape"], *, ref: float = 1.0) -> Float[Array, "*shape"]:
    """Convert decibels to power.

    `y = ref * 10 ** (x / 10)`

    **Arguments**

    - `x`: an array of any shape, in dB
    - `ref`: the power that has 0 dB

    **Returns**

    An array of the shape of `x`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.db_to_power(jnp.array([0.0, 20.0]))
    Array([  1., 100.], dtype=float32)
    ```

    As `NNlib.db_to_power` and `librosa.db_to_power`.
    """
    return _db_to_power(to_inexact(x), ref=ref)


@partial(jax.jit, static_argnames=("ref",))
def _db_to_power(x: Array, *, ref: float) -> Array:
    return ref * jnp.asarray(10, x.dtype) ** (x / 10)


def melscale_filterbanks(
    n_freqs: int,
    n_mels: int,
    sample_rate: float,
    *,
    fmin: float = 0.0,
    fmax: float | None = None,
    mel_scale: str = "htk",
    norm: str | None = None,
    dtype: Any = jnp.float32,
) -> Float[Array, "n_freqs n_mels"]:
    """Return triangular filters that turn frequencies into the mel scale, on which pitch is even.

    `spectrogram(x, n_fft) @ melscale_filterbanks(n_fft // 2 + 1, n_mels, sample_rate)` is a mel
    spectrogram. Filter `m` rises from the mel frequency `m` to `m + 1` and falls to `m + 2`, of
    `n_mels + 2` that lie evenly between `fmin` and `fmax`.

    **Arguments**

    - `n_freqs`: the number of frequencies, evenly from 0 to `sample_rate / 2`
    - `n_mels`: the number of filters
    - `sample_rate`: in Hz
    - `fmin`, `fmax`: the lowest and the highest frequency, in Hz; `None` for `sample_rate / 2`
    - `mel_scale`: `"htk"`, `2595 * log10(1 + f / 700)`, or `"slaney"`, linear up to 1000 Hz
    - `norm`: `None` for filters of height 1, `"slaney"` for filters of area 1 in Hz
    - `dtype`: a floating dtype

    **Returns**

    `(n_freqs, n_mels)`

    **Raises**

    `ValueError` where numbers are out of their range or words unknown.

    ```python
    >>> import luxlib
    >>> filters = luxlib.melscale_filterbanks(201, 40, 16_000)
    >>> filters.shape
    (201, 40)
    ```

    As `NNlib.melscale_filterbanks` and `torchaudio.functional.melscale_fbanks`.
    """
    function = "melscale_filterbanks"
    check_count(function, "n_freqs", n_freqs)
    check_count(function, "n_mels", n_mels)
    check_one_of(function, "mel_scale", mel_scale, ("htk", "slaney"))
    if norm is not None:
        check_one_of(function, "norm", norm, ("slaney",))
    highest = sample_rate / 2 if fmax is None else fmax
    if not 0 <= fmin < highest <= sample_rate / 2:
        raise mismatch(
            function,
            "fmin and fmax",
            f"0 ≤ fmin < fmax ≤ {sample_rate / 2} Hz",
            f"{fmin} and {highest}",
            "No signal holds frequencies above half of its sample rate.",
        )
    to_mel, to_hertz = _SCALES[mel_scale]
    corners = to_hertz(np.linspace(to_mel(fmin), to_mel(highest), n_mels + 2))
    frequencies = np.linspace(0, sample_rate / 2, n_freqs)[:, None]
    rising = (frequencies - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - frequencies) / np.diff(corners)[1:]
    filters = np.maximum(0, np.minimum(rising, falling))
    if norm == "slaney":
        filters = filters * 2 / (corners[2:] - corners[:-2])
    return jnp.asarray(filters, dtype)


def _htk_to_mel(frequency: Any) -> Any:
    return 2595 * np.log10(1 + frequency / 700)


def _htk_to_hertz(mel: Any) -> Any:
    return 700 * (10 ** (mel / 2595) - 1)


# Slaney, "Auditory toolbox", 1998: 3 mel for each 200 Hz up to 1000 Hz, then 27 mel for each 6.4.
_KNEE, _PER_HERTZ, _PER_FACTOR = 1000.0, 3 / 200, 27 / np.log(6.4)


def _slaney_to_mel(frequency: Any) -> Any:
    above = np.log(np.maximum(frequency, _KNEE) / _KNEE) * _PER_FACTOR
    return np.minimum(frequency, _KNEE) * _PER_HERTZ + above


def _slaney_to_hertz(mel: Any) -> Any:
    knee = _KNEE * _PER_HERTZ
    return np.minimum(mel, knee) / _PER_HERTZ * np.exp(np.maximum(mel - knee, 0) / _PER_FACTOR)


_SCALES = {
    "htk": (_htk_to_mel, _htk_to_hertz),
    "slaney": (_slaney_to_mel, _slaney_to_hertz),
}
