"""Linear maps of the features."""

import lux

from ._points import normal
from ._row import Row

ROWS = {
    "Dense": Row(lux.Dense(4, 3, lux.tanh), normal(0, 5, 4)),
    "Dense use_bias=False": Row(lux.Dense(4, 3, use_bias=False), normal(1, 2, 3, 4)),
    "Dense one example": Row(lux.Dense(4, 3, lux.gelu), normal(2, 4)),
}
