"""Layers that normalize what passes through them, or the weights of the layer that they hold."""

from ._batch import BatchNorm as BatchNorm
from ._group import GroupNorm as GroupNorm
from ._group import InstanceNorm as InstanceNorm
from ._layer import LayerNorm as LayerNorm
from ._layer import RMSNorm as RMSNorm
from ._spectral_norm import SpectralNorm as SpectralNorm
from ._weight_norm import WeightNorm as WeightNorm

__all__ = [
    "BatchNorm",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "RMSNorm",
    "SpectralNorm",
    "WeightNorm",
]
