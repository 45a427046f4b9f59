"""Normalization: elements are shifted and scaled such that a group of them has mean 0, variance 1.

The functions differ in what a group is. Of an array `(batch, *space, channels)`,

- `batchnorm` takes each channel, over batch and space;
- `instancenorm` takes each channel of each example, over space;
- `groupnorm` takes some neighbouring channels of each example, over space;
- `layernorm` takes the last axis, or others, alone;
- `rmsnorm` takes the same without the shift, and divides by the root of the mean square.

All share one derivative and one way to be accurate; see `_standardize.py`.
"""

from __future__ import annotations

from ._batch import batchnorm as batchnorm
from ._group import groupnorm as groupnorm
from ._group import instancenorm as instancenorm
from ._layer import layernorm as layernorm
from ._layer import rmsnorm as rmsnorm

__all__ = ["batchnorm", "groupnorm", "instancenorm", "layernorm", "rmsnorm"]
