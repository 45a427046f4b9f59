"""Images, channels last: larger and smaller, sampled, rotated, with channels moved into space."""

from __future__ import annotations

from ._rotation import imrotate as imrotate
from ._sampling import grid_sample as grid_sample
from ._shuffling import pixel_shuffle as pixel_shuffle
from ._shuffling import pixel_unshuffle as pixel_unshuffle
from ._upsampling import upsample_bicubic as upsample_bicubic
from ._upsampling import upsample_bilinear as upsample_bilinear
from ._upsampling import upsample_linear as upsample_linear
from ._upsampling import upsample_nearest as upsample_nearest
from ._upsampling import upsample_trilinear as upsample_trilinear

__all__ = [
    "grid_sample",
    "imrotate",
    "pixel_shuffle",
    "pixel_unshuffle",
    "upsample_bicubic",
    "upsample_bilinear",
    "upsample_linear",
    "upsample_nearest",
    "upsample_trilinear",
]
