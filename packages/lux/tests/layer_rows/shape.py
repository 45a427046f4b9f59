"""Layers that change the shape of an array."""

import lux

from ._points import normal
from ._row import Row

ROWS = {
    "FlattenLayer": Row(lux.FlattenLayer(), normal(0, 2, 3, 4), wrong=normal(1)),
    "FlattenLayer n": Row(lux.FlattenLayer(2), normal(1, 2, 3, 2, 2), wrong=normal(2, 3, 4)),
}
