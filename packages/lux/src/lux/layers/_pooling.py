"""Pooling over one, two or three spatial axes."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from luxcore import NamedTuple
from luxlib import maxpool

from ._checks import check_padding, check_per_axis, check_window
from ._leaf import Leaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Shaped


class MaxPool(Leaf):
    """The largest element of each window, over one, two or three spatial axes.

    In one dimension, with window positions `i`,
    `y[b, t, c] = max(x[b, stride * t + dilation * i, c])`

    **Arguments**

    - `window`: its size, one integer for each spatial axis
    - `stride`: the step between two places of the window, one integer or one for each spatial axis;
      `None` for the window's size
    - `padding`: elements added on both sides, smaller than everything: one integer, for each
      spatial axis an integer or a pair `(before, after)`, or `"VALID"` (none) or `"SAME"`
      (`ceil(n / stride)` places)
    - `dilation`: the distance between two elements of the window, like `stride`
    - `ceil_mode`: whether a last window that reaches over the end counts, if it begins before it

    **Inputs**

    - `x`: `(*batch, *space, channels)`, any number of leading axes, also none

    **Returns**

    - `(*batch, *places, channels)` with
      `floor((n + before + after - dilation * (k - 1) - 1) / stride) + 1` places on an axis of `n`
      elements under a window of `k`
    - the state, which is empty

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.MaxPool((2,))
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.array([[1.0], [3.0], [2.0], [0.0]]), ps, st)
    >>> y[:, 0]
    Array([3., 2.], dtype=float32)

    ```

    As Lux.jl's `MaxPool` and PyTorch's `MaxPool2d`, with channels last.
    """

    window: Sequence[int]
    _: KW_ONLY
    stride: int | Sequence[int] | None = None
    padding: int | str | Sequence[int | tuple[int, int]] = 0
    dilation: int | Sequence[int] = 1
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        axes = check_window(self)
        check_per_axis(self, axes, "dilation", *(["stride"] if self.stride is not None else []))
        check_padding(self, axes, ("VALID", "SAME"))

    def __call__(
        self, x: Shaped[Array, "*batch_and_space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Shaped[Array, "*batch_and_places channels"], NamedTuple]:
        y = maxpool(
            x,
            self.window,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
        )
        return y, st

    def __str__(self) -> str:
        return self._text(repr(self.window), hide=("window",))
