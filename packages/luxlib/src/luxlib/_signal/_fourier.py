"""The short-time Fourier transform and its inverse.

Frames overlap, so a signal is cut into blocks of one hop each, and a frame is some blocks in a row.
Slices of whole blocks cut all frames at once, and as many additions put them together again.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from luxlib._checks import check_one_of, mismatch
from luxlib._dtypes import accumulator, to_inexact

from ._tapers import check_count

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Complex, Float, Inexact, Num

__all__ = ["istft", "stft"]

_PADDING = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
# What the windows that reach over a sample must weigh together for it to be recovered.
_LEAST_WEIGHT = 1e-11


def stft(
    x: Num[Array, "*batch samples"],
    n_fft: int,
    *,
    hop_length: int | None = None,
    window: Float[Array, " window"] | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
) -> Complex[Array, "*batch frames frequencies"]:
    """Take the Fourier transform of each frame of a signal.

    `y[b, t, f] = sum(window[k] * x[b, t * hop_length + k] * exp(-2j * pi * f * k / n_fft))`,
    with `x` padded where `center` holds

    **Arguments**

    - `x`: `(*batch, samples)`, real or complex
    - `n_fft`: the number of samples in a frame
    - `hop_length`: the number of samples from one frame to the next; `None` for `n_fft // 4`
    - `window`: at most `n_fft` weights, a shorter window in the middle of the frame; `None` for
      ones
    - `center`: whether frame `t` has sample `t * hop_length` in its middle, for which `n_fft // 2`
      samples are added on both sides; otherwise it begins there
    - `pad_mode`: `"reflect"`, `"replicate"`, `"circular"` or `"constant"` (zeros)
    - `normalized`: whether to divide by `sqrt(n_fft)`, so that the transform keeps energy
    - `onesided`: whether to leave out the frequencies that a real signal has twice; `None` for
      exactly if `x` is real

    **Returns**

    `(*batch, frames, frequencies)`, complex: `n_fft // 2 + 1` frequencies if onesided, otherwise
    `n_fft`. Frequency `f` is `f * sample_rate / n_fft` in Hz. There are
    `(samples + padding - n_fft) // hop_length + 1` frames. Half precision becomes `complex64`.

    **Raises**

    `ValueError` where shapes and options don't fit together, `TypeError` where `x` is complex and
    onesided.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.cos(2 * jnp.pi * jnp.arange(16.0) / 4)
    >>> y = luxlib.stft(x, 8, window=luxlib.hann_window(8))
    >>> y.shape
    (9, 5)
    >>> abs(y[4]).round(3)
    Array([0., 1., 2., 1., 0.], dtype=float32)
    ```

    As `NNlib.stft` and `torch.stft`, whose frames are the last axis.
    """
    function = "stft"
    x = to_inexact(x)
    is_complex = jnp.issubdtype(x.dtype, jnp.complexfloating)
    hop = _check_frames(function, n_fft, hop_length, window)
    onesided = not is_complex if onesided is None else onesided
    if is_complex and onesided:
        raise mismatch(
            function,
            "onesided",
            "False for a complex signal",
            onesided,
            "Only a real signal has the same at negative frequencies.",
            kind=TypeError,
        )
    check_one_of(function, "pad_mode", pad_mode, tuple(_PADDING))
    pad = n_fft // 2 if center else 0
    least = {"reflect": pad + 1, "circular": pad, "replicate": 1}.get(pad_mode, 0) if pad else 0
    least = max(least, n_fft - 2 * pad)
    if x.ndim < 1 or x.shape[-1] < least:
        raise mismatch(
            function,
            "x",
            f"shape (..., samples) with at least {least} samples",
            x.shape,
            "Use a smaller n_fft or another pad_mode, or pad the signal.",
        )
    return _stft(
        x,
        window,
        n_fft=n_fft,
        hop=hop,
        pad=pad,
        pad_mode=pad_mode,
        normalized=normalized,
        onesided=onesided,
    )


def istft(
    y: Inexact[Array, "*batch frames frequencies"],
    n_fft: int,
    *,
    hop_length: int | None = None,
    window: Float[Array, " window"] | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool = True,
    length: int | None = None,
    return_complex: bool = False,
) -> Inexact[Array, "*batch samples"]:
    """Recover a signal from the Fourier transforms of its frames.

    `x[b, s] = sum(window * frames) / sum(window ** 2)`, over the frames that reach over sample `s`:
    the signal whose transform is nearest to `y`, and the inverse of `stft` with the same options

    **Arguments**

    - `y`: `(*batch, frames, frequencies)`, as `stft` returns it
    - `n_fft`, `hop_length`, `window`, `center`, `normalized`, `onesided`: as in `stft`
    - `length`: the number of samples to return, for the end that the last frame doesn't tell;
      `None` for as many as the frames reach over, less the padding of `center`
    - `return_complex`: whether the signal is complex, which needs all frequencies

    **Returns**

    `(*batch, samples)`, real, or complex if asked for.

    **Raises**

    `ValueError` where shapes and options don't fit together, or where the windows leave out a
    sample so that it can't be recovered (a traced `window` can't be read: then the sample is NaN).

    ```python
    >>> import jax, jax.numpy as jnp, luxlib
    >>> x = jax.random.normal(jax.random.key(0), (1000,))
    >>> window = luxlib.hann_window(64)
    >>> y = luxlib.stft(x, 64, window=window)
    >>> bool(jnp.allclose(luxlib.istft(y, 64, window=window, length=1000), x, atol=1e-6))
    True
    ```

    Griffin and Lim, "Signal estimation from modified short-time Fourier transform", 1984; as
    `NNlib.istft` and `torch.istft`, whose frames are the last axis.
    """
    function = "istft"
    hop = _check_frames(function, n_fft, hop_length, window)
    if onesided and return_complex:
        raise mismatch(
            function,
            "return_complex",
            "False for onesided transforms",
            return_complex,
            "A complex signal needs all frequencies: pass onesided=False.",
        )
    frequencies = n_fft // 2 + 1 if onesided else n_fft
    if y.ndim < 2 or y.shape[-1] != frequencies or y.shape[-2] == 0:
        raise mismatch(
            function,
            "y",
            f"shape (..., frames, {frequencies})",
            y.shape,
            "A frame of n_fft samples has n_fft // 2 + 1 frequencies if onesided, otherwise n_fft.",
        )
    start = n_fft // 2 if center else 0
    reach = n_fft + hop * (y.shape[-2] - 1)
    most = reach - start
    stop = reach - start if length is None else start + length
    if not start < stop <= reach:
        raise mismatch(
            function,
            "length",
            f"from 1 to the {most} samples that the frames reach over",
            length,
            "Pad the result to make it longer.",
        )
    _check_weights(function, y.shape[-2], n_fft, hop, window, start, stop)
    return _istft(
        y,
        window,
        n_fft=n_fft,
        hop=hop,
        start=start,
        stop=stop,
        normalized=normalized,
        onesided=onesided,
        return_complex=return_complex,
    )


def _check_frames(function: str, n_fft: int, hop_length: int | None, window: Array | None) -> int:
    """Refuse what frames can't be made of, and return the hop."""
    check_count(function, "n_fft", n_fft)
    hop = max(n_fft // 4, 1) if hop_length is None else hop_length
    check_count(function, "hop_length", hop)
    if window is not None:
        if jnp.ndim(window) != 1 or not 1 <= len(window) <= n_fft:
            raise mismatch(
                function,
                "window",
                f"one axis of 1 to {n_fft} weights",
                f"shape {jnp.shape(window)}",
                "A window is at most as long as a frame, n_fft.",
            )
        if not jnp.issubdtype(window.dtype, jnp.floating):
            raise mismatch(
                function,
                "window",
                "a floating dtype",
                window.dtype,
                "Use luxlib.hann_window, for example.",
                kind=TypeError,
            )
    return hop


def _check_weights(
    function: str,
    frames: int,
    n_fft: int,
    hop: int,
    window: Array | None,
    start: int,
    stop: int,
) -> None:
    """Refuse windows that leave a sample out, where they can be read."""
    if isinstance(window, jax.core.Tracer):
        return
    weights = np.zeros(n_fft)
    given = np.ones(n_fft) if window is None else np.asarray(window, np.float64)
    before = (n_fft - len(given)) // 2
    weights[before : before + len(given)] = given**2
    total = np.zeros(n_fft + hop * (frames - 1))
    for frame in range(frames):
        total[frame * hop : frame * hop + n_fft] += weights
    if total[start:stop].min() <= _LEAST_WEIGHT:
        raise mismatch(
            function,
            "window",
            "weights on every sample",
            f"none on sample {int(total[start:stop].argmin())}",
            "Use a smaller hop_length, a window without zeros, or center=True.",
        )


@partial(jax.jit, static_argnames=("n_fft", "hop", "pad", "pad_mode", "normalized", "onesided"))
def _stft(
    x: Array,
    window: Array | None,
    *,
    n_fft: int,
    hop: int,
    pad: int,
    pad_mode: str,
    normalized: bool,
    onesided: bool,
) -> Array:
    batch = x.shape[:-1]
    rows = x.reshape(math.prod(batch), x.shape[-1]).astype(accumulator(x.dtype))
    if pad:
        rows = jnp.pad(rows, ((0, 0), (pad, pad)), mode=_PADDING[pad_mode])
    frames = _frames(rows, n_fft, hop)
    if window is not None:
        frames = frames * _whole(window, n_fft, rows.dtype)
    transform = jnp.fft.rfft if onesided else jnp.fft.fft
    y = transform(frames, norm="ortho" if normalized else "backward")
    return y.reshape(*batch, *y.shape[1:])


@partial(
    jax.jit,
    static_argnames=(
        "n_fft",
        "hop",
        "start",
        "stop",
        "normalized",
        "onesided",
        "return_complex",
    ),
)
def _istft(
    y: Array,
    window: Array | None,
    *,
    n_fft: int,
    hop: int,
    start: int,
    stop: int,
    normalized: bool,
    onesided: bool,
    return_complex: bool,
) -> Array:
    batch, count = y.shape[:-2], y.shape[-2]
    rows = y.reshape(math.prod(batch), *y.shape[-2:])
    norm = "ortho" if normalized else "backward"
    if onesided:
        frames = jnp.fft.irfft(rows, n_fft, norm=norm)
    else:
        frames = jnp.fft.ifft(rows, norm=norm)
        frames = frames if return_complex else frames.real
    if window is None:
        weights = jnp.ones((1, 1, n_fft), frames.dtype)
    else:
        weights = _whole(window, n_fft, frames.dtype)
    envelope = _added(jnp.broadcast_to(weights**2, (1, count, n_fft)), hop)
    x = _added(frames * weights, hop)[:, start:stop] / envelope[:, start:stop]
    return x.reshape(*batch, stop - start)


def _frames(x: Array, n_fft: int, hop: int) -> Array:
    """Cut `(rows, samples)` into frames, `(rows, frames, n_fft)`."""
    count = (x.shape[1] - n_fft) // hop + 1
    blocks = -(-n_fft // hop)  # in a frame, the last perhaps in part
    after = (count - 1 + blocks) * hop - x.shape[1]
    padded = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (0, after, 0)))
    hops = padded.reshape(x.shape[0], count - 1 + blocks, hop)
    rows = [lax.slice_in_dim(hops, i, i + count, axis=1) for i in range(blocks)]
    return lax.slice_in_dim(jnp.concatenate(rows, 2), 0, n_fft, axis=2)


def _added(frames: Array, hop: int) -> Array:
    """Add frames up where they overlap, the transpose of cutting: `(rows, samples)`."""
    rows, count, n_fft = frames.shape
    blocks = -(-n_fft // hop)
    whole = jnp.pad(frames, ((0, 0), (0, 0), (0, blocks * hop - n_fft)))
    hops = whole.reshape(rows, count, blocks, hop)
    places = [((0, 0), (i, blocks - 1 - i), (0, 0)) for i in range(blocks)]
    total = sum(jnp.pad(hops[:, :, i], place) for i, place in enumerate(places))
    return jnp.asarray(total).reshape(rows, (count + blocks - 1) * hop)


def _whole(window: Array, n_fft: int, dtype: Any) -> Array:
    """Return the window with zeros around it, to be multiplied with frames."""
    before = (n_fft - window.shape[0]) // 2
    after = n_fft - window.shape[0] - before
    return jnp.pad(window, (before, after)).reshape(1, 1, n_fft).astype(dtype)
