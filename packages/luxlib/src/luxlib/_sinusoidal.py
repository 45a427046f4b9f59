"""Positions, or any numbers, as sines and cosines of several frequencies."""

from __future__ import annotations

from functools import partial
from numbers import Real as RealNumber
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from ._checks import mismatch
from ._dtypes import accumulator

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Real

__all__ = ["sinusoidal_embedding"]


def sinusoidal_embedding(
    x: Real[Array, "*shape"], frequencies: Float[Array, " count"], *, scale: float = 1.0
) -> Float[Array, "*shape 2count"]:
    """Return sines and cosines of numbers, for each of several frequencies.

    `y = scale * concat(sin(x * frequencies), cos(x * frequencies))`

    **Arguments**

    - `x`: real numbers of any shape
    - `frequencies`: `(count,)`
    - `scale`: a factor of the result

    **Returns**

    `(*shape, 2 * count)`, in the dtype of `x`; for integers in that of `frequencies`. Half
    precision is computed in `float32` and rounded once.

    **Raises**

    `ValueError` where `frequencies` has not one axis, `TypeError` where `x` is complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.sinusoidal_embedding(jnp.array([0, 1]), jnp.array([1.0, 0.1])).shape
    (2, 4)
    ```

    Vaswani et al., "Attention is all you need", 2017.
    """
    function = "sinusoidal_embedding"
    if frequencies.ndim != 1 or not jnp.issubdtype(frequencies.dtype, jnp.floating):
        raise mismatch(
            function,
            "frequencies",
            "an array of floating dtype and shape (count,)",
            f"{frequencies.dtype} of shape {frequencies.shape}",
            "Each gives a sine and a cosine.",
        )
    if not isinstance(scale, RealNumber):
        raise mismatch(function, "scale", "a number", repr(scale), "It multiplies the result.")
    x = jnp.asarray(x)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise mismatch(
            function, "x", "a real dtype", x.dtype, "Embed its real part.", kind=TypeError
        )
    if not jnp.issubdtype(x.dtype, jnp.floating):
        x = x.astype(frequencies.dtype)
    return _waves(x, frequencies, scale=float(scale))


@partial(jax.jit, static_argnames="scale")
def _waves(x: Array, frequencies: Array, *, scale: float) -> Array:
    wide = accumulator(x.dtype)
    angles = x.astype(wide)[..., None] * frequencies.astype(wide).reshape(*(1,) * x.ndim, -1)
    y = scale * jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    return y.astype(x.dtype)
