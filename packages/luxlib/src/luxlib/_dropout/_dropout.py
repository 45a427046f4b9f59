"""Dropout: elements that are zero, and the others scaled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._checks import check_one_of, integers, mismatch
from luxlib._dtypes import accumulator

from ._masks import GENERATORS, check_key, keep, seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Inexact

__all__ = ["check_arguments", "dropout", "probability", "shape_of_mask"]


def dropout(
    x: Inexact[Array, "*shape"],
    rate: float | Array,
    key: Array,
    *,
    training: bool = True,
    axis: int | Sequence[int] | None = None,
    generator: str = "jax",
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
    - `generator`: `"jax"` for the key's own generator, whose mask is
      `jax.random.bernoulli(key, jax.numpy.float32(1 - rate), shape)`; `"counter"` for a hash of the
      elements' indices, seeded by the key, which takes about half of the time

    **Returns**

    An array of the shape and dtype of `x`. The rate is exact to 2⁻²³. A rate of 1 gives zeros, and
    a zero gradient. The mask is not kept for the backward pass but drawn again.

    **Raises**

    `ValueError` where `rate` is not between 0 and 1, an axis is out of range or given twice, there
    is more than one key, or `generator` is another word; `TypeError` where `x` is not floating or
    complex, or `key` is no key.

    ```python
    >>> import jax, jax.numpy as jnp, luxlib
    >>> y = luxlib.dropout(jnp.ones((4, 1000)), 0.2, jax.random.key(0))
    >>> sorted(set(y.ravel().tolist()))
    [0.0, 1.25]
    >>> luxlib.dropout(jnp.ones(3), 0.2, jax.random.key(0), training=False)
    Array([1., 1., 1.], dtype=float32)
    ```

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014;
    `axis` is `dims` of Lux.jl's `Dropout`. Which elements a key drops by `"counter"` may change
    between versions.
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
    check_arguments("dropout", rate, key, generator)
    shape = shape_of_mask("dropout", x, axis)
    if not training:
        return jnp.asarray(x)
    return _dropout(x, probability(rate, x), key, shape=shape, generator=generator)


def check_arguments(function: str, rate: float | Array, key: Array, generator: str) -> None:
    """Refuse what is no rate, key or generator."""
    if isinstance(rate, (int, float)) and not 0 <= rate <= 1:
        raise mismatch(
            function, "rate", "a number from 0 to 1", rate, "It is the share that is dropped."
        )
    if jnp.shape(rate) != ():
        raise mismatch(function, "rate", "one number", f"shape {jnp.shape(rate)}", "Give a scalar.")
    check_key(function, key)
    check_one_of(function, "generator", generator, GENERATORS)


def probability(rate: float | Array, x: Array) -> Array:
    """Return with what probability an element is kept, in the real dtype that `x` is scaled in.

    Of a number it is computed before it is rounded, as who calls `jax.random.bernoulli` would.
    """
    return jax.lax.stop_gradient(jnp.asarray(1 - rate, jnp.finfo(accumulator(x.dtype)).dtype))


def shape_of_mask(function: str, x: Array, axis: int | Sequence[int] | None) -> tuple[int, ...]:
    """Return the shape of `x`, with a 1 for each axis along which elements go together."""
    if axis is None:
        return x.shape
    given = integers(axis)
    axes = {i + x.ndim if i < 0 else i for i in given or ()}
    if given is None or len(axes) != len(given) or not axes <= set(range(x.ndim)):
        raise mismatch(
            function,
            "axis",
            f"different axes of {x.ndim}",
            repr(axis),
            f"Count them from {-x.ndim} to {x.ndim - 1}.",
        )
    return tuple(n if i in axes else 1 for i, n in enumerate(x.shape))


@partial(jax.jit, static_argnames=("shape", "generator"))
def _dropout(x: Array, kept: Array, key: Array, *, shape: tuple[int, ...], generator: str) -> Array:
    drop = partial(_drop, shape=shape, generator=generator)
    return jax.checkpoint(drop)(x, kept, seed(key, generator))


def _drop(x: Array, kept: Array, seed: Array, *, shape: tuple[int, ...], generator: str) -> Array:
    wide = accumulator(x.dtype)
    scale = jnp.where(kept > 0, 1 / kept, 0).astype(wide)
    scaled = (x.astype(wide) * scale).astype(x.dtype)
    return jnp.where(keep(seed, shape, kept, generator), scaled, jnp.zeros_like(scaled))
