"""What a model remembers of the tokens that it has seen, so that each is computed once.

A causal layer keeps it in its state, under the name `cache`: keys and values `(*batch, length,
heads, features)`, and for each example the `position` of its next token. Before `init_cache` it is
one for no examples at all: all its arrays are there, and empty, so that a state has one structure.
Keys and values are then `(0, limit, heads, features)`, where a limit of 0 is none.

Where a window limits what is seen, there is room for its keys alone, and the place of a key is its
position modulo the limit: the newest overwrites the one that has left the window.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from lux.layers._checks import integers
from luxcore import NamedTuple, items, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jaxtyping import Int

_ALL = jnp.iinfo(jnp.int32).max


def init_cache(
    st: NamedTuple,
    batch: int | Sequence[int],
    length: int,
    *,
    prompt_lengths: Int[Array, "*batch"] | None = None,
    dtype: Any = None,
) -> NamedTuple:
    """The state of a model that remembers what it has seen, for decoding token by token.

    Every call of the model then takes the next tokens of each example, one or many, and gives what
    it would give for them at the end of all tokens so far. The state keeps its structure, so that
    decoding is one compiled step.

    **Arguments**

    - `st`: the state of a model with causal attention, as `lux.setup` made it
    - `batch`: the leading axes of the inputs: one integer, or several, or none as `()`
    - `length`: how many tokens are remembered. Attention with a sliding window remembers no more
      than it sees
    - `prompt_lengths`: for each example how many tokens of the first call count, where prompts of
      different lengths were padded at their ends. An example's next token then follows its last
      one that counts, and what comes out for padding means nothing
    - `dtype`: of what is remembered; `float32` by default, better that of the model

    **Returns**

    The state with empty memories in the place of none. Tokens that don't fit in any more give NaN.

    **Raises**

    - `ValueError`: for a state without causal attention or with memories already, and for a batch
      or a length that is none.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> model = lux.MultiHeadAttention(8, 2, is_causal=True)
    >>> ps, st = lux.setup(0, model)
    >>> x = jnp.cos(jnp.arange(40.0)).reshape(1, 5, 8)
    >>> all_at_once, _ = model(x, ps, st)
    >>> st = lux.init_cache(st, 1, 16)
    >>> first, st = model(x[:, :4], ps, st)
    >>> last, st = model(x[:, 4:], ps, st)
    >>> bool(jnp.allclose(last, all_at_once[:, 4:], atol=1e-6))
    True

    ```
    """
    shape, kept = integers(batch), integers((length,))
    if shape is None or min(shape, default=1) < 1:
        expected = "an integer or several, each at least 1"
        raise ValueError(f"init_cache: batch: expected {expected}, got {batch!r}")
    if kept is None or kept[0] < 1:
        raise ValueError(f"init_cache: length: expected an integer of at least 1, got {length!r}")
    incoming = jnp.asarray(_ALL if prompt_lengths is None else prompt_lengths)
    if prompt_lengths is not None and (
        incoming.shape != shape or not jnp.issubdtype(incoming.dtype, jnp.integer)
    ):
        raise ValueError(
            f"init_cache: prompt_lengths: expected integers of shape {shape}, as batch, got "
            f"{incoming.dtype} of shape {incoming.shape}"
        )
    incoming = jnp.broadcast_to(incoming.astype(jnp.int32), shape)
    begun = _with_caches(st, partial(_empty, incoming=incoming, length=kept[0], dtype=dtype))
    if begun is st:
        raise ValueError(
            "init_cache: st: expected the state of a model with causal attention, got one without "
            "a cache: is_causal=True gives it one"
        )
    return begun


def _with_caches(st: Any, change: Callable[[NamedTuple], NamedTuple]) -> Any:
    """A state with its caches changed, at any depth; itself where there is none."""
    if not isinstance(st, NamedTuple):
        return st
    new = [
        change(part) if name == "cache" else _with_caches(part, change) for name, part in items(st)
    ]
    return st if all(a is b for a, b in zip(st, new, strict=True)) else type(st)(*new)


def _empty(cache: NamedTuple, incoming: Array, length: int, dtype: Any) -> NamedTuple:
    """A cache for a batch of examples; in front are axes of layers whose states are stacked."""
    if is_on(cache):
        raise ValueError(
            "init_cache: st: expected a state as lux.setup makes it, got one that has memories"
        )
    batch = (*cache.position.shape[:-1], *incoming.shape)
    new = {
        "position": jnp.zeros(batch, jnp.int32),
        "incoming": jnp.broadcast_to(incoming, batch),
    }
    for name, buffer in list(items(cache))[2:]:
        *_, limit, heads, dim = buffer.shape
        kept = min(length, limit or length)
        new[name] = jnp.zeros((*batch, kept, heads, dim), dtype or buffer.dtype)
    return type(cache)(**new)


def no_positions() -> NamedTuple:
    """The cache of a layer that has to know positions alone."""
    return NamedTuple(position=jnp.zeros(0, jnp.int32), incoming=jnp.zeros(0, jnp.int32))


def no_keys(heads: int, key_dim: int, value_dim: int, limit: int | None) -> NamedTuple:
    """The cache of attention, which remembers no more keys than `limit`."""
    key, value = (
        jnp.zeros((0, limit or 0, heads, dim), jnp.float32) for dim in (key_dim, value_dim)
    )
    return merge(no_positions(), NamedTuple(key=key, value=value))


def is_on(cache: NamedTuple) -> bool:
    """Whether there is a cache for any examples."""
    return bool(cache.position.shape[-1:] != (0,))


def numbers(count: int, like: Array) -> Int[Array, "... count"]:
    """0, 1, 2, … on one axis more than an array has."""
    return jnp.arange(count, dtype=jnp.int32).reshape((1,) * like.ndim + (count,))


def positions(cache: NamedTuple, time: int) -> Int[Array, "... time"]:
    """The positions of the next tokens: the same for all examples while nothing is remembered."""
    if not is_on(cache):
        return jnp.arange(time, dtype=jnp.int32)
    return cache.position[..., None] + numbers(time, cache.position)


def advanced(cache: NamedTuple, time: int) -> NamedTuple:
    """The cache after so many tokens more; of the next call's all count."""
    if not is_on(cache):
        return cache
    position = cache.position + jnp.minimum(cache.incoming, time)
    incoming = jnp.full_like(cache.incoming, _ALL)
    return merge(cache, NamedTuple(position=position, incoming=incoming))
