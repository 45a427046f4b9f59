"""Sampling and rotating images against loops over places in float64."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luxlib import grid_sample, imrotate


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def pixel(coordinate, size, mode, align_corners):
    """Where a coordinate lies, brought into the image."""
    at = (coordinate + 1) / 2 * (size - 1 if align_corners else size)
    at -= 0 if align_corners else 0.5
    low, high = (0, size - 1) if align_corners else (-0.5, size - 0.5)
    if mode == "reflection":
        while high > low and not low <= at <= high:
            at = 2 * low - at if at < low else 2 * high - at
    return at if mode == "zeros" else min(max(at, 0), size - 1)


def read(image, at):
    """The pixel at whole numbers, or zero beyond the image."""
    inside = all(0 <= i < n for i, n in zip(at, image.shape, strict=False))
    return image[tuple(int(i) for i in at)] if inside else np.zeros(image.shape[-1])


def interpolated(image, at):
    total = np.zeros(image.shape[-1])
    for corner in itertools.product((0, 1), repeat=len(at)):
        near = [math.floor(a) + c for a, c in zip(at, corner, strict=True)]
        weight = math.prod(1 - abs(a - n) for a, n in zip(at, near, strict=True))
        total += weight * read(image, near)
    return total


def sampled(x, grid, *, method="bilinear", padding_mode="zeros", align_corners=True):
    y = np.zeros((*grid.shape[:-1], x.shape[-1]))
    for place in np.ndindex(*grid.shape[:-1]):
        image = x[place[0]]
        at = [
            pixel(c, n, padding_mode, align_corners)
            for c, n in zip(grid[place][::-1], image.shape, strict=False)
        ]
        y[place] = read(image, np.rint(at)) if method == "nearest" else interpolated(image, at)
    return y


OPTIONS = list(
    itertools.product(("bilinear", "nearest"), ("zeros", "border", "reflection"), (True, False))
)
SHAPES = [((3, 4), (5, 2)), ((1, 5), (3, 3)), ((4,), (6,)), ((2, 3, 2), (2, 1, 3)), ((3, 3), (7,))]


@pytest.mark.parametrize(("method", "padding_mode", "align_corners"), OPTIONS)
def test_values(method, padding_mode, align_corners):
    options = {"method": method, "padding_mode": padding_mode, "align_corners": align_corners}
    cases = [
        (normal(0, 2, *space, 3), 1.5 * normal(1, 2, *places, len(space)))
        for space, places in SHAPES
    ]
    # The coordinates of pixels, their borders, and places far away.
    special = np.stack(np.meshgrid([-1, 0, 1, -1.25, 9.0], [-1, 0.5, 1, 1.25, -7.0]), -1)
    if method == "bilinear":  # the nearest of two at the same distance is a matter of rounding
        cases.append((normal(2, 1, 5, 5, 1), special[None]))
    with jax.enable_x64(True):
        run = jax.jit(lambda cases: [grid_sample(x, g, **options) for x, g in cases])
        ys = run([tuple(map(jnp.asarray, case)) for case in cases])
    for (x, grid), y in zip(cases, ys, strict=True):
        expected = sampled(x, grid, **options)
        assert (y.dtype, y.shape) == (jnp.float64, expected.shape)
        np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [True, False])
def test_gradients(padding_mode, align_corners):
    x, grid = normal(0, 2, 4, 5, 2), 1.5 * normal(1, 2, 7, 2)
    ct = normal(2, 2, 7, 2)
    options = {"padding_mode": padding_mode, "align_corners": align_corners}
    with jax.enable_x64(True):
        _, pullback = jax.vjp(
            lambda x, g: grid_sample(x, g, **options), jnp.asarray(x), jnp.asarray(grid)
        )
        x_bar, grid_bar = map(np.asarray, pullback(jnp.asarray(ct)))
    for bar, at in ((x_bar, 0), (grid_bar, 1)):
        for index in np.ndindex(*bar.shape):
            values = []
            for step in (1e-6, -1e-6):
                moved = [x.copy(), grid.copy()]
                moved[at][index] += step
                values.append((sampled(*moved, **options) * ct).sum())
            slope = (values[0] - values[1]) / 2e-6
            np.testing.assert_allclose(bar[index], slope, rtol=1e-6, atol=1e-7)


def test_the_example_of_nnlib():
    # The arrays of Julia have the axes in the reverse order.
    x = jnp.array([[1.0, 2.0], [3.0, 4.0]])[..., None]
    grid = jnp.array([[[-3, -1], [0, -1], [1, -1]], [[-1, 1], [0, 1], [3, 1]]], "float32")
    assert grid_sample(x, grid)[..., 0].tolist() == [[0, 1.5, 2], [3, 3.5, 0]]
    border = grid_sample(x, grid, padding_mode="border")[..., 0]
    assert border.tolist() == [[1, 1.5, 2], [3, 3.5, 4]]


def test_the_identity():
    x = jnp.asarray(normal(0, 6, 5, 2), "float32")
    for align_corners in (True, False):
        ends = [1 if align_corners else 1 - 1 / n for n in (6, 5)]
        rows, columns = (jnp.linspace(-e, e, n) for e, n in zip(ends, (6, 5), strict=True))
        grid = jnp.stack(jnp.meshgrid(columns, rows), -1)
        for method in ("nearest", "bilinear"):
            y = grid_sample(x, grid, method=method, align_corners=align_corners)
            np.testing.assert_allclose(y, x, atol=1e-5)


def test_no_gradient_beyond_the_border():
    x = jnp.asarray(normal(0, 4, 4, 1))
    grid = jnp.array([[-1.0, 0.3], [1.0, 0.3], [-3.0, 0.3], [5.0, 0.3]])

    def total(grid, **options):
        return grid_sample(x, grid, **options).sum()

    along = jax.grad(total)(grid, padding_mode="border")
    assert along[:, 0].tolist() == [0, 0, 0, 0]
    assert (along[:, 1] != 0).all()
    assert not jax.grad(total)(grid, method="nearest").any()


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("method", ["bilinear", "nearest"])
def test_coordinates_that_are_not_finite(padding_mode, method):
    x = jnp.asarray(normal(0, 3, 4, 2), "float32")
    grid = jnp.array([[0.0, 0.0], [jnp.nan, 0.0], [0.0, jnp.inf], [-jnp.inf, jnp.nan]])
    y = grid_sample(x, grid, padding_mode=padding_mode, method=method)
    infinite = padding_mode == "reflection"
    assert jnp.isnan(y).all(-1).tolist() == [False, True, infinite, True]
    assert jnp.isnan(y).any(-1).tolist() == [False, True, infinite, True]
    huge = grid_sample(x, jnp.array([[1e30, -1e30]]), padding_mode="border", method=method)
    np.testing.assert_array_equal(huge[0], x[0, -1])
    assert not grid_sample(x, jnp.array([[1e30, -1e30]]), method=method).any()
    gradient = jax.grad(lambda g: grid_sample(x, g, method=method).sum())(grid[2:3])
    assert jnp.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype):
    x, grid = jnp.asarray(normal(0, 300, 2, 1), dtype), jnp.asarray(normal(1, 50, 2), dtype)
    y = grid_sample(x, grid)
    assert y.dtype == dtype
    wide = grid_sample(x.astype("float32"), grid.astype("float32"))
    limit = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(y.astype("float32"), wide, rtol=limit, atol=1e-6)
    many = jnp.zeros((4096, 2), dtype)
    bar = jax.grad(lambda x: grid_sample(x, many).astype("float32").sum())(
        jnp.ones((1, 1, 1), dtype)
    )
    assert bar.item() == 4096
    turned = imrotate(x, 0.3)
    assert turned.dtype == dtype
    np.testing.assert_allclose(
        turned.astype("float32"), imrotate(x.astype("float32"), 0.3), rtol=limit, atol=1e-6
    )


def test_dtypes():
    labels = jnp.arange(6, dtype="int32").reshape(2, 3, 1)
    grid = jnp.array([[1.0, 1.0], [5.0, 0.0]])
    assert grid_sample(labels, grid, method="nearest")[:, 0].tolist() == [5, 0]
    assert grid_sample(labels, grid, method="nearest").dtype == jnp.int32
    y = grid_sample(labels, grid)
    assert (y.dtype, y.weak_type) == (jnp.float32, False)
    assert grid_sample(labels.astype("bfloat16"), grid).dtype == jnp.float32
    assert imrotate(labels, 0.1, method="nearest").dtype == jnp.int32
    y = imrotate(labels, 0.1)
    assert (y.dtype, y.weak_type) == (jnp.float32, False)
    z = imrotate(labels.astype("complex64") * (1 + 2j), 0.1)
    np.testing.assert_allclose(z, np.asarray(y) * (1 + 2j), rtol=1e-6)
    with jax.enable_x64(True):
        assert imrotate(labels.astype("float64"), 0.1).dtype == jnp.float64


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
def test_any_number_of_leading_axes(batch):
    x, grid = jnp.asarray(normal(0, *batch, 3, 4, 2)), jnp.asarray(normal(1, *batch, 5, 2))
    y, z = grid_sample(x, grid), imrotate(x, 0.5)
    assert (y.shape, z.shape) == ((*batch, 5, 2), x.shape)
    for index in np.ndindex(*batch):
        np.testing.assert_allclose(y[index], grid_sample(x[index], grid[index]), atol=1e-6)
        np.testing.assert_allclose(z[index], imrotate(x[index], 0.5), atol=1e-6)


def rotated(x, angle, method, center):
    """By the formula, one pixel after the other."""
    y = np.zeros_like(x)
    rows, columns = x.shape[:2]
    r, c = center
    for i, j in np.ndindex(rows, columns):
        at = [
            math.cos(angle) * (i - r) - math.sin(angle) * (j - c) + r,
            math.sin(angle) * (i - r) + math.cos(angle) * (j - c) + c,
        ]
        if method == "nearest":
            y[i, j] = read(x, [math.floor(a + 0.5) for a in at])
        elif all(-1e-9 <= a <= n - 1 + 1e-9 for a, n in zip(at, x.shape, strict=False)):
            y[i, j] = interpolated(x, at)
    return y


@pytest.mark.parametrize("method", ["bilinear", "nearest"])
@pytest.mark.parametrize("shape", [(4, 4, 1), (3, 5, 2), (1, 4, 1), (6, 1, 1)])
def test_rotation(method, shape):
    x = normal(0, *shape)
    centers = [None, (0, 0), (1.25, 2.5), (-1.0, 7.0)]
    angles = [0.3, -1.1, 2.9, 4.0, 40.0]

    @jax.jit
    def everything(x, angles):
        return [
            [imrotate(x, angle, method=method, rotation_center=center) for angle in angles]
            for center in centers
        ]

    with jax.enable_x64(True):
        results = everything(jnp.asarray(x), [jnp.asarray(angle) for angle in angles])
    for center, row in zip(centers, results, strict=True):
        about = (shape[0] // 2, shape[1] // 2) if center is None else center
        for angle, y in zip(angles, row, strict=True):
            expected = rotated(x, angle, method, about)
            np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=10)
@given(st.integers(-8, 8), st.sampled_from(["bilinear", "nearest"]))
def test_right_angles_move_pixels(quarters, method):
    x = jnp.asarray(normal(0, 5, 5, 2), "float32")
    y = imrotate(x, quarters * np.pi / 2, method=method)
    np.testing.assert_array_equal(y, jnp.rot90(x, -quarters))
    even = jnp.asarray(normal(1, 40, 40, 1), "bfloat16")
    z = imrotate(even, quarters * np.pi / 2, method=method, rotation_center=(19.5, 19.5))
    np.testing.assert_array_equal(z, jnp.rot90(even, -quarters))


def test_the_examples_of_nnlib_for_rotation():
    x = jnp.zeros((4, 4, 1)).at[1, 1].set(1)
    assert imrotate(x, np.pi / 2)[..., 0].tolist() == [
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
    ]
    np.testing.assert_array_equal(imrotate(x, np.pi / 2, rotation_center=(1, 1)), x)
    x = jnp.zeros((3, 3, 1)).at[0, 1].set(1)
    np.testing.assert_allclose(
        imrotate(x, np.pi / 4)[..., 0],
        [[0, 0.207107, 0], [0, 0, 0.207107], [0, 0, 0]],
        atol=1e-6,
    )
    assert imrotate(x, np.pi / 4, method="nearest")[..., 0].tolist() == [
        [0, 0, 1],
        [0, 0, 0],
        [0, 0, 0],
    ]


def test_the_angle_has_a_derivative():
    i, j = np.meshgrid(np.arange(9.0) - 4, np.arange(9.0) - 4, indexing="ij")
    x = jnp.asarray((2 * i + 3 * j)[..., None])
    slope = jax.jacobian(lambda angle: imrotate(x, angle))(0.1)[4, 6, 0]
    # The image is linear: at (i, j) = (0, 2) from the centre it is 4 (-sin) + 6 cos.
    np.testing.assert_allclose(slope, -4 * np.cos(0.1) - 6 * np.sin(0.1), rtol=1e-4)
    slope = jax.jacobian(lambda angle: imrotate(x, angle))(0.0)[4, 6, 0]
    np.testing.assert_allclose(slope, -2 * 2, rtol=1e-4)


def test_an_angle_that_is_not_a_number():
    assert jnp.isnan(imrotate(jnp.ones((3, 3, 1)), jnp.nan)).all()


X, GRID = jnp.ones((2, 4, 5, 3)), jnp.ones((2, 6, 2))
MESSAGES = {
    "grid-dtype": (
        lambda: grid_sample(X, GRID.astype(int)),
        TypeError,
        "grid_sample: grid: expected a floating dtype, got int32. "
        "Coordinates from -1 to 1 span the image.",
    ),
    "complex": (
        lambda: grid_sample(X.astype("complex64"), GRID),
        TypeError,
        "grid_sample: x: expected a real dtype, got complex64. Sample both parts.",
    ),
    "axes": (
        lambda: grid_sample(X, jnp.ones((2, 6, 4))),
        ValueError,
        "grid_sample: grid: expected shape (..., axes) with one to three coordinates in the last "
        "axis, got (2, 6, 4). Each place has one coordinate for each spatial axis of x.",
    ),
    "batch": (
        lambda: grid_sample(X, jnp.ones((3, 6, 2))),
        ValueError,
        "grid_sample: x: expected shape (3, space, space, channels), got (2, 4, 5, 3). "
        "grid (3, 6, 2) names places on 2 axes, for the same leading axes as x.",
    ),
    "few-axes": (
        lambda: grid_sample(jnp.ones((4, 3)), GRID),
        ValueError,
        "grid_sample: x: expected shape (space, space, channels), got (4, 3). "
        "grid (2, 6, 2) names places on 2 axes, for the same leading axes as x.",
    ),
    "empty": (
        lambda: grid_sample(jnp.ones((2, 4, 0, 3)), GRID),
        ValueError,
        "grid_sample: x: expected spatial axes that are not empty, got (4, 0). "
        "Each of them holds at least one element.",
    ),
    "method": (
        lambda: grid_sample(X, GRID, method="bicubic"),
        ValueError,
        "grid_sample: method: expected one of 'bilinear', 'nearest', got 'bicubic'. "
        "Choose one of these words.",
    ),
    "mode": (
        lambda: grid_sample(X, GRID, padding_mode="circular"),
        ValueError,
        "grid_sample: padding_mode: expected one of 'zeros', 'border', 'reflection', "
        "got 'circular'. Choose one of these words.",
    ),
    "rotate-rank": (
        lambda: imrotate(jnp.ones((4, 4)), 0.1),
        ValueError,
        "imrotate: x: expected shape (..., height, width, channels) with at least one pixel, "
        "got (4, 4). Add an axis for the channels, if there is none.",
    ),
    "rotate-empty": (
        lambda: imrotate(jnp.ones((0, 4, 1)), 0.1),
        ValueError,
        "imrotate: x: expected shape (..., height, width, channels) with at least one pixel, "
        "got (0, 4, 1). Add an axis for the channels, if there is none.",
    ),
    "rotate-method": (
        lambda: imrotate(X, 0.1, method="cubic"),
        ValueError,
        "imrotate: method: expected one of 'bilinear', 'nearest', got 'cubic'. "
        "Choose one of these words.",
    ),
    "angles": (
        lambda: imrotate(X, jnp.ones(2)),
        TypeError,
        "imrotate: angle: expected one real number, got float32 of shape (2,). "
        "For an angle of its own for each image, use jax.vmap.",
    ),
    "angle-complex": (
        lambda: imrotate(X, 1j),
        TypeError,
        "imrotate: angle: expected one real number, got complex64 of shape (). "
        "For an angle of its own for each image, use jax.vmap.",
    ),
    "center": (
        lambda: imrotate(X, 0.1, rotation_center=(1, 2, 3)),
        ValueError,
        "imrotate: rotation_center: expected two numbers, a row and a column, got (1, 2, 3). "
        "Rows and columns are counted from 0.",
    ),
    "center-words": (
        lambda: imrotate(X, 0.1, rotation_center="ab"),
        ValueError,
        "imrotate: rotation_center: expected two numbers, a row and a column, got 'ab'. "
        "Rows and columns are counted from 0.",
    ),
    "center-number": (
        lambda: imrotate(X, 0.1, rotation_center=2),
        ValueError,
        "imrotate: rotation_center: expected two numbers, a row and a column, got 2. "
        "Rows and columns are counted from 0.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
