"""Short-time Fourier transforms, spectra and windows against sums in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luxlib import (
    db_to_power,
    hamming_window,
    hann_window,
    istft,
    melscale_filterbanks,
    power_to_db,
    spectrogram,
    stft,
)

PADDING = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def reference(
    x,
    n_fft,
    *,
    hop_length,
    window=None,
    center=True,
    pad_mode="reflect",
    normalized=False,
    onesided=None,
):
    """The sum of the definition, frame by frame and frequency by frequency."""
    onesided = not np.iscomplexobj(x) if onesided is None else onesided
    weights = np.zeros(n_fft)
    window = np.ones(n_fft) if window is None else np.asarray(window)
    before = (n_fft - len(window)) // 2
    weights[before : before + len(window)] = window
    if center:
        edges = ((0, 0),) * (x.ndim - 1) + ((n_fft // 2, n_fft // 2),)
        x = np.pad(x, edges, mode=PADDING[pad_mode])
    k = np.arange(n_fft)
    frequencies = np.arange(n_fft // 2 + 1 if onesided else n_fft)
    turns = np.exp(-2j * np.pi * np.outer(k, frequencies) / n_fft)
    starts = range(0, x.shape[-1] - n_fft + 1, hop_length)
    y = np.stack([(x[..., s : s + n_fft] * weights) @ turns for s in starts], -2)
    return y / np.sqrt(n_fft) if normalized else y


GRID = [
    ((32,), 8, {"hop_length": 2}),
    ((3, 33), 8, {"hop_length": 3, "window": 8, "pad_mode": "constant"}),
    ((2, 2, 30), 9, {"hop_length": 4, "window": 6, "normalized": True}),
    ((20,), 8, {"hop_length": 8, "center": False}),
    ((21,), 5, {"hop_length": 7, "center": False}),
    ((17,), 6, {"hop_length": 1, "window": 5, "pad_mode": "replicate"}),
    ((17,), 8, {"hop_length": 2, "pad_mode": "circular", "onesided": False}),
    ((0, 17), 8, {"hop_length": 2}),
    ((5,), 1, {"hop_length": 1}),
    ((8,), 8, {"hop_length": 1, "center": False}),
]


def with_window(options):
    length = options.get("window")
    return {**options, "window": 0.1 + hann_window(length, dtype=float)} if length else options


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("shape", "n_fft", "options"), GRID)
def test_stft(shape, n_fft, options, kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    if kind == "complex":
        x = x + 1j * rng.normal(size=shape)
    with jax.enable_x64(True):
        options = with_window(options)
        y = stft(jnp.asarray(x), n_fft, **options)
    expected = reference(x, n_fft, **options)
    assert (y.shape, y.dtype) == (expected.shape, "complex128")
    np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(
    ("samples", "n_fft", "options"),
    [
        (32, 8, {"hop_length": 2}),
        (33, 8, {"hop_length": 3, "window": 8, "pad_mode": "constant"}),
        (30, 9, {"hop_length": 4, "window": 6, "normalized": True}),
        (24, 8, {"hop_length": 8, "center": False}),
        (32, 8, {"hop_length": 4, "center": False, "window": 8}),
    ],
)
def test_round_trip(samples, n_fft, options, kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, samples))
    sides = {}
    if kind == "complex":
        x, sides = x + 1j * rng.normal(size=x.shape), {"onesided": False}
    with jax.enable_x64(True):
        options = {**with_window(options), **sides}
        y = stft(jnp.asarray(x), n_fft, **options)
        options.pop("pad_mode", None)
        back = istft(y, n_fft, **options, length=samples, return_complex=kind == "complex")
        short = istft(y, n_fft, **options, length=5, return_complex=kind == "complex")
    assert back.dtype == x.dtype
    np.testing.assert_allclose(back, x, atol=1e-13)
    np.testing.assert_allclose(short, x[:, :5], atol=1e-13)


def test_the_inverse_weighs_frames_that_disagree():
    """Overlapping frames of one frequency each, added by hand."""
    with jax.enable_x64(True):
        window = jnp.array([1.0, 2.0, 3.0, 1.0])
        y = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3)) + 0j)
        frames = np.fft.irfft(np.asarray(y), 4) * np.asarray(window)
        x, weights = np.zeros(8), np.zeros(8)
        for t in range(3):
            x[2 * t : 2 * t + 4] += frames[t]
            weights[2 * t : 2 * t + 4] += np.asarray(window) ** 2
        options = {"hop_length": 2, "window": window}
        whole = istft(y, 4, center=False, **options)
        inner = istft(y, 4, **options)
        assert istft(y[None], 4, **options).shape == (1, 4)
    np.testing.assert_allclose(whole, x / weights, rtol=1e-12)
    np.testing.assert_allclose(inner, (x / weights)[2:6], rtol=1e-12)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6))
def test_parseval(seed):
    """With frames side by side, the transform keeps energy."""
    x = jax.random.normal(jax.random.key(seed), (2, 64))
    y = stft(x, 16, hop_length=16, center=False, normalized=True, onesided=False)
    np.testing.assert_allclose((abs(y) ** 2).sum((1, 2)), (x**2).sum(1), rtol=1e-5)


def test_dtypes_and_defaults():
    x = jnp.arange(64)
    assert stft(x, 8).dtype == stft(x.astype("bfloat16"), 8).dtype == jnp.complex64
    np.testing.assert_array_equal(stft(x, 8), stft(x, 8, hop_length=2))
    assert stft(x, 8).shape == (33, 5)
    assert spectrogram(x.astype("float16"), 8).dtype == jnp.float32
    assert hann_window(3, dtype=jnp.bfloat16).dtype == jnp.bfloat16


def test_windows():
    for n in (1, 2, 5, 8):
        for periodic in (True, False):
            k = np.arange(n) / max(n if periodic else n - 1, 1)
            hann, hamming = 0.5 - 0.5 * np.cos(2 * np.pi * k), 0.54 - 0.46 * np.cos(2 * np.pi * k)
            if n == 1:
                hann = hamming = np.ones(1)
            np.testing.assert_allclose(hann_window(n, periodic=periodic), hann, atol=1e-7)
            np.testing.assert_allclose(hamming_window(n, periodic=periodic), hamming, atol=1e-7)
    np.testing.assert_allclose(
        hamming_window(4, alpha=0.6, beta=0.4), [0.2, 0.6, 1, 0.6], rtol=1e-6
    )


@pytest.mark.parametrize("power", [1, 2.0, 0.7, None])
@pytest.mark.parametrize("window_normalized", [False, True])
def test_spectrogram(power, window_normalized):
    x = np.random.default_rng(0).normal(size=(2, 40))
    with jax.enable_x64(True):
        window = hann_window(8, dtype=float)
        y = spectrogram(
            jnp.asarray(x),
            8,
            hop_length=4,
            window=window,
            power=power,
            pad=3,
            window_normalized=window_normalized,
        )
    z = reference(np.pad(x, ((0, 0), (3, 3))), 8, hop_length=4, window=window)
    if window_normalized:
        z = z / np.linalg.norm(window)
    np.testing.assert_allclose(y, z if power is None else np.abs(z) ** power, atol=1e-12)


def test_silence_has_gradients():
    x = jnp.zeros(32)
    for power in (1, 2, 0.5):
        gradient = jax.grad(lambda x: spectrogram(x, 8, power=power).sum())(x)  # noqa: B023
        np.testing.assert_array_equal(gradient, x)
    ones = jnp.arange(32.0)
    gradient = jax.grad(lambda x: spectrogram(x, 8, window_normalized=True).sum())(ones)
    scaled = jax.grad(lambda x: spectrogram(x, 8).sum() / 8)(ones)
    np.testing.assert_allclose(gradient, scaled, rtol=1e-5)


def test_decibels():
    x = jnp.array([[1.0, 100.0], [1e-3, 0.0]])
    np.testing.assert_allclose(power_to_db(x), [[0, 20], [-30, -60]], atol=1e-4)
    np.testing.assert_allclose(power_to_db(x, top_db=None), [[0, 20], [-30, -100]], atol=1e-4)
    np.testing.assert_allclose(power_to_db(x, top_db=30, axis=-1), [[0, 20], [-30, -60]], atol=1e-4)
    np.testing.assert_allclose(
        power_to_db(x, top_db=30, axis=[0, 1]), [[0, 20], [-10, -10]], atol=1e-4
    )
    np.testing.assert_allclose(
        power_to_db(x, ref=10.0, amin=1e-2, top_db=None), [[-10, 10], [-30, -30]], atol=1e-4
    )
    np.testing.assert_allclose(db_to_power(power_to_db(x[0])), x[0], rtol=1e-5)
    np.testing.assert_allclose(db_to_power(jnp.array([10, -10]), ref=2.0), [20, 0.2], rtol=1e-5)
    half = power_to_db(jnp.array([0.0, 1.0], "float16"), top_db=None)
    np.testing.assert_array_equal(half, jnp.array([-100, 0], "float16"))
    assert power_to_db(jnp.ones(0)).shape == (0,)


def test_mel_filters():
    """Numbers of the HTK formula by hand; Slaney's from its published constants."""
    filters = np.asarray(melscale_filterbanks(9, 3, 8000.0, fmin=100, fmax=3000, dtype=float))
    low, high = 2595 * np.log10(1 + 100 / 700), 2595 * np.log10(1 + 3000 / 700)
    corners = 700 * (10 ** (np.linspace(low, high, 5) / 2595) - 1)
    expected = np.zeros((9, 3))
    for m in range(3):
        left, middle, right = corners[m : m + 3]
        for i, f in enumerate(np.linspace(0, 4000, 9)):
            if left < f <= middle:
                expected[i, m] = (f - left) / (middle - left)
            elif middle < f < right:
                expected[i, m] = (right - f) / (right - middle)
    np.testing.assert_allclose(filters, expected, rtol=1e-5, atol=1e-6)
    # On Slaney's scale 1000 Hz is 15 mel and 6400 Hz is 42: of 14 corners from 0 Hz to 6400 Hz the
    # third is 6.46 mel, 430.8 Hz, and the ninth 25.85 mel, 1000 Hz × 6.4 ^ (10.85 / 27).
    fine = np.asarray(melscale_filterbanks(64001, 12, 12_800, mel_scale="slaney", norm="slaney"))
    peaks = fine.argmax(0) / 10
    np.testing.assert_allclose(peaks[1], 42 / 13 * 2 * 200 / 3, atol=0.1)
    np.testing.assert_allclose(peaks[7], 1000 * 6.4 ** ((42 * 8 / 13 - 15) / 27), atol=0.1)
    np.testing.assert_allclose(fine.sum(0) / 10, 1, rtol=1e-3)
    assert melscale_filterbanks(201, 10, 16_000).dtype == jnp.float32
    tone = spectrogram(jnp.sin(2 * jnp.pi * 1000 * jnp.arange(1600.0) / 16_000), 400)
    mels = tone @ melscale_filterbanks(201, 40, 16_000)
    # 1000 Hz are 1000 mel, and 8000 Hz are 2840: the tone lies nearest to the 14th of 40 filters.
    assert (mels.argmax(1) == round(1000 / (2840 / 41)) - 1).all()


