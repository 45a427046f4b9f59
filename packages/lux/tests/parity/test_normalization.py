"""The normalizations against PyTorch's: output, gradients and running statistics."""

import copy

import jax
import numpy as np
import pytest
import torch
from torch.nn.utils import parametrizations
from torch_comparison import (
    DTYPES,
    channels_first,
    compare,
    kernel,
    same,
    transposed_kernel,
)

import lux

RNG = np.random.default_rng(0)
AFFINE = {"scale": ("weight", same), "bias": ("bias", same)}
RUNNING = {"running_mean": ("running_mean", same), "running_var": ("running_var", same)}


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("make", "shape", "options"),
    [
        (torch.nn.BatchNorm1d, (6, 4), {}),
        (torch.nn.BatchNorm1d, (3, 5, 4), {"momentum": 0.3}),
        (torch.nn.BatchNorm2d, (3, 4, 5, 4), {"affine": False}),
        (torch.nn.BatchNorm2d, (2, 3, 3, 4), {"track_stats": False}),
        (torch.nn.BatchNorm2d, (2, 3, 3, 4), {"affine": False, "track_stats": False}),
        (torch.nn.BatchNorm3d, (2, 2, 3, 2, 4), {"epsilon": 0.1, "momentum": 1.0}),
        (torch.nn.InstanceNorm1d, (3, 5, 4), {}),
        (torch.nn.InstanceNorm1d, (3, 5, 4), {"affine": True, "epsilon": 0.1}),
        (torch.nn.InstanceNorm2d, (2, 3, 4, 4), {"track_stats": True}),
        (torch.nn.InstanceNorm2d, (2, 3, 4, 4), {"affine": True, "track_stats": True}),
        (torch.nn.InstanceNorm3d, (2, 2, 3, 2, 4), {"track_stats": True, "momentum": 0.7}),
    ],
)
def test_tracking(make, shape, options, dtype):
    name = make.__name__[:-2]
    layer = getattr(lux, name)(shape[-1], **options)
    translated = {"track_stats": "track_running_stats", "epsilon": "eps"}
    module = make(shape[-1], **{translated.get(k, k): v for k, v in options.items()})
    compare(
        layer,
        module,
        3 * RNG.normal(size=shape) + 1,
        dtype,
        parameters=AFFINE if layer.affine else {},
        states=RUNNING if layer.track_stats else {},
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("groups", "shape", "options"),
    [
        (1, (3, 4), {}),
        (2, (3, 4), {}),
        (2, (2, 5, 4), {"epsilon": 0.1}),
        (4, (2, 3, 3, 4), {"affine": False}),
        (3, (2, 3, 2, 2, 6), {}),
    ],
)
def test_group_norm(groups, shape, options, dtype):
    layer = lux.GroupNorm(shape[-1], groups, **options)
    module = torch.nn.GroupNorm(groups, shape[-1], layer.epsilon, layer.affine)
    parameters = AFFINE if layer.affine else {}
    compare(layer, module, 3 * RNG.normal(size=shape) + 1, dtype, parameters=parameters)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["LayerNorm", "RMSNorm"])
@pytest.mark.parametrize(
    ("sizes", "batch", "options"),
    [
        (4, (3,), {}),
        ((4,), (2, 3), {"epsilon": 0.1}),
        ((3, 4), (2,), {}),
        ((2, 3, 4), (2, 2), {"affine": False}),
        (5, (), {}),
    ],
)
def test_of_the_last_axes(kind, sizes, batch, options, dtype):
    layer = getattr(lux, kind)(sizes, **options)
    module = getattr(torch.nn, kind)(sizes, layer.epsilon, layer.affine)
    affine = {name: AFFINE[name] for name in ("scale", "bias")[: 2 if kind == "LayerNorm" else 1]}
    x = 3 * RNG.normal(size=(*batch, *layer.shape)) + 1
    parameters = affine if layer.affine else {}
    compare(layer, module, x, dtype, parameters=parameters, layout=same)


LAYERS = [
    (lux.Dense(3, 4), torch.nn.Linear(3, 4), (5, 3), kernel),
    (lux.Dense(3, 1, use_bias=False), torch.nn.Linear(3, 1, bias=False), (2, 3), kernel),
    (lux.Conv((3,), 2, 4, cross_correlation=True), torch.nn.Conv1d(2, 4, 3), (2, 6, 2), kernel),
    (
        lux.Conv((3, 2), 4, 6, groups=2, cross_correlation=True),
        torch.nn.Conv2d(4, 6, (3, 2), groups=2),
        (2, 5, 4, 4),
        kernel,
    ),
    (
        lux.ConvTranspose((2, 3), 2, 3, stride=2, cross_correlation=True),
        torch.nn.ConvTranspose2d(2, 3, (2, 3), stride=2),
        (2, 3, 3, 2),
        transposed_kernel(1),
    ),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("layer", "module", "shape", "convert"), LAYERS, ids=[str(layer) for layer, *_ in LAYERS]
)
@pytest.mark.parametrize("axis", [-1, -2, None])
def test_weight_norm(layer, module, shape, convert, axis, dtype):
    # The axes of outputs and inputs, which a transposed convolution has the other way around.
    dim = None if axis is None else (0, 1)[-1 - axis] ^ isinstance(layer, lux.ConvTranspose)
    module = parametrizations.weight_norm(copy.deepcopy(module), dim=dim)
    place = "parametrizations.weight.original"
    lengths = np.squeeze if axis is None else convert
    parameters = {"weight.g": (f"{place}0", lengths), "weight.v": (f"{place}1", convert)}
    if layer.use_bias:
        parameters["bias"] = ("bias", same)
    compare(
        lux.WeightNorm(layer, axis=axis),
        module,
        RNG.normal(size=shape),
        dtype,
        parameters=parameters,
        layout=channels_first if len(shape) > 2 else same,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("layer", "module", "shape", "convert"), LAYERS, ids=[str(layer) for layer, *_ in LAYERS]
)
@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_norm(layer, module, shape, convert, iterations, dtype):
    shape_of_weight = lux.setup(0, layer)[0].weight.shape

    def columns(v):
        """Of the matrix with rows of outputs: torch has `(in, *window)`, we `(*window, in)`."""
        return np.moveaxis(np.asarray(v).reshape(shape_of_weight[:-1]), -1, 0).ravel()

    module = parametrizations.spectral_norm(copy.deepcopy(module), n_power_iterations=iterations)
    place = "parametrizations.weight"
    parameters = {"weight": (f"{place}.original", convert)}
    if layer.use_bias:
        parameters["bias"] = ("bias", same)
    compare(
        lux.SpectralNorm(layer, iterations=iterations),
        module,
        RNG.normal(size=shape),
        dtype,
        parameters=parameters,
        states={
            "vectors.weight.u": (f"{place}.0._u", same),
            "vectors.weight.v": (f"{place}.0._v", columns),
        },
        layout=channels_first if len(shape) > 2 else same,
    )
