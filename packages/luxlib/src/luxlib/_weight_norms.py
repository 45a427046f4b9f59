"""Weights whose size is held by something else than their elements.

`weight_norm` gives the size parameters of its own, `spectral_norm` divides by the largest singular
value.
"""

from __future__ import annotations

import math
import operator
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import lax

from ._checks import check_inexact, integers, mismatch
from ._dtypes import accumulator, promote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Float

__all__ = ["norm_except", "spectral_norm", "weight_norm"]


def norm_except(
    x: Float[Array, "*shape"], *, axis: int | Sequence[int] | None = -1
) -> Float[Array, "*shape_or_1"]:
    """Take the Euclidean norm over all axes except some.

    `y = √sum(x²)`

    **Arguments**

    - `x`: an array of any shape
    - `axis`: the axes that are kept, one integer or several; `None` for none, the norm of all

    **Returns**

    An array with the axes of `x`, of size 1 where they are not kept, in the dtype of `x`. Half
    precision is summed in `float32`. The gradient of the norm of zeros is zero.

    **Raises**

    `ValueError` where an axis is out of range or given twice, `TypeError` where `x` is not
    floating.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.norm_except(jnp.array([[3.0, 0.0], [4.0, 2.0]]))
    Array([[5., 2.]], dtype=float32)
    ```

    As `norm_except` of Lux.jl and PyTorch.
    """
    _check_floating("norm_except", "x", x)
    return _norm_except(x, axes=_others("norm_except", x, axis))


def weight_norm(
    v: Float[Array, "*shape"],
    g: Float[Array, "*shape_or_1"],
    *,
    axis: int | Sequence[int] | None = -1,
) -> Float[Array, "*shape"]:
    """Give vectors the lengths `g`.

    `w = g * v / ‖v‖`

    with the norm over all axes except `axis`.

    **Arguments**

    - `v`: an array of any shape
    - `g`: the lengths, with the axes of `v`, of size 1 except along `axis`
    - `axis`: the axes along which each place has a length of its own, one integer or several;
      `None` for one length of all

    **Returns**

    An array of the shape of `v`, in the dtype that `v` and `g` have in common. Half precision is
    computed in `float32` and rounded once. A vector of zeros gives zeros.

    **Raises**

    `ValueError` where `g` has another shape or an axis is out of range or given twice, `TypeError`
    where an array is not floating.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.weight_norm(jnp.array([[3.0, 0.0], [4.0, 2.0]]), jnp.array([[10.0, 1.0]]))
    Array([[6., 0.],
           [8., 1.]], dtype=float32)
    ```

    Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training
    of deep neural networks", 2016. PyTorch's `dim` counts the output channels first, so its 0 is -1
    here.
    """
    function = "weight_norm"
    _check_floating(function, "v", v)
    _check_floating(function, "g", g)
    axes = _others(function, v, axis)
    shape = tuple(1 if i in axes else n for i, n in enumerate(v.shape))
    if g.shape != shape:
        raise mismatch(
            function, "g", f"shape {shape}", g.shape, f"It has the lengths in v {v.shape}."
        )
    return _weight_norm(v, g, axes=axes)


def spectral_norm(
    weight: Float[Array, "*inner out"],
    u: Float[Array, " out"],
    v: Float[Array, " inner"],
    *,
    axis: int = -1,
    iterations: int = 1,
    epsilon: float = 1e-12,
) -> tuple[Float[Array, "*inner out"], tuple[Float[Array, " out"], Float[Array, " inner"]]]:
    """Divide a weight by its largest singular value, as far as two vectors know it.

    `y = weight / σ` with `σ = uᵀ W v`

    `W` is the weight as a matrix, `axis` first and the others flattened. The vectors come nearer
    to the singular ones with each iteration,

    `u = W v / max(‖W v‖, epsilon)`, `v = Wᵀ u / max(‖Wᵀ u‖, epsilon)`

    **Arguments**

    - `weight`: with one axis at least
    - `u`, `v`: as many elements as `W` has rows and columns
    - `axis`: the axis that is the first of `W`, that of the outputs
    - `iterations`: how often the vectors are improved before they are used; 0 leaves them
    - `epsilon`: the least norm to divide by

    **Returns**

    `(y, (u, v))`, in the dtype of `weight` and that of the vectors. Half precision is computed in
    `float32`. The vectors carry no gradient.

    **Raises**

    `ValueError` where shapes don't match or an option is out of range, `TypeError` where an array
    is not floating.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> weight = jnp.array([[4.0, 0.0], [0.0, 1.0]])
    >>> u = v = jnp.array([0.6, 0.8])
    >>> luxlib.spectral_norm(weight, u, v, iterations=5)[0].round(3)
    Array([[1.  , 0.  ],
           [0.  , 0.25]], dtype=float32)
    ```

    Miyato et al., "Spectral normalization for generative adversarial networks", 2018. As
    `torch.nn.utils.parametrizations.spectral_norm`.
    """
    function = "spectral_norm"
    for name, array in (("weight", weight), ("u", u), ("v", v)):
        _check_floating(function, name, array)
    kept = [i for i in range(weight.ndim) if i not in _others(function, weight, axis)]
    if len(kept) != 1:
        raise mismatch(function, "axis", "one axis", repr(axis), "It is that of the outputs.")
    rows = weight.shape[kept[0]]
    columns = math.prod(weight.shape) // max(rows, 1)
    for name, array, size in (("u", u, rows), ("v", v, columns)):
        if array.shape != (size,):
            advice = f"weight has shape {weight.shape}, and the outputs along axis {axis}."
            raise mismatch(function, name, f"shape ({size},)", array.shape, advice)
    count = _count(iterations)
    return _spectral_norm(weight, u, v, axis=kept[0], iterations=count, epsilon=float(epsilon))


