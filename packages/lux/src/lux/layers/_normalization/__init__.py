"""Layers that normalize what passes through them, or the weights of the layer that they hold."""

from ._layer import LayerNorm as LayerNorm
from ._layer import RMSNorm as RMSNorm

__all__ = ["LayerNorm", "RMSNorm"]
