"""The kernels against PyTorch's, in value and gradient, over a grid of shapes and options."""

from functools import partial
from itertools import product

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


def torch_kernel(weight):
    """`(*window, in, out)` as PyTorch's `(out, in, *window)`."""
    return np.moveaxis(weight, (-1, -2), (0, 1))


def compare(ours, theirs, arguments, layouts, result_layout, tolerance=1e-11):
    """Hold value and gradients of `ours` to those of `theirs`, which has other axis orders."""
    tensors = [
        torch.tensor(np.ascontiguousarray(layout(a)), requires_grad=True)
        for a, layout in zip(arguments, layouts, strict=True)
    ]
    expected = theirs(*tensors)
    y, pullback = jax.vjp(ours, *map(jnp.asarray, arguments))
    ct = normal(99, *y.shape)
    expected.backward(torch.tensor(np.ascontiguousarray(result_layout(ct))))
    close = partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance)
    close(result_layout(np.asarray(y)), expected.detach().numpy())
    for bar, tensor, layout in zip(pullback(jnp.asarray(ct)), tensors, layouts, strict=True):
        close(layout(np.asarray(bar)), tensor.grad.numpy())


@pytest.mark.parametrize("batch", [(), (5,), (2, 3), (0,)])
def test_dense(batch):
    compare(
        partial(luxlib.fused_dense_bias_activation, activation=luxlib.gelu_erf),
        lambda x, w, b: F.gelu(F.linear(x, w, b)),
        [normal(0, *batch, 4), normal(1, 4, 3), normal(2, 3)],
        [np.asarray, np.transpose, np.asarray],
        np.asarray,
    )


CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
SPACE = {1: (11,), 2: (9, 8), 3: (6, 5, 7)}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(
    ("window", "stride", "padding", "dilation", "groups"),
    [
        (3, 1, 1, 1, 1),
        (1, 1, 0, 1, 1),
        (1, 2, 0, 1, 1),
        (2, 3, 0, 1, 1),
        (3, 2, 1, 1, 2),
        (2, 1, 3, 2, 4),
        (3, 1, "same", 1, 1),
        (4, 1, "same", 1, 2),
        (2, 1, "same", 3, 1),
        (3, 2, "valid", 1, 1),
    ],
)
def test_conv(axes, window, stride, padding, dilation, groups):
    theirs = partial(CONV[axes], stride=stride, padding=padding, dilation=dilation, groups=groups)
    ours = partial(
        luxlib.fused_conv_bias_activation,
        stride=stride,
        padding=padding.upper() if isinstance(padding, str) else padding,
        dilation=dilation,
        groups=groups,
        cross_correlation=True,
    )
    compare(
        ours,
        theirs,
        [
            normal(0, 2, *SPACE[axes], 4),
            normal(1, *(window,) * axes, 4 // groups, 8),
            normal(2, 8),
        ],
        [channels_first, torch_kernel, np.asarray],
        channels_first,
    )


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_padding_modes(axes, mode):
    make = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[axes]
    layer = make(2, 3, 3, padding=2, padding_mode=mode, bias=False, dtype=torch.float64)
    compare(
        partial(luxlib.conv, padding=2, padding_mode=mode, cross_correlation=True),
        lambda x, w: torch.func.functional_call(layer, {"weight": w}, x),
        [normal(0, 2, *SPACE[axes], 2), normal(1, *(3,) * axes, 2, 3)],
        [channels_first, torch_kernel],
        channels_first,
    )


POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(
    ("window", "stride", "padding", "dilation"),
    [
        (2, 2, 0, 1),
        (3, 3, 0, 1),
        (3, 2, 1, 1),
        (2, 1, 0, 1),
        (3, 2, 1, 2),
        (2, 3, 1, 2),
        (4, 3, 2, 1),
    ],
)
def test_maxpool(axes, window, stride, padding, dilation, ceil_mode, ties):
    x = normal(0, 2, *SPACE[axes], 3)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    compare(
        partial(luxlib.maxpool, window=(window,) * axes, **options),
        partial(POOL[axes], kernel_size=window, **options),
        [np.round(x) if ties else x],
        [channels_first],
        channels_first,
    )


def test_ceil_mode_has_as_many_places():
    """Every small combination for which both are defined."""
    for size, window, stride, padding, dilation in product(
        range(1, 9), range(1, 5), range(1, 5), range(3), range(1, 3)
    ):
        if 2 * padding > window or size + 2 * padding < dilation * (window - 1) + 1:
            continue
        options = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": True}
        x = np.arange(size, dtype=np.float64)
        expected = F.max_pool1d(torch.tensor(x)[None, None], window, **options)
        if torch.isinf(expected).any():  # a window without an element, which we refuse
            continue
        shape = jax.eval_shape(lambda x: luxlib.maxpool(x, (window,), **options), x[None, :, None])  # noqa: B023
        assert shape.shape[1] == expected.shape[2], (size, window, options)


ACTIVATIONS = {
    "celu": F.celu,
    "elu": F.elu,
    "gelu_erf": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "hardtanh": F.hardtanh,
    "leakyrelu": F.leaky_relu,
    "logsigmoid": F.logsigmoid,
    "mish": F.mish,
    "relu": F.relu,
    "relu6": F.relu6,
    "rrelu": F.rrelu,
    "selu": F.selu,
    "sigmoid": F.sigmoid,
    "swish": F.silu,
    "softplus": F.softplus,
    "softshrink": F.softshrink,
    "softsign": F.softsign,
    "tanh": F.tanh,
    "tanhshrink": F.tanhshrink,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    x = np.linspace(-8, 8, 400)  # no point where a derivative jumps
    # PyTorch divides by 6 with a float32 constant in hardsigmoid's derivative.
    tolerance = 1e-7 if name == "hardsigmoid" else 1e-12
    compare(
        getattr(luxlib, name),
        ACTIVATIONS[name],
        [x],
        [np.asarray],
        np.asarray,
        tolerance,
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_as_close_to_the_truth(dtype):
    x, weight, bias = normal(0, 64, 512), normal(1, 512, 32) / 16, normal(2, 32)
    x, weight, bias = (np.asarray(jnp.asarray(a, dtype), np.float64) for a in (x, weight, bias))
    truth = x @ weight + bias
    ours = luxlib.fused_dense_bias_activation(*(jnp.asarray(a, dtype) for a in (x, weight, bias)))
    theirs = F.linear(*(torch.tensor(a).to(getattr(torch, dtype)) for a in (x, weight.T, bias)))
    error = np.abs(np.asarray(ours, np.float64) - truth).max()
    assert error <= np.abs(theirs.double().numpy() - truth).max() * 1.01
