"""Alpha dropout, for networks of `selu` that normalise themselves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._checks import mismatch
from luxlib._dtypes import accumulator

from ._dropout import check_arguments, probability, shape_of_mask
from ._masks import keep, seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Float

__all__ = ["alpha_dropout"]

# What selu tends to for very negative inputs: minus its scale times its alpha.
_SATURATED = -1.7580993408473766


def alpha_dropout(
    x: Float[Array, "*shape"],
    rate: float | Array,
    key: Array,
    *,
    training: bool = True,
    axis: int | Sequence[int] | None = None,
    generator: str = "jax",
) -> Float[Array, "*shape"]:
    """Set elements to what `selu` saturates at, and keep a mean of 0 and a variance of 1.

    `y = a * where(keep, x, s) + b`, each `keep` true with probability `1 - rate`, with
    `s = -1.7581`, `a = ((1 - rate) * (1 + rate * s ** 2)) ** -0.5` and `b = -a * rate * s`

    **Arguments**

    - `x`: an array of any shape, best with mean 0 and variance 1
    - `rate`: the probability of an element to be dropped, from 0 to 1: a number, or a scalar array
      where it changes from step to step
    - `key`: a JAX random key, typed (`jax.random.key`) or raw (`jax.random.PRNGKey`)
    - `training`: with `False`, `x` is returned as it is
    - `axis`: the axes along which elements are dropped one by one, as in `dropout`; `None` for all
    - `generator`: `"jax"` or `"counter"`, as in `dropout`

    **Returns**

    An array of the shape and dtype of `x`. A rate of 1 gives zeros, and a zero gradient. The mask
    is the one of `dropout` with the same key; it is not kept for the backward pass but drawn again.

    **Raises**

    `ValueError` where `rate` is not between 0 and 1, an axis is out of range or given twice, there
    is more than one key, or `generator` is another word; `TypeError` where `x` is not floating, or
    `key` is no key.

    ```python
    >>> import jax, luxlib
    >>> x = jax.random.normal(jax.random.key(0), (100_000,))
    >>> y = luxlib.alpha_dropout(x, 0.2, jax.random.key(1))
    >>> bool(abs(y.mean()) < 0.02), bool(abs(y.var() - 1) < 0.02)
    (True, True)
    ```

    Klambauer et al., "Self-normalizing neural networks", 2017;
    `torch.nn.functional.alpha_dropout`.
    """
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise mismatch(
            "alpha_dropout",
            "x",
            "a floating dtype",
            x.dtype,
            "Convert it first, for example x.astype(jax.numpy.float32).",
            kind=TypeError,
        )
    check_arguments("alpha_dropout", rate, key, generator)
    shape = shape_of_mask("alpha_dropout", x, axis)
    if not training:
        return jnp.asarray(x)
    return _alpha_dropout(x, probability(rate, x), key, shape=shape, generator=generator)


@partial(jax.jit, static_argnames=("shape", "generator"))
def _alpha_dropout(
    x: Array, kept: Array, key: Array, *, shape: tuple[int, ...], generator: str
) -> Array:
    drop = partial(_drop, shape=shape, generator=generator)
    return jax.checkpoint(drop)(x, kept, seed(key, generator))


def _drop(x: Array, kept: Array, seed: Array, *, shape: tuple[int, ...], generator: str) -> Array:
    variance = kept * (1 + (1 - kept) * _SATURATED**2)
    scale = jnp.where(kept > 0, jax.lax.rsqrt(variance), 0)
    dropped = scale * _SATURATED * kept  # s a + b, where b = -a (1 - kept) s
    shifted = scale * (x.astype(accumulator(x.dtype)) - (1 - kept) * _SATURATED)
    return jnp.where(keep(seed, shape, kept, generator), shifted, dropped).astype(x.dtype)
