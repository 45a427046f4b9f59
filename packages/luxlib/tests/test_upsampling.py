"""Upsampling and pixel shuffling against loops over elements in float64."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luxlib

LINEAR = {1: luxlib.upsample_linear, 2: luxlib.upsample_bilinear, 3: luxlib.upsample_trilinear}


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def position(i, before, after, align_corners):
    """Where element `i` of the result lies."""
    if align_corners:
        return i * (before - 1) / (after - 1) if after > 1 else 0.0
    return (i + 0.5) * before / after - 0.5


def kernel(method, distance):
    d = abs(distance)
    if method == "linear":
        return max(0.0, 1 - d)
    a = -0.75
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def matrix(before, after, method, align_corners):
    """The weights of every element in every element of the result."""
    weights = np.zeros((after, before))
    for i in range(after):
        if method == "nearest":
            weights[i, math.floor(i * before / after + 1e-9)] = 1
            continue
        at = position(i, before, after, align_corners)
        if method == "linear":
            at = min(max(at, 0), before - 1)
        for j in range(math.floor(at) - 2, math.floor(at) + 4):
            weights[i, min(max(j, 0), before - 1)] += kernel(method, at - j)
    return weights


def resized(x, sizes, method, align_corners):
    for axis, size in enumerate(sizes, 1):
        weights = matrix(x.shape[axis], size, method, align_corners)
        x = np.moveaxis(np.tensordot(weights, x, ([1], [axis])), 0, axis)
    return x


def function(method, axes):
    if method == "nearest":
        return luxlib.upsample_nearest
    return luxlib.upsample_bicubic if method == "cubic" else LINEAR[axes]


# (space, size)
SIZES = [
    ((5,), (10,)),
    ((5,), (7,)),
    ((5,), (3,)),
    ((1,), (4,)),
    ((6,), (1,)),
    ((5,), (5,)),
    ((3, 4), (6, 12)),
    ((3, 4), (7, 3)),
    ((1, 5), (2, 5)),
    ((2, 3, 2), (4, 5, 3)),
]


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("method", ["nearest", "linear", "cubic"])
def test_values_and_gradients(method, align_corners):
    sizes = [s for s in SIZES if method != "cubic" or len(s[0]) == 2]
    cases = [(normal(i, 2, *space, 3), size) for i, (space, size) in enumerate(sizes)]
    cts = [normal(i, 2, *size, 3) for i, (_, size) in enumerate(cases)]
    options = {} if method == "nearest" else {"align_corners": align_corners}

    @jax.jit
    def everything(xs, cts):
        results = []
        for x, ct, (_, size) in zip(xs, cts, cases, strict=True):
            f = function(method, len(size))
            y, pullback = jax.vjp(lambda x, f=f, size=size: f(x, size=size, **options), x)
            results.append((y, pullback(ct)[0]))
        return results

    with jax.enable_x64(True):
        results = everything([jnp.asarray(x) for x, _ in cases], [jnp.asarray(c) for c in cts])
    for (x, size), ct, (y, x_bar) in zip(cases, cts, results, strict=True):
        expected = resized(x, size, method, align_corners)
        assert (y.dtype, y.shape) == (jnp.float64, expected.shape)
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
        columns = np.eye(x[0, ..., 0].size).reshape(-1, *x.shape[1:-1], 1)
        back = np.tensordot(
            resized(columns, size, method, align_corners)[..., 0],
            ct,
            (list(range(1, len(size) + 1)), list(range(1, len(size) + 1))),
        )
        np.testing.assert_allclose(
            x_bar, np.moveaxis(back, 1, 0).reshape(x.shape), rtol=1e-12, atol=1e-12
        )


@settings(deadline=None, max_examples=10)
@given(before=st.integers(1, 9), after=st.integers(1, 9), align_corners=st.booleans())
def test_every_size(before, after, align_corners):
    x = normal(0, 1, before, 1)
    y = luxlib.upsample_linear(jnp.asarray(x), size=after, align_corners=align_corners)
    np.testing.assert_allclose(
        y, resized(x, (after,), "linear", align_corners), rtol=1e-6, atol=1e-6
    )
    constant = luxlib.upsample_bicubic(
        jnp.ones((before, 2, 1)), size=(after, 3), align_corners=align_corners
    )
    np.testing.assert_allclose(constant, 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("scale", "size"),
    [(2, (6, 8)), (2.5, (7, 10)), ((1, 3), (3, 12)), ((0.5, 1.0), (1, 4)), ([2.0, 1.3], (6, 5))],
)
def test_scales_are_rounded_down(scale, size):
    x = jnp.asarray(normal(0, 2, 3, 4, 2))
    for f in (luxlib.upsample_nearest, luxlib.upsample_bilinear, luxlib.upsample_bicubic):
        y = f(x, scale)
        assert y.shape == (2, *size, 2)
        np.testing.assert_array_equal(y, f(x, size=size))


def test_one_number_is_for_all_axes():
    x = jnp.ones((2, 3, 4, 2))
    assert luxlib.upsample_nearest(x, 2).shape == (2, 6, 8, 2)
    assert luxlib.upsample_nearest(x, size=5).shape == (2, 5, 5, 2)
    assert luxlib.upsample_nearest(x, (2,)).shape == (2, 3, 8, 2)
    assert luxlib.upsample_linear(x, 2).shape == (2, 3, 8, 2)
    assert luxlib.upsample_bilinear(x, size=5).shape == (2, 5, 5, 2)
    assert luxlib.upsample_trilinear(x, 2).shape == (4, 6, 8, 2)


def test_the_examples_of_nnlib():
    x = jnp.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[..., None]
    y = luxlib.upsample_bilinear(x, (2, 3))[..., 0]
    rows = [
        [1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0],
        [2.0, 2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0],
        [3.0, 3.25, 3.5, 3.75, 4.0, 4.25, 4.5, 4.75, 5.0],
        [4.0, 4.25, 4.5, 4.75, 5.0, 5.25, 5.5, 5.75, 6.0],
    ]
    np.testing.assert_allclose(y, rows, rtol=1e-6)
    y = luxlib.upsample_bilinear(x, (2.5, 3.5))[..., 0]
    assert y.shape == (5, 10)
    np.testing.assert_allclose(y[:, 0], [1.0, 1.75, 2.5, 3.25, 4.0], rtol=1e-6)
    np.testing.assert_allclose(y[1, :3], [1.75, 1.97222, 2.19444], rtol=1e-5)
    nearest = luxlib.upsample_nearest(x.astype(int), (2, 3))[..., 0]
    assert nearest.tolist() == [[1, 1, 1, 2, 2, 2, 3, 3, 3]] * 2 + [[4, 4, 4, 5, 5, 5, 6, 6, 6]] * 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_where_it_is(value):
    x = jnp.zeros((6, 1)).at[2].set(value)
    for align_corners in (True, False):
        y = luxlib.upsample_linear(x, size=11, align_corners=align_corners)[:, 0]
        at = np.array([position(i, 6, 11, align_corners) for i in range(11)])
        np.testing.assert_array_equal(~np.isfinite(y), np.abs(at - 2) < 1 - 1e-9)
    assert (~jnp.isfinite(luxlib.upsample_nearest(x, (2,)))).sum() == 2
    # Elements of which nothing was made have no gradient, whatever the cotangent.
    _, pullback = jax.vjp(lambda x: luxlib.upsample_nearest(x, size=(2,)), jnp.ones((6, 1)))
    (bar,) = pullback(jnp.full((2, 1), value))
    np.testing.assert_array_equal(bar[:, 0], [value, 0, 0, value, 0, 0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype):
    x = jnp.asarray(normal(0, 2, 9, 7, 3), dtype)
    ct = jnp.asarray(normal(1, 2, 31, 40, 3), dtype)
    y, pullback = jax.vjp(lambda x: luxlib.upsample_bilinear(x, size=(31, 40)), x)
    wide, wide_pullback = jax.vjp(
        lambda x: luxlib.upsample_bilinear(x, size=(31, 40)), x.astype("float32")
    )
    assert y.dtype == dtype
    close = partial(np.testing.assert_allclose, rtol=float(jnp.finfo(dtype).eps), atol=1e-6)
    close(*(a.astype("float32") for a in (y, wide)))
    (bar,), (wide_bar,) = pullback(ct), wide_pullback(ct.astype("float32"))
    close(*(a.astype("float32") for a in (bar, wide_bar)))


def test_dtypes():
    x = jnp.arange(6, dtype="uint8").reshape(1, 2, 3, 1)
    assert luxlib.upsample_nearest(x, 2).dtype == jnp.uint8
    y = luxlib.upsample_bilinear(x, 2)
    assert (y.dtype, y.weak_type) == (jnp.float32, False)
    assert luxlib.upsample_nearest(x > 2, 2).dtype == bool
    z = luxlib.upsample_bilinear(x.astype("complex64") * (1 + 2j), 2)
    np.testing.assert_allclose(z, np.asarray(y) * (1 + 2j), rtol=1e-6)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
def test_any_number_of_leading_axes(batch):
    x = jnp.asarray(normal(0, *batch, 3, 4, 2))
    y = luxlib.upsample_bilinear(x, 2)
    assert y.shape == (*batch, 6, 8, 2)
    flat = luxlib.upsample_bilinear(x.reshape(-1, 3, 4, 2) if x.size else x, 2)
    np.testing.assert_array_equal(y, flat.reshape(y.shape))
    factor = (2, 2)
    wide = jnp.concatenate([x, 2 * x], -1)
    shuffled = luxlib.pixel_shuffle(wide, factor)
    assert shuffled.shape == (*batch, 6, 8, 1)
    np.testing.assert_array_equal(luxlib.pixel_unshuffle(shuffled, factor), wide)


@pytest.mark.parametrize("factors", [(2,), (1,), (2, 3), (3, 1), (2, 1, 3)])
def test_pixel_shuffle(factors):
    axes = len(factors)
    x = np.arange(2 * 2**axes * 2 * math.prod(factors)).reshape(2, *(2,) * axes, -1)
    y = np.zeros((2, *(2 * r for r in factors), 2), int)
    for at in np.ndindex(*x.shape[1:-1]):
        for rest in np.ndindex(*factors):
            to = tuple(n * r + i for n, r, i in zip(at, factors, rest, strict=True))
            number = int(np.ravel_multi_index(rest, factors))
            for c in range(2):
                source = x[(slice(None), *at, c * math.prod(factors) + number)]
                y[(slice(None), *to, c)] = source
    np.testing.assert_array_equal(luxlib.pixel_shuffle(jnp.asarray(x), factors), y)
    np.testing.assert_array_equal(luxlib.pixel_unshuffle(jnp.asarray(y), factors), x)
    if len(set(factors)) == 1:
        np.testing.assert_array_equal(luxlib.pixel_shuffle(jnp.asarray(x), factors[0]), y)


def test_the_shuffled_example_of_nnlib():
    x = [[10 * i + j + channel / 10 for channel in range(1, 5)] for i in (1, 2) for j in (1, 2, 3)]
    # In Julia the first axis of space is the one whose remainder the first channels hold.
    x = jnp.array(x).reshape(2, 3, 4).swapaxes(0, 1)
    y = luxlib.pixel_shuffle(x, (2, 2))[..., 0].T
    rows = [
        [11.1, 11.3, 12.1, 12.3, 13.1, 13.3],
        [11.2, 11.4, 12.2, 12.4, 13.2, 13.4],
        [21.1, 21.3, 22.1, 22.3, 23.1, 23.3],
        [21.2, 21.4, 22.2, 22.4, 23.2, 23.4],
    ]
    np.testing.assert_allclose(y, rows, rtol=1e-6)


IMAGE = jnp.ones((2, 3, 4, 8))
MESSAGES = {
    "neither": (
        lambda: luxlib.upsample_nearest(IMAGE),
        "upsample_nearest: scale: expected a scale, or else a size, got neither. "
        "scale says by which factor the spatial axes grow, size how large they become.",
    ),
    "both": (
        lambda: luxlib.upsample_linear(IMAGE, 2, size=8),
        "upsample_linear: scale: expected a scale, or else a size, got both. "
        "scale says by which factor the spatial axes grow, size how large they become.",
    ),
    "rank": (
        lambda: luxlib.upsample_bilinear(jnp.ones((3, 4)), 2),
        "upsample_bilinear: x: expected at least 3 axes, the last of them channels, the spatial "
        "ones not empty, got shape (3, 4). "
        "Leading axes are the batch; the axis of the channels has to be there.",
    ),
    "nearest-rank": (
        lambda: luxlib.upsample_nearest(jnp.ones((3, 4)), 2),
        "upsample_nearest: x: expected at least 3 axes, the last of them channels, the spatial "
        "ones not empty, got shape (3, 4). "
        "Leading axes are the batch; the axis of the channels has to be there.",
    ),
    "empty": (
        lambda: luxlib.upsample_linear(jnp.ones((3, 0, 4)), 2),
        "upsample_linear: x: expected at least 2 axes, the last of them channels, the spatial "
        "ones not empty, got shape (3, 0, 4). "
        "Leading axes are the batch; the axis of the channels has to be there.",
    ),
    "count": (
        lambda: luxlib.upsample_bilinear(IMAGE, (2, 2, 2)),
        "upsample_bilinear: scale: expected a positive number, or one for each of 2 spatial axes, "
        "that leaves at least one element, got (2, 2, 2). x has shape (2, 3, 4, 8).",
    ),
    "size-fraction": (
        lambda: luxlib.upsample_bilinear(IMAGE, size=(2.5, 2)),
        "upsample_bilinear: size: expected a positive integer, or one for each of 2 spatial axes, "
        "that leaves at least one element, got (2.5, 2). x has shape (2, 3, 4, 8).",
    ),
    "size-none": (
        lambda: luxlib.upsample_bilinear(IMAGE, size=(0, 2)),
        "upsample_bilinear: size: expected a positive integer, or one for each of 2 spatial axes, "
        "that leaves at least one element, got (0, 2). x has shape (2, 3, 4, 8).",
    ),
    "scale-small": (
        lambda: luxlib.upsample_bilinear(IMAGE, 0.1),
        "upsample_bilinear: scale: expected a positive number, or one for each of 2 spatial axes, "
        "that leaves at least one element, got 0.1. x has shape (2, 3, 4, 8).",
    ),
    "scale-infinite": (
        lambda: luxlib.upsample_bilinear(IMAGE, float("inf")),
        "upsample_bilinear: scale: expected a positive number, or one for each of 2 spatial axes, "
        "that leaves at least one element, got inf. x has shape (2, 3, 4, 8).",
    ),
    "factor": (
        lambda: luxlib.pixel_shuffle(IMAGE, 0),
        "pixel_shuffle: factor: expected an integer of at least 1, or one for each spatial axis, "
        "got 0. It says how many pixels along an axis one becomes.",
    ),
    "factor-fraction": (
        lambda: luxlib.pixel_unshuffle(IMAGE, 1.5),
        "pixel_unshuffle: factor: expected an integer of at least 1, or one for each spatial axis, "
        "got 1.5. It says how many pixels along an axis one becomes.",
    ),
    "shuffle-rank": (
        lambda: luxlib.pixel_shuffle(jnp.ones((3, 4)), 2),
        "pixel_shuffle: x: expected at least 3 axes, the last of them channels, "
        "got shape (3, 4). Give one factor for each spatial axis, where there is no batch.",
    ),
    "channels": (
        lambda: luxlib.pixel_shuffle(IMAGE, 3),
        "pixel_shuffle: x: expected a multiple of 9 channels, got shape (2, 3, 4, 8). "
        "Factors (3, 3) turn so many channels into one.",
    ),
    "space": (
        lambda: luxlib.pixel_unshuffle(IMAGE, 2),
        "pixel_unshuffle: x: expected spatial axes that are multiples of (2, 2), "
        "got shape (2, 3, 4, 8). Pad or crop it first.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, message = MESSAGES[name]
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message
