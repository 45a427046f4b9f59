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
}
