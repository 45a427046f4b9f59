"""Pooling: what a window holds, as one number.

The largest, the sum and the norm of a window with several axes are those of the windows along one
axis, taken for one axis after the other. So nothing here has more than one axis to think of, a
window of `3 × 3` costs six looks instead of nine, and on CPU the loops run over long rows.

- `_sliding`: a window that slides along one axis, and how options become such windows;
- `_max`, `_mean`, `_lpnorm`: the functions, each with windows of one size;
- `_adaptive`: the same with a given number of windows, of sizes that differ by one.
"""

from ._adaptive import adaptive_lpnormpool as adaptive_lpnormpool
from ._adaptive import adaptive_maxpool as adaptive_maxpool
from ._adaptive import adaptive_meanpool as adaptive_meanpool
from ._lpnorm import lpnormpool as lpnormpool
from ._max import maxpool as maxpool
from ._mean import meanpool as meanpool

__all__ = [
    "adaptive_lpnormpool",
    "adaptive_maxpool",
    "adaptive_meanpool",
    "lpnormpool",
    "maxpool",
    "meanpool",
]
