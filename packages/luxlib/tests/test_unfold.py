"""Windows taken out and added up, against loops over places and positions."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luxlib import conv, fold, unfold


def each(value, axes):
    return (value,) * axes if isinstance(value, int) else tuple(value)


def geometry(space, window, *, stride=1, padding=0, dilation=1):
    """The places, and every (place, position, source) that lies in the array."""
    axes = len(space)
    stride, padding, dilation = (each(value, axes) for value in (stride, padding, dilation))
    pairs = [each(p, 2) for p in padding]
    places = tuple(
        (n + sum(pair) - d * (k - 1) - 1) // s + 1
        for n, k, s, pair, d in zip(space, window, stride, pairs, dilation, strict=True)
    )
    met = []
    for place in np.ndindex(*places):
        for position in np.ndindex(*window):
            at = tuple(
                t * s + i * d - pair[0]
                for t, i, s, d, pair in zip(place, position, stride, dilation, pairs, strict=True)
            )
            if all(0 <= u < n for u, n in zip(at, space, strict=True)):
                met.append((place, position, at))
    return places, met


def unfolded(x, window, **options):
    places, met = geometry(x.shape[1:-1], window, **options)
    y = np.zeros((x.shape[0], *places, *window, x.shape[-1]), x.dtype)
    for place, position, at in met:
        y[(slice(None), *place, *position)] = x[(slice(None), *at)]
    return y.reshape(*y.shape[: x.ndim - 1], y.shape[-1] * int(np.prod(window)))


def folded(y, size, window, **options):
    places, met = geometry(size, window, **options)
    y = y.reshape(y.shape[0], *places, *window, y.shape[-1] // int(np.prod(window)))
    x = np.zeros((y.shape[0], *size, y.shape[-1]), y.dtype)
    for place, position, at in met:
        x[(slice(None), *at)] += y[(slice(None), *place, *position)]
    return x


# (shape, window, options)
CASES = [
    ((2, 7, 3), (3,), {}),
    ((2, 7, 1), (3,), {"stride": 2, "padding": 1}),
    ((1, 9, 2), (2,), {"stride": 4}),
    ((1, 9, 2), (2,), {"stride": 3, "padding": ((0, 2),), "dilation": 4}),
    ((1, 1, 1), (1,), {}),
    ((1, 1, 2), (7,), {"padding": 3}),
    ((0, 5, 2), (3,), {}),
    ((2, 6, 5, 3), (3, 2), {"stride": (2, 1), "padding": (1, 0)}),
    ((2, 6, 5, 2), (2, 2), {"stride": 2}),
    ((1, 8, 7, 1), (3, 3), {"dilation": (2, 3), "padding": 2, "stride": (3, 2)}),
    ((1, 5, 1, 2), (5, 1), {}),
    ((1, 6, 6, 2), (1, 1), {"stride": (2, 3)}),
    ((1, 5, 5, 1), (4, 4), {"stride": 2, "padding": ((3, 1), (0, 3))}),
    ((2, 4, 3, 5, 2), (2, 1, 3), {"stride": (1, 2, 2), "padding": (1, 0, 1)}),
]
every = pytest.mark.parametrize("case", CASES, ids=str)


@every
def test_values_and_transposes(case):
    shape, window, options = case
    x = np.random.default_rng(0).normal(size=shape)
    expected = unfolded(x, window, **options)
    y_bar = np.random.default_rng(1).normal(size=expected.shape)
    added = folded(y_bar, shape[1:-1], window, **options)
    x_bar = np.random.default_rng(2).normal(size=shape)

    @jax.jit
    def everything(x, y_bar, x_bar):
        y, of_unfold = jax.vjp(lambda x: unfold(x, window, **options), x)
        z, of_fold = jax.vjp(lambda y: fold(y, shape[1:-1], window, **options), y_bar)
        return y, of_unfold(y_bar)[0], z, of_fold(x_bar)[0]

    with jax.enable_x64(True):
        y, y_back, z, z_back = everything(*map(jnp.asarray, (x, y_bar, x_bar)))
    np.testing.assert_array_equal(y, expected)
    for sums in (y_back, z):
        assert sums.dtype == jnp.float64
        np.testing.assert_allclose(sums, added, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(z_back, unfolded(x_bar, window, **options))


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (2, 0)])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_any_number_of_leading_axes(batch, axes):
    x = np.arange(np.prod(batch, dtype=int) * 4**axes * 2).reshape(*batch, *(4,) * axes, 2)
    window = (2,) * axes
    y = unfold(jnp.asarray(x), window, stride=2)
    expected = unfolded(x.reshape(-1, *x.shape[len(batch) :]), window, stride=2)
    assert y.shape == (*batch, *expected.shape[1:])
    np.testing.assert_array_equal(y, expected.reshape(y.shape))
    np.testing.assert_array_equal(fold(y, (4,) * axes, window, stride=2), x)


@settings(deadline=None, max_examples=25)
@given(
    size=st.integers(1, 9),
    window=st.integers(1, 4),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    pair=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_every_geometry(size, window, stride, dilation, pair):
    if size + sum(pair) < dilation * (window - 1) + 1:
        return
    options = {"stride": stride, "dilation": dilation, "padding": (pair,)}
    x = np.arange(1, size + 1)[None, :, None]
    y = unfolded(x, (window,), **options)
    np.testing.assert_array_equal(unfold(jnp.asarray(x), (window,), **options), y)
    z = fold(jnp.asarray(y), (size,), (window,), **options)
    np.testing.assert_array_equal(z, folded(y, (size,), (window,), **options))


@pytest.mark.parametrize("padding", ["SAME", "VALID", 1])
def test_a_convolution_is_unfold_and_a_product(padding):
    x, weight = (
        np.random.default_rng(i).normal(size=s) for i, s in enumerate([(2, 5, 6, 3), (3, 2, 3, 4)])
    )
    x, weight = jnp.asarray(x, "float32"), jnp.asarray(weight, "float32")
    y = unfold(x, (3, 2), padding=padding) @ weight.reshape(-1, 4)
    expected = conv(x, weight, padding=padding, cross_correlation=True)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_causal_windows_see_nothing_later():
    y = unfold(jnp.array([1, 2, 3])[:, None], (3,), padding="CAUSAL")
    assert y.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3]]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(dtype):
    # A sum of ones in half precision stops at 2048 or 256, where adding one changes nothing.
    y = fold(jnp.full((40, 40), 64, dtype), (79,), (40,))
    assert y.dtype == dtype
    assert y[39, 0] == jnp.asarray(40 * 64, dtype)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "complex64", "bool"])
def test_other_dtypes(dtype):
    x = jnp.ones((4, 1), dtype)
    assert unfold(x, (2,)).dtype == dtype
    if dtype != "bool":
        y = fold(unfold(x, (2,)), (4,), (2,))
        assert (y.dtype, y[:, 0].tolist()) == (dtype, [1, 2, 2, 1])


IMAGE = jnp.ones((2, 8, 8, 4))
MESSAGES = {
    "window": (
        lambda: unfold(IMAGE, 3),
        "unfold: window: expected one to three integers, each at least 1, one for each spatial "
        "axis, got 3. For one spatial axis and a window of three elements that is (3,).",
    ),
    "window-empty": (
        lambda: unfold(IMAGE, (3, 0)),
        "unfold: window: expected one to three integers, each at least 1, one for each spatial "
        "axis, got (3, 0). For one spatial axis and a window of three elements that is (3,).",
    ),
    "rank": (
        lambda: unfold(jnp.ones((8, 4)), (3, 3)),
        "unfold: x: expected shape (..., space, space, channels), got (8, 4). "
        "A window of 2 sizes slides over 2 spatial axes before the channels.",
    ),
    "small": (
        lambda: unfold(IMAGE, (3, 3), dilation=4),
        "unfold: x: expected spatial sizes of at least (9, 9), which the window spans, got (8, 8) "
        "(padding included). Use a smaller window or dilation, or more padding.",
    ),
    "stride": (
        lambda: unfold(IMAGE, (3, 3), stride=0),
        "unfold: stride: expected an integer or 2 of them, each at least 1, got 0. "
        "Give one integer for every spatial axis, or one that holds for all.",
    ),
    "size": (
        lambda: fold(jnp.ones((2, 6, 12)), 8, (3,)),
        "fold: size: expected one to three integers, each at least 1, got 8. "
        "Give the size of each spatial axis of the result.",
    ),
    "fold-window": (
        lambda: fold(jnp.ones((2, 6, 12)), (8,), (3, 3)),
        "fold: window: expected 1 integers, each at least 1, one for each spatial axis, "
        "got (3, 3). For one spatial axis and a window of three elements that is (3,).",
    ),
    "places": (
        lambda: fold(jnp.ones((2, 5, 12)), (8,), (3,)),
        "fold: x: expected shape (..., 6, 3 * channels), got (2, 5, 12). "
        "A window (3,) stands at (6,) places on axes of (8,) elements.",
    ),
    "channels": (
        lambda: fold(jnp.ones((2, 6, 13)), (8,), (3,)),
        "fold: x: expected shape (..., 6, 3 * channels), got (2, 6, 13). "
        "A window (3,) stands at (6,) places on axes of (8,) elements.",
    ),
    "fold-small": (
        lambda: fold(jnp.ones((2, 6, 12)), (2,), (3,)),
        "fold: x: expected spatial sizes of at least (3,), which the window spans, got (2,) "
        "(padding included). Use a smaller window or dilation, or more padding.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, message = MESSAGES[name]
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message


def test_the_order_in_the_last_axis():
    y = unfold(jnp.arange(8).reshape(2, 2, 2), (2, 2))
    assert y.tolist() == [[list(range(8))]]
    assert list(itertools.chain.from_iterable(y[0].tolist())) == list(range(8))
