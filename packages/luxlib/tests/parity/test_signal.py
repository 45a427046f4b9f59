"""Short-time Fourier transforms, windows and alpha dropout against PyTorch's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import luxlib


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


GRID = [
    {"n_fft": 8, "hop_length": 2},
    {"n_fft": 8, "hop_length": 3, "window": 8, "pad_mode": "constant"},
    {"n_fft": 9, "hop_length": 4, "window": 6, "normalized": True},
    {"n_fft": 9, "hop_length": 2, "window": 5, "pad_mode": "replicate", "onesided": False},
    {"n_fft": 8, "hop_length": 4, "center": False},
    {"n_fft": 6, "hop_length": None, "window": 6, "pad_mode": "circular"},
]


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("options", GRID, ids=str)
def test_stft_and_back(options, kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 33))
    if kind == "complex":
        x, options = x + 1j * rng.normal(size=x.shape), {**options, "onesided": False}
    window = rng.random(options["window"]) + 0.1 if "window" in options else None
    rest = {k: v for k, v in options.items() if k not in ("window", "n_fft")}
    n_fft = options["n_fft"]
    ours = {**rest, "window": None if window is None else jnp.asarray(window)}
    theirs = {**rest, "n_fft": n_fft, "win_length": None if window is None else len(window)}
    theirs["window"] = torch.ones(n_fft).double() if window is None else torch.tensor(window)
    y, pullback = jax.vjp(lambda x: luxlib.stft(x, n_fft, **ours), jnp.asarray(x))
    tensor = torch.tensor(x, requires_grad=True)
    expected = torch.stft(tensor, **theirs, return_complex=True)
    close = {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(y, expected.detach().numpy().swapaxes(1, 2), **close)
    ct = rng.normal(size=y.shape) + 1j * rng.normal(size=y.shape)
    expected.backward(torch.tensor(np.ascontiguousarray(ct.swapaxes(1, 2))))
    # PyTorch's cotangents of complex numbers are the conjugates of JAX's.
    (x_bar,) = pullback(jnp.asarray(ct.conj()))
    np.testing.assert_allclose(np.conj(x_bar), tensor.grad.numpy(), **close)

    ours.pop("pad_mode", None)
    theirs.pop("pad_mode", None)
    ours["onesided"] = theirs["onesided"] = options.get("onesided", True)
    back = {"return_complex": kind == "complex"}
    if kind == "real" and not ours["onesided"]:
        # Of a spectrum that no real signal has, PyTorch takes the lower half for the whole.
        ct = np.fft.fft(rng.normal(size=(*y.shape[:-1], n_fft)))
    noisy = ct.swapaxes(1, 2)
    for length in (None, 20):
        x = luxlib.istft(jnp.asarray(ct), n_fft, **ours, **back, length=length)
        right = torch.istft(torch.tensor(noisy), **theirs, **back, length=length)
        np.testing.assert_allclose(x, right.numpy(), **close)


@pytest.mark.parametrize("length", [1, 2, 7, 16])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows(length, periodic):
    options = {"periodic": periodic, "dtype": torch.float64}
    for ours, theirs in (
        (luxlib.hann_window, torch.hann_window),
        (luxlib.hamming_window, torch.hamming_window),
    ):
        w = ours(length, periodic=periodic, dtype=float)
        np.testing.assert_allclose(w, theirs(length, **options).numpy(), atol=1e-15)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_alpha_dropout_has_the_same_values(rate):
    """Of a constant: what is kept, what is dropped, and how often."""
    n = 200_000
    x = np.full(n, 0.7)
    ours = np.asarray(luxlib.alpha_dropout(jnp.asarray(x), rate, jax.random.key(0)))
    theirs = torch.nn.functional.alpha_dropout(torch.tensor(x), rate, training=True).numpy()
    kept, dropped = np.unique(theirs)[::-1]
    np.testing.assert_allclose(np.unique(ours)[::-1], [kept, dropped], rtol=1e-7)
    limit = 6 * np.sqrt(rate * (1 - rate) / n)
    assert abs((ours > ours.mean()).mean() - (theirs == kept).mean()) < limit
