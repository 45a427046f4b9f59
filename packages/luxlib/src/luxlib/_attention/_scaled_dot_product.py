"""Scaled dot product attention: the function, and the explanation of how it is computed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._dropout._masks import check_key
from luxlib._dtypes import accumulator, promote

from ._arguments import checked
from ._axes import Axes
from ._blocked import blocked
from ._choice import choose
from ._kernels import by_kernel
from ._plain import plain
from ._terms import Sides

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Bool, Float, Int

    from ._choice import AttentionChoice
    from ._terms import Options

__all__ = ["explain_attention", "scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Float[Array, "*batch time heads head_dim"],
    key: Float[Array, "*batch key_time key_heads head_dim"],
    value: Float[Array, "*batch key_time key_heads value_dim"],
    *,
    bias: Float[Array, "..."] | None = None,
    mask: Bool[Array, "..."] | None = None,
    is_causal: bool = False,
    query_offset: int | Int[Array, "..."] = 0,
    scale: float | None = None,
    sliding_window: tuple[int | None, int | None] | None = None,
    segment_ids: Int[Array, "*batch time"]
    | tuple[Int[Array, "*batch time"], Int[Array, "*batch key_time"]]
    | None = None,
    soft_cap: float | None = None,
    dropout_rate: float | Array = 0.0,
    dropout_key: Array | None = None,
    sinks: Float[Array, " heads"] | None = None,
    implementation: str | None = None,
) -> Float[Array, "*batch time heads value_dim"]:
    """Let each query take the mean of the values, weighted by how well their keys fit it.

    For each head, with query positions `i` and key positions `j`,

    `logits[i, j] = scale * sum(query[i] * key[j]) + bias[i, j]`

    `y[i] = sum(softmax(logits[i])[j] * value[j])` over the keys `j` that query `i` sees.

    **Arguments**

    - `query`: `(*batch, time, heads, head_dim)`, any number of leading axes, also none
    - `key`: `(*batch, key_time, key_heads, head_dim)`. `key_heads` is `heads` or a divisor of it
      (grouped-query attention): then head `h` of the query has head `h // (heads / key_heads)` of
      the keys
    - `value`: `(*batch, key_time, key_heads, value_dim)`
    - `bias`: numbers added to the logits, of any shape that broadcasts to
      `(*batch, heads, time, key_time)`
    - `mask`: booleans that broadcast to the same shape, true where the key is seen
    - `is_causal`: whether query `i` sees keys `j <= i + query_offset` only
    - `query_offset`: the position among the keys at which the first query lies: an integer, or an
      array of integers of shape `()` or `(*batch,)`. With 0 the first query sees the first key, as
      in PyTorch; `key_time - time` aligns the ends, as FlashAttention does; the number of cached
      keys is what decoding with a cache needs
    - `scale`: the factor of the products; `None` for `1 / sqrt(head_dim)`
    - `sliding_window`: a pair `(left, right)`: query `i` sees the keys from
      `i + query_offset - left` to `i + query_offset + right`; `None` in it for no bound
    - `segment_ids`: integers `(*batch, time)` and `(*batch, key_time)`, or one array for both: a
      query sees the keys of its own segment only
    - `soft_cap`: products become `soft_cap * tanh(scale * product / soft_cap)`, before the bias
    - `dropout_rate`: the share of the weights that is set to zero, the others scaled such that the
      expectation is kept: a number or a scalar array
    - `dropout_key`: a JAX random key, where `dropout_rate` isn't 0
    - `sinks`: `(heads,)`, for each head the logit of a key more that every query sees, whose value
      is zero: `exp(sinks)` is added to the sum that the softmax divides by
    - `implementation`: `"plain"`, `"blocked"`, `"cudnn"` or `"pallas"`; `None` for the one that
      `explain_attention` names. Which one it is changes no value beyond rounding

    **Returns**

    `(*batch, time, heads, value_dim)`, in the dtype that query, key and value have in common. The
    softmax and all sums are in `float32` for half precision, which is rounded once. A query that
    sees no key gives zeros and passes no gradient. Memory grows with the length and not with its
    square, in both passes, from 1024 keys for as many queries on; a `bias` or `mask` of full size
    is as large as it is. Weights that dropout keeps are the same in both passes and not saved.

    **Raises**

    `ValueError` where shapes or options don't fit together or `implementation` isn't possible,
    `TypeError` where a dtype isn't of the right kind.

    ```python
    >>> import jax, jax.numpy as jnp, luxlib
    >>> query, key, value = jax.random.normal(jax.random.key(0), (3, 2, 16, 4, 8))
    >>> luxlib.scaled_dot_product_attention(query, key, value, is_causal=True).shape
    (2, 16, 4, 8)
    >>> one = query[:, 9:10]  # decoding: the tenth query, and ten keys in a longer cache
    >>> luxlib.scaled_dot_product_attention(
    ...     one, key, value, is_causal=True, query_offset=jnp.array(9)
    ... ).shape
    (2, 1, 4, 8)
    ```

    Vaswani et al., "Attention is all you need", 2017; in blocks, Dao et al., "FlashAttention",
    2022; sinks as in gpt-oss, soft caps as in Gemma 2. Which weights a key drops may change between
    versions.
    """
    function = "scaled_dot_product_attention"
    arguments = checked(
        function,
        query,
        key,
        value,
        bias=bias,
        mask=mask,
        is_causal=is_causal,
        query_offset=query_offset,
        scale=scale,
        sliding_window=sliding_window,
        segment_ids=segment_ids,
        soft_cap=soft_cap,
        dropout_rate=dropout_rate,
        dropout_key=dropout_key,
        sinks=sinks,
    )
    if arguments.arrays["dropout"] is not None:
        check_key(function, arguments.arrays["dropout"][1])
    choice = choose(function, arguments.case, implementation)
    return _attention(
        **arguments.arrays,
        options=arguments.options,
        implementation=choice.implementation,
        platform=arguments.case.platform,
    )


def explain_attention(
    query: Float[Array, "*batch time heads head_dim"],
    key: Float[Array, "*batch key_time key_heads head_dim"],
    value: Float[Array, "*batch key_time key_heads value_dim"],
    *,
    bias: Float[Array, "..."] | None = None,
    mask: Bool[Array, "..."] | None = None,
    is_causal: bool = False,
    query_offset: int | Int[Array, "..."] = 0,
    scale: float | None = None,
    sliding_window: tuple[int | None, int | None] | None = None,
    segment_ids: Int[Array, "*batch time"]
    | tuple[Int[Array, "*batch time"], Int[Array, "*batch key_time"]]
    | None = None,
    soft_cap: float | None = None,
    dropout_rate: float | Array = 0.0,
    dropout_key: Array | None = None,
    sinks: Float[Array, " heads"] | None = None,
    implementation: str | None = None,
) -> AttentionChoice:
    """Say which implementation `scaled_dot_product_attention` takes for these arguments, and why.

    **Arguments**

    - all: as for `scaled_dot_product_attention`; arrays or `jax.ShapeDtypeStruct`

    **Returns**

    An object with the fields `implementation` (its name), `reason`, and `passed_over`: pairs of a
    name and of what kept that implementation away. As a string it is a line for each. It holds for
    the platform of JAX's default device, or that of `luxlib.compiling_for`.

    **Raises**

    What the call itself would raise: where `implementation` isn't possible, the reason.

    ```python
    >>> import jax, jax.numpy as jnp, luxlib
    >>> shape = jax.ShapeDtypeStruct((8, 1024, 12, 64), jnp.bfloat16)
    >>> with luxlib.compiling_for(platform="gpu"):
    ...     print(luxlib.explain_attention(shape, shape, shape, soft_cap=30.0))
    blocked: memory grows with the length alone, and keys out of sight are skipped
    not cudnn: it has no soft_cap
    not pallas: it is taken only where it is asked for
    ```
    """
    function = "explain_attention"
    arguments = checked(
        function,
        query,
        key,
        value,
        bias=bias,
        mask=mask,
        is_causal=is_causal,
        query_offset=query_offset,
        scale=scale,
        sliding_window=sliding_window,
        segment_ids=segment_ids,
        soft_cap=soft_cap,
        dropout_rate=dropout_rate,
        dropout_key=dropout_key,
        sinks=sinks,
    )
    return choose(function, arguments.case, implementation)


@partial(jax.jit, static_argnames=("options", "implementation", "platform"))
def _attention(
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None,
    mask: Array | None,
    segments: tuple[Array, Array] | None,
    sinks: Array | None,
    dropout: tuple[Array, Array] | None,
    shift: Array | None,
    *,
    options: Options,
    implementation: str,
    platform: str,
) -> Array:
    query, key, value = promote(query, key, value)
    shape, dtype = (*query.shape[:-1], value.shape[-1]), query.dtype
    if 0 in (*shape, key.shape[-3]):
        return jnp.zeros(shape, dtype)
    if platform == "cpu":  # it has no products of half precision that sum in more
        query, key, value = (a.astype(accumulator(dtype)) for a in (query, key, value))
    axes = Axes(query.shape[:-3], key.shape[-2], query.shape[-2] // key.shape[-2])
    arrays = axes.of_query(query), axes.of_keys(key), axes.of_keys(value)
    sides = Sides(
        bias=axes.of_side(bias),
        mask=axes.of_side(mask),
        sinks=None if sinks is None else axes.of_side(sinks[:, None, None]),
    )
    if shift is not None:
        shifts = jnp.broadcast_to(shift, axes.batch)[..., None]
        sides = sides._replace(shift=axes.of_positions(shifts.astype(jnp.int32), -1))
    if segments is not None:
        sides = sides._replace(
            query_segments=axes.of_positions(segments[0], -2),
            key_segments=axes.of_positions(segments[1], -1),
        )
    if dropout is not None:
        rate, random_key = dropout
        seeds = jax.random.bits(random_key, (2, *arrays[0].shape[:-1], 1), jnp.uint32)
        sides = sides._replace(seeds=(seeds[0], seeds[1]), rate=jax.lax.stop_gradient(rate))
    y = _IMPLEMENTATIONS[implementation](options, *arrays, sides)
    return axes.of_result(y).astype(dtype)


def _cudnn(options: Options, query: Array, key: Array, value: Array, sides: Sides) -> Array:
    from ._cudnn import cudnn_kernel

    return by_kernel(options, query, key, value, sides, kernel=cudnn_kernel())


def _pallas(options: Options, query: Array, key: Array, value: Array, sides: Sides) -> Array:
    from ._pallas import pallas_kernel  # Pallas takes a second to import

    return by_kernel(options, query, key, value, sides, kernel=pallas_kernel())


_IMPLEMENTATIONS = {"plain": plain, "blocked": blocked, "cudnn": _cudnn, "pallas": _pallas}
