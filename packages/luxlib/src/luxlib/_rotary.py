"""Rotary position embeddings: pairs of features turned by an angle that grows with the position."""

from __future__ import annotations

import operator
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ._checks import mismatch
from ._dtypes import accumulator
from ._embedding import embedding_lookup

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Int

__all__ = ["apply_rotary_embedding", "compute_rotary_embedding_params"]


def compute_rotary_embedding_params(
    head_dim: int,
    max_sequence_length: int = 4096,
    *,
    base: float = 10000.0,
    dtype: Any = jnp.float32,
) -> tuple[Float[Array, "positions pairs"], Float[Array, "positions pairs"]]:
    """Return cosine and sine of the angles by which positions turn the pairs of features.

    `angles[p, i] = p * base ** (-2 * i / head_dim)`

    **Arguments**

    - `head_dim`: how many features are turned, an even number
    - `max_sequence_length`: the number of positions
    - `base`: what the frequencies are powers of; larger ones turn less
    - `dtype`: of the result

    **Returns**

    `(cos_cache, sin_cache)`, each `(max_sequence_length, head_dim / 2)`. The angles are computed in
    `float64` whatever the dtype is, so they are exact for any position.

    **Raises**

    `ValueError` where `head_dim` is no even number, or another argument not positive.

    ```python
    >>> import luxlib
    >>> cos, sin = luxlib.compute_rotary_embedding_params(4, 3)
    >>> cos.shape
    (3, 2)
    >>> cos[0]
    Array([1., 1.], dtype=float32)
    ```

    Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021. As
    `Lux.compute_rotary_embedding_params`, with positions before pairs.
    """
    function = "compute_rotary_embedding_params"
    if _size(head_dim) is None or head_dim % 2:
        raise mismatch(
            function,
            "head_dim",
            "an even number, at least 2",
            repr(head_dim),
            "Features are turned in pairs.",
        )
    if _size(max_sequence_length) is None:
        raise mismatch(
            function,
            "max_sequence_length",
            "an integer of at least 1",
            repr(max_sequence_length),
            "It is the number of positions.",
        )
    if not isinstance(base, Real) or not 0 < float(base) < float("inf"):
        raise mismatch(
            function, "base", "a positive number", repr(base), "The frequencies are powers of it."
        )
    frequencies = float(base) ** (-np.arange(0, head_dim, 2) / head_dim)
    angles = np.outer(np.arange(max_sequence_length), frequencies)
    return jnp.asarray(np.cos(angles), dtype), jnp.asarray(np.sin(angles), dtype)


