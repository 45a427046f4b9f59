"""A window's norm."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from luxlib._checks import mismatch
from luxlib._compilation import compilation
from luxlib._dtypes import accumulator, to_inexact

from ._mean import window_sum
from ._sliding import Sliding, sliding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Float, Real

    from luxlib._windows import Padding

__all__ = ["check_norm", "lpnormpool", "power", "root"]


def lpnormpool(
    x: Real[Array, "*batch_and_space channels"],
    p: float,
    window: Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> Float[Array, "*batch_and_places channels"]:
    """Take the `p`-norm of each window over one, two or three spatial axes.

    In one dimension, with window positions `i`,

    `y[b, t, c] = sum(abs(x[b, stride * t + dilation * i, c]) ** p) ** (1 / p)`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, real, any number of leading axes, also none
    - `p`: the norm's exponent, a positive number
    - `window`: its size, one integer for each spatial axis; their number says how many are spatial
    - `stride`: the step between two places of the window, one integer or one for each spatial axis;
      `None` for the window's size, so that windows tile the input
    - `padding`: zeros added on both sides: one integer, for each spatial axis an integer or a pair
      `(before, after)`, or `"VALID"` (none) or `"SAME"` (`ceil(n / stride)` places, an odd element
      after)
    - `dilation`: the distance between two elements of the window, like `stride`
    - `ceil_mode`: whether a last window that reaches over the end counts, if it begins before it

    **Returns**

    `(*batch, *places, channels)`, as many places as `maxpool` has, in the dtype of `x`, integers
    and booleans in the default floating dtype. Half precision is summed in `float32` and rounded
    once; in that dtype `abs(x) ** p` must not overflow. The derivative by an element that is zero
    is zero, also in a window of zeros, where the norm has none.

    **Raises**

    `ValueError` where `p` is not a positive number or shapes and options don't fit together,
    `TypeError` where `x` is complex.

    ```python
    >>> import jax, jax.numpy as jnp, luxlib
    >>> x = jnp.array([3.0, -4.0, 0.0, 0.0])[:, None]
    >>> luxlib.lpnormpool(x, 2, (2,))[:, 0]
    Array([5., 0.], dtype=float32)
    >>> jax.grad(lambda x: luxlib.lpnormpool(x, 2, (2,)).sum())(x)[:, 0]
    Array([ 0.6, -0.8,  0. ,  0. ], dtype=float32)
    ```

    Gulcehre et al., "Learned-norm pooling for deep feedforward and recurrent neural networks",
    2014. `NNlib.lpnormpool` and `torch.nn.functional.lp_pool2d` are the same for even `p` and
    where `x` is not negative; elsewhere they take powers of `x` itself.
    """
    x = check_norm("lpnormpool", x, p)
    axes = sliding("lpnormpool", x, window, stride, padding, dilation, ceil_mode)
    return _lpnormpool(x, p=float(p), axes=axes, by_axis=compilation().platform == "cpu")


def check_norm(function: str, x: Any, p: float) -> Array:
    """Return `x` as a floating array, and refuse exponents that are no norm's."""
    if not (isinstance(p, (int, float)) and 0 < p < math.inf):
        raise mismatch(
            function,
            "p",
            "a positive number",
            repr(p),
            "For the infinite norm use maxpool(jax.numpy.abs(x), ...).",
        )
    x = to_inexact(x)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            "x",
            "a real dtype",
            x.dtype,
            "The norm of complex numbers is that of jax.numpy.abs(x).",
            kind=TypeError,
        )
    return x


@partial(jax.jit, static_argnames=("p", "axes", "by_axis"))
def _lpnormpool(x: Array, *, p: float, axes: tuple[Sliding, ...], by_axis: bool) -> Array:
    return root(window_sum(power(x, p), axes, by_axis), p).astype(x.dtype)


def power(x: Array, p: float) -> Array:
    """Return `abs(x) ** p` in the dtype that it is summed in, without a derivative at zero."""
    x = x.astype(accumulator(x.dtype))
    return _positive_power(jnp.abs(x), p)


def root(sums: Array, p: float) -> Array:
    """Return `sums ** (1 / p)`, without a derivative at zero."""
    return _positive_power(sums, 1 / p)


def _positive_power(x: Array, p: float) -> Array:
    positive = x != 0  # true for NaN, which must come through
    exponent = int(p) if p.is_integer() else p  # a product where it can be one
    return jnp.where(positive, jnp.where(positive, x, 1) ** exponent, 0)
