"""Convolution: rows of the table of transformations."""

from functools import partial

import luxlib

from .points import normal

TABLE = {
    "conv_1d": (
        partial(luxlib.conv, padding="CAUSAL", dilation=2),
        normal(0, 5, 2),
        normal(1, 2, 2, 2),
    ),
    "conv_2d": (
        partial(luxlib.conv, stride=2, padding=1),
        normal(0, 1, 4, 3, 2),
        normal(1, 3, 3, 2, 1),
    ),
    "conv_groups": (
        partial(luxlib.conv, groups=2, padding="SAME", cross_correlation=True),
        normal(0, 3, 3, 2),
        normal(1, 2, 2, 1, 4),
    ),
    "conv_circular": (
        partial(luxlib.conv, padding=1, padding_mode="circular"),
        normal(0, 4, 2),
        normal(1, 3, 2, 1),
    ),
    "conv_reflect": (
        partial(luxlib.conv, padding=1, padding_mode="reflect"),
        normal(0, 4, 2),
        normal(1, 3, 2, 1),
    ),
    "conv_replicate": (
        partial(luxlib.conv, padding=1, padding_mode="replicate"),
        normal(0, 4, 2),
        normal(1, 3, 2, 1),
    ),
    "conv_3d": (luxlib.conv, normal(0, 2, 2, 3, 1), normal(1, 2, 1, 2, 1, 2)),
    "conv_fused": (
        lambda x, w: luxlib.fused_conv_bias_activation(x, w, w[0, 0], luxlib.silu),
        normal(0, 4, 2),
        normal(1, 2, 2, 2),
    ),
}
VARIANTS = {"conv_circular", "conv_reflect", "conv_replicate", "conv_3d"}
