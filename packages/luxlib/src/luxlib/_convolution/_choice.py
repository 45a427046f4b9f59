"""Which formulation of a convolution is fastest: the one place where it is chosen.

Measured on two cores with AVX-512 (`benchmarks/convolution.py` has the cases, both with the default
options and with `compiler_options()`). Ratios are those to XLA's convolution and its derivatives;
two of them are without and with these options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from ._dense import excess

if TYPE_CHECKING:
    from luxlib._compilation import Compilation

    from ._geometry import Geometry

__all__ = ["Formulations", "choose"]


@dataclass(frozen=True)
class Formulations:
    """The names of those of a convolution and of its gradients."""

    forward: str
    input_gradient: str
    weight_gradient: str


def choose(
    geometry: Geometry, shape: tuple[int, ...], features: int, dtype: Any, compilation: Compilation
) -> Formulations | str:
    """Return the formulations for an input of this shape, or how the whole is rewritten.

    That is `"xla"` for XLA's convolution with JAX's derivatives, `"each group"` for a convolution
    of each group by itself, `"planes"` for one over two axes instead of three.
    """
    batch, channels = shape[0], shape[-1]
    inner, outer = channels // geometry.groups, features // geometry.groups
    if (
        compilation.platform != "cpu"
        or jnp.issubdtype(dtype, jnp.complexfloating)
        or 0 in (*shape, features, *geometry.places)
    ):
        return "xla"
    if geometry.groups > 1:
        # Depthwise: 0.03 forward, 0.02 input gradient, 0.04 weight gradient (3x3, 64 channels).
        # XLA's weight gradient of other groups runs without any fast code: 0.01.
        return _elementwise(geometry, inner, outer) if max(inner, outer) <= 4 else "each group"
    if geometry.axes == 3:
        # 0.15 forward, 0.10 each gradient; with a stride 0.4, 0.02, 0.1.
        return "planes"
    library = compilation.library_convolutions and geometry.axes == 2
    strided = set(geometry.stride) != {1}
    if set(geometry.window) == {1} and not any(map(any, geometry.pairs)):
        return _matrix_product(strided, library and max(channels, features) > 16)
    if strided:
        return _strided(geometry, channels, library)
    return Formulations(
        "larger" if library and _outgrows(geometry, channels, features) else "plain",
        _input_gradient(geometry, channels, features, library),
        _weight_gradient(geometry, batch, channels, features, library),
    )


def _elementwise(geometry: Geometry, inner: int, outer: int) -> Formulations:
    # Putting back is faster while it is fused: 9 positions take 0.7 of shifting, 27 take 4.
    back = inner == outer == 1 and len(geometry.positions) <= 9
    return Formulations("shifts", "shifts back" if back else "shifts", "shifts")


def _matrix_product(strided: bool, library: bool) -> Formulations:
    # 0.65, 0.35 and 0.15 of the library; with a stride 0.6, 0.45 and 0.1 in any case.
    one = "product" if library or strided else "plain"
    return Formulations(one, one, "product")


def _strided(geometry: Geometry, channels: int, library: bool) -> Formulations:
    overlapping = all(k > s for k, s in zip(geometry.window, geometry.stride, strict=True))
    if geometry.axes != 2 or channels <= 4 or not overlapping or len(geometry.positions) > 9:
        return Formulations("plain", "plain", "plain")
    # 3x3, stride 2: input gradient 0.5 to 0.75. Weight gradient, 16 channels: 0.4, 0.8.
    # From 32 on: 0.6 of the library, but 1.05 of XLA's own.
    weight_gradient = "taps" if channels <= 16 else "columns" if library else "plain"
    return Formulations("plain", "taps", weight_gradient)


def _input_gradient(geometry: Geometry, channels: int, features: int, library: bool) -> str:
    if channels <= 4 <= features and len(geometry.positions) <= 9:
        return "columns"  # 0.3
    if library and _outgrows(geometry.transposed, features, channels):
        return "larger"
    return "plain"


def _outgrows(geometry: Geometry, channels: int, features: int) -> bool:
    """Tell whether the library gets the convolution, and a few more places prevent it."""
    axis, more = excess(geometry)
    return (
        # It gets none of 16 channels, and is good at few input channels and at dilation.
        max(channels, features) > 16
        and min(channels, features) >= 16
        and set(geometry.dilation) == {1}
        # 0.6 to 0.8 from 32 to 128 channels, 0.9 to 1.1 at 256.
        and min(channels, features) < 256
        and 0 < 6 * more <= geometry.places[axis]
    )


def _weight_gradient(
    geometry: Geometry, batch: int, channels: int, features: int, library: bool
) -> str:
    if geometry.axes == 1:
        return "plain"
    if max(channels, features) <= 16:
        return "cross"  # 0.45, 0.55
    if channels <= 4:
        return "plain"
    # Of the library 0.4 at 32 channels, 0.55 at 64, 0.7 at 128; 1.0 of XLA's own, which has the
    # images as channels: 0.35 for one image.
    return "lines" if (library and min(geometry.places) > 4) or batch <= 4 else "plain"
