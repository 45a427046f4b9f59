"""Convolutions, and the maps that go back from the shape of their results."""

from ._conv import Conv as Conv
from ._transpose import ConvTranspose as ConvTranspose

__all__ = ["Conv", "ConvTranspose"]
