"""Layers that change the shape of an array, or take a part of it, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from luxcore import NamedTuple

from ._checks import check_sizes, fail, integers
from ._leaf import Leaf

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class ReshapeLayer(Leaf):
    """Gives each example another shape.

    **Arguments**

    - `shape`: the sizes of all axes but the first, which is the batch; one of them may be -1, for
      what is left

    **Inputs**

    - `x`: `(batch, …)`, with as many elements in each example as `shape` has

    **Returns**

    - `(batch, *shape)`
    - the state, which is empty

    **Raises**

    - `ValueError`: for impossible sizes, when the layer is made; for an input of another number of
      elements, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.ReshapeLayer((7, 7, -1))
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.ones((8, 784)), ps, st)[0].shape
    (8, 7, 7, 16)

    ```

    As Lux.jl's `ReshapeLayer`, where the batch comes last.
    """

    shape: Sequence[int]

    def __post_init__(self) -> None:
        sizes = integers(self.shape) if isinstance(self.shape, Iterable) else None
        if sizes is None or sizes.count(-1) > 1 or min(sizes, default=1) < -1 or 0 in sizes:
            raise fail(self, "shape", "integers of at least 1, one of them maybe -1", self.shape)
        object.__setattr__(self, "shape", sizes)

    def __call__(
        self, x: Shaped[Array, " batch *old"], ps: Any, st: NamedTuple
    ) -> tuple[Shaped[Array, " batch *new"], NamedTuple]:
        known = math.prod(size for size in self.shape if size != -1)
        count = math.prod(x.shape[1:])
        fits = count % known == 0 if -1 in self.shape else count == known
        if x.ndim == 0 or not fits:
            times = "a multiple of " if -1 in self.shape else ""
            expected = f"a batch axis and {times}{known} elements in each example"
            raise ValueError(f"ReshapeLayer: x: expected {expected}, got shape {x.shape}")
        sizes = (count // known if size == -1 else size for size in self.shape)
        return x.reshape(x.shape[0], *sizes), st


class SelectDim(Leaf):
    """Takes one place of an axis, or several.

    **Arguments**

    - `axis`: the axis; a negative one is counted from the end
    - `index`: one place, whose axis is left out of the result, or several, as a tuple or `range`;
      negative ones are counted from the end

    **Inputs**

    - `x`: an array with such an axis

    **Returns**

    - the array at that place, or those places, of the axis
    - the state, which is empty

    **Raises**

    - `ValueError`: for what are no integers, when the layer is made; for an axis or place that the
      input doesn't have, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> last = lux.SelectDim(1, -1)
    >>> ps, st = lux.setup(0, last)
    >>> last(jnp.arange(6.0).reshape(2, 3), ps, st)[0]
    Array([2., 5.], dtype=float32)

    ```

    As Lux.jl's `SelectDim`.
    """

    axis: int
    index: int | Sequence[int]

    def __post_init__(self) -> None:
        axes = None if isinstance(self.axis, Iterable) else integers(self.axis)
        if not axes:
            raise fail(self, "axis", "an integer", self.axis)
        places = integers(self.index)
        if not places:
            raise fail(self, "index", "an integer or several", self.index)
        several = isinstance(self.index, Iterable)
        object.__setattr__(self, "axis", axes[0])
        object.__setattr__(self, "index", places if several else places[0])

    def __call__(
        self, x: Shaped[Array, "*old"], ps: Any, st: NamedTuple
    ) -> tuple[Shaped[Array, "*new"], NamedTuple]:
        if not -x.ndim <= self.axis < x.ndim:
            raise ValueError(f"SelectDim: x: expected an axis {self.axis}, got shape {x.shape}")
        places, size = np.asarray(self.index), x.shape[self.axis]
        if not ((-size <= places) & (places < size)).all():
            raise ValueError(
                f"SelectDim: x: expected {self.index!r} on axis {self.axis}, got shape {x.shape}"
            )
        return x[(slice(None),) * (self.axis % x.ndim) + (places,)], st
