"""Writing keys and values into a cache, and what the next tokens see of it.

Where there is room for as many keys as the window shows, the place of a key is its position modulo
that number: the newest overwrites the one that has left the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from luxcore import AbstractLuxLayer, NamedTuple, merge

from ._cache import advanced, numbers

if TYPE_CHECKING:
    from jax import Array


def remember(
    layer: AbstractLuxLayer, cache: NamedTuple, arrays: dict[str, Any], limit: int | None
) -> tuple[dict[str, Any], NamedTuple]:
    """What the next tokens see, as arguments of attention, and the cache after them."""
    query, key, value = arrays["query"], arrays["key"], arrays["value"]
    time, places = query.shape[-3], cache.key.shape[-3]
    ring = places == limit
    _check(layer, cache, arrays, ring)
    number = numbers(time, cache.position)
    position, incoming = cache.position[..., None], cache.incoming[..., None]
    counts, place = number < incoming, position + number
    if ring:
        counts &= number >= jnp.minimum(incoming, time) - places
        place %= places
    else:
        query = jnp.where((place < places)[..., None, None], query, jnp.nan)
    place = jnp.where(counts, place, places)
    rows = {"key": _written(cache.key, place, key), "value": _written(cache.value, place, value)}
    new = merge(advanced(cache, time), NamedTuple(**rows))
    if ring and time > 1:
        return _unrolled(cache, key, value), new
    seen = {"query": query, "key": rows["key"].astype(key.dtype)}
    seen |= {"value": rows["value"].astype(value.dtype), "sliding_window": None}
    if not ring:
        return {**seen, "query_offset": cache.position}, new
    # One token sees all that was written, in any order.
    written = numbers(places, cache.position) <= position
    return {**seen, "mask": written[..., None, None, :], "is_causal": False}, new


def _check(layer: AbstractLuxLayer, cache: NamedTuple, arrays: dict[str, Any], ring: bool) -> None:
    name, query = type(layer).__name__, arrays["query"]
    batch, places = cache.position.shape, cache.key.shape[-3]
    if query.shape[:-3] != batch:
        raise ValueError(
            f"{name}: query: expected the batch {batch} that lux.init_cache was given, got shape "
            f"{query.shape}"
        )
    if query.shape[-3] > places and not ring:
        raise ValueError(
            f"{name}: query: expected at most {places} tokens, as many as the cache has places "
            f"for, got {query.shape[-3]}"
        )
    for side in ("key", "value"):
        expected = (*query.shape[:-2], *cache[side].shape[-2:])
        if arrays[side].shape != expected:
            raise ValueError(f"{name}: {side}: expected shape {expected}, got {arrays[side].shape}")
    for side in ("segment_ids", "mask", "bias") if ring else ("segment_ids",):
        if side in arrays:
            of_window = " of a sliding window" if ring else ""
            raise ValueError(f"{name}: {side}: expected none with a cache{of_window}, got one")


def _unrolled(cache: NamedTuple, key: Array, value: Array) -> dict[str, Any]:
    """Several tokens and a full window before them, whose keys their own would overwrite."""
    time, places = key.shape[-3], cache.key.shape[-3]
    number, position = numbers(places, cache.position), cache.position[..., None]
    order = (position + number) % places
    keys, values = (
        jnp.concatenate([_read(buffer, order).astype(new.dtype), new], axis=-3)
        for buffer, new in ((cache.key, key), (cache.value, value))
    )
    written = number >= places - position
    seen = jnp.concatenate([written, jnp.ones((*written.shape[:-1], time), bool)], axis=-1)
    return {
        "key": keys,
        "value": values,
        "mask": seen[..., None, None, :],
        "query_offset": places,
        "sliding_window": (places - 1, 0),
    }


def _read(buffer: Array, order: Array) -> Array:
    """The rows of a buffer in another order."""
    return jnp.take_along_axis(buffer, order[..., None, None], axis=-3)


def _written(buffer: Array, place: Array, rows: Array) -> Array:
    """A buffer with rows at their places; one whose place is out of it is left out."""

    def write(buffer: Array, place: Array, rows: Array) -> Array:
        return buffer.at[place].set(rows, mode="drop")

    for _ in place.shape[:-1]:
        write = jax.vmap(write)
    return write(buffer, place, rows.astype(buffer.dtype))
