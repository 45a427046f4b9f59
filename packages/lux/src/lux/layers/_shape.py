"""Layers that change the shape of an array, and nothing else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from luxcore import NamedTuple

from ._checks import check_sizes
from ._leaf import Leaf

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Shaped


class FlattenLayer(Leaf):
    """Makes one axis of all axes but the first, which is the batch.

    **Arguments**

    - `n`: how many axes are flattened, counted from the end; `None` for all but the first

    **Inputs**

    - `x`: `(batch, *shape)`

    **Returns**

    - `(batch, features)`; with `n`, the axes before the last `n` stay
    - the state, which is empty

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.FlattenLayer()
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.ones((8, 7, 7, 16)), ps, st)[0].shape
    (8, 784)

    ```

    As Lux.jl's `FlattenLayer`, where the batch comes last and `N` counts from the front.
    """

    n: int | None = None

    def __post_init__(self) -> None:
        if self.n is not None:
            check_sizes(self, "n")

    def __call__(
        self, x: Shaped[Array, " batch *shape"], ps: Any, st: NamedTuple
    ) -> tuple[Shaped[Array, "*batch features"], NamedTuple]:
        kept = 1 if self.n is None else x.ndim - self.n
        if not 1 <= kept <= x.ndim:
            axes = "a batch axis" if self.n is None else f"a batch axis and {self.n} others"
            raise ValueError(f"FlattenLayer: x: expected {axes} at least, got shape {x.shape}")
        return x.reshape(*x.shape[:kept], math.prod(x.shape[kept:])), st
