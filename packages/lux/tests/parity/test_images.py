"""Layers for images against PyTorch's: output, parameter gradients and input gradient."""

import jax
import numpy as np
import pytest
import torch
from torch_comparison import DTYPES, compare, kernel, same, transposed_kernel

import lux

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def of_axes(name, axes):
    return getattr(torch.nn, f"{name}{axes}d")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("window", "options"),
    [
        ((3,), {"padding": 1}),
        ((3,), {"stride": 2, "use_bias": False}),
        ((5,), {"padding": "SAME", "padding_mode": "reflect"}),
        ((3, 2), {"stride": (2, 1), "padding": (1, 0)}),
        ((3, 3), {"dilation": 2, "groups": 2}),
        ((3, 3), {"groups": 4, "padding": 1, "padding_mode": "circular"}),
        ((3, 3), {"padding": "SAME", "padding_mode": "replicate"}),
        ((2, 2, 2), {"stride": 2}),
    ],
)
def test_conv(window, options, dtype):
    axes = len(window)
    theirs = {name: value for name, value in options.items() if name != "use_bias"}
    if isinstance(options.get("padding"), str):
        theirs["padding"] = "same"
    use_bias = options.get("use_bias", True)
    module = of_axes("Conv", axes)(4, 8, window, bias=use_bias, **theirs)
    layer = lux.Conv(window, 4, 8, cross_correlation=True, **options)
    parameters = {"weight": ("weight", kernel)} | ({"bias": ("bias", same)} if use_bias else {})
    compare(layer, module, RNG.normal(size=(2, *(7,) * axes, 4)), dtype, parameters=parameters)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("window", "options"),
    [
        ((3,), {}),
        ((4,), {"stride": 2, "padding": 1, "use_bias": False}),
        ((3, 2), {"stride": (2, 3), "output_padding": (1, 2)}),
        ((3, 3), {"dilation": 2, "groups": 2, "padding": 2}),
        ((3, 3), {"groups": 4, "stride": 2, "output_padding": 1, "padding": 1}),
        ((2, 2, 2), {"stride": 2}),
    ],
)
def test_conv_transpose(window, options, dtype):
    axes = len(window)
    theirs = {name: value for name, value in options.items() if name != "use_bias"}
    use_bias = options.get("use_bias", True)
    module = of_axes("ConvTranspose", axes)(4, 8, window, bias=use_bias, **theirs)
    layer = lux.ConvTranspose(window, 4, 8, cross_correlation=True, **options)
    convert = transposed_kernel(options.get("groups", 1))
    parameters = {"weight": ("weight", convert)} | ({"bias": ("bias", same)} if use_bias else {})
    compare(layer, module, RNG.normal(size=(2, *(4,) * axes, 4)), dtype, parameters=parameters)


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (lux.ConvTranspose((5, 5), 64, 16), torch.nn.ConvTranspose2d(64, 16, 5)),
        (
            lux.ConvTranspose((5,), 64, 256, groups=4),
            torch.nn.ConvTranspose1d(64, 256, 5, groups=4),
        ),
    ],
)
def test_initial_values_have_the_same_distribution(layer, module):
    ps, _ = lux.setup(0, layer)
    for name, p in lux.items(ps):
        theirs = getattr(module, name).detach()
        few = 0.15 if p.size < 1000 else 0.005
        assert float(abs(p).max()) == pytest.approx(float(theirs.abs().max()), rel=few)
        assert float(p.std()) == pytest.approx(float(theirs.std()), rel=2 * few)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("mode", "options", "space"),
    [
        ("nearest", {"scale": 2}, (3, 4)),
        ("nearest", {"size": (5, 7)}, (3, 4)),
        ("linear", {"scale": 3}, (4,)),
        ("linear", {"size": 7, "align_corners": True}, (4,)),
        ("bilinear", {"scale": (2, 3)}, (3, 4)),
        ("bilinear", {"size": (2, 7), "align_corners": True}, (3, 4)),
        ("bicubic", {"scale": 2, "align_corners": True}, (3, 4)),
        ("bicubic", {"size": (4, 5)}, (3, 4)),
        ("trilinear", {"scale": 2}, (2, 3, 2)),
        ("trilinear", {"size": (3, 5, 4), "align_corners": True}, (2, 3, 2)),
    ],
)
def test_upsample(mode, options, space, dtype):
    theirs = {"scale_factor" if k == "scale" else k: v for k, v in options.items()}
    module = torch.nn.Upsample(mode=mode, **theirs)
    compare(lux.Upsample(mode=mode, **options), module, RNG.normal(size=(2, *space, 3)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("factor", "shape"),
    [
        (1, (2, 3, 4, 2)),
        (2, (2, 3, 4, 4)),
        (2, (1, 2, 2, 12)),
        (3, (2, 3, 2, 9)),
        (4, (1, 1, 2, 32)),
    ],
)
def test_pixel_shuffle(factor, shape, dtype):
    layer, module = lux.PixelShuffle(factor), torch.nn.PixelShuffle(factor)
    compare(layer, module, RNG.normal(size=shape), dtype)


SLIDING = [
    ((2,), {}),
    ((3, 3), {"stride": 2, "padding": 1}),
    ((2, 3), {"stride": (1, 2), "ceil_mode": True}),
    ((3, 2), {"padding": (1, 0), "stride": 1}),
    ((2, 2, 2), {}),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("window", "options"), [*SLIDING, ((2, 2), {"dilation": 2, "stride": 1})])
def test_max_pool(window, options, dtype):
    axes = len(window)
    x = RNG.normal(size=(2, *(7,) * axes, 3))
    compare(lux.MaxPool(window, **options), of_axes("MaxPool", axes)(window, **options), x, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize(("window", "options"), SLIDING)
def test_mean_pool(window, options, count_include_pad, dtype):
    axes = len(window)
    options = {**options, "count_include_pad": count_include_pad}
    x = RNG.normal(size=(2, *(7,) * axes, 3))
    compare(lux.MeanPool(window, **options), of_axes("AvgPool", axes)(window, **options), x, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [2, 4])
@pytest.mark.parametrize(
    ("window", "stride", "ceil_mode"),
    [((2,), None, False), ((3, 2), None, False), ((3, 3), 2, False), ((2, 2, 2), 1, False)],
)
def test_lp_pool(window, stride, ceil_mode, p, dtype):
    axes = len(window)
    module = of_axes("LPPool", axes)(p, window if axes > 1 else window[0], stride, ceil_mode)
    layer = lux.LPPool(window, p=p, stride=stride, ceil_mode=ceil_mode)
    compare(layer, module, RNG.normal(size=(2, *(7,) * axes, 3)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("ours", "theirs"), [("Max", "Max"), ("Mean", "Avg")])
@pytest.mark.parametrize(
    ("sizes", "space"),
    [((3,), (7,)), ((1,), (4,)), ((2, 3), (6, 6)), ((5, 2), (3, 7)), ((2, 1, 3), (4, 2, 5))],
)
def test_adaptive_pools(ours, theirs, sizes, space, dtype):
    layer = getattr(lux, f"Adaptive{ours}Pool")(sizes)
    module = of_axes(f"Adaptive{theirs}Pool", len(sizes))(sizes)
    compare(layer, module, RNG.normal(size=(2, *space, 3)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("space", [(7,), (1,), (3, 4), (2, 3, 2), (6, 1)])
def test_global_pools(space, dtype):
    x = RNG.normal(size=(2, *space, 3))
    for ours, theirs in (("Max", "Max"), ("Mean", "Avg")):
        layer = getattr(lux, f"Global{ours}Pool")()
        compare(layer, of_axes(f"Adaptive{theirs}Pool", len(space))(1), x, dtype)
    whole = of_axes("LPPool", len(space))(2, space if len(space) > 1 else space[0])
    compare(lux.GlobalLPPool(), whole, x, dtype)


class UnevenNorms(torch.nn.Module):
    """The norms of adaptive pooling, which torch has for means alone."""

    def __init__(self, p, sizes):
        super().__init__()
        self.p, self.sizes = p, sizes

    def forward(self, x):
        means = torch.nn.functional.adaptive_avg_pool2d(x.abs() ** self.p, self.sizes)
        ones = torch.ones_like(x)
        ranges = [
            [-(-(t + 1) * n // m) - t * n // m for t in range(m)]
            for n, m in zip(x.shape[2:], self.sizes, strict=True)
        ]
        counts = torch.outer(*(torch.tensor(r, dtype=ones.dtype) for r in ranges))
        return (means * counts) ** (1 / self.p)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("p", "sizes"), [(2, (2, 2)), (2, (3, 4)), (3, (1, 1)), (4, (2, 5)), (1, (3, 3))]
)
def test_adaptive_lp_pool(p, sizes, dtype):
    x = RNG.normal(size=(2, 6, 7, 3))
    compare(lux.AdaptiveLPPool(sizes, p=p), UnevenNorms(p, sizes), x, dtype)
