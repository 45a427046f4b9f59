"""Sequences of different lengths: which steps count, and what is taken from them.

An input is `(*batch, time, features)`, or `(time, *batch, features)`; lengths are `(*batch,)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from lux.layers._outline import outline, outlines

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Bool, Int


def time_axis(x: Array, time_major: bool) -> int:
    """The axis of time in an input, and in what has the same leading axes."""
    return 0 if time_major else x.ndim - 2


def check_sequences(owner: str, x: Array, lengths: Array | None, time_major: bool) -> None:
    """Refuse what is no sequence of at least one step, and lengths that are not one for each."""
    if jnp.ndim(x) < 2 or x.shape[time_axis(x, time_major)] == 0:
        axes = "(time, *batch, features)" if time_major else "(*batch, time, features)"
        raise ValueError(
            f"{owner}: x: expected shape {axes} with at least one step, got {jnp.shape(x)}"
        )
    if lengths is not None:
        check_lengths(owner, lengths, x.shape[1:-1] if time_major else x.shape[:-2])


def check_lengths(owner: str, lengths: Array, batch: tuple[int, ...]) -> None:
    """Refuse what is not one integer for each sequence."""
    if jnp.shape(lengths) != batch or not jnp.issubdtype(jnp.result_type(lengths), jnp.integer):
        raise ValueError(
            f"{owner}: lengths: expected integers of shape {batch}, got {outline(lengths)}"
        )


def check_rows(owner: str, carry: Any, batch: tuple[int, ...]) -> None:
    """Refuse a carry that can't be kept for one sequence while another goes on."""
    if any(leaf.shape[: len(batch)] != batch for leaf in jax.tree.leaves(carry)):
        raise ValueError(
            f"{owner}: expected a carry whose arrays have the leading axes {batch}, since there "
            f"are lengths, got {outlines(carry)}"
        )


def numbers(time: int, lengths: Array) -> Int[Array, "time ..."]:
    """0, 1, 2, … along a first axis, of as many axes as steps of the sequences have."""
    return jnp.arange(time).reshape(time, *(1,) * lengths.ndim)


def counted(time: int, lengths: Array) -> Bool[Array, "time ..."]:
    """Whether each step counts; time comes first."""
    return numbers(time, lengths) < lengths.astype(int)[None]


def chosen(counts: Array, x: Any, other: Any) -> Any:
    """A tree for the sequences whose step counts, another for those that are over."""

    def choose(a: Array, b: Array) -> Array:
        return jnp.where(counts.reshape(*counts.shape, *(1,) * (a.ndim - counts.ndim)), a, b)

    return jax.tree.map(choose, x, other)


def last_step(y: Array, axis: int, lengths: Array | None, reverse: bool) -> Array:
    """The output of the step that was run last of each sequence, zeros where there is none."""
    if lengths is None or reverse:
        return lax.index_in_dim(y, 0 if reverse else -1, axis, keepdims=False)
    # Where no step counts, the outputs are zero at every place.
    place = jnp.expand_dims(jnp.clip(lengths.astype(int) - 1, 0, y.shape[axis] - 1), axis)
    place = place.reshape(*place.shape, *(1,) * (y.ndim - place.ndim))
    return jnp.take_along_axis(y, place, axis).squeeze(axis)
