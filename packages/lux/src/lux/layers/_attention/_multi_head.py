"""Multi-head attention: projections to heads, attention, and the projection back."""

from __future__ import annotations

from dataclasses import KW_ONLY
from functools import partial
from typing import TYPE_CHECKING, Any

from lux.layers import _affine
from lux.layers._checks import as_size, fail
from lux.layers._inputs import by_name
from lux.layers._linear import Dense
from luxcore import AbstractLuxContainerLayer, AbstractLuxLayer, NamedTuple, apply

from ._cache import is_on, positions
from ._dot_product import INPUTS, DotProductAttention

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array


class MultiHeadAttention(AbstractLuxContainerLayer):
    """Attention of several heads, each with features of its own.

    `y = concat(attention(q_1, k_1, v_1), …, attention(q_n, k_n, v_n)) @ out_proj`, where
    `q = query @ q_proj`, `k = key @ k_proj` and `v = value @ v_proj` are split into heads

    **Arguments**

    - `dims`: the features of the input and the output
    - `n_heads`: the number of heads
    - `n_key_heads`: the number of heads of keys and values, a divisor of `n_heads`; by default, for
      `None`, as many (with fewer it is grouped-query attention, with one multi-query)
    - `head_dim`: the features of each head; by default, for `None`, `dims / n_heads`
    - `value_head_dim`: those of each head's values; by default, for `None`, `head_dim`
    - `key_dims`, `value_dims`: the features of the inputs `key` and `value`; by default, for
      `None`, `dims`, and those of `key`
    - `out_dims`: the features of the output; by default, for `None`, `dims`
    - `use_bias`: whether the projections have biases
    - `qk_norm`: a layer by which queries and keys are normalized, each with parameters of its own,
      such as `lux.RMSNorm(head_dim)`; `None` for none
    - `rotary`: a layer that is called with queries and keys and their positions, such as
      `lux.RotaryPositionalEmbedding(head_dim)`; `None` for none
    - `is_causal`, `sliding_window`, `scale`, `soft_cap`, `dropout_rate`, `use_sinks`,
      `return_weights`: those of `lux.DotProductAttention`
    - `init_weight`, `init_bias`: those of `Dense`, for every projection

    **Inputs**

    - `x`: `(*batch, time, dims)` for self-attention; `(query, key)`, `(query, key, value)` or
      `(query, key, value, mask)`, where `value` is `key` if it is left out; or a `NamedTuple` with
      the fields that are needed of
        - `query`: `(*batch, time, dims)`, any number of leading axes, also none
        - `key`, `value`: `(*batch, key_time, key_dims)` and `(*batch, key_time, value_dims)`
        - `mask`: booleans that broadcast to `(*batch, n_heads, time, key_time)`, true where a key
          is seen; or `None`
        - `bias`: numbers of such a shape that are added to the logits
        - `segment_ids`: integers `(*batch, time)`, or a pair of those of queries and of keys: a
          token sees only tokens of its own segment
        - `positions`: integers `(*batch, time)` or `(time,)`, or a pair of those of queries and of
          keys, for `rotary`; by default they are counted from 0, or from where the cache stands

    **Returns**

    - `(*batch, time, out_dims)`; with `return_weights` a pair of it and the weights
      `(*batch, n_heads, time, key_time)`
    - the states

    **Parameters and states**

    A `NamedTuple` with those of the layers `q_proj`, `k_proj`, `v_proj`, `q_norm` and `k_norm` if
    there is `qk_norm`, `rotary` if there is one, `attention` (a `DotProductAttention`, which keeps
    the cache) and `out_proj`.

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.MultiHeadAttention(64, 8)
    >>> ps, st = lux.setup(0, layer)
    >>> x, memory = jnp.ones((32, 10, 64)), jnp.ones((32, 20, 64))
    >>> layer(x, ps, st)[0].shape
    (32, 10, 64)
    >>> layer((x, memory), ps, st)[0].shape
    (32, 10, 64)
    >>> valid = jnp.arange(20) < 15
    >>> layer((x, memory, memory, valid), ps, st)[0].shape
    (32, 10, 64)

    ```

    Vaswani et al., "Attention is all you need", 2017. As Lux.jl's `MultiHeadAttention` without the
    weights, which it always returns: ask for them by `return_weights`. PyTorch's has biases by
    default, and its masks are true where a key is *not* seen.
    """

    _: KW_ONLY  # of which some may have defaults
    q_proj: AbstractLuxLayer
    k_proj: AbstractLuxLayer
    v_proj: AbstractLuxLayer
    q_norm: AbstractLuxLayer | None = None
    k_norm: AbstractLuxLayer | None = None
    rotary: AbstractLuxLayer | None = None
    attention: DotProductAttention
    out_proj: AbstractLuxLayer

    def __init__(
        self,
        dims: int,
        n_heads: int = 1,
        *,
        n_key_heads: int | None = None,
        head_dim: int | None = None,
        value_head_dim: int | None = None,
        key_dims: int | None = None,
        value_dims: int | None = None,
        out_dims: int | None = None,
        use_bias: bool = False,
        qk_norm: AbstractLuxLayer | None = None,
        rotary: AbstractLuxLayer | None = None,
        is_causal: bool = False,
        sliding_window: tuple[int | None, int | None] | None = None,
        scale: float | None = None,
        soft_cap: float | None = None,
        dropout_rate: float = 0.0,
        use_sinks: bool = False,
        return_weights: bool = False,
        init_weight: Callable[..., Array] = _affine.init_weight,
        init_bias: Callable[..., Array] | None = None,
    ) -> None:
        dims, n_heads = as_size(self, "dims", dims), as_size(self, "n_heads", n_heads)
        if head_dim is None and dims % n_heads:
            raise fail(self, "n_heads", f"a divisor of dims={dims}, or a head_dim", n_heads)
        for field, layer in (("qk_norm", qk_norm), ("rotary", rotary)):
            if not isinstance(layer, AbstractLuxLayer | None):
                raise fail(self, field, "a layer or None", layer)
        attention = DotProductAttention(
            n_heads,
            dims // n_heads if head_dim is None else head_dim,
            n_key_heads=n_key_heads,
            value_head_dim=value_head_dim,
            is_causal=is_causal,
            sliding_window=sliding_window,
            scale=scale,
            soft_cap=soft_cap,
            dropout_rate=dropout_rate,
            use_sinks=use_sinks,
            return_weights=return_weights,
        )
        project = partial(Dense, use_bias=use_bias, init_weight=init_weight, init_bias=init_bias)
        key_dims = dims if key_dims is None else key_dims
        value_dims = key_dims if value_dims is None else value_dims
        self.q_proj = project(dims, n_heads * attention.head_dim)
        self.k_proj = project(key_dims, attention.key_heads * attention.head_dim)
        self.v_proj = project(value_dims, attention.key_heads * attention.value_dim)
        self.q_norm = self.k_norm = qk_norm
        self.rotary = rotary
        self.attention = attention
        self.out_proj = project(
            n_heads * attention.value_dim, dims if out_dims is None else out_dims
        )

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        placed = ("positions",) if self.rotary is not None else ()
        arrays = by_name(self, x, INPUTS, more=("bias", "segment_ids", *placed))
        query = arrays.pop("query")
        key = arrays.pop("key", query)
        value = arrays.pop("value", key)
        places = arrays.pop("positions", None)
        heads, key_heads = self.attention.n_heads, self.attention.key_heads
        new: dict[str, NamedTuple] = {}

        def run(name: str, x: Any) -> Any:
            y, new[name] = apply(getattr(self, name), x, getattr(ps, name), getattr(st, name))
            return y

        q = _split(run("q_proj", query), heads)
        k = _split(run("k_proj", key), key_heads)
        v = _split(run("v_proj", value), key_heads)
        if self.q_norm is not None:
            q, k = run("q_norm", q), run("k_norm", k)
        if self.rotary is not None:
            of_q, of_k = _pair(places, getattr(st.attention, "cache", None), q.shape[-3])
            q, k = run("rotary", (q, of_q)), run("rotary", (k, of_k))
        y = run("attention", NamedTuple(query=q, key=k, value=v, **arrays))
        y, *weights = y if self.attention.return_weights else (y,)
        y = run("out_proj", y.reshape(*y.shape[:-2], -1))
        return ((y, *weights) if weights else y), type(st)(**new)


def _split(x: Array, heads: int) -> Array:
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads)


def _pair(places: Any, cache: NamedTuple | None, time: int) -> tuple[Any, Any]:
    """The positions of queries and of keys; `None` for those counted from 0."""
    if places is None and cache is not None and is_on(cache):
        places = positions(cache, time)
    return tuple(places) if isinstance(places, tuple | list) else (places, places)
