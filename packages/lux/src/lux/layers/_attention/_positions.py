"""Positions as numbers that a network can read: by sines, or learned."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from lux.initializers import truncated_normal
from lux.layers._affine import check_shape
from lux.layers._checks import check_callable, check_positive, check_sizes, check_switches, fail
from lux.layers._inputs import by_name
from lux.layers._leaf import Leaf
from lux.layers._promotion import added
from luxcore import NamedTuple, child
from luxlib import embedding_lookup, sinusoidal_embedding

from ._cache import advanced, is_on, no_positions, positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float, Real


class SinusoidalPositionalEmbedding(Leaf, states=("sigmas",)):
    """Sines and cosines of positions, with frequencies from high to low.

    `y = scale * concat(sin(x * sigmas), cos(x * sigmas))`, where the `dims / 2` numbers `sigmas` go
    from `max_freq` down to `min_freq`, each the same multiple of the one before

    **Arguments**

    - `dims`: the features of the result, an even number
    - `min_freq`, `max_freq`: the least and the greatest frequency
    - `scale`: the factor of the result; by default, for `None`, `√(2 / dims)`, which makes its
      squares sum to 1
    - `full_turns`: whether the frequencies are multiplied by 2π

    **Inputs**

    - `x`: positions, or any real numbers, of any shape

    **Returns**

    - `(*shape, dims)`, in the dtype of `x`; for integers in that of `sigmas`
    - the state, unchanged

    **States**

    - `sigmas`: `(dims / 2,)`

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.SinusoidalPositionalEmbedding(4)
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.arange(10), ps, st)[0].shape
    (10, 4)

    ```

    Vaswani et al., "Attention is all you need", 2017, where the frequencies are the powers of
    `10000 ** (-2 / dims)` and `scale` is 1. As Lux.jl's `SinusoidalPositionalEmbedding`.
    """

    dims: int
    _: KW_ONLY
    min_freq: float = 1e-4
    max_freq: float = 1.0
    scale: float | None = None
    full_turns: bool = False

    def __post_init__(self) -> None:
        check_switches(self, "full_turns")
        check_sizes(self, "dims")
        if self.dims % 2:
            raise fail(self, "dims", "an even number", self.dims)
        scale = () if self.scale is None else ("scale",)
        check_positive(self, "min_freq", "max_freq", *scale)

    def initial_states(self, rng: Any) -> NamedTuple:
        sigmas = np.geomspace(self.max_freq, self.min_freq, self.dims // 2)
        turn = 2 * math.pi if self.full_turns else 1.0
        return NamedTuple(sigmas=jnp.asarray(turn * sigmas, jnp.float32))

    def __call__(
        self, x: Real[Array, "*shape"], ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*shape dims"], NamedTuple]:
        scale = math.sqrt(2 / self.dims) if self.scale is None else self.scale
        return sinusoidal_embedding(x, st.sigmas, scale=scale), st

    def __str__(self) -> str:
        return self._text(repr(self.dims), hide=("dims",))


class LearnedPositionalEmbedding(Leaf, parameters=("weight",), states=("cache",)):
    """Adds a learned vector for each position.

    `y[t] = x[t] + weight[position[t]]`

    **Arguments**

    - `max_sequence_length`: the number of positions
    - `dims`: the features of the input
    - `init_weight`: an initializer, called with the shape of `weight`; by default normal with a
      standard deviation of 0.02

    **Inputs**

    - `x`: `(*batch, time, dims)`, any number of leading axes, also none; or `(x, positions)` with
      integers `(*batch, time)` or `(time,)`. By default positions are counted from 0, or from where
      the cache stands

    **Returns**

    - `(*batch, time, dims)`. A position out of range gives NaN
    - the state, which counts the tokens after `lux.init_cache`, and is unchanged before

    **Parameters**

    - `weight`: `(max_sequence_length, dims)`

    **States**

    - `cache`: where the next token stands; see `lux.init_cache`

    **Raises**

    - `ValueError`: for sizes below 1, when the layer is made; for an input that does not fit, when
      it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.LearnedPositionalEmbedding(128, 64)
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.ones((32, 10, 64)), ps, st)[0].shape
    (32, 10, 64)

    ```

    As in GPT-2 and BERT.
    """

    max_sequence_length: int
    dims: int
    _: KW_ONLY
    init_weight: Callable[..., Array] = truncated_normal(std=0.02)

    def __post_init__(self) -> None:
        check_sizes(self, "max_sequence_length", "dims")
        check_callable(self, "init_weight")

    def initial_parameters(self, rng: Any) -> NamedTuple:
        shape = self.max_sequence_length, self.dims
        return NamedTuple(weight=self.init_weight(child(rng, "weight"), shape))

    def initial_states(self, rng: Any) -> NamedTuple:
        return NamedTuple(cache=no_positions())

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Array, NamedTuple]:
        check_shape("weight", ps.weight, (self.max_sequence_length, self.dims))
        arrays = by_name(self, x, ("x", "positions"))
        x = arrays["x"]
        if x.ndim < 2 or x.shape[-1] != self.dims:
            raise ValueError(
                f"{type(self).__name__}: x: expected shape (..., time, {self.dims}), got {x.shape}"
            )
        times = x.shape[:-1]
        rows = self._rows(ps.weight, times, arrays.get("positions"), st.cache)
        rows = rows.reshape(*(1,) * (x.ndim - rows.ndim), *rows.shape)
        return added(x, rows), NamedTuple(cache=advanced(st.cache, times[-1]))

    def _rows(
        self, weight: Array, times: tuple[int, ...], places: Array | None, cache: NamedTuple
    ) -> Array:
        name = type(self).__name__
        if places is None and is_on(cache):
            places = positions(cache, times[-1])
        if places is None:
            if times[-1] > self.max_sequence_length:
                most = self.max_sequence_length
                raise ValueError(f"{name}: x: expected at most {most} tokens, got {times[-1]}")
            return weight[: times[-1]]
        if places.shape not in (times, times[-1:]):
            raise ValueError(
                f"{name}: positions: expected shape {times} or {times[-1:]}, got {places.shape}"
            )
        return embedding_lookup(places, weight)

    def __str__(self) -> str:
        dims = ("max_sequence_length", "dims")
        return self._text(*(repr(getattr(self, field)) for field in dims), hide=dims)
