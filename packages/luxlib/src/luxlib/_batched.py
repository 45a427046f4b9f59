"""Many matrices at once, in the last two axes: transposed, and times vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from ._checks import mismatch
from ._matmul import batched_matmul

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Inexact, Num, Shaped

__all__ = ["batched_adjoint", "batched_transpose", "batched_vec"]


def batched_transpose(
    x: Shaped[Array, "*batch rows columns"],
) -> Shaped[Array, "*batch columns rows"]:
    """Transpose matrices that lie in the last two axes.

    `y[b, j, i] = x[b, i, j]`

    **Arguments**

    - `x`: `(*batch, rows, columns)`

    **Returns**

    `(*batch, columns, rows)`, in the dtype of `x`.

    **Raises**

    `ValueError` where `x` has less than two axes.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.batched_transpose(jnp.ones((5, 2, 3))).shape
    (5, 3, 2)
    ```

    As `NNlib.batched_transpose`, whose matrices lie in the first two axes, and
    `jax.numpy.matrix_transpose`. Inside `jax.jit` a product with the result reads `x` as it lies.
    """
    _check_matrices("batched_transpose", x)
    return jnp.matrix_transpose(x)


def batched_adjoint(
    x: Shaped[Array, "*batch rows columns"],
) -> Shaped[Array, "*batch columns rows"]:
    """Transpose matrices that lie in the last two axes, and conjugate them.

    `y[b, j, i] = conj(x[b, i, j])`

    **Arguments**

    - `x`: `(*batch, rows, columns)`

    **Returns**

    `(*batch, columns, rows)`, in the dtype of `x`.

    **Raises**

    `ValueError` where `x` has less than two axes.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.batched_adjoint(jnp.array([[1 + 2j, 3j]]))
    Array([[1.-2.j],
           [0.-3.j]], dtype=complex64)
    ```

    As `NNlib.batched_adjoint`, whose matrices lie in the first two axes.
    """
    _check_matrices("batched_adjoint", x)
    transposed = jnp.matrix_transpose(x)
    complex_ = jnp.issubdtype(transposed.dtype, jnp.complexfloating)
    return jnp.conj(transposed) if complex_ else transposed


def batched_vec(
    x: Num[Array, "*batch rows columns"], y: Num[Array, "*batch columns"]
) -> Inexact[Array, "*batch rows"]:
    """Multiply matrices with vectors, batch by batch.

    `z[b] = x[b] @ y[b]`

    **Arguments**

    - `x`: `(*batch, rows, columns)`
    - `y`: `(*batch, columns)`

    The leading axes broadcast: a size of 1, or an axis that one of the two lacks, is repeated.

    **Returns**

    `(*batch, rows)`, in the dtype that `x` and `y` have in common. Half precision is summed in
    `float32` and rounded once.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where neither is floating or complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.batched_vec(jnp.ones((5, 2, 3)), jnp.ones((5, 3))).shape
    (5, 2)
    ```

    As `NNlib.batched_vec`, whose batch axis is the last.
    """
    function = "batched_vec"
    _check_matrices(function, x)
    if y.ndim < 1 or y.shape[-1] != x.shape[-1]:
        raise mismatch(
            function,
            "y",
            f"shape (..., {x.shape[-1]})",
            y.shape,
            f"The last axis of x {x.shape} is summed with the last of y.",
        )
    if not any(jnp.issubdtype(a.dtype, jnp.inexact) for a in (x, y)):
        raise mismatch(
            function,
            "x and y",
            "one of a floating or complex dtype",
            f"{x.dtype} and {y.dtype}",
            "For integers use jax.numpy.matvec.",
            kind=TypeError,
        )
    for m, n in zip(x.shape[-3::-1], y.shape[-2::-1], strict=False):
        if m != n and 1 not in (m, n):
            raise mismatch(
                function,
                "y",
                f"leading axes that broadcast with {x.shape[:-2]}",
                y.shape[:-1],
                "Each pair, counted from the right, must be equal or hold a 1.",
            )
    return batched_matmul(x, y[..., None])[..., 0]


def _check_matrices(function: str, x: Array) -> None:
    if x.ndim < 2:
        raise mismatch(
            function,
            "x",
            "at least two axes",
            f"shape {x.shape}",
            "A matrix lies in the last two.",
        )
