"""Normalization of inputs, and of weights."""

import numpy as np

import lux

from ._points import normal
from ._row import Row

LENGTHS = np.arange(3)[None, :, None] < np.array([2, 3])[:, None, None]

ROWS = {
    "BatchNorm": Row(lux.BatchNorm(3, lux.tanh), normal(0, 4, 3)),
    "BatchNorm images": Row(lux.BatchNorm(2, affine=False, momentum=0.5), normal(1, 2, 3, 2, 2)),
    "BatchNorm untracked": Row(lux.BatchNorm(2, track_stats=False), normal(2, 4, 2)),
    "BatchNorm masked": Row(lux.BatchNorm(2), (normal(3, 2, 3, 2), LENGTHS)),
    "LayerNorm": Row(lux.LayerNorm(4, lux.tanh), normal(4, 3, 4)),
    "LayerNorm several": Row(lux.LayerNorm((2, 3)), normal(5, 2, 2, 3)),
    "LayerNorm axis": Row(lux.LayerNorm(3, axis=(-2, -1)), normal(6, 2, 2, 3)),
    "LayerNorm not affine": Row(lux.LayerNorm(3, affine=False), normal(7, 2, 3)),
    "RMSNorm": Row(lux.RMSNorm(4), normal(8, 3, 4)),
    "RMSNorm several": Row(lux.RMSNorm((2, 3), lux.tanh), normal(9, 2, 2, 3)),
    "RMSNorm masked": Row(lux.RMSNorm(2, affine=False), (normal(10, 2, 3, 2), LENGTHS)),
    "GroupNorm": Row(lux.GroupNorm(4, 2, lux.tanh), normal(11, 2, 2, 4)),
    "GroupNorm masked": Row(lux.GroupNorm(4, 2), (normal(12, 2, 3, 4), LENGTHS)),
    "GroupNorm not affine": Row(lux.GroupNorm(4, 1, affine=False), normal(13, 2, 2, 2, 4)),
    "InstanceNorm": Row(lux.InstanceNorm(2), normal(14, 2, 3, 2)),
    "InstanceNorm tracked": Row(
        lux.InstanceNorm(2, lux.tanh, affine=True, track_stats=True), normal(15, 2, 3, 2)
    ),
    "WeightNorm": Row(lux.WeightNorm(lux.Dense(3, 2, lux.tanh)), normal(16, 2, 3)),
    "WeightNorm inside": Row(
        lux.WeightNorm(
            lux.Chain(lux.Dense(3, 2), lux.Dense(2, 2)),
            ("layer_0.weight", "layer_1.bias"),
            axis=None,
        ),
        normal(17, 2, 3),
    ),
    "SpectralNorm": Row(
        lux.SpectralNorm(lux.Dense(3, 2, lux.tanh)), normal(18, 2, 3), derivatives=0
    ),
    "SpectralNorm inside": Row(
        lux.SpectralNorm(lux.Chain(conv=lux.Conv((2,), 3, 2)), "conv.weight", iterations=3),
        normal(19, 2, 3, 3),
        derivatives=0,
    ),
}
