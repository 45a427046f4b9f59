"""Convolutions."""

import lux

from ._points import normal
from ._row import Row

ROWS = {
    "Conv": Row(lux.Conv((3, 2), 2, 3, lux.tanh, padding="SAME"), normal(0, 2, 4, 3, 2)),
    "Conv one axis": Row(lux.Conv((3,), 2, 4, stride=2, groups=2), normal(1, 2, 7, 2)),
    "Conv causal": Row(lux.Conv((2,), 2, 1, padding="CAUSAL", use_bias=False), normal(2, 1, 4, 2)),
    "Conv three axes": Row(lux.Conv((2, 1, 2), 1, 2), normal(3, 1, 3, 2, 2, 1)),
    "Conv circular": Row(
        lux.Conv((3,), 2, 2, padding=1, padding_mode="circular", dilation=2), normal(4, 1, 6, 2)
    ),
    "ConvTranspose": Row(
        lux.ConvTranspose((3, 2), 2, 3, lux.tanh, stride=2, output_padding=1),
        normal(5, 2, 2, 3, 2),
    ),
    "ConvTranspose groups": Row(
        lux.ConvTranspose((3,), 2, 4, stride=2, groups=2, padding="SAME"), normal(6, 2, 4, 2)
    ),
    "ConvTranspose three axes": Row(
        lux.ConvTranspose((2, 1, 2), 1, 2, dilation=2, padding=1, use_bias=False),
        normal(7, 1, 3, 3, 2, 1),
    ),
    "Upsample": Row(lux.Upsample(2), normal(8, 2, 2, 3, 1), wrong=normal(9, 3, 1)),
    "Upsample bilinear": Row(
        lux.Upsample(mode="bilinear", size=(4, 5), align_corners=True),
        normal(10, 2, 2, 3, 1),
        wrong=normal(11, 3, 1),
    ),
    "Upsample trilinear": Row(
        lux.Upsample(1.5, "trilinear"), normal(12, 1, 2, 3, 2, 1), wrong=normal(13, 3, 2, 1)
    ),
    "PixelShuffle": Row(lux.PixelShuffle(2), normal(14, 2, 2, 3, 4)),
    "PixelShuffle factors": Row(lux.PixelShuffle((1, 3)), normal(15, 2, 2, 3)),
}
