"""`Upsample` and `PixelShuffle` against their formulas, and what they refuse."""

import pickle

import jax.numpy as jnp
import numpy as np
import pytest

import lux

RNG = np.random.default_rng(0)


def interpolated(x, axis, size, align_corners):
    """Along one axis, element `i` of the result at its position between two of `x`."""
    n = x.shape[axis]
    i = np.arange(size)
    at = i * (n - 1) / (size - 1) if align_corners else (i + 0.5) * n / size - 0.5
    at = at.clip(0, n - 1)
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, n - 1)
    share = (at - below).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    return np.take(x, below, axis) * (1 - share) + np.take(x, above, axis) * share


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("by", ["scale", "size"])
def test_linear(by, axes, align_corners):
    mode = ("linear", "bilinear", "trilinear")[axes - 1]
    sizes = (6, 5, 4)[:axes]
    given = {"scale": tuple(n / 3 for n in sizes)} if by == "scale" else {"size": sizes}
    layer = lux.Upsample(mode=mode, align_corners=align_corners, **given)
    ps, st = lux.setup(0, layer)
    x = RNG.normal(size=(2, *(3,) * axes, 2))
    y, new_st = layer(jnp.asarray(x, jnp.float32), ps, st)
    for axis, size in enumerate(sizes, start=1):
        x = interpolated(x, axis, size, align_corners)
    np.testing.assert_allclose(y, x, rtol=1e-5, atol=1e-6)
    assert new_st is st


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"scale": 2}, (2, 6, 4, 3)),
        ({"scale": (1, 3)}, (2, 3, 6, 3)),
        ({"size": 5}, (2, 5, 5, 3)),
        ({"scale": (2.5,)}, (2, 3, 5, 3)),
        ({"mode": "bicubic", "scale": 2}, (2, 6, 4, 3)),
        ({"mode": "bilinear", "size": 7}, (2, 7, 7, 3)),
    ],
)
def test_shapes(options, shape):
    layer = lux.Upsample(**options)
    x = RNG.normal(size=(2, 3, 2, 3))
    y, _ = layer(jnp.asarray(x, jnp.float32), *lux.setup(0, layer))
    assert y.shape == shape
    if layer.mode == "nearest":
        rows, columns = (np.arange(m) * n // m for n, m in zip((3, 2), shape[1:3], strict=True))
        np.testing.assert_allclose(y, x[:, rows][:, :, columns], rtol=1e-6)


def test_nearest_keeps_labels():
    y, _ = lux.Upsample(2)(jnp.array([[[1], [2]]]), *lux.setup(0, lux.Upsample(2)))
    assert y.dtype == jnp.int32
    assert y.ravel().tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("factor", "space"), [(2, (3, 2)), ((2, 3), (3, 2)), (3, (4,)), (1, (2, 2, 2))]
)
def test_pixel_shuffle(factor, space):
    layer = lux.PixelShuffle(factor)
    factors = factor if isinstance(factor, tuple) else (factor,) * len(space)
    x = RNG.normal(size=(2, *space, int(np.prod(factors)) * 3))
    y, st = layer(jnp.asarray(x, jnp.float32), *lux.setup(0, layer))
    for place in np.ndindex(*y.shape):
        b, *at, c = place
        rest = 0
        for r, i in zip(factors, at, strict=True):
            rest = rest * r + i % r
        old = tuple(i // r for i, r in zip(at, factors, strict=True))
        assert y[place] == np.float32(x[(b, *old, c * int(np.prod(factors)) + rest)])
    assert st == lux.NamedTuple()


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.Upsample(2), "Upsample(2.0)"),
        (
            lux.Upsample([2, np.float32(1.5)], "bilinear", align_corners=True),
            "Upsample((2.0, 1.5), mode='bilinear', align_corners=True)",
        ),
        (lux.Upsample(mode="linear", size=[7]), "Upsample(mode='linear', size=(7,))"),
        (lux.PixelShuffle([2, 1]), "PixelShuffle((2, 1))"),
    ],
)
def test_text(layer, text: str):
    assert str(layer) == repr(layer) == text
    assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: lux.Upsample(2, "cubic"),
            "Upsample: mode: expected one of 'nearest', 'linear', 'bilinear', 'bicubic', "
            "'trilinear', got 'cubic'",
        ),
        (
            lambda: lux.Upsample(),
            "Upsample: scale: expected a scale, or else a size, got (None, None)",
        ),
        (
            lambda: lux.Upsample(2, size=4),
            "Upsample: scale: expected a scale, or else a size, got (2, 4)",
        ),
        (
            lambda: lux.Upsample(2, align_corners=True),
            "Upsample: align_corners: expected False with mode 'nearest', got True",
        ),
        (
            lambda: lux.Upsample((2, 0)),
            "Upsample: scale: expected a positive number or 2 of them, got (2, 0)",
        ),
        (
            lambda: lux.Upsample("2"),
            "Upsample: scale: expected a positive number or 1 of them, got '2'",
        ),
        (
            lambda: lux.Upsample(float("nan")),
            "Upsample: scale: expected a positive number or 1 of them, got nan",
        ),
        (
            lambda: lux.Upsample((2,), "bilinear"),
            "Upsample: scale: expected a positive number or 2 of them, got (2,)",
        ),
        (
            lambda: lux.Upsample(mode="trilinear", size=(2, 3)),
            "Upsample: size: expected an integer or 3 of them, each at least 1, got (2, 3)",
        ),
        (
            lambda: lux.Upsample(size=2.5),
            "Upsample: size: expected an integer or 1 of them, each at least 1, got 2.5",
        ),
        (
            lambda: lux.Upsample(size=()),
            "Upsample: size: expected an integer or 1 of them, each at least 1, got ()",
        ),
        (
            lambda: lux.PixelShuffle(0),
            "PixelShuffle: factor: expected an integer or 1 of them, each at least 1, got 0",
        ),
        (
            lambda: lux.PixelShuffle((2, 0.5)),
            "PixelShuffle: factor: expected an integer or 2 of them, each at least 1, got (2, 0.5)",
        ),
    ],
)
def test_an_impossible_layer_is_refused(make, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        make()
    assert str(caught.value) == message


def test_an_input_that_does_not_fit_is_refused():
    layer = lux.PixelShuffle(2)
    with pytest.raises(ValueError, match="channels") as caught:
        layer(jnp.ones((1, 2, 2, 3)), *lux.setup(0, layer))
    assert str(caught.value) == (
        "pixel_shuffle: x: expected a multiple of 4 channels, got shape (1, 2, 2, 3). Factors "
        "(2, 2) turn so many channels into one."
    )
    assert caught.value.__notes__[0].startswith("at the outermost layer: PixelShuffle(2)")
