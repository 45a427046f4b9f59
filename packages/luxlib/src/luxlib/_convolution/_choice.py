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

    That is `"xla"` for XLA's convolution with JAX's derivatives, `"planes"` for a convolution over
    one axis less, `"each group"` for one of each group by itself.
    """
    channels = shape[-1]
    inner, outer = channels // geometry.groups, features // geometry.groups
    few = 4
    if (
        compilation.platform != "cpu"
        or jnp.issubdtype(dtype, jnp.complexfloating)
        or 0 in (*shape, features)
    ):
        return "xla"
    if inner <= few and outer <= few and geometry.groups > 1:
        return _elementwise(geometry, depthwise=inner == outer == 1)
    if geometry.groups > 1:
        return "each group"
    if geometry.axes == 3:
        return "planes"
    if set(geometry.window) == {1} and not any(map(any, geometry.pairs)):
        return _matrix_product(geometry, compilation)
    return Formulations(
        _forward(geometry, channels, features, compilation),
        _input_gradient(geometry, channels, features, compilation),
        _weight_gradient(geometry, channels, features, compilation),
    )


def _elementwise(geometry: Geometry, *, depthwise: bool) -> Formulations:
    few = len(geometry.positions) <= 9
    return Formulations("shifts", "shifts back" if depthwise and few else "shifts", "shifts")


def _matrix_product(geometry: Geometry, compilation: Compilation) -> Formulations:
    if compilation.library_convolutions or set(geometry.stride) != {1}:
        return Formulations("product", "product", "product")
    return Formulations("plain", "plain", "product")


def _outgrows(geometry: Geometry, channels: int, features: int, compilation: Compilation) -> bool:
    """Tell whether XLA's library would get the convolution, and a few more places prevent it."""
    axis, more = excess(geometry)
    return (
        compilation.library_convolutions
        and geometry.axes == 2
        and set(geometry.stride) == {1}
        and max(channels, features) > 16
        and min(channels, features) < 256
        and 0 < 6 * more <= geometry.places[axis]
    )


def _forward(geometry: Geometry, channels: int, features: int, compilation: Compilation) -> str:
    if _outgrows(geometry, channels, features, compilation):
        return "larger"
    return "plain"


def _input_gradient(
    geometry: Geometry, channels: int, features: int, compilation: Compilation
) -> str:
    small = len(geometry.positions) <= 9
    if set(geometry.stride) != {1}:
        return "taps" if small else "plain"
    if channels <= 4 <= features and small:
        return "columns"
    if _outgrows(geometry.transposed, features, channels, compilation):
        return "larger"
    return "plain"


def _weight_gradient(
    geometry: Geometry, channels: int, features: int, compilation: Compilation
) -> str:
    most = max(channels, features)
    if geometry.axes == 1:
        return "plain"
    if set(geometry.stride) != {1}:
        if channels <= 16 and len(geometry.positions) <= 9:
            return "taps"
        return "columns" if compilation.library_convolutions else "plain"
    if most <= 16:
        return "cross"
    return "lines" if compilation.library_convolutions or most <= 64 else "plain"
