"""Layers that drop elements at random while a model is trained."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

import jax

from lux._random import as_key
from luxcore import NamedTuple, Val, child
from luxlib import dropout

from ._checks import check_axes, check_share
from ._leaf import Leaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Inexact


class Dropout(Leaf, states=("rng", "training")):
    """Sets elements to zero at random and scales the others, so that the expectation is kept.

    `y = where(keep, x / (1 - rate), 0)`, each `keep` true with probability `1 - rate`

    **Arguments**

    - `rate`: the probability of an element to be dropped, from 0 to 1
    - `axis`: the axes along which elements are dropped one by one; along the others they are
      dropped together, so `axis=(0, -1)` drops whole channels of `(batch, *space, channels)`.
      `None` for all axes

    **Inputs**

    - `x`: an array of any shape

    **Returns**

    - an array of the shape and dtype of `x`; `x` itself where `training` is `Val(False)`
    - the state with the next `rng`; unchanged where `training` is `Val(False)`

    **States**

    - `rng`: a JAX key
    - `training`: `Val(True)`, as `lux.train_mode` sets it, or `Val(False)`, as `lux.test_mode` does

    **Raises**

    - `ValueError`: for a rate that is not between 0 and 1, when the layer is made.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.Dropout(0.5)
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.ones(1000), ps, st)
    >>> sorted(set(y.tolist()))
    [0.0, 2.0]
    >>> y, st = layer(jnp.ones(3), ps, lux.test_mode(st))
    >>> y
    Array([1., 1., 1.], dtype=float32)

    ```

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    As Lux.jl's `Dropout`, with `axis` for `dims`.
    """

    rate: float
    _: KW_ONLY
    axis: int | Sequence[int] | None = None

    def __post_init__(self) -> None:
        check_share(self, "rate")
        check_axes(self, "axis")

    def initial_states(self, rng: Any) -> NamedTuple:
        return NamedTuple(rng=as_key(child(rng, "rng")), training=Val(True))

    def __call__(
        self, x: Inexact[Array, "*shape"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*shape"], NamedTuple]:
        if not st.training:
            return x, st
        rng, key = jax.random.split(st.rng)
        y = dropout(x, self.rate, key, axis=self.axis)
        return y, NamedTuple(rng=rng, training=st.training)

    def __str__(self) -> str:
        return self._text(repr(self.rate), hide=("rate",))
