"""Convolutions: forward, and the gradients for the input and the kernel, each by itself.

The plain contestant is `jax.lax.conv_general_dilated` with its derivatives, as the layers of other
libraries call it, in the same layout. PyTorch computes its own way, channels last too.
"""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
from jax import lax

import luxlib

from ._race import Case, backward, jax_function, torch_function

LAYOUT = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}
KINDS = ("forward", "input gradient", "weight gradient")


def plain(x, weight, *, stride, pairs, groups):
    return lax.conv_general_dilated(
        x,
        weight,
        stride,
        pairs,
        dimension_numbers=LAYOUT[len(stride)],
        feature_group_count=groups,
    )


def with_luxlib(x, weight, *, stride, pairs, groups):
    return luxlib.conv(
        x, weight, stride=stride, padding=pairs, groups=groups, cross_correlation=True
    )


def of_torch(kind, *, stride, pairs, groups):
    """PyTorch's, of which the kernel and padding are the same on both sides."""

    def make(x, weight, bar):
        import torch

        axes = len(stride)
        last = {2: torch.channels_last, 3: torch.channels_last_3d}.get(axes)

        def first(array):
            array = array.movedim(-1, 1)
            return array.contiguous(memory_format=last) if last else array.contiguous()

        x, bar = first(x), first(bar)
        weight = first(weight.movedim(-1, 0))
        convolve = getattr(torch.nn.functional, f"conv{axes}d")
        before = tuple(pair[0] for pair in pairs)

        def forward():
            return convolve(x, weight, stride=stride, padding=before, groups=groups)

        wanted = [kind == name for name in (*KINDS[1:], "bias gradient")]

        def gradient():
            results = torch.ops.aten.convolution_backward(
                bar,
                x,
                weight,
                None,
                stride,
                before,
                (1,) * axes,
                False,
                (0,) * axes,
                groups,
                wanted,
            )
            return results[wanted.index(True)]

        def layout(result):
            if kind == "weight gradient":
                return [result.movedim(1, -1).movedim(0, -1)]
            return [result.movedim(1, -1)]

        return (forward if kind == "forward" else gradient), layout

    return make


def cases(name, shape, window, features, targets=(None, None, None), *, stride=1, groups=1):
    """A case for the convolution and for each gradient, padded by half a window."""
    axes = len(shape) - 2
    options = {
        "stride": (stride,) * axes,
        "pairs": tuple((k // 2, k // 2) for k in window),
        "groups": groups,
    }
    rng = np.random.default_rng(0)
    inner = shape[-1] // groups
    x = rng.normal(size=shape)
    weight = rng.normal(size=(*window, inner, features)) / (np.prod(window) * inner) ** 0.5
    bar = rng.normal(size=jax.eval_shape(partial(plain, **options), x, weight).shape)
    made = []
    for kind, target in zip(KINDS, targets, strict=True):

        def contestant(function, kind=kind):
            if kind == "forward":
                return jax_function(lambda x, weight, bar: function(x, weight))
            return jax_function(backward(function, KINDS.index(kind) - 1))

        made.append(
            Case(
                f"{name}, {'×'.join(map(str, shape))}, {kind}",
                (x, weight, bar),
                {
                    "luxlib": contestant(partial(with_luxlib, **options)),
                    "plain JAX": contestant(partial(plain, **options)),
                    "PyTorch": torch_function(of_torch(kind, **options)),
                },
                target=target,
            )
        )
    return made


CASES = [
    *cases("depthwise 3×3", (32, 28, 28, 64), (3, 3), 64, (0.03, 0.03, 0.05), groups=64),
    *cases("3×3", (64, 32, 32, 16), (3, 3), 16, (None, None, 0.4)),
    *cases("3×3", (64, 16, 16, 32), (3, 3), 32, (None, None, 0.55)),
    *cases("3×3", (64, 8, 8, 64), (3, 3), 64, (None, None, 0.85)),
    *cases("3×3, 64 → 128", (32, 16, 16, 64), (3, 3), 128),
    *cases("3×3, 3 → 16", (64, 32, 32, 3), (3, 3), 16),
    *cases("3×3, stride 2, 16 → 32", (64, 32, 32, 16), (3, 3), 32, stride=2),
    *cases("1×1, 64 → 256", (32, 14, 14, 64), (1, 1), 256, (None, None, 0.35)),
    *cases("1×1, stride 2, 16 → 32", (64, 32, 32, 16), (1, 1), 32, stride=2),
    *cases("3×3, 8 groups", (16, 14, 14, 128), (3, 3), 128, groups=8),
    *cases("3", (16, 256, 64), (3,), 64),
    *cases("3×3×3", (4, 8, 14, 14, 16), (3, 3, 3), 16),
]
