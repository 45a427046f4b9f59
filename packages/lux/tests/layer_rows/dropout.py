"""Layers that drop elements at random."""

import lux

from ._points import normal
from ._row import Row

ROWS = {
    "Dropout": Row(lux.Dropout(0.5), normal(0, 3, 4), wrong=None),
    "Dropout axis": Row(lux.Dropout(0.25, axis=(0, -1)), normal(1, 3, 2, 4), wrong=normal(2, 3)),
    "AlphaDropout": Row(lux.AlphaDropout(0.25), normal(3, 3, 4), wrong=None),
    "AlphaDropout axis": Row(lux.AlphaDropout(0.5, axis=-1), normal(4, 3, 4), wrong=normal(5)),
    "DropPath": Row(lux.DropPath(0.5), normal(6, 4, 2), wrong=normal(7)),
    "VariationalHiddenDropout": Row(lux.VariationalHiddenDropout(0.5), normal(8, 3, 4), wrong=None),
}
