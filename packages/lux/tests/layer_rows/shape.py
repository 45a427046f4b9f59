"""Layers that change the shape of an array."""

import lux

from ._points import normal
from ._row import Row

ROWS = {
    "FlattenLayer": Row(lux.FlattenLayer(), normal(0, 2, 3, 4), wrong=normal(1)),
    "ReshapeLayer": Row(lux.ReshapeLayer((3, 2)), normal(0, 2, 6)),
    "ReshapeLayer rest": Row(lux.ReshapeLayer((2, -1)), normal(1, 2, 2, 3), wrong=normal(0, 3, 3)),
    "SelectDim": Row(lux.SelectDim(1, -1), normal(0, 2, 3, 2), wrong=normal(1, 2)),
    "SelectDim several": Row(lux.SelectDim(-1, (2, 0)), normal(1, 2, 3), wrong=normal(1, 3, 2)),
    "FlattenLayer n": Row(lux.FlattenLayer(2), normal(1, 2, 3, 2, 2), wrong=normal(2, 3, 4)),
}
