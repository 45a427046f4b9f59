"""XLA's convolution under paddings that its CPU code gets wrong, against sums in NumPy."""

import jax
import numpy as np
import pytest

from luxlib._xla_convolution import xla_convolution


def windows(x, pair, spread, count):
    """What lies in each window: `(batch, places, window, in)`."""
    batch, size, channels = x.shape
    apart = np.zeros((batch, (size - 1) * spread + 1, channels), x.dtype)
    apart[:, ::spread] = x
    before, after = pair
    edges = ((0, 0), (max(before, 0), max(after, 0)), (0, 0))
    padded = np.pad(apart[:, max(-before, 0) : apart.shape[1] + min(after, 0)], edges)
    places = padded.shape[1] - count + 1
    return np.stack([padded[:, i : i + places] for i in range(count)], axis=2)


SMALL, LARGE = (3, 2), (16, 16)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize(("spread", "channels"), [(1, SMALL), (1, LARGE), (2, LARGE)])
@pytest.mark.parametrize("pair", [(-1, 1), (-2, 3), (-1, -1), (1, -1), (3, 1), (4, 0), (1, 1)])
def test_value_and_derivatives(pair, spread, channels, dtype):
    """The derivatives of a padding wider than the window are those with such a padding."""
    random = np.random.default_rng(0)

    def draw(*shape):
        parts = random.normal(size=(2, *shape))
        return (parts[0] + 1j * parts[1] if dtype == "complex64" else parts[0]).astype(dtype)

    x, weight = draw(2, 5, channels[0]), draw(3, *channels)
    exact, wide = x.astype(complex), weight.astype(complex)
    laid_out = windows(exact, pair, spread, 3)
    ct = draw(2, laid_out.shape[1], channels[1])

    def convolve(x, weight):
        return xla_convolution(x, weight, pairs=(pair,), spread=(spread,))

    y, pullback = jax.vjp(convolve, x, weight)
    x_bar, weight_bar = pullback(ct)
    np.testing.assert_allclose(y, np.einsum("btic,ico->bto", laid_out, wide), atol=1e-4)
    np.testing.assert_allclose(weight_bar, np.einsum("btic,bto->ico", laid_out, ct), atol=1e-4)
    # The transposed map, from where each element of the input goes.
    placed = windows(np.arange(1, 6).reshape(1, 5, 1).astype(complex), pair, spread, 3)[0, ..., 0]
    expected = np.zeros_like(exact)
    for (place, i), element in np.ndenumerate(placed.real.astype(int)):
        if element:
            expected[:, element - 1] += ct[:, place] @ wide[i].T
    np.testing.assert_allclose(x_bar, expected, atol=1e-4)
