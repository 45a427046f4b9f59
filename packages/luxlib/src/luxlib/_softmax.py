"""The softmax function, its logarithm, and the logarithm of a sum of exponentials.

Their derivatives are their own: what JAX makes of the formulas stores more, and takes up to twice
the time on CPU. The largest element is subtracted first, so that no exponential overflows.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from ._axes import broadcast_mask, positive_axes
from ._checks import mismatch
from ._dtypes import accumulator, to_inexact
from ._linear import linear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jaxtyping import Bool, Float

__all__ = ["logsoftmax", "logsumexp", "softmax", "softmin"]


def softmax(
    x: Float[Array, "*shape"],
    *,
    axis: int | Sequence[int] | None = -1,
    where: Bool[Array, "*broadcastable"] | None = None,
) -> Float[Array, "*shape"]:
    """Make positive numbers that sum to 1.

    `y = exp(x) / Σ exp(x)`

    **Arguments**

    - `x`: an array of any shape
    - `axis`: the axis or axes along which the results sum to 1, `None` for all
    - `where`: a mask that broadcasts to the shape of `x`: where it is false, an element has no
      part, whatever it is

    **Returns**

    An array of the shape of `x`. Half precision is computed in `float32` and rounded once. Masked
    elements give 0, also where all are masked, and have no gradient. Where all elements are `-inf`
    and none is masked, the results are NaN.

    **Raises**

    `ValueError` where an axis is out of range or given twice, or `where` doesn't broadcast;
    `TypeError` where `x` is complex or `where` is not boolean.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.softmax(jnp.log(jnp.array([1.0, 1.0, 2.0])))
    Array([0.25, 0.25, 0.5 ], dtype=float32)
    >>> luxlib.softmax(jnp.zeros(3), where=jnp.array([True, True, False]))
    Array([0.5, 0.5, 0. ], dtype=float32)
    ```
    """
    return _masked(_softmax, 0.0, *_arguments("softmax", x, axis, where))


def softmin(
    x: Float[Array, "*shape"],
    *,
    axis: int | Sequence[int] | None = -1,
    where: Bool[Array, "*broadcastable"] | None = None,
) -> Float[Array, "*shape"]:
    """Make positive numbers that sum to 1, the largest for the smallest.

    `y = softmax(-x)`

    Arguments and result are those of `softmax`, except that `inf` is excluded instead of `-inf`. As
    in PyTorch.
    """
    x, where, axes = _arguments("softmin", x, axis, where)
    return _masked(_softmax, 0.0, -x, where, axes)


def logsoftmax(
    x: Float[Array, "*shape"],
    *,
    axis: int | Sequence[int] | None = -1,
    where: Bool[Array, "*broadcastable"] | None = None,
) -> Float[Array, "*shape"]:
    """Take the logarithm of the softmax, without underflow.

    `y = x - log Σ exp(x)`

    **Arguments**

    As those of `softmax`.

    **Returns**

    An array of the shape of `x`. Half precision is computed in `float32` and rounded once. Masked
    elements give `-inf`, also where all are masked, and have no gradient. Where all elements are
    `-inf` and none is masked, the results are NaN.

    **Raises**

    As `softmax`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.logsoftmax(jnp.array([0.0, 1000.0]))
    Array([-1000.,     0.], dtype=float32)
    ```
    """
    return _masked(_logsoftmax, -math.inf, *_arguments("logsoftmax", x, axis, where))


def logsumexp(
    x: Float[Array, "*shape"],
    *,
    axis: int | Sequence[int] | None = -1,
    where: Bool[Array, "*broadcastable"] | None = None,
    keepdims: bool = False,
) -> Float[Array, "*reduced"]:
    """Take the logarithm of a sum of exponentials, without overflow.

    `y = log Σ exp(x)`

    **Arguments**

    - `x`, `axis`, `where`: as those of `softmax`
    - `keepdims`: whether the axes stay, with the size 1

    **Returns**

    An array of the shape of `x` without the axes. Half precision is computed in `float32` and
    rounded once. Where all elements are masked or `-inf`, or there are none, the result is `-inf`,
    with a gradient of 0.

    **Raises**

    As `softmax`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> float(luxlib.logsumexp(jnp.array([1000.0, 1000.0])) - 1000)
    0.693...
    ```

    `axis` is the last one by default, as in `softmax`, where `jax.nn.logsumexp` takes all.
    """
    x, where, axes = _arguments("logsumexp", x, axis, where)
    return _masked_logsumexp(x, where, axes, bool(keepdims))


def _arguments(
    function: str, x: Any, axis: int | Sequence[int] | None, where: Array | None
) -> tuple[Array, Array | None, tuple[int, ...]]:
    """Check the arguments, and return them as the implementations take them."""
    x = to_inexact(x)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            "x",
            "a real dtype",
            x.dtype,
            "Complex numbers have no largest one.",
            kind=TypeError,
        )
    return x, broadcast_mask(function, where, x.shape), positive_axes(function, axis, x.shape)


@partial(jax.jit, static_argnames=("function", "axes", "excluded"))
def _masked(
    function: Callable[..., Array],
    excluded: float,
    x: Array,
    where: Array | None,
    axes: tuple[int, ...],
) -> Array:
    """Apply a function that keeps the shape, whose result is `excluded` where `where` is false."""
    wide = x.astype(accumulator(x.dtype))
    if x.size == 0:
        return x
    if where is None:
        return function(wide, axes).astype(x.dtype)
    # The least finite number has the exponential 0, and is no NaN less itself.
    least = float(jnp.finfo(wide.dtype).min)
    y = function(jnp.where(where, wide, least), axes)
    return jnp.where(where, y, excluded).astype(x.dtype)


@partial(jax.jit, static_argnames=("axes", "keepdims"))
def _masked_logsumexp(
    x: Array, where: Array | None, axes: tuple[int, ...], keepdims: bool
) -> Array:
    wide = x.astype(accumulator(x.dtype))
    y = _logsumexp(wide if where is None else jnp.where(where, wide, -jnp.inf), axes)
    return (y if keepdims else jnp.squeeze(y, axes)).astype(x.dtype)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _softmax(x: Array, axes: tuple[int, ...]) -> Array:
    # A plain maximum: with a bound XLA's library makes three kernels of the first line.
    exponentials = jnp.exp(x - jnp.max(x, axes, keepdims=True))
    return exponentials * (1 / jnp.sum(exponentials, axes, keepdims=True))


@_softmax.defjvp
def _softmax_jvp(
    axes: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    y = _softmax(primals[0], axes)
    project = partial(_project, axes)
    # The projection is its own transpose. The one that JAX finds stores a product more.
    return y, linear(project, project, y, tangents[0])


def _project(axes: tuple[int, ...], y: Array, x_dot: Array) -> Array:
    return y * (x_dot - jnp.sum(y * x_dot, axes, keepdims=True))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _logsoftmax(x: Array, axes: tuple[int, ...]) -> Array:
    shifted = x - jnp.max(x, axes, keepdims=True)
    return shifted - jnp.log(jnp.sum(jnp.exp(shifted), axes, keepdims=True))


@_logsoftmax.defjvp
def _logsoftmax_jvp(
    axes: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    y = _logsoftmax(primals[0], axes)
    return y, tangents[0] - jnp.sum(jnp.exp(y) * tangents[0], axes, keepdims=True)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _logsumexp(x: Array, axes: tuple[int, ...]) -> Array:
    exponentials, largest = _exponentials(x, axes)
    return jnp.log(jnp.sum(exponentials, axes, keepdims=True)) + largest


@_logsumexp.defjvp
def _logsumexp_jvp(
    axes: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (x,), (x_dot,) = primals, tangents
    # The same as for the value, and so computed once. Without any element, 0 / 1.
    exponentials, _ = _exponentials(x, axes)
    total = jnp.sum(exponentials, axes, keepdims=True)
    inverse = 1 / jnp.where(total == 0, 1, total)
    return _logsumexp(x, axes), jnp.sum(exponentials * inverse * x_dot, axes, keepdims=True)


def _exponentials(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Return `exp(x - largest)`, and the largest element, or 0 where that is infinite."""
    largest = lax.stop_gradient(jnp.max(x, axes, keepdims=True, initial=-jnp.inf))
    largest = jnp.where(jnp.isfinite(largest), largest, 0)
    return jnp.exp(x - largest), largest
