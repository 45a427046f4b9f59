"""Dropout.

Which elements are kept is drawn from the key, and drawn again in the backward pass: keeping the
mask would cost a byte for every element between the two passes. To JAX the function is linear in
`x` with a rematerialised mask, so it has every derivative, forward mode included.

Drawing is nearly all of the cost, so a random word of 32 bits serves two elements: one reads it as
it is, the other with its halves exchanged. Each reads a uniform word, so each has the exact rate.
The two are decided by different halves; only where the first half alone doesn't decide, once in
65,536 times, does the other come in.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from ._checks import integers, mismatch
from ._dtypes import accumulator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Inexact

__all__ = ["dropout"]

# As many bits of a word as float32, in which the rate is held, tells apart.
_BITS = 24


def dropout(
    x: Inexact[Array, "*shape"],
    rate: float | Array,
    key: Array,
    *,
    training: bool = True,
    axis: int | Sequence[int] | None = None,
) -> Inexact[Array, "*shape"]:
    """Set elements to zero at random and scale the others, so that the expectation is kept.

    `y = where(keep, x / (1 - rate), 0)`, each `keep` true with probability `1 - rate`

    **Arguments**

    - `x`: an array of any shape
    - `rate`: the probability of an element to be dropped, from 0 to 1: a number, or a scalar array
      where it changes from step to step
    - `key`: a JAX random key, typed (`jax.random.key`) or raw (`jax.random.PRNGKey`)
    - `training`: with `False`, `x` is returned as it is
    - `axis`: the axes along which elements are dropped one by one; along the others they are
      dropped together, so `axis=(0, -1)` drops whole channels of `(batch, *space, channels)`.
      `None` for all axes

    **Returns**

    An array of the shape and dtype of `x`. The rate is exact to 2⁻²⁴. A rate of 1 gives zeros, and
    a zero gradient. The mask is not kept for the backward pass but drawn again.

    **Raises**

    `ValueError` where `rate` is not between 0 and 1, or an axis is out of range or given twice;
    `TypeError` where `x` is not floating or complex.

    ```python
    >>> import jax, jax.numpy as jnp, luxlib
    >>> y = luxlib.dropout(jnp.ones((4, 1000)), 0.2, jax.random.key(0))
    >>> sorted(set(y.ravel().tolist()))
    [0.0, 1.25]
    >>> luxlib.dropout(jnp.ones(3), 0.2, jax.random.key(0), training=False)
    Array([1., 1., 1.], dtype=float32)
    ```

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014;
    `axis` is `dims` of Lux.jl's `Dropout`. Which elements a key drops may change between versions.
    """
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        raise mismatch(
            "dropout",
            "x",
            "a floating or complex dtype",
            x.dtype,
            "Convert it first, for example x.astype(jax.numpy.float32).",
            kind=TypeError,
        )
    if isinstance(rate, (int, float)) and not 0 <= rate <= 1:
        raise mismatch(
            "dropout", "rate", "a number from 0 to 1", rate, "It is the share that is dropped."
        )
    if jnp.shape(rate) != ():
        raise mismatch(
            "dropout", "rate", "one number", f"shape {jnp.shape(rate)}", "Give a scalar."
        )
    axes = _axes(axis, x.ndim)
    if not training:
        return jnp.asarray(x)
    return _dropout(x, jnp.asarray(rate, jnp.float32), key, axes=axes)


def _axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return the axes that are drawn one by one, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    given = integers(axis)
    axes = {i + ndim if i < 0 else i for i in given or ()}
    if given is None or len(axes) != len(given) or not axes <= set(range(ndim)):
        raise mismatch(
            "dropout",
            "axis",
            f"different axes of {ndim}",
            repr(axis),
            f"Count them from {-ndim} to {ndim - 1}.",
        )
    return tuple(sorted(axes))


@partial(jax.jit, static_argnames=("axes",))
def _dropout(x: Array, rate: Array, key: Array, *, axes: tuple[int, ...]) -> Array:
    rate = jax.lax.stop_gradient(rate)
    return jax.checkpoint(partial(_drop, axes=axes))(x, rate, key)


def _drop(x: Array, rate: Array, key: Array, *, axes: tuple[int, ...]) -> Array:
    shape = tuple(n if i in axes else 1 for i, n in enumerate(x.shape))
    keep = _draw(key, shape) >> (32 - _BITS) >= jnp.round(rate * 2**_BITS).astype(jnp.uint32)
    wide = accumulator(x.dtype)
    scale = jnp.where(rate < 1, 1 / (1 - rate.astype(jnp.finfo(wide).dtype)), 0).astype(wide)
    scaled = (x.astype(wide) * scale).astype(x.dtype)
    return jnp.where(keep, scaled, jnp.zeros_like(scaled))


def _draw(key: Array, shape: tuple[int, ...]) -> Array:
    """Return uniform 32-bit words, one for each element, half of them drawn."""
    longer = [i for i, n in enumerate(shape) if n > 1]
    if not longer:
        return jax.random.bits(key, shape, jnp.uint32)
    axis = longer[-1]  # the last axis is the least likely to be sharded
    size = shape[axis]
    words = jax.random.bits(key, (*shape[:axis], (size + 1) // 2, *shape[axis + 1 :]), jnp.uint32)
    exchanged = (words << 16) | (words >> 16)
    both = jnp.concatenate([words, exchanged], axis)
    return jax.lax.slice_in_dim(both, 0, size, axis=axis)
