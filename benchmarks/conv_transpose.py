"""Transposed convolutions, value and gradients: generators, decoders, three dimensions, depthwise.

Plain JAX is XLA's convolution of an input with gaps, which `jax.lax.conv_transpose` and Flax's
`ConvTranspose` come to.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from jax import lax

import luxlib

from ._race import Case, backward, jax_function, torch_function

LAYOUT = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


def plain(x, weight, *, stride, padding, groups):
    axes = weight.ndim - 2
    return lax.conv_general_dilated(
        x,
        weight,
        (1,) * axes,
        [(k - 1 - padding, k - 1 - padding) for k in weight.shape[:axes]],
        lhs_dilation=(stride,) * axes,
        dimension_numbers=LAYOUT[axes],
        feature_group_count=groups,
    )


def of_torch(x, weight, bar, *, what, groups, **options):
    import torch

    axes = x.ndim - 2
    split = weight.flip(tuple(range(axes))).unflatten(-1, (groups, -1))
    kernel = split.movedim(-2, -3).flatten(-3, -2).movedim((-2, -1), (0, 1)).contiguous()
    first, given = x.movedim(-1, 1), bar.movedim(-1, 1)

    def run():
        if what == "value":
            function = getattr(torch.nn.functional, f"conv_transpose{axes}d")
            return function(first, kernel, groups=groups, **options)
        mask = [what == "gradient by input", what == "gradient by weight", False]
        sizes = [[options[name]] * axes for name in ("stride", "padding")]
        made = torch.ops.aten.convolution_backward(
            given, first, kernel, None, *sizes, [1] * axes, True, [0] * axes, groups, mask
        )
        return made[mask.index(True)]

    def layout(made):
        if what != "gradient by weight":
            return (made.movedim(1, -1),)
        split = made.movedim((0, 1), (-2, -1)).unflatten(-2, (groups, -1)).movedim(-3, -2)
        return (split.flatten(-2).flip(tuple(range(axes))),)

    return run, layout


def cases(name, batch, space, inputs, outputs, window, *, stride, padding=0, groups=1, targets=()):
    rng = np.random.default_rng(0)
    options = {"stride": stride, "padding": padding, "groups": groups}
    size = [(n - 1) * stride + window - 2 * padding for n in space]
    arrays = (
        rng.normal(size=(batch, *space, inputs)),
        rng.normal(size=(*(window,) * len(space), inputs // groups, outputs)),
        rng.normal(size=(batch, *size, outputs)),
    )
    ours, theirs = partial(luxlib.conv_transpose, **options), partial(plain, **options)
    ways = {
        "value": lambda f: lambda x, weight, bar: f(x, weight),
        "gradient by input": partial(backward, argument=0),
        "gradient by weight": partial(backward, argument=1),
    }
    shape = "×".join(map(str, (batch, *space)))
    return [
        Case(
            f"{name}, {what}, {shape}, {inputs} → {outputs}, window {window}, stride {stride}",
            arrays,
            {
                "luxlib": jax_function(way(ours)),
                "plain JAX": jax_function(way(theirs)),
                "PyTorch": torch_function(partial(of_torch, what=what, **options)),
            },
            target=dict(targets).get(what),
            guarded=name in ("generator", "decoder"),
        )
        for what, way in ways.items()
    ]


TARGET = [("gradient by weight", 0.06)]
CASES = [
    *cases("generator", 32, (8, 8), 128, 64, 4, stride=2, padding=1, targets=TARGET),
    *cases("generator", 32, (16, 16), 64, 32, 4, stride=2, padding=1, targets=TARGET),
    *cases("image", 32, (32, 32), 32, 3, 4, stride=2, padding=1),
    *cases("decoder", 8, (32, 32), 64, 32, 2, stride=2, targets=TARGET),
    *cases("volume", 2, (8, 8, 8), 32, 16, 4, stride=2, padding=1),
    *cases("depthwise", 16, (14, 14), 64, 64, 4, stride=2, padding=1, groups=64),
]
