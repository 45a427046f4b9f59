"""Pooling."""

import lux

from ._points import normal
from ._row import Row

ROWS = {
    "MaxPool": Row(lux.MaxPool((2, 2)), normal(0, 2, 4, 4, 2), wrong=normal(1, 4, 4)[0]),
    "MaxPool overlapping": Row(
        lux.MaxPool((3,), stride=2, padding=1, ceil_mode=True),
        normal(2, 2, 6, 2),
        wrong=normal(3, 4),
    ),
    "MeanPool": Row(lux.MeanPool((2, 2)), normal(4, 2, 4, 5, 2), wrong=normal(5, 4, 4)[0]),
    "MeanPool padded": Row(
        lux.MeanPool((3,), stride=2, padding=1, ceil_mode=True, count_include_pad=False),
        normal(6, 2, 6, 2),
        wrong=normal(7, 4),
    ),
    "LPPool": Row(lux.LPPool((2, 2)), normal(8, 2, 4, 4, 2), wrong=normal(9, 4, 4)[0]),
    "LPPool overlapping": Row(
        lux.LPPool((3,), p=3, stride=1, dilation=2), normal(10, 2, 6, 2), wrong=normal(11, 4)
    ),
    "GlobalMaxPool": Row(lux.GlobalMaxPool(), normal(12, 2, 3, 2, 2), wrong=normal(13, 2, 3)),
    "GlobalMeanPool": Row(lux.GlobalMeanPool(), normal(14, 2, 3, 2, 2), wrong=normal(15, 2, 3)),
    "GlobalLPPool": Row(lux.GlobalLPPool(p=3), normal(16, 2, 5, 2), wrong=normal(17, 2, 3)),
    "AdaptiveMaxPool": Row(
        lux.AdaptiveMaxPool((2, 3)), normal(18, 2, 5, 4, 2), wrong=normal(19, 4, 4)
    ),
    "AdaptiveMeanPool": Row(
        lux.AdaptiveMeanPool((2, 3)), normal(20, 2, 5, 6, 2), wrong=normal(21, 4, 4)
    ),
    "AdaptiveLPPool": Row(lux.AdaptiveLPPool((2,)), normal(22, 2, 5, 2), wrong=normal(23, 4)),
}
