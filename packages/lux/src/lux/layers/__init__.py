"""The layers: descriptions that pick parameters and states and call one function of luxlib."""

from ._containers import AlternatePrecision as AlternatePrecision
from ._containers import BranchLayer as BranchLayer
from ._containers import Chain as Chain
from ._containers import Maxout as Maxout
from ._containers import PairwiseFusion as PairwiseFusion
from ._containers import Parallel as Parallel
from ._containers import RepeatedLayer as RepeatedLayer
from ._containers import SkipConnection as SkipConnection
from ._containers import stack_parameters as stack_parameters
from ._containers import unstack_parameters as unstack_parameters
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
from ._normalization import SpectralNorm as SpectralNorm
from ._normalization import WeightNorm as WeightNorm
from ._pooling import MaxPool as MaxPool
from ._shape import FlattenLayer as FlattenLayer

__all__ = [
    "AlternatePrecision",
    "BatchNorm",
    "BranchLayer",
    "Chain",
    "Conv",
    "Dense",
    "Dropout",
    "FlattenLayer",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "MaxPool",
    "Maxout",
    "NoOpLayer",
    "PairwiseFusion",
    "Parallel",
    "RMSNorm",
    "RepeatedLayer",
    "SkipConnection",
    "SpectralNorm",
    "WeightNorm",
    "WrappedFunction",
    "stack_parameters",
    "unstack_parameters",
]
