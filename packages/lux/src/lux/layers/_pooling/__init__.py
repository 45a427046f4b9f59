"""Pooling: windows that slide, one for all of space, or a given number of them."""

from ._adaptive import AdaptiveLPPool as AdaptiveLPPool
from ._adaptive import AdaptiveMaxPool as AdaptiveMaxPool
from ._adaptive import AdaptiveMeanPool as AdaptiveMeanPool
from ._global import GlobalLPPool as GlobalLPPool
from ._global import GlobalMaxPool as GlobalMaxPool
from ._global import GlobalMeanPool as GlobalMeanPool
from ._sliding import LPPool as LPPool
from ._sliding import MaxPool as MaxPool
from ._sliding import MeanPool as MeanPool

__all__ = [
    "AdaptiveLPPool",
    "AdaptiveMaxPool",
    "AdaptiveMeanPool",
    "GlobalLPPool",
    "GlobalMaxPool",
    "GlobalMeanPool",
    "LPPool",
    "MaxPool",
    "MeanPool",
]
