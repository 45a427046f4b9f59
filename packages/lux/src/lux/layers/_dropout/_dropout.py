"""Dropout of elements, channels or whole examples."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.layers._checks import check_axes
from luxlib import dropout

from ._dropping import Dropping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Inexact

    from luxcore import NamedTuple


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
