"""Rotating images about a point."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from numbers import Real as RealNumber
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from luxlib._checks import check_one_of, mismatch
from luxlib._dtypes import accumulator, to_inexact

from ._interpolation import interpolated, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Num, Real

__all__ = ["imrotate"]

_METHODS = ("bilinear", "nearest")


def imrotate(
    x: Num[Array, "*batch height width channels"],
    angle: Real[Array, ""] | float,
    *,
    method: str = "bilinear",
    rotation_center: Sequence[float] | None = None,
) -> Num[Array, "*batch height width channels"]:
    """Rotate images about a pixel, clockwise as they are seen with the first row on top.

    `y[i, j]` is `x` read at

    `(cos(angle) (i - r) - sin(angle) (j - c) + r, sin(angle) (i - r) + cos(angle) (j - c) + c)`

    with `rotation_center` `(r, c)`, and zero where that lies outside of the image.

    **Arguments**

    - `x`: `(*batch, height, width, channels)`, any number of leading axes, also none
    - `angle`: in radians, one number for all images
    - `method`: `"bilinear"` interpolation between four pixels, or `"nearest"` for the nearest one
    - `rotation_center`: row and column of the point that stays, counted from 0, which may lie
      between pixels; `None` for `(height // 2, width // 2)`

    **Returns**

    `(*batch, height, width, channels)`: with `"bilinear"` computed in `float32` at least and
    rounded once to the dtype of `x`, integers and booleans to the default floating one; with
    `"nearest"` in the dtype of `x`. Positions within rounding of a pixel are that pixel, so turning
    by a multiple of a right angle moves pixels and does not blur them.

    **Raises**

    `ValueError` where shapes and options don't fit together, `TypeError` where `angle` is not a
    real number.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])[..., None]
    >>> luxlib.imrotate(x, jnp.pi / 2)[..., 0]
    Array([[0., 0., 0.],
           [0., 0., 1.],
           [0., 0., 0.]], dtype=float32)
    >>> round(luxlib.imrotate(x, jnp.pi / 4)[0, 1, 0].item(), 3)
    0.207
    ```

    As `NNlib.imrotate`, with channels last and the centre counted from 0. It has a derivative with
    respect to the angle too.
    """
    function = "imrotate"
    if x.ndim < 3 or 0 in x.shape[-3:-1]:
        raise mismatch(
            function,
            "x",
            "shape (..., height, width, channels) with at least one pixel",
            x.shape,
            "Add an axis for the channels, if there is none.",
        )
    check_one_of(function, "method", method, _METHODS)
    angle = jnp.asarray(angle)
    if angle.ndim or jnp.issubdtype(angle.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            "angle",
            "one real number",
            f"{angle.dtype} of shape {angle.shape}",
            "For an angle of its own for each image, use jax.vmap.",
            kind=TypeError,
        )
    height, width = x.shape[-3:-1]
    center = (height // 2, width // 2) if rotation_center is None else rotation_center
    if (
        not isinstance(center, Iterable)
        or len(tuple(center)) != 2
        or not all(isinstance(number, RealNumber) for number in center)
    ):
        raise mismatch(
            function,
            "rotation_center",
            "two numbers, a row and a column",
            repr(rotation_center),
            "Rows and columns are counted from 0.",
        )
    return _imrotate(x, angle, jnp.asarray(center), method=method)


@partial(jax.jit, static_argnames=("method",))
def _imrotate(x: Array, angle: Array, center: Array, *, method: str) -> Array:
    if method == "bilinear":
        x = to_inexact(x)
    images = x.reshape(math.prod(x.shape[:-3]), *x.shape[-3:])
    real = jnp.finfo(x.dtype).dtype if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.float32
    positions = _positions(x.shape[-3:-1], angle, center, accumulator(real))
    if method == "nearest":
        y = jax.vmap(nearest, (0, None))(images, jnp.floor(positions + 0.5))
    else:
        last = jnp.asarray([[[n - 1 for n in x.shape[-3:-1]]]], positions.dtype)
        outside = ((positions < 0) | (positions > last)).any(-1)[..., None]
        wide = images.astype(accumulator(x.dtype))
        y = jax.vmap(interpolated, (0, None))(wide, positions)
        y = jnp.where(outside, jnp.zeros_like(y), y).astype(x.dtype)
    return y.reshape(x.shape)


def _positions(space: Sequence[int], angle: Array, center: Array, dtype: Any) -> Array:
    """Return where each pixel comes from, `(height, width, 2)`."""
    angle, center = angle.astype(dtype), center.astype(dtype)
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    i, j = (lax.broadcasted_iota(dtype, space, axis) - center[axis] for axis in range(2))
    rotated = jnp.stack([cos * i - sin * j + center[0], sin * i + cos * j + center[1]], -1)
    whole = jnp.round(rotated)
    # The sine of pi is not zero: without this, pixels on the border would be lost.
    close = jnp.abs(rotated - whole) <= 8 * max(space) * jnp.finfo(dtype).eps
    return rotated + lax.stop_gradient(jnp.where(close, whole - rotated, jnp.zeros_like(whole)))
