"""Normalization over the last axis, or others: with the mean subtracted, or without."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from numbers import Real as Number
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._activations import identity
from luxlib._checks import integers, mismatch
from luxlib._compilation import compilation
from luxlib._dtypes import accumulator

from ._arguments import check_common, check_trailing, promoted
from ._row_kernels import normalize_rows, reason_against
from ._standardize import Group, as_axes, blank, standardize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Bool, Float, Real

    from luxlib._bias_activation import Activation

__all__ = ["layernorm", "rmsnorm"]


def layernorm(
    x: Real[Array, "*shape"],
    scale: Float[Array, "*last_axes"] | None = None,
    bias: Float[Array, "*last_axes"] | None = None,
    activation: Activation = identity,
    *,
    axis: int | Sequence[int] = -1,
    epsilon: float = 1e-5,
    mask: Bool[Array, "*shape"] | None = None,
) -> Float[Array, "*shape"]:
    """Normalize along the last axis, or others, for each place on the remaining ones.

    `y = activation((x - mean) / √(var + epsilon) * scale + bias)`

    with `mean` and `var` (with `n` in its denominator) along `axis`.

    **Arguments**

    - `x`: real, with any number of axes
    - `scale`, `bias`: with the sizes of the last axes of `x`, such as `(features,)`; or `None` for
      1 and 0
    - `activation`: a function of one array
    - `axis`: along which axes the statistics are taken, `(-3, -2, -1)` for whole images
    - `epsilon`: what is added to the variance
    - `mask`: which elements of `x` are valid; it has the axes of `x`, of its sizes or 1. What
      isn't valid counts in no statistic, gives 0, and has no gradient, whatever `x` holds there

    **Returns**

    An array of the shape of `x` and the dtype that it, `scale` and `bias` have in common. Sums are
    in `float32` at least.

    **Raises**

    `ValueError` where the shapes don't match or an option is out of range, `TypeError` where a
    dtype is not the one that is needed.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([[1.0, 3.0], [10.0, 30.0]])
    >>> luxlib.layernorm(x, jnp.array([1.0, 2.0]), jnp.zeros(2)).round(3)
    Array([[-1.,  2.],
           [-1.,  2.]], dtype=float32)
    >>> luxlib.layernorm(x, axis=0).round(3)
    Array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    ```

    Ba et al., "Layer normalization", 2016. Named as in LuxLib.jl.
    """
    function = "layernorm"
    check_common(function, x, mask, activation, epsilon, 1, "(..., features)")
    check_trailing(function, x, scale=scale, bias=bias)
    group = Group(_axes(function, axis, x.ndim))
    return _normalize(
        x,
        scale,
        bias,
        mask,
        group=group,
        offset=0.0,
        activation=activation,
        epsilon=float(epsilon),
        implementation=_implementation(x, scale, bias, mask, group),
    )


def rmsnorm(
    x: Real[Array, "*shape"],
    scale: Float[Array, "*last_axes"] | None = None,
    activation: Activation = identity,
    *,
    axis: int | Sequence[int] = -1,
    offset: float = 0.0,
    epsilon: float = 1e-5,
    mask: Bool[Array, "*shape"] | None = None,
) -> Float[Array, "*shape"]:
    """Divide by the root of the mean square along the last axis, or others.

    `y = activation(x / √(mean(x²) + epsilon) * (offset + scale))`

    **Arguments**

    - `x`: real, with any number of axes
    - `scale`: with the sizes of the last axes of `x`, such as `(features,)`; or `None` for 1
    - `activation`: a function of one array
    - `axis`: along which axes the mean is taken
    - `offset`: what is added to `scale`: 1 where that is kept as its distance from 1, as in Gemma.
      Without a `scale` it has no meaning
    - `epsilon`: what is added to the mean square
    - `mask`: which elements of `x` are valid; it has the axes of `x`, of its sizes or 1. What
      isn't valid doesn't count, gives 0, and has no gradient, whatever `x` holds there

    **Returns**

    An array of the shape of `x` and the dtype that it and `scale` have in common. Sums are in
    `float32` at least, and so is `offset + scale`.

    **Raises**

    `ValueError` where the shapes don't match or an option is out of range, `TypeError` where a
    dtype is not the one that is needed.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.rmsnorm(jnp.array([3.0, -4.0, 5.0, 0.0]), jnp.full(4, 2.0)).round(3)
    Array([ 1.697, -2.263,  2.828,  0.   ], dtype=float32)
    ```

    Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """
    function = "rmsnorm"
    check_common(function, x, mask, activation, epsilon, 1, "(..., features)")
    check_trailing(function, x, scale=scale)
    if not isinstance(offset, Number) or (offset and scale is None):
        raise mismatch(
            function,
            "offset",
            "a number, and 0 without a scale",
            repr(offset),
            "It is added to the scale.",
        )
    group = Group(_axes(function, axis, x.ndim), centred=False)
    return _normalize(
        x,
        scale,
        None,
        mask,
        group=group,
        offset=float(offset),
        activation=activation,
        epsilon=float(epsilon),
        implementation=_implementation(x, scale, None, mask, group),
    )


def _axes(function: str, axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Return the axes to normalize along, counted from the front."""
    given = integers(axis)
    axes = {i + ndim if i < 0 else i for i in given or ()}
    if not given or len(axes) != len(given) or not axes <= set(range(ndim)):
        raise mismatch(
            function,
            "axis",
            f"one or more different axes of {ndim}",
            repr(axis),
            f"Count them from {-ndim} to {ndim - 1}.",
        )
    return tuple(sorted(axes))


