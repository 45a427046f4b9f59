"""Positions as rotations of queries and keys."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.layers._checks import check_positive, check_sizes, check_switches, fail
from lux.layers._inputs import by_name
from lux.layers._leaf import Leaf
from luxcore import NamedTuple
from luxlib import apply_rotary_embedding, compute_rotary_embedding_params

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float


class RotaryPositionalEmbedding(Leaf, states=("cos_cache", "sin_cache")):
    """Turns pairs of features by angles that grow with the position.

    `(a, b)` becomes `(a * cos - b * sin, b * cos + a * sin)` of `position * base ** (-2 * i / dim)`
    for pair `i`, so that the product of a query and a key depends on the difference of their
    positions alone.

    **Arguments**

    - `dim`: how many features of each head are turned, an even number; any others are left as they
      are
    - `max_sequence_length`: the number of positions
    - `base`: what the frequencies are powers of
    - `interleaved`: whether a pair are two neighbouring features. Otherwise it is feature `i` with
      feature `i + dim / 2`

    **Inputs**

    - `x`: `(*batch, time, heads, features)`, any number of leading axes, also none; or
      `(x, positions)` with integers `(*batch, time)` or `(time,)`, or `None` for 0, 1, 2, …

    **Returns**

    - an array of the shape and dtype of `x`. A position out of range gives NaN
    - the state, unchanged

    **States**

    - `cos_cache`, `sin_cache`: `(max_sequence_length, dim / 2)`

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.RotaryPositionalEmbedding(8)
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.ones((32, 10, 4, 8)), ps, st)[0].shape
    (32, 10, 4, 8)

    ```

    Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021. As Lux.jl's
    `RotaryPositionalEmbedding`, whose pairs are those of GPT-NeoX and of Hugging Face's Llama;
    torchtune and Meta's Llama have neighbours, `interleaved=True`.
    """

    dim: int
    _: KW_ONLY
    max_sequence_length: int = 4096
    base: float = 10000.0
    interleaved: bool = False

    def __post_init__(self) -> None:
        check_switches(self, "interleaved")
        check_sizes(self, "dim", "max_sequence_length")
        if self.dim % 2:
            raise fail(self, "dim", "an even number", self.dim)
        check_positive(self, "base")

    def initial_states(self, rng: Any) -> NamedTuple:
        cos, sin = compute_rotary_embedding_params(
            self.dim, self.max_sequence_length, base=self.base
        )
        return NamedTuple(cos_cache=cos, sin_cache=sin)

    def __call__(
        self, x: Any, ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*batch time heads features"], NamedTuple]:
        arrays = by_name(self, x, ("x", "positions"))
        y = apply_rotary_embedding(
            arrays["x"],
            st.cos_cache,
            st.sin_cache,
            arrays.get("positions"),
            interleaved=self.interleaved,
        )
        return y, st

    def __str__(self) -> str:
        return self._text(repr(self.dim), hide=("dim",))