def test_a_traced_window_that_leaves_out_a_sample_gives_nan():
    y = jnp.ones((3, 5), "complex64")
    window = hann_window(8)
    x = jax.jit(lambda w: istft(y, 8, hop_length=4, window=w, center=False))(window)
    assert jnp.isnan(x[0])
    assert jnp.isfinite(x[1:16]).all()


X = jnp.ones(64)
Y = jnp.ones((3, 5), "complex64")
MESSAGES = {
    "n_fft": (
        lambda: stft(X, 0),
        ValueError,
        "stft: n_fft: expected a positive integer, got 0. It counts at least one.",
    ),
    "hop": (
        lambda: stft(X, 8, hop_length=1.5),
        ValueError,
        "stft: hop_length: expected a positive integer, got 1.5. It counts at least one.",
    ),
    "window": (
        lambda: stft(X, 8, window=jnp.ones(9)),
        ValueError,
        "stft: window: expected one axis of 1 to 8 weights, got shape (9,). "
        "A window is at most as long as a frame, n_fft.",
    ),
    "window-dtype": (
        lambda: istft(Y, 8, window=jnp.ones(8, int)),
        TypeError,
        "istft: window: expected a floating dtype, got int32. Use luxlib.hann_window, for example.",
    ),
    "onesided": (
        lambda: stft(X.astype(complex), 8, onesided=True),
        TypeError,
        "stft: onesided: expected False for a complex signal, got True. "
        "Only a real signal has the same at negative frequencies.",
    ),
    "pad-mode": (
        lambda: stft(X, 8, pad_mode="zeros"),
        ValueError,
        "stft: pad_mode: expected one of 'constant', 'reflect', 'replicate', 'circular', "
        "got 'zeros'. Choose one of these words.",
    ),
    "short": (
        lambda: stft(jnp.ones((2, 4)), 8),
        ValueError,
        "stft: x: expected shape (..., samples) with at least 5 samples, got (2, 4). "
        "Use a smaller n_fft or another pad_mode, or pad the signal.",
    ),
    "shorter": (
        lambda: stft(jnp.ones(7), 8, center=False),
        ValueError,
        "stft: x: expected shape (..., samples) with at least 8 samples, got (7,). "
        "Use a smaller n_fft or another pad_mode, or pad the signal.",
    ),
    "frequencies": (
        lambda: istft(Y, 9, onesided=False),
        ValueError,
        "istft: y: expected shape (..., frames, 9), got (3, 5). "
        "A frame of n_fft samples has n_fft // 2 + 1 frequencies if onesided, otherwise n_fft.",
    ),
    "complex": (
        lambda: istft(Y, 8, return_complex=True),
        ValueError,
        "istft: return_complex: expected False for onesided transforms, got True. "
        "A complex signal needs all frequencies: pass onesided=False.",
    ),
    "length": (
        lambda: istft(Y, 8, length=9),
        ValueError,
        "istft: length: expected from 1 to the 8 samples that the frames reach over, got 9. "
        "Pad the result to make it longer.",
    ),
    "length-zero": (
        lambda: istft(Y, 8, length=0),
        ValueError,
        "istft: length: expected from 1 to the 8 samples that the frames reach over, got 0. "
        "Pad the result to make it longer.",
    ),
    "left-out": (
        lambda: istft(Y, 8, window=hann_window(8), center=False),
        ValueError,
        "istft: window: expected weights on every sample, got none on sample 0. "
        "Use a smaller hop_length, a window without zeros, or center=True.",
    ),
    "gap": (
        lambda: istft(Y, 8, hop_length=9, center=False),
        ValueError,
        "istft: window: expected weights on every sample, got none on sample 8. "
        "Use a smaller hop_length, a window without zeros, or center=True.",
    ),
    "hann": (
        lambda: hann_window(0),
        ValueError,
        "hann_window: length: expected a positive integer, got 0. It counts at least one.",
    ),
    "power": (
        lambda: spectrogram(X, 8, power=0),
        ValueError,
        "spectrogram: power: expected a positive number, or None, got 0. "
        "It is 2 for the power and 1 for the magnitude.",
    ),
    "pad": (
        lambda: spectrogram(X, 8, pad=-1),
        ValueError,
        "spectrogram: pad: expected a number of zeros, got -1. To crop, slice the signal.",
    ),
    "decibels": (
        lambda: power_to_db(X, amin=0),
        ValueError,
        "power_to_db: amin: expected a positive power, got 0. It has no decibels.",
    ),
    "top": (
        lambda: power_to_db(X, top_db=-1),
        ValueError,
        "power_to_db: top_db: expected a number of decibels, or None, got -1. It is not negative.",
    ),
    "mel-range": (
        lambda: melscale_filterbanks(5, 2, 8000, fmax=5000),
        ValueError,
        "melscale_filterbanks: fmin and fmax: expected 0 ≤ fmin < fmax ≤ 4000.0 Hz, "
        "got 0.0 and 5000. No signal holds frequencies above half of its sample rate.",
    ),
    "mel-scale": (
        lambda: melscale_filterbanks(5, 2, 8000, mel_scale="bark"),
        ValueError,
        "melscale_filterbanks: mel_scale: expected one of 'htk', 'slaney', got 'bark'. "
        "Choose one of these words.",
    ),
    "mel-norm": (
        lambda: melscale_filterbanks(5, 2, 8000, norm="l2"),
        ValueError,
        "melscale_filterbanks: norm: expected one of 'slaney', got 'l2'. "
        "Choose one of these words.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
