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
}
