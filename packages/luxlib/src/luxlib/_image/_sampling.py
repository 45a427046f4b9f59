"""Sampling an image at given places, the second half of a spatial transformer."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import lax

from luxlib._checks import check_one_of, mismatch
from luxlib._dtypes import accumulator, promote

from ._interpolation import interpolated, nearest

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Real

__all__ = ["grid_sample"]

_PADDING_MODES = ("zeros", "border", "reflection")
_METHODS = ("bilinear", "nearest")


def grid_sample(
    x: Real[Array, "*batch_and_space channels"],
    grid: Float[Array, "*batch_and_places axes"],
    *,
    method: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = True,
) -> Real[Array, "*batch_and_places channels"]:
    """Sample an image at the places that a grid names, in one to three dimensions.

    `y[b, p, c]` is `x[b, :, c]` read at `grid[b, p]`, by linear interpolation between pixels.

    **Arguments**

    - `x`: `(*batch, *space, channels)`, real, any number of leading axes, also none
    - `grid`: `(*batch, *places, axes)`, the place in `x` of each element of the result. Its last
      axis holds one coordinate for each spatial axis, the **last** axis first: `(x, y)`, or
      `(x, y, z)`. Coordinates go from -1 to 1 over the image
    - `method`: `"bilinear"`, or `"nearest"` for the nearest pixel, of two the even one
    - `padding_mode`: what is found beyond the image: `"zeros"`, `"border"` (the pixel on the
      border) or `"reflection"` (mirrored at the border, as often as needed)
    - `align_corners`: whether -1 and 1 are the centres of the outermost pixels, or their outer
      edges

    **Returns**

    `(*batch, *places, channels)`: with `"bilinear"` in the dtype that `x` and `grid` have in
    common, computed in `float32` at least and rounded once; with `"nearest"` in that of `x`. Where
    a coordinate is NaN the result is NaN, with `"reflection"` also where one is infinite. The
    gradient with respect to the grid is zero on and beyond the border with `"border"`, and
    everywhere with `"nearest"`.

    **Raises**

    `ValueError` where shapes and options don't fit together, `TypeError` where `grid` is not
    floating or `x` is complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])[..., None]
    >>> grid = jnp.array([[-3.0, -1.0], [0.0, -1.0], [1.0, -1.0], [0.0, 0.0]])
    >>> luxlib.grid_sample(x, grid)[..., 0]
    Array([0. , 1.5, 2. , 2.5], dtype=float32)
    >>> luxlib.grid_sample(x, grid, padding_mode="border")[..., 0]
    Array([1. , 1.5, 2. , 2.5], dtype=float32)
    ```

    As `NNlib.grid_sample`, and `torch.nn.functional.grid_sample` (where `align_corners` is false
    by default), with channels last. From Jaderberg et al., "Spatial Transformer Networks",
    https://arxiv.org/abs/1506.02025.
    """
    function = "grid_sample"
    if not jnp.issubdtype(grid.dtype, jnp.floating):
        raise mismatch(
            function,
            "grid",
            "a floating dtype",
            grid.dtype,
            "Coordinates from -1 to 1 span the image.",
            kind=TypeError,
        )
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise mismatch(function, "x", "a real dtype", x.dtype, "Sample both parts.", kind=TypeError)
    axes = grid.shape[-1] if grid.ndim else 0
    if not 1 <= axes <= 3:
        raise mismatch(
            function,
            "grid",
            "shape (..., axes) with one to three coordinates in the last axis",
            grid.shape,
            "Each place has one coordinate for each spatial axis of x.",
        )
    batch = x.shape[: -axes - 1]
    if x.ndim <= axes or grid.shape[: len(batch)] != batch or grid.ndim <= len(batch):
        named = ", ".join((*map(str, grid.shape[: max(x.ndim - axes - 1, 0)]), *("space",) * axes))
        raise mismatch(
            function,
            "x",
            f"shape ({named}, channels)",
            x.shape,
            f"grid {grid.shape} names places on {axes} axes, for the same leading axes as x.",
        )
    if 0 in x.shape[-axes - 1 : -1]:
        raise mismatch(
            function,
            "x",
            "spatial axes that are not empty",
            x.shape[-axes - 1 : -1],
            "Each of them holds at least one element.",
        )
    check_one_of(function, "method", method, _METHODS)
    check_one_of(function, "padding_mode", padding_mode, _PADDING_MODES)
    return _grid_sample(
        x, grid, method=method, padding_mode=padding_mode, align_corners=bool(align_corners)
    )


@partial(jax.jit, static_argnames=("method", "padding_mode", "align_corners"))
def _grid_sample(
    x: Array, grid: Array, *, method: str, padding_mode: str, align_corners: bool
) -> Array:
    axes = grid.shape[-1]
    batch, space = x.shape[: -axes - 1], x.shape[-axes - 1 : -1]
    places = grid.shape[len(batch) : -1]
    if method == "bilinear":
        x, grid = promote(x, grid)
    coordinates = grid.astype(accumulator(grid.dtype))
    positions = jnp.stack(
        [
            _position(coordinates[..., -1 - axis], size, padding_mode, align_corners)
            for axis, size in enumerate(space)
        ],
        -1,
    ).reshape(math.prod(batch), *places, axes)
    images = x.reshape(math.prod(batch), *x.shape[-axes - 1 :])
    if method == "nearest":
        y = jax.vmap(nearest)(images, jnp.round(positions))
    else:
        y = jax.vmap(interpolated)(images.astype(accumulator(x.dtype)), positions).astype(x.dtype)
    return y.reshape(*batch, *places, x.shape[-1])


def _position(coordinate: Array, size: int, padding_mode: str, align_corners: bool) -> Array:
    """Return where in pixels a coordinate from -1 to 1 lies, brought into the image."""
    if align_corners:
        position = (coordinate + 1) * ((size - 1) / 2)
    else:
        position = ((coordinate + 1) * size - 1) / 2
    if padding_mode == "zeros":
        # A pixel further out there are zeros only; infinity would give NaN for a weight.
        return _clamped(position, -2, size + 1)
    if padding_mode == "reflection":
        low, span = (0, size - 1) if align_corners else (-0.5, size)
        position = _reflected(position - low, span) + low if span else jnp.zeros_like(position)
    return _clamped(position, 0, size - 1)


def _reflected(distance: Array, span: int) -> Array:
    """Fold a distance from the first mirror into the span to the second."""
    distance = jnp.abs(distance)
    times = jnp.floor(distance / span)
    rest = distance - times * span
    return jnp.where(times % 2 == 0, rest, span - rest)


def _clamped(position: Array, low: int, high: int) -> Array:
    """Bring into a range; the derivative is zero on its ends, where that of jnp.clip is a half."""
    return lax.clamp(jnp.asarray(low, position.dtype), position, jnp.asarray(high, position.dtype))
