"""The layers: descriptions that pick parameters and states and call one function of luxlib."""

from ._containers import Chain as Chain
from ._convolution import Conv as Conv
from ._dropout import Dropout as Dropout
from ._functions import NoOpLayer as NoOpLayer
from ._functions import WrappedFunction as WrappedFunction
from ._linear import Dense as Dense
from ._normalization import BatchNorm as BatchNorm
from ._normalization import GroupNorm as GroupNorm
from ._normalization import InstanceNorm as InstanceNorm
from ._normalization import LayerNorm as LayerNorm
from ._normalization import RMSNorm as RMSNorm
from ._pooling import MaxPool as MaxPool
from ._shape import FlattenLayer as FlattenLayer

__all__ = [
    "BatchNorm",
    "Chain",
    "Conv",
    "Dense",
    "Dropout",
    "FlattenLayer",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "MaxPool",
    "NoOpLayer",
    "RMSNorm",
    "WrappedFunction",
]