def apply_rotary_embedding(
    x: Float[Array, "*batch time heads head_dim"],
    cos_cache: Float[Array, "positions pairs"],
    sin_cache: Float[Array, "positions pairs"],
    positions: Int[Array, "... time"] | None = None,
    *,
    interleaved: bool = False,
) -> Float[Array, "*batch time heads head_dim"]:
    """Turn pairs of features by the angles of their positions.

    `(a, b)` becomes `(a * cos - b * sin, b * cos + a * sin)`, so that the product of a query and a
    key depends on their positions by the difference of these alone.

    **Arguments**

    - `x`: `(*batch, time, heads, head_dim)`, any number of leading axes, also none
    - `cos_cache`, `sin_cache`: `(positions, pairs)`, as `compute_rotary_embedding_params` makes
      them. The first `2 * pairs` features are turned and the others left as they are
    - `positions`: integers `(time,)` or `(*batch, time)`; `None` for 0, 1, 2, …
    - `interleaved`: whether a pair are two neighbouring features. Otherwise it is feature `i` with
      feature `i + pairs`

    **Returns**

    `(*batch, time, heads, head_dim)`, in the dtype of `x`. Half precision is turned in `float32`
    and rounded once. A position out of range, negative ones included, gives NaN.

    **Raises**

    `ValueError` where the shapes don't fit, `TypeError` where `positions` are no integers.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> cos, sin = luxlib.compute_rotary_embedding_params(2, 8)
    >>> x = jnp.array([[1.0, 0.0, 5.0]])  # one head, of which two features are turned
    >>> luxlib.apply_rotary_embedding(x[None], cos, sin, jnp.array([1])).round(3)
    Array([[[0.54 , 0.841, 5.   ]]], dtype=float32)
    ```

    Pairs of a half each are those of GPT-NeoX, of Llama as Hugging Face has it, and of Lux.jl;
    neighbours are those of the RoFormer paper, GPT-J, and Llama as Meta and torchtune have it. With
    the features of the weights permuted the one computes the other.
    """
    function = "apply_rotary_embedding"
    pairs = cos_cache.shape[-1] if cos_cache.ndim else 0
    if cos_cache.ndim != 2 or sin_cache.shape != cos_cache.shape:
        raise mismatch(
            function,
            "cos_cache and sin_cache",
            "one shape (positions, pairs)",
            f"{cos_cache.shape} and {sin_cache.shape}",
            "compute_rotary_embedding_params makes both.",
        )
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise mismatch(
            function,
            "x",
            "a floating dtype",
            x.dtype,
            "Convert it first, for example x.astype(jax.numpy.float32).",
            kind=TypeError,
        )
    if x.ndim < 3 or x.shape[-1] < 2 * pairs:
        raise mismatch(
            function,
            "x",
            f"shape (*batch, time, heads, head_dim) with a head_dim of at least {2 * pairs}",
            x.shape,
            f"cos_cache {cos_cache.shape} turns {pairs} pairs of features.",
        )
    _check_positions(function, x.shape[:-2], cos_cache.shape[0], positions)
    return _turn(x, cos_cache, sin_cache, positions, interleaved=bool(interleaved))


def _size(value: Any) -> int | None:
    """Return an integer of at least 1, and `None` for anything else."""
    try:
        size = operator.index(value)
    except TypeError:
        return None
    return size if size >= 1 else None


def _check_positions(
    function: str, times: tuple[int, ...], known: int, positions: Array | None
) -> None:
    if positions is None:
        if times[-1] > known:
            raise mismatch(
                function,
                "x",
                f"a time of at most {known}",
                times[-1],
                "cos_cache and sin_cache have no more positions: make them for longer sequences.",
            )
    elif not jnp.issubdtype(positions.dtype, jnp.integer):
        raise mismatch(
            function,
            "positions",
            "an integer dtype",
            positions.dtype,
            "They are rows of cos_cache and sin_cache.",
            kind=TypeError,
        )
    elif positions.shape not in (times, times[-1:]):
        raise mismatch(
            function,
            "positions",
            f"shape {times} or {times[-1:]}",
            positions.shape,
            "There is one position for each time, the same for all examples or each its own.",
        )


@partial(jax.jit, static_argnames="interleaved")
def _turn(
    x: Array, cos_cache: Array, sin_cache: Array, positions: Array | None, *, interleaved: bool
) -> Array:
    wide = accumulator(x.dtype)
    if positions is None:
        cos, sin = cos_cache[: x.shape[-3]], sin_cache[: x.shape[-3]]
    else:
        cos, sin = (embedding_lookup(positions, cache) for cache in (cos_cache, sin_cache))
    pairs = cos.shape[-1]
    ones = (1,) * (x.ndim - 1 - cos.ndim)
    cos, sin = (t.astype(wide).reshape(*ones, *t.shape[:-1], 1, pairs) for t in (cos, sin))
    turned = x[..., : 2 * pairs].astype(wide)
    # The axis on which a pair lies is made one of its own.
    axis = -1 if interleaved else -2
    turned = turned.reshape(*x.shape[:-1], *((pairs, 2) if interleaved else (2, pairs)))
    a, b = (lax.index_in_dim(turned, place, axis, keepdims=False) for place in (0, 1))
    turned = jnp.stack([a * cos - b * sin, b * cos + a * sin], axis=axis)
    turned = turned.reshape(*x.shape[:-1], 2 * pairs).astype(x.dtype)
    return jnp.concatenate([turned, x[..., 2 * pairs :]], axis=-1)
