"""Attention with the weights that it used, under NNlib's names.

Every weight is a result here, so memory grows with the product of the lengths. Where the weights
aren't wanted, use `scaled_dot_product_attention`.
"""

from __future__ import annotations

from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._activations import identity
from luxlib._checks import mismatch
from luxlib._dtypes import accumulator, promote

from ._arguments import checked
from ._axes import Axes
from ._terms import Options, Sides, exponentials, logits, of_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Bool, Float, Shaped

__all__ = ["dot_product_attention", "dot_product_attention_scores", "make_causal_mask"]


def dot_product_attention(
    query: Float[Array, "*batch time features"],
    key: Float[Array, "*batch key_time features"],
    value: Float[Array, "*batch key_time value_features"],
    bias: Float[Array, "..."] | None = None,
    *,
    mask: Bool[Array, "..."] | None = None,
    n_heads: int = 1,
    fdrop: Callable[[Array], Array] = identity,
) -> tuple[Float[Array, "*batch time value_features"], Float[Array, "*batch heads time key_time"]]:
    """Split features into heads, and let each query take a weighted mean of the values.

    For each head, `alpha = fdrop(softmax(query @ key.T / sqrt(head_dim) + bias))` and
    `y = alpha @ value`.

    **Arguments**

    - `query`: `(*batch, time, features)`, any number of leading axes, also none
    - `key`: `(*batch, key_time, features)`
    - `value`: `(*batch, key_time, value_features)`
    - `bias`: numbers added to the logits, of any shape that broadcasts to
      `(*batch, n_heads, time, key_time)`
    - `mask`: booleans that broadcast to the same shape, true where the key is seen, as
      `make_causal_mask` makes them
    - `n_heads`: into how many heads the features are split, one after the other
    - `fdrop`: a function that is applied to the weights, such as dropout

    **Returns**

    `y` of shape `(*batch, time, value_features)` and the weights `alpha` of shape
    `(*batch, n_heads, time, key_time)`, in the dtype that query, key and value have in common. The
    softmax and all sums are in `float32` for half precision. A query that sees no key gives zeros.

    **Raises**

    `ValueError` where shapes don't fit together or to `n_heads`, `TypeError` where a dtype isn't
    of the right kind.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.ones((3, 10, 8))
    >>> y, alpha = luxlib.dot_product_attention(
    ...     x, x, x, mask=luxlib.make_causal_mask(x), n_heads=2
    ... )
    >>> y.shape, alpha.shape
    ((3, 10, 8), (3, 2, 10, 10))
    ```

    As `NNlib.dot_product_attention`, batch first and features last; its `alpha` has keys before
    queries.
    """
    function = "dot_product_attention"
    if not isinstance(n_heads, Integral) or n_heads < 1:
        raise mismatch(
            function,
            "n_heads",
            "an integer of at least 1",
            repr(n_heads),
            "It is the number of parts that the features are split into.",
        )
    for name, array in (("query", query), ("key", key), ("value", value)):
        if array.ndim < 2 or array.shape[-1] % n_heads:
            raise mismatch(
                function,
                name,
                f"shape (*batch, time, features) with a multiple of {n_heads} features",
                array.shape,
                f"They are split into n_heads={n_heads}.",
            )
    query, key, value = (
        jnp.reshape(a, (*a.shape[:-1], n_heads, a.shape[-1] // n_heads))
        for a in (query, key, value)
    )
    alpha = fdrop(_scores(function, query, key, value, bias, mask))
    y = _mean(alpha, value)
    return y.reshape(*y.shape[:-2], y.shape[-2] * y.shape[-1]), alpha


def dot_product_attention_scores(
    query: Float[Array, "*batch time heads head_dim"],
    key: Float[Array, "*batch key_time heads head_dim"],
    bias: Float[Array, "..."] | None = None,
    *,
    mask: Bool[Array, "..."] | None = None,
    fdrop: Callable[[Array], Array] = identity,
) -> Float[Array, "*batch heads time key_time"]:
    """Return the weights of attention.

    `alpha = fdrop(softmax(query @ key.T / sqrt(head_dim) + bias))`, for each head

    **Arguments**

    - `query`: `(*batch, time, heads, head_dim)`, any number of leading axes, also none
    - `key`: `(*batch, key_time, heads, head_dim)`
    - `bias`, `mask`, `fdrop`: as for `dot_product_attention`

    **Returns**

    `(*batch, heads, time, key_time)`; each row sums to 1 before `fdrop`, or to 0 where a query sees
    no key.

    **Raises**

    `ValueError` where shapes don't fit together, `TypeError` where a dtype isn't of the right kind.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.zeros((2, 1, 4))
    >>> luxlib.dot_product_attention_scores(x, x, mask=luxlib.make_causal_mask(x, axis=0))
    Array([[[1. , 0. ],
            [0.5, 0.5]]], dtype=float32)
    ```

    As `NNlib.dot_product_attention_scores`, whose result has keys before queries.
    """
    return fdrop(_scores("dot_product_attention_scores", query, key, key, bias, mask))


def make_causal_mask(x: Shaped[Array, "..."], axis: int = -2) -> Bool[Array, "time time"]:
    """Return the mask under which a query sees the keys up to its own position.

    `mask[i, j] = j <= i`

    **Arguments**

    - `x`: an array with an axis of time; its values don't matter
    - `axis`: which axis that is

    **Returns**

    `(time, time)`, true where the key is seen.

    **Raises**

    `ValueError` where `x` has no such axis.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.make_causal_mask(jnp.ones((2, 3))).astype(int)
    Array([[1, 0],
           [1, 1]], dtype=int32)
    ```

    As `NNlib.make_causal_mask`, with queries before keys. `scaled_dot_product_attention` is faster
    with `is_causal=True` than with a mask.
    """
    if not isinstance(axis, Integral) or not -x.ndim <= axis < x.ndim:
        raise mismatch(
            "make_causal_mask",
            "axis",
            f"one of the {x.ndim} axes",
            repr(axis),
            "It is the axis of time.",
        )
    return jnp.tri(x.shape[axis], dtype=bool)


def _scores(
    function: str,
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None,
    mask: Array | None,
) -> Array:
    arguments = checked(function, query, key, value, bias=bias, mask=mask)
    if query.shape[-2] != key.shape[-2]:
        raise mismatch(
            function,
            "key",
            f"{query.shape[-2]} heads",
            key.shape[-2],
            "Groups of heads are for scaled_dot_product_attention.",
        )
    return _weights(query, key, bias, mask, options=arguments.options)


@partial(jax.jit, static_argnames="options")
def _weights(
    query: Array, key: Array, bias: Array | None, mask: Array | None, *, options: Options
) -> Array:
    query, key = promote(query, key)
    shape = (*query.shape[:-3], query.shape[-2], query.shape[-3], key.shape[-3])
    if 0 in shape:
        return jnp.zeros(shape, query.dtype)
    wide, axes = accumulator(query.dtype), Axes(query.shape[:-3], query.shape[-2], 1)
    queries, keys = axes.of_query(query.astype(wide)), axes.of_keys(key.astype(wide))
    sides = Sides(bias=axes.of_side(bias), mask=axes.of_side(mask))
    scores, _ = logits(options, 0, 0, queries, keys, sides)
    weights, total, _ = exponentials(options, scores, None)
    return (weights / total).reshape(shape).astype(query.dtype)


@jax.jit
def _mean(alpha: Array, value: Array) -> Array:
    alpha, value = promote(alpha, value)
    if 0 in (*alpha.shape, *value.shape):
        return jnp.zeros((*value.shape[:-3], alpha.shape[-2], *value.shape[-2:]), value.dtype)
    axes = Axes(value.shape[:-3], value.shape[-2], 1)
    weights = alpha.reshape(-1, *alpha.shape[-3:])
    return axes.of_result(of_values(weights, axes.of_keys(value))).astype(value.dtype)
