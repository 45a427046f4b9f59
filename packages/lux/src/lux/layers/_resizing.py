"""Layers that make images larger without learning how."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from luxlib import (
    pixel_shuffle,
    upsample_bicubic,
    upsample_bilinear,
    upsample_linear,
    upsample_nearest,
    upsample_trilinear,
)

from ._checks import as_float, check_per_axis, check_switches, fail
from ._leaf import Leaf

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Num, Shaped

    from luxcore import NamedTuple

# The function of each mode, and over how many axes it goes.
_MODES: dict[str, tuple[Any, int | None]] = {
    "nearest": (upsample_nearest, None),
    "linear": (upsample_linear, 1),
    "bilinear": (upsample_bilinear, 2),
    "bicubic": (upsample_bicubic, 2),
    "trilinear": (upsample_trilinear, 3),
}


class Upsample(Leaf):
    """Makes the spatial axes larger, by repeating elements or by interpolation.

    For an axis of `n` elements that become `m`, element `i` lies at `(i + 1/2) * n / m - 1/2`, or
    with `align_corners` at `i * (n - 1) / (m - 1)`; `"nearest"` takes element `floor(i * n / m)`.

    **Arguments**

    - `scale`: by which factors the axes grow: for each spatial axis one number, or one number for
      all
    - `mode`: `"nearest"`, `"linear"` (for one spatial axis), `"bilinear"`, `"bicubic"` (for two) or
      `"trilinear"` (for three)
    - `size`: instead of `scale`, the sizes of the spatial axes in the result, likewise
    - `align_corners`: whether the outermost elements stay what they are, rather than the outer
      edges where they are; not for `"nearest"`

    **Inputs**

    - `x`: `(*batch, *space, channels)`; for `"nearest"` with a single number all axes but the first
      and the last are spatial

    **Returns**

    - `(*batch, *size, channels)`, where the size is `floor(n * scale)` if `scale` is given
    - the state, which is empty

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.Upsample(2, "linear")
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([[0.0], [1.0]]), ps, st)[0][:, 0]
    Array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    >>> lux.Upsample(mode="bilinear", size=(32, 48))(jnp.ones((8, 20, 20, 3)), ps, st)[0].shape
    (8, 32, 48, 3)

    ```

    As Lux.jl's `Upsample`, and PyTorch's where both sizes are given; with a `scale` that is no
    integer, PyTorch places elements by it and not by the sizes.
    """

    scale: float | Sequence[float] | None = None
    mode: str = "nearest"
    _: KW_ONLY
    size: int | Sequence[int] | None = None
    align_corners: bool = False

    def __post_init__(self) -> None:
        check_switches(self, "align_corners")
        if self.mode not in _MODES:
            raise fail(self, "mode", f"one of {', '.join(map(repr, _MODES))}", self.mode)
        if (self.scale is None) == (self.size is None):
            raise fail(self, "scale", "a scale, or else a size", (self.scale, self.size))
        if self.align_corners and self.mode == "nearest":
            raise fail(self, "align_corners", "False with mode 'nearest'", self.align_corners)
        given = self.size if self.scale is None else self.scale
        axes = _MODES[self.mode][1] or _count(given)
        if self.scale is None:
            check_per_axis(self, axes, "size")
        else:
            _check_scale(self, self.scale, axes)

    def __call__(
        self, x: Num[Array, "*batch_and_space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Num[Array, "*batch_and_larger_space channels"], NamedTuple]:
        upsample, axes = _MODES[self.mode]
        options = {} if axes is None else {"align_corners": self.align_corners}
        return upsample(x, self.scale, size=self.size, **options), st

    def __str__(self) -> str:
        return self._text(*(() if self.scale is None else (repr(self.scale),)), hide=("scale",))


def _count(value: Any) -> int:
    """Return how many axes numbers are for; of one number or none, 1."""
    return max(len(tuple(value)), 1) if isinstance(value, Iterable) else 1


def _check_scale(layer: Upsample, value: Any, axes: int) -> None:
    """Refuse what is neither one positive number nor one for each spatial axis."""
    several = isinstance(value, Iterable)
    scales = [as_float(scale) or 0.0 for scale in (value if several else (value,))]
    if not all(0 < scale < math.inf for scale in scales) or (several and len(scales) != axes):
        raise fail(layer, "scale", f"a positive number or {axes} of them", value)
    object.__setattr__(layer, "scale", tuple(scales) if several else scales[0])


class PixelShuffle(Leaf):
    """Makes images larger by a factor, out of their channels.

    In two dimensions, with remainders `i` and `j` smaller than the factor `r`,

    `y[b, r * h + i, r * w + j, c] = x[b, h, w, c * r**2 + r * i + j]`

    **Arguments**

    - `factor`: `r`, at least 1: for each spatial axis one integer, or one integer for all axes but
      the first and the last

    **Inputs**

    - `x`: `(*batch, *space, channels)`, with a multiple of `r**axes` channels

    **Returns**

    - `(*batch, *(r * space), channels / r**axes)`
    - the state, which is empty

    **Raises**

    - `ValueError`: for a factor below 1, when the layer is made; for an input that does not fit,
      when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.PixelShuffle(2)
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.ones((8, 14, 14, 12)), ps, st)[0].shape
    (8, 28, 28, 3)

    ```

    Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", 2016. As Lux.jl's and PyTorch's `PixelShuffle`.
    """

    factor: int | Sequence[int]

    def __post_init__(self) -> None:
        check_per_axis(self, _count(self.factor), "factor")

    def __call__(
        self, x: Shaped[Array, "*batch_and_space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Shaped[Array, "*batch_and_larger_space fewer_channels"], NamedTuple]:
        return pixel_shuffle(x, self.factor), st

    def __str__(self) -> str:
        return self._text(repr(self.factor), hide=("factor",))