def _check_floating(function: str, argument: str, value: Array) -> None:
    check_inexact(function, argument, value)
    if jnp.issubdtype(value.dtype, jnp.complexfloating):
        advice = "Normalize its real and imaginary parts, for example."
        raise mismatch(
            function, argument, "a real floating dtype", value.dtype, advice, kind=TypeError
        )


def _others(function: str, x: Array, axis: int | Sequence[int] | None) -> tuple[int, ...]:
    """Return the axes that are not kept, counted from the front."""
    given = () if axis is None else integers(axis)
    kept = {i + x.ndim if i < 0 else i for i in given or ()}
    if given is None or len(kept) != len(given) or not kept <= set(range(x.ndim)):
        raise mismatch(
            function,
            "axis",
            f"different axes of {x.ndim}, or None",
            repr(axis),
            f"Count them from {-x.ndim} to {x.ndim - 1}.",
        )
    return tuple(i for i in range(x.ndim) if i not in kept)


def _count(iterations: int) -> int:
    count = None if isinstance(iterations, bool) else iterations
    try:
        number = operator.index(count)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < 0:
        raise mismatch(
            "spectral_norm",
            "iterations",
            "an integer of at least 0",
            repr(iterations),
            "Each is two products of a matrix and a vector.",
        )
    return number


@partial(jax.jit, static_argnames="axes")
def _norm_except(x: Array, *, axes: tuple[int, ...]) -> Array:
    return _norm(x.astype(accumulator(x.dtype)), axes).astype(x.dtype)


def _norm(x: Array, axes: tuple[int, ...]) -> Array:
    """Return the norm along axes, with a derivative at zero too."""
    square = (x * x).sum(axes, keepdims=True)
    nonzero = square > 0
    return jnp.where(nonzero, jnp.sqrt(jnp.where(nonzero, square, 1)), 0)


@partial(jax.jit, static_argnames="axes")
def _weight_norm(v: Array, g: Array, *, axes: tuple[int, ...]) -> Array:
    v, g = promote(v, g)
    wide = v.astype(accumulator(v.dtype))
    norm = _norm(wide, axes)
    scale = g.astype(wide.dtype) / jnp.where(norm > 0, norm, 1)
    return (wide * scale).astype(v.dtype)


@partial(jax.jit, static_argnames=("axis", "iterations", "epsilon"))
def _spectral_norm(
    weight: Array, u: Array, v: Array, *, axis: int, iterations: int, epsilon: float
) -> tuple[Array, tuple[Array, Array]]:
    wide = weight.astype(accumulator(weight.dtype))
    matrix = jnp.moveaxis(wide, axis, 0).reshape(weight.shape[axis], -1)
    fixed = lax.stop_gradient(matrix)
    left, right = (lax.stop_gradient(a.astype(wide.dtype)) for a in (u, v))
    for _ in range(iterations):
        left = _unit(fixed @ right, epsilon)
        right = _unit(left @ fixed, epsilon)
    normalized = wide / (left @ matrix @ right)
    return normalized.astype(weight.dtype), (left.astype(u.dtype), right.astype(v.dtype))


def _unit(x: Array, epsilon: float) -> Array:
    return x / jnp.maximum(jnp.sqrt((x * x).sum()), epsilon)
