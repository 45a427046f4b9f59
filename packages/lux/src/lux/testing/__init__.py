"""For authors of layers: the contract that every layer of this library is held to."""

from ._check import check_layer as check_layer

__all__ = ["check_layer"]
