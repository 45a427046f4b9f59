"""Padding, windows, transposed convolution and images against PyTorch, in value and gradient."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import luxlib


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def channels_first(a):
    return np.moveaxis(a, -1, 1)


def compare(ours, theirs, arguments, layouts, result_layout=channels_first, tolerance=1e-11):
    """Hold value and gradients of `ours` to those of `theirs`, which has other axis orders."""
    tensors = [
        torch.tensor(np.ascontiguousarray(layout(a)), requires_grad=True)
        for a, layout in zip(arguments, layouts, strict=True)
    ]
    expected = theirs(*tensors)
    y, pullback = jax.vjp(jax.jit(ours), *map(jnp.asarray, arguments))
    ct = normal(99, *y.shape)
    expected.backward(torch.tensor(np.ascontiguousarray(result_layout(ct))))
    close = partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance)
    close(result_layout(np.asarray(y)), expected.detach().numpy())
    for bar, tensor, layout in zip(pullback(jnp.asarray(ct)), tensors, layouts, strict=True):
        close(layout(np.asarray(bar)), tensor.grad.numpy())


TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
SPACE = {1: (6,), 2: (5, 4), 3: (3, 4, 2)}


def torch_kernel(weight, groups):
    """`(*window, in / groups, out)` as PyTorch's `(in, out / groups, *window)`."""
    *window, inner, out = weight.shape
    split = weight.reshape(*window, inner, groups, out // groups)
    joined = np.moveaxis(split, -2, -3).reshape(*window, groups * inner, out // groups)
    return np.moveaxis(joined, (-2, -1), (0, 1))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(
    ("window", "stride", "padding", "output_padding", "dilation", "groups"),
    [
        (3, 1, 1, 0, 1, 1),
        (1, 1, 0, 0, 1, 1),
        (1, 2, 0, 1, 1, 1),
        (4, 2, 1, 0, 1, 1),
        (3, 2, 1, 1, 1, 2),
        (2, 3, 0, 2, 1, 8),
        (3, 1, 2, 1, 2, 4),
        (2, 2, 0, 0, 3, 8),
    ],
)
def test_conv_transpose(axes, window, stride, padding, output_padding, dilation, groups):
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
        "groups": groups,
    }
    compare(
        partial(luxlib.fused_conv_transpose_bias_activation, cross_correlation=True, **options),
        partial(TRANSPOSED[axes], **options),
        [
            normal(0, 2, *SPACE[axes], 8),
            normal(1, *(window,) * axes, 8 // groups, 8),
            normal(2, 8),
        ],
        [channels_first, partial(torch_kernel, groups=groups), np.asarray],
    )


@pytest.mark.parametrize(
    ("window", "stride", "padding", "dilation"),
    [((3, 2), 1, 0, 1), ((2, 2), 2, 1, 1), ((3, 3), (2, 1), (1, 2), (1, 2)), ((1, 4), 3, 2, 1)],
)
def test_unfold_and_fold(window, stride, padding, dilation):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    x = normal(0, 2, 7, 6, 3)
    positions = int(np.prod(window))

    def channels_last_windows(a):
        """PyTorch's `(batch, channels * window, places)` from ours."""
        split = a.reshape(2, -1, positions, 3)
        return split.transpose(0, 3, 2, 1).reshape(2, 3 * positions, -1)

    compare(
        partial(luxlib.unfold, window=window, **options),
        lambda x: F.unfold(x, window, **options),
        [x],
        [channels_first],
        channels_last_windows,
    )
    y = np.asarray(luxlib.unfold(jnp.asarray(x), window, **options))
    compare(
        partial(luxlib.fold, size=(7, 6), window=window, **options),
        lambda y: F.fold(y, (7, 6), window, **options),
        [normal(1, *y.shape)],
        [channels_last_windows],
    )


@pytest.mark.parametrize(
    ("ours", "mode"),
    [
        (luxlib.pad_zeros, "constant"),
        (luxlib.pad_reflect, "reflect"),
        (luxlib.pad_repeat, "replicate"),
        (luxlib.pad_circular, "circular"),
    ],
)
@pytest.mark.parametrize("pairs", [((1, 2),), ((2, 0), (1, 3)), ((1, 0), (0, 1), (1, 1))])
def test_padding(ours, mode, pairs):
    flat = [n for pair in reversed(pairs) for n in pair]
    compare(
        partial(ours, pad=pairs),
        lambda x: F.pad(x, flat, mode=mode),
        [normal(0, 2, *(4, 5, 3)[: len(pairs)], 2)],
        [channels_first],
    )


UPSAMPLE = {
    ("linear", 1): luxlib.upsample_linear,
    ("bilinear", 2): luxlib.upsample_bilinear,
    ("trilinear", 3): luxlib.upsample_trilinear,
    ("bicubic", 2): luxlib.upsample_bicubic,
}


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize(("mode", "axes"), UPSAMPLE)
@pytest.mark.parametrize("sizes", [(8, 10, 6), (7, 4, 5), (1, 5, 9), (4, 3, 2)])
def test_interpolation(mode, axes, align_corners, sizes):
    size = sizes[:axes]
    compare(
        partial(UPSAMPLE[mode, axes], size=size, align_corners=align_corners),
        lambda x: F.interpolate(x, size=size, mode=mode, align_corners=align_corners),
        [normal(0, 2, *(4, 5, 3)[:axes], 2)],
        [channels_first],
    )


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("scale", [2, 3, 1.5, 0.5])
def test_nearest(axes, scale):
    compare(
        partial(luxlib.upsample_nearest, scale=scale),
        lambda x: F.interpolate(x, scale_factor=scale, recompute_scale_factor=True),
        [normal(0, 2, *(4, 5, 3)[:axes], 2)],
        [channels_first],
    )


def test_scale():
    compare(
        partial(luxlib.upsample_bilinear, scale=2.3, align_corners=False),
        lambda x: F.interpolate(x, scale_factor=2.3, mode="bilinear", recompute_scale_factor=True),
        [normal(0, 2, 4, 5, 2)],
        [channels_first],
    )


def test_pixel_shuffle():
    compare(
        partial(luxlib.pixel_shuffle, factor=3),
        lambda x: F.pixel_shuffle(x, 3),
        [normal(0, 2, 3, 4, 18)],
        [channels_first],
    )
    compare(
        partial(luxlib.pixel_unshuffle, factor=3),
        lambda x: F.pixel_unshuffle(x, 3),
        [normal(0, 2, 6, 3, 2)],
        [channels_first],
    )


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("method", ["bilinear", "nearest"])
@pytest.mark.parametrize("space", [(4, 5), (1, 3), (2, 3, 4)])
def test_grid_sample(space, method, padding_mode, align_corners):
    places = (3, 4, 2)[: len(space)]
    compare(
        partial(
            luxlib.grid_sample,
            method=method,
            padding_mode=padding_mode,
            align_corners=align_corners,
        ),
        lambda x, grid: F.grid_sample(
            x, grid, mode=method, padding_mode=padding_mode, align_corners=align_corners
        ),
        [normal(0, 2, *space, 3), 1.5 * normal(1, 2, *places, len(space))],
        [channels_first, np.asarray],
    )
