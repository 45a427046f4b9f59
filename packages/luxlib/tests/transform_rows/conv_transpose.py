"""Transposed convolution, windows and padding: rows of the table of transformations."""

from functools import partial

import numpy as np

import luxlib

from .points import ignoring, normal

TABLE = {
    "conv_transpose": (
        partial(luxlib.conv_transpose, stride=2, padding=1, output_padding=1),
        normal(0, 1, 2, 2, 8),
        normal(1, 3, 1, 8, 1),
    ),
    "conv_transpose_1d": (
        partial(luxlib.conv_transpose, dilation=2, padding="SAME", cross_correlation=True),
        normal(0, 4, 2),
        normal(1, 2, 2, 2),
    ),
    "conv_transpose_depthwise": (
        partial(luxlib.conv_transpose, stride=2, groups=2),
        normal(0, 2, 2),
        normal(1, 3, 1, 4),
    ),
    "conv_transpose_3d": (
        partial(luxlib.conv_transpose, stride=2),
        normal(0, 1, 2, 1, 2),
        normal(1, 2, 1, 2, 2, 1),
    ),
    "conv_transpose_fused": (
        lambda x, w: luxlib.fused_conv_transpose_bias_activation(
            x, w, w[0, 0], luxlib.swish, groups=2, stride=2
        ),
        normal(0, 2, 4),
        normal(1, 2, 2, 2),
    ),
    "unfold": (
        ignoring(partial(luxlib.unfold, window=(3,), stride=2, padding=1)),
        normal(0, 5, 2),
        np.zeros(1),
    ),
    "fold": (
        ignoring(partial(luxlib.fold, size=(3, 4), window=(2, 2), stride=(1, 2))),
        normal(0, 2, 2, 4),
        np.zeros(1),
    ),
    "pad_constant": (
        lambda x, w: luxlib.pad_constant(x, (1, 0), w[0], axis=0),
        normal(0, 2, 2),
        normal(1, 1),
    ),
    "pad_circular": (
        ignoring(partial(luxlib.pad_circular, pad=1)),
        normal(0, 1, 2, 2),
        np.zeros(1),
    ),
    "pad_reflect": (ignoring(partial(luxlib.pad_reflect, pad=1)), normal(0, 1, 2, 2), np.zeros(1)),
    "pad_repeat": (ignoring(partial(luxlib.pad_repeat, pad=1)), normal(0, 1, 2, 2), np.zeros(1)),
    "pad_symmetric": (
        ignoring(partial(luxlib.pad_symmetric, pad=1)),
        normal(0, 1, 2, 2),
        np.zeros(1),
    ),
}
