"""Sequences backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from lux.layers._checks import fail, integers
from lux.layers._inputs import by_name
from lux.layers._leaf import Leaf
from luxcore import NamedTuple

from ._steps import check_lengths, counted, numbers

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Shaped


class ReverseSequence(Leaf):
    """Turns the order of the steps around.

    `y[t] = x[length - 1 - t]`

    **Arguments**

    - `axis`: the axis of time; a negative one is counted from the end. By default, for `None`, the
      last but one, as in `(*batch, time, features)`, or the only one

    **Inputs**

    - `x`: an array with such an axis; or a `NamedTuple` of it and
    - `lengths`: integers, of the shape of the axes in front of the others beside time: how many
      steps of each sequence are turned around, the first ones

    **Returns**

    - an array of the shape of `x`; with lengths, `NamedTuple(x=y, lengths=lengths)`
    - the state, which is empty

    **Raises**

    - `ValueError`: for what is no integer, when the layer is made; for an input without the axis,
      or lengths that don't fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.ReverseSequence()
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([1.0, 2.0, 3.0]), ps, st)[0]
    Array([3., 2., 1.], dtype=float32)
    >>> x = lux.NamedTuple(x=jnp.arange(6.0).reshape(2, 3, 1), lengths=jnp.array([3, 2]))
    >>> layer(x, ps, st)[0].x[..., 0]
    Array([[2., 1., 0.],
           [4., 3., 5.]], dtype=float32)

    ```

    As Lux.jl's `ReverseSequence`, with `axis` for `dim`.
    """

    axis: int | None = None

    def __post_init__(self) -> None:
        if self.axis is not None:
            axes = integers((self.axis,))
            if axes is None:
                raise fail(self, "axis", "an integer or None", self.axis)
            object.__setattr__(self, "axis", axes[0])

    def __call__(
        self, x: Any, ps: Any, st: NamedTuple
    ) -> tuple[Shaped[Array, "*shape"] | NamedTuple, NamedTuple]:
        arrays = by_name(self, x, ("x",), more=("lengths",))
        x, lengths = arrays["x"], arrays.get("lengths")
        axis = max(x.ndim - 2, 0) if self.axis is None else self.axis
        if not -x.ndim <= axis < x.ndim:
            raise ValueError(f"ReverseSequence: x: expected an axis {axis}, got shape {x.shape}")
        if lengths is None:
            return jnp.flip(x, axis), st
        steps = jnp.moveaxis(x, axis, 0)
        check_lengths("ReverseSequence", lengths, steps.shape[1 : 1 + jnp.ndim(lengths)])
        time, here = len(steps), numbers(len(steps), lengths)
        there = jnp.minimum(lengths.astype(int), time)[None] - 1 - here
        source = jnp.where(counted(time, lengths), there, here)
        source = source.reshape(*source.shape, *(1,) * (steps.ndim - source.ndim))
        y = jnp.moveaxis(jnp.take_along_axis(steps, source, 0), 0, axis)
        return NamedTuple(x=y, lengths=lengths), st
