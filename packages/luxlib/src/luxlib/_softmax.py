"""The softmax function, its logarithm, and the logarithm of a sum of exponentials.

Their derivatives are their own: what JAX makes of the formulas stores more, and takes up to twice
the time on CPU. The largest element is subtracted first; it is at least the least finite number, so
that nothing but excluded elements, masked or -inf, gives zeros and not NaN.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from ._axes import broadcast_mask, positive_axes
from ._checks import mismatch
from ._dtypes import accumulator, to_inexact
from ._linear import linear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jaxtyping import Bool, Float

__all__ = ["log_softmax", "logsoftmax", "logsumexp", "softmax", "softmin"]


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
    - `where`: a mask that broadcasts to the shape of `x`: where it is false, an element counts as
      `-inf`, whatever it is

    **Returns**

    An array of the shape of `x`. Half precision is computed in `float32` and rounded once. Where
    all elements are masked or `-inf` the results are 0, and so is their gradient.

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
    return _in_wide(_softmax, *_arguments("softmax", x, axis, where))


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
    return _in_wide(_softmax, -x, where, axes)


def logsoftmax(
    x: Float[Array, "*shape"],
    *,
    axis: int | Sequence[int] | None = -1,
    where: Bool[Array, "*broadcastable"] | None = None,
) -> Float[Array, "*shape"]:
    """Take the logarithm of the softmax, without underflow; `log_softmax` is another name for it.

    `y = x - log Σ exp(x)`

    **Arguments**

    As those of `softmax`.

    **Returns**

    An array of the shape of `x`. Half precision is computed in `float32` and rounded once. Masked
    elements are `-inf`, with no gradient; where all are masked or `-inf`, so are the results.

    **Raises**

    As `softmax`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.logsoftmax(jnp.array([0.0, 1000.0]))
    Array([-1000.,     0.], dtype=float32)
    ```
    """
    return _in_wide(_logsoftmax, *_arguments("logsoftmax", x, axis, where))


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
    y = _in_wide(_logsumexp, x, where, axes)
    return y if keepdims else jnp.squeeze(y, axes)


log_softmax = logsoftmax


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


@partial(jax.jit, static_argnames=("function", "axes"))
def _in_wide(
    function: Callable[..., Array], x: Array, where: Array | None, axes: tuple[int, ...]
) -> Array:
    wide = x.astype(accumulator(x.dtype))
    if where is not None:
        wide = jnp.where(where, wide, -jnp.inf)
    return function(wide, axes).astype(x.dtype)


def _largest(x: Array, axes: tuple[int, ...]) -> Array:
    """Return the largest elements, but no smaller number than the least finite one."""
    return jnp.max(x, axes, keepdims=True, initial=float(jnp.finfo(x.dtype).min))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _softmax(x: Array, axes: tuple[int, ...]) -> Array:
    exponentials = jnp.exp(x - _largest(x, axes))
    # The sum is at least 1, or all elements are excluded and it is 0.
    return exponentials * (1 / jnp.maximum(jnp.sum(exponentials, axes, keepdims=True), 1))


@_softmax.defjvp
def _softmax_jvp(
    axes: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    y = _softmax(primals[0], axes)
    project = partial(_project, axes)
    if _is_one_kernel(y.shape, axes):
        return y, project(y, tangents[0])
    return y, linear(project, project, y, tangents[0])


def _is_one_kernel(shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Tell whether XLA's library on CPU makes one kernel of the transpose that JAX finds.

    It does so for short rows, and then a product that is used twice need not be stored. Elsewhere
    it is stored, 1.3 times the time, and the projection, which is its own transpose, is better.
    """
    return axes == (len(shape) - 1,) and shape[-1] <= _SHORT


_SHORT = 512


def _project(axes: tuple[int, ...], y: Array, x_dot: Array) -> Array:
    return y * (x_dot - jnp.sum(y * x_dot, axes, keepdims=True))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _logsoftmax(x: Array, axes: tuple[int, ...]) -> Array:
    shifted = x - _largest(x, axes)
    return shifted - jnp.log(jnp.sum(jnp.exp(shifted), axes, keepdims=True))


@_logsoftmax.defjvp
def _logsoftmax_jvp(
    axes: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    y = _logsoftmax(primals[0], axes)
    return y, tangents[0] - jnp.sum(jnp.exp(y) * tangents[0], axes, keepdims=True)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _logsumexp(x: Array, axes: tuple[int, ...]) -> Array:
    largest = jnp.minimum(_largest(x, axes), float(jnp.finfo(x.dtype).max))
    return jnp.log(jnp.sum(jnp.exp(x - largest), axes, keepdims=True)) + largest


@_logsumexp.defjvp
def _logsumexp_jvp(
    axes: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (x,), (x_dot,) = primals, tangents
    y = _logsumexp(x, axes)
    p = jnp.exp(x - jnp.maximum(y, float(jnp.finfo(x.dtype).min)))
    return y, jnp.sum(p * x_dot, axes, keepdims=True)
