"""Dropout with one mask for many calls."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from lux._random import as_key
from lux.layers._checks import check_axes
from luxcore import NamedTuple, Val, child
from luxlib import dropout

from ._dropping import Dropping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Inexact


class VariationalHiddenDropout(Dropping, states=("rng", "mask", "update_mask", "training")):
    """Dropout whose mask stays the same from call to call, until a new one is asked for.

    `y = where(keep, x / (1 - rate), 0)`, each `keep` true with probability `1 - rate`

    `lux.update_state(st, "update_mask", True)` asks for a new mask in the next call, for example
    before each sequence.

    **Arguments**

    - `rate`: the probability of an element to be dropped, from 0 to 1
    - `axis`: the axes along which elements are dropped one by one, as in `Dropout`

    **Inputs**

    - `x`: an array of any shape, the same in all calls that share a mask

    **Returns**

    - an array of the shape and dtype of `x`; `x` itself in test mode
    - the state, in which `update_mask` is false; unchanged in test mode

    **States**

    - `rng`: a JAX key
    - `mask`: the JAX key that the mask is drawn from
    - `update_mask`: whether the next call takes a new one, a boolean array; true at first
    - `training`: `Val(True)`, as `lux.train_mode` sets it, or `Val(False)`, as `lux.test_mode` does

    **Raises**

    - `ValueError`: for a rate that is not between 0 and 1, when the layer is made.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.VariationalHiddenDropout(0.5)
    >>> ps, st = lux.setup(0, layer)
    >>> x = jnp.ones(1000)
    >>> first, st = layer(x, ps, st)
    >>> second, st = layer(x, ps, st)
    >>> third, st = layer(x, ps, lux.update_state(st, "update_mask", True))
    >>> bool((first == second).all()), bool((second == third).all())
    (True, False)

    ```

    Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent neural
    networks", 2016. As Lux.jl's `VariationalHiddenDropout`, which keeps the mask itself in the
    state: a key has one type for all shapes, so that the state keeps its type.
    """

    _: KW_ONLY
    axis: int | Sequence[int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_axes(self, "axis")

    def initial_states(self, rng: Any) -> NamedTuple:
        rng, mask = (as_key(child(rng, name)) for name in ("rng", "mask"))
        return NamedTuple(rng=rng, mask=mask, update_mask=jnp.array(True), training=Val(True))

    def __call__(
        self, x: Inexact[Array, "*shape"], ps: Any, st: Any
    ) -> tuple[Inexact[Array, "*shape"], NamedTuple]:
        if not st.training or self.rate == 0:
            return x, st
        update = bool(st.update_mask) if isinstance(st.update_mask, Val) else st.update_mask
        rng, mask = (
            jnp.where(update, new, old)
            for new, old in zip(jax.random.split(st.rng), (st.rng, st.mask), strict=True)
        )
        y = dropout(x, self.rate, mask, axis=self.axis)
        new = NamedTuple(rng=rng, mask=mask, update_mask=jnp.array(False), training=st.training)
        return y, new