def _implementation(
    x: Array, scale: Array | None, bias: Array | None, mask: Array | None, group: Group
) -> str:
    """Choose the kernel on GPUs, where it can be, and what XLA makes of the formula elsewhere."""
    if compilation().platform == "gpu" and not reason_against(x, scale, bias, mask, group):
        return "kernel"
    return "plain"


@partial(jax.jit, static_argnames=("group", "offset", "activation", "epsilon", "implementation"))
def _normalize(
    x: Array,
    scale: Array | None,
    bias: Array | None,
    mask: Array | None,
    *,
    group: Group,
    offset: float,
    activation: Activation,
    epsilon: float,
    implementation: str,
) -> Array:
    x, scale, bias = promoted(x, scale, bias)
    if scale is not None:
        scale = scale.astype(accumulator(x.dtype)) + offset
    if implementation == "plain":
        y = _plain(x, scale, bias, mask, group, epsilon)
    else:
        y = normalize_rows(x, scale, bias, epsilon, group.centred, implementation == "interpreted")
    return blank(activation(y.astype(x.dtype)), mask)


def _plain(
    x: Array,
    scale: Array | None,
    bias: Array | None,
    mask: Array | None,
    group: Group,
    epsilon: float,
) -> Array:
    first = group.axes[0]
    last = x.ndim - first
    small = all(p is None or p.ndim <= last for p in (scale, bias))
    if group.axes != tuple(range(first, x.ndim)) or not small:
        scale, bias = as_axes(scale, x.ndim), as_axes(bias, x.ndim)
        return standardize(x, scale, bias, mask, group, epsilon)[0]
    # As rows: the gradients of the parameters are then sums over one axis, which XLA does faster.
    places, features = math.prod(x.shape[:first]), math.prod(x.shape[first:])
    if mask is not None:
        mask = jnp.broadcast_to(mask, x.shape).reshape(places, features)
    scale, bias = (
        p if p is None else jnp.broadcast_to(p, x.shape[first:]).reshape(1, features)
        for p in (scale, bias)
    )
    rows = x.reshape(places, features)
    rows_group = replace(group, axes=(1,))
    return standardize(rows, scale, bias, mask, rows_group, epsilon)[0].reshape(x.shape)
