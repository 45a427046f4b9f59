"""Layers that drop elements at random while a model is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from lux._random import as_key
from luxcore import NamedTuple, Val, child
from luxlib import alpha_dropout, dropout

from ._checks import check_axes, check_share
from ._leaf import Leaf

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Inexact


class Dropping(Leaf, abstract=True):
    """The base of the layers that draw a mask from a key, which is a new one for each call."""

    rate: float

    def __post_init__(self) -> None:
        check_share(self, "rate")

    def initial_states(self, rng: Any) -> NamedTuple:
        return NamedTuple(rng=as_key(child(rng, "rng")), training=Val(True))

    def _drop(
        self, drop: Callable[..., Array], x: Array, st: Any, axis: int | Sequence[int] | None
    ) -> tuple[Array, NamedTuple]:
        """What is left of `x`, and the state with the next key; in test mode both as they are."""
        if not st.training or self.rate == 0:
            return x, st
        rng, key = jax.random.split(st.rng)
        return drop(x, self.rate, key, axis=axis), NamedTuple(rng=rng, training=st.training)

    def __str__(self) -> str:
        return self._text(repr(self.rate), hide=("rate",))


class Dropout(Dropping, states=("rng", "training")):
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

    - an array of the shape and dtype of `x`; `x` itself in test mode
    - the state with the next `rng`; unchanged in test mode

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

    _: KW_ONLY
    axis: int | Sequence[int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_axes(self, "axis")

    def __call__(
        self, x: Inexact[Array, "*shape"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*shape"], NamedTuple]:
        return self._drop(dropout, x, st, self.axis)


class AlphaDropout(Dropping, states=("rng", "training")):
    """Sets elements to what `selu` saturates at, and keeps a mean of 0 and a variance of 1.

    `y = a * where(keep, x, s) + b`, each `keep` true with probability `1 - rate`, with
    `s = -1.7581`, `a = ((1 - rate) * (1 + rate * s ** 2)) ** -0.5` and `b = -a * rate * s`

    **Arguments**

    - `rate`: the probability of an element to be dropped, from 0 to 1; 1 gives zeros
    - `axis`: the axes along which elements are dropped one by one; along the others they are
      dropped together, so `axis=(0, -1)` drops whole channels of `(batch, *space, channels)`.
      `None` for all axes

    **Inputs**

    - `x`: an array of any shape, best with mean 0 and variance 1

    **Returns**

    - an array of the shape and dtype of `x`; `x` itself in test mode
    - the state with the next `rng`; unchanged in test mode

    **States**

    - `rng`: a JAX key
    - `training`: `Val(True)`, as `lux.train_mode` sets it, or `Val(False)`, as `lux.test_mode` does

    **Raises**

    - `ValueError`: for a rate that is not between 0 and 1, when the layer is made.

    ```python
    >>> import jax, lux
    >>> layer = lux.AlphaDropout(0.2)
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jax.random.normal(jax.random.key(0), (100_000,)), ps, st)
    >>> bool(abs(y.mean()) < 0.02), bool(abs(y.var() - 1) < 0.02)
    (True, True)

    ```

    Klambauer et al., "Self-normalizing neural networks", 2017. As Lux.jl's `AlphaDropout`; with
    `axis`, PyTorch's `FeatureAlphaDropout`.
    """

    _: KW_ONLY
    axis: int | Sequence[int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_axes(self, "axis")

    def __call__(
        self, x: Float[Array, "*shape"], ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*shape"], NamedTuple]:
        return self._drop(alpha_dropout, x, st, self.axis)


class DropPath(Dropping, states=("rng", "training")):
    """Sets whole examples to zero at random and scales the others: stochastic depth.

    `y = where(keep, x / (1 - rate), 0)`, each example's `keep` true with probability `1 - rate`

    At the end of a residual branch, it leaves the branch out for some of the examples.

    **Arguments**

    - `rate`: the probability of an example to be dropped, from 0 to 1

    **Inputs**

    - `x`: `(batch, *shape)`

    **Returns**

    - an array of the shape and dtype of `x`; `x` itself in test mode
    - the state with the next `rng`; unchanged in test mode

    **States**

    - `rng`: a JAX key
    - `training`: `Val(True)`, as `lux.train_mode` sets it, or `Val(False)`, as `lux.test_mode` does

    **Raises**

    - `ValueError`: for a rate that is not between 0 and 1, when the layer is made.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.DropPath(0.5)
    >>> ps, st = lux.setup(1, layer)
    >>> y, st = layer(jnp.ones((100, 3)), ps, st)
    >>> sorted(set(map(tuple, y.tolist())))
    [(0.0, 0.0, 0.0), (2.0, 2.0, 2.0)]

    ```

    Huang et al., "Deep networks with stochastic depth", 2016. As `StochasticDepth` of torchvision
    in its mode "row".
    """

    def __call__(
        self, x: Inexact[Array, " batch *shape"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, " batch *shape"], NamedTuple]:
        return self._drop(dropout, x, st, 0)


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
