"""Products of many matrices at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from ._checkpoint import saveable
from ._checks import mismatch
from ._dtypes import promote
from ._products import product

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Inexact, Num

__all__ = ["batched_matmul"]


def batched_matmul(
    x: Num[Array, "*batch rows inner"], y: Num[Array, "*batch inner columns"]
) -> Inexact[Array, "*batch rows columns"]:
    """Multiply matrices that lie in the last two axes, batch by batch.

    `z[b] = x[b] @ y[b]`

    **Arguments**

    - `x`: `(*batch, rows, inner)`
    - `y`: `(*batch, inner, columns)`

    The leading axes broadcast: a size of 1, or an axis that one of the two lacks, is repeated.

    **Returns**

    `(*batch, rows, columns)`, in the dtype that `x` and `y` have in common. Half precision is
    summed in `float32` and rounded once.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where neither is floating or complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.batched_matmul(jnp.ones((5, 2, 3)), jnp.ones((3, 4))).shape
    (5, 2, 4)
    ```

    Named as in LuxLib.jl, whose matrices lie in the first two axes. To contract another axis, swap
    it there first (`jax.numpy.swapaxes`): the compiler folds the transposition into the product.
    """
    function = "batched_matmul"
    for name, array, cure in (("x", x, "x[None, :]"), ("y", y, "y[:, None]")):
        if array.ndim < 2:
            raise mismatch(
                function,
                name,
                "at least two axes",
                f"shape {array.shape}",
                f"Add an axis, for example {cure}.",
            )
    if not any(jnp.issubdtype(a.dtype, jnp.inexact) for a in (x, y)):
        raise mismatch(
            function,
            "x and y",
            "one of a floating or complex dtype",
            f"{x.dtype} and {y.dtype}",
            "For integers use jax.numpy.matmul.",
            kind=TypeError,
        )
    if x.shape[-1] != y.shape[-2]:
        raise mismatch(
            function,
            "y",
            f"shape (..., {x.shape[-1]}, columns)",
            y.shape,
            f"The last axis of x {x.shape} is summed with the second last of y.",
        )
    for m, n in zip(x.shape[-3::-1], y.shape[-3::-1], strict=False):
        if m != n and 1 not in (m, n):
            raise mismatch(
                function,
                "y",
                f"leading axes that broadcast with {x.shape[:-2]}",
                y.shape[:-2],
                "Each pair, counted from the right, must be equal or hold a 1.",
            )
    return _batched_matmul(x, y)


@jax.jit
def _batched_matmul(x: Array, y: Array) -> Array:
    x, y = promote(x, y)
    if y.ndim == 2:  # one matrix for all: a single 2-D product, as in _dense.py
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        z = product(jnp.matmul, rows, y).reshape(*x.shape[:-1], y.shape[-1])
    else:
        z = product(jnp.matmul, x, y)
    return saveable(z.astype(x.dtype))
