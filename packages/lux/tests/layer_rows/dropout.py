"""Layers that drop elements at random."""

import lux

from ._points import normal
from ._row import Row

ROWS = {
    "Dropout": Row(lux.Dropout(0.5), normal(0, 3, 4), wrong=None),
    "Dropout axis": Row(lux.Dropout(0.25, axis=(0, -1)), normal(1, 3, 2, 4), wrong=normal(2, 3)),
}
