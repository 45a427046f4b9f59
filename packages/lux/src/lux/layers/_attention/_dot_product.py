"""Attention over heads: the one layer that looks from one token to others."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from lux._random import as_key
from lux.initializers import zeros
from lux.layers._affine import check_shape
from lux.layers._checks import (
    check_positive,
    check_share,
    check_sizes,
    check_switches,
    fail,
    integers,
)
from lux.layers._inputs import by_name
from lux.layers._leaf import Leaf, Names
from lux.layers._promotion import promoted
from luxcore import NamedTuple, Val, child, merge
from luxlib import scaled_dot_product_attention

from ._cache import is_on, no_keys
from ._memory import remember

if TYPE_CHECKING:
    from jax import Array

INPUTS = ("query", "key", "value", "mask")


class DotProductAttention(Leaf):
    """Attention over heads of queries, keys and values: what is between the projections.

    For each head, with `logits[i, j] = scale * sum(query[i] * key[j])`,

    `y[i] = sum(softmax(logits[i])[j] * value[j])` over the keys `j` that query `i` sees

    **Arguments**

    - `n_heads`: the number of heads of the query
    - `head_dim`: the features of each head
    - `n_key_heads`: the number of heads of keys and values, a divisor of `n_heads`; by default, for
      `None`, as many. Then each of them serves several heads of the query
    - `value_head_dim`: the features of each head of the values, and of the result; by default, for
      `None`, `head_dim`
    - `is_causal`: whether a token sees only those up to its own position. Only then there is a
      cache, which `lux.init_cache` turns on
    - `sliding_window`: a pair `(left, right)`, how many keys before and after its own position a
      token sees; `None` in it, or in its place, for no bound
    - `scale`: the factor of the products; by default, for `None`, `1 / √head_dim`
    - `soft_cap`: logits become `soft_cap * tanh(logits / soft_cap)`; `None` for no cap
    - `dropout_rate`: the probability of a weight to be dropped while training, from 0 to 1
    - `use_sinks`: whether each head has a learned logit more, of a key that every query sees and
      whose value is zero
    - `return_weights`: whether the weights are returned too. They are as many as queries times
      keys, which attention without them never stores at once

    **Inputs**

    - `x`: `(query, key, value)` or `(query, key, value, mask)`, or a `NamedTuple` with the fields
      that are needed of
        - `query`: `(*batch, time, n_heads, head_dim)`, any number of leading axes, also none
        - `key`: `(*batch, key_time, n_key_heads, head_dim)`
        - `value`: `(*batch, key_time, n_key_heads, value_head_dim)`
        - `mask`: booleans that broadcast to `(*batch, n_heads, time, key_time)`, true where a key
          is seen; or `None`
        - `bias`: numbers of such a shape that are added to the logits
        - `segment_ids`: integers `(*batch, time)`, or a pair of those of queries and of keys: a
          token sees only tokens of its own segment

    **Returns**

    - `(*batch, time, n_heads, value_head_dim)`; with `return_weights` a pair of it and the weights
      `(*batch, n_heads, time, key_time)`. A query that sees no key gives zeros
    - the state, with what dropout and the cache carry on

    While there is a cache `key_time` is its length for `mask` and `bias`, and the tokens that don't
    fit in give NaN.

    **Parameters**

    - `sinks`: `(n_heads,)`, if `use_sinks`

    **States**

    - `rng`, `training`: as in `Dropout`, if `dropout_rate` is not 0
    - `cache`: what is remembered, if `is_causal`; see `lux.init_cache`

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax, lux
    >>> layer = lux.DotProductAttention(4, 8, n_key_heads=2, is_causal=True)
    >>> ps, st = lux.setup(0, layer)
    >>> query = jax.random.normal(jax.random.key(0), (2, 10, 4, 8))
    >>> key, value = jax.random.normal(jax.random.key(1), (2, 2, 10, 2, 8))
    >>> y, st = layer((query, key, value), ps, st)
    >>> y.shape
    (2, 10, 4, 8)

    ```

    Vaswani et al., "Attention is all you need", 2017.
    """

    n_heads: int
    head_dim: int
    _: KW_ONLY
    n_key_heads: int | None = None
    value_head_dim: int | None = None
    is_causal: bool = False
    sliding_window: tuple[int | None, int | None] | None = None
    scale: float | None = None
    soft_cap: float | None = None
    dropout_rate: float = 0.0
    use_sinks: bool = False
    return_weights: bool = False

    def __post_init__(self) -> None:
        check_switches(self, "is_causal", "use_sinks", "return_weights")
        check_sizes(self, "n_heads", "head_dim", *self._given("n_key_heads", "value_head_dim"))
        if self.n_heads % self.key_heads:
            raise fail(self, "n_key_heads", f"a divisor of n_heads={self.n_heads}", self.key_heads)
        check_positive(self, *self._given("scale", "soft_cap"))
        check_share(self, "dropout_rate")
        _check_window(self)

    def initial_parameters(self, rng: Any) -> NamedTuple:
        return NamedTuple(sinks=zeros(rng, (self.n_heads,))) if self.use_sinks else NamedTuple()

    def initial_states(self, rng: Any) -> NamedTuple:
        states: dict[str, Any] = {}
        if self.dropout_rate:
            states |= {"rng": as_key(child(rng, "rng")), "training": Val(True)}
        if self.is_causal:
            dims = self.head_dim, self.value_dim
            states["cache"] = no_keys(self.key_heads, *dims, self._limit)
        return NamedTuple(**states)

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        arrays = by_name(self, x, INPUTS, needed=3, more=("bias", "segment_ids"))
        self._check_heads(**{name: arrays[name] for name in INPUTS[:3]})
        options = {name: getattr(self, name) for name in ("sliding_window", "scale", "soft_cap")}
        arrays |= {**options, "is_causal": self.is_causal}
        if self.use_sinks:
            check_shape("sinks", ps.sinks, (self.n_heads,))
            # What a parameter has counts for the result's dtype.
            arrays |= {"sinks": ps.sinks, "query": promoted(arrays["query"], ps.sinks)}
        if self.dropout_rate and st.training:
            rng, dropout_key = jax.random.split(st.rng)
            arrays |= {"dropout_rate": self.dropout_rate, "dropout_key": dropout_key}
            st = merge(st, NamedTuple(rng=rng))
        if self.is_causal and is_on(st.cache):
            seen, cache = remember(self, st.cache, arrays, self._limit)
            arrays |= seen
            st = merge(st, NamedTuple(cache=cache))
        attend = _with_weights if self.return_weights else scaled_dot_product_attention
        return attend(**arrays), st

    @property
    def key_heads(self) -> int:
        """The number of heads of keys and values."""
        return self.n_heads if self.n_key_heads is None else self.n_key_heads

    @property
    def value_dim(self) -> int:
        """The features of each head of the values."""
        return self.head_dim if self.value_head_dim is None else self.value_head_dim

    @property
    def _limit(self) -> int | None:
        """How many keys a causal token sees at most."""
        left = None if self.sliding_window is None else self.sliding_window[0]
        return None if left is None else left + 1

    def _check_heads(self, **arrays: Array) -> None:
        sizes = {
            "query": (self.n_heads, self.head_dim),
            "key": (self.key_heads, self.head_dim),
            "value": (self.key_heads, self.value_dim),
        }
        for name, array in arrays.items():
            if array.ndim < 3 or array.shape[-2:] != sizes[name]:
                expected = ", ".join(map(str, ("*batch", "time", *sizes[name])))
                raise ValueError(
                    f"{type(self).__name__}: {name}: expected shape ({expected}), got {array.shape}"
                )

    def _given(self, *fields: str) -> list[str]:
        return [field for field in fields if getattr(self, field) is not None]

    def _expected_fields(self) -> tuple[Names, Names]:
        dropout: Names = ("rng", "training") if self.dropout_rate else ()
        return (("sinks",) if self.use_sinks else ()), (*dropout, *("cache",) * self.is_causal)

    def __str__(self) -> str:
        hide = ("n_heads", "head_dim")
        return self._text(repr(self.n_heads), repr(self.head_dim), hide=hide)


def _check_window(layer: DotProductAttention) -> None:
    window = layer.sliding_window
    if window is None:
        return
    bounds = window if isinstance(window, tuple | list) else ()
    numbers = integers([0 if bound is None else bound for bound in bounds])
    if not numbers or len(numbers) != 2 or min(numbers) < 0:
        expected = "a pair (left, right) of integers from 0, or None for no bound"
        raise fail(layer, "sliding_window", expected, window)
    kept = (None if b is None else n for b, n in zip(bounds, numbers, strict=True))
    object.__setattr__(layer, "sliding_window", tuple(kept))


def _with_weights(*, value: Array, **arrays: Any) -> tuple[Array, Array]:
    """Attention whose values are followed by unit vectors: their mean is the weights."""
    *batch, time, heads, features = value.shape
    units = jnp.eye(time, dtype=value.dtype).reshape(*(1,) * len(batch), time, 1, time)
    units = jnp.broadcast_to(units, (*batch, time, heads, time))
    y = scaled_dot_product_attention(value=jnp.concatenate([value, units], -1), **arrays)
    return y[..., :features], jnp.moveaxis(y[..., features:], -3, -2)
