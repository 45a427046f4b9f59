"""Pooling by a window that slides over one, two or three spatial axes."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.layers._checks import (
    check_padding,
    check_per_axis,
    check_positive,
    check_switches,
    check_window,
)
from lux.layers._leaf import Leaf
from luxlib import lpnormpool, maxpool, meanpool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Float, Inexact, Num, Real, Shaped

    from luxcore import NamedTuple


class SlidingPool(Leaf, abstract=True):
    """The base of pooling by windows of one size, a stride apart."""

    window: Sequence[int]
    _: KW_ONLY
    stride: int | Sequence[int] | None = None
    padding: int | str | Sequence[int | tuple[int, int]] = 0
    dilation: int | Sequence[int] = 1
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        check_switches(self, "ceil_mode")
        axes = check_window(self)
        check_per_axis(self, axes, "dilation", *(["stride"] if self.stride is not None else []))
        check_padding(self, axes, ("VALID", "SAME"))

    def _options(self) -> dict[str, Any]:
        names = ("stride", "padding", "dilation", "ceil_mode")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        return self._text(repr(self.window), hide=("window",))


class MaxPool(SlidingPool):
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

    def __call__(
        self, x: Shaped[Array, "*batch_and_space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Shaped[Array, "*batch_and_places channels"], NamedTuple]:
        return maxpool(x, self.window, **self._options()), st


class MeanPool(SlidingPool):
    """The mean of each window, over one, two or three spatial axes.

    In one dimension, with window positions `i`,
    `y[b, t, c] = sum(x[b, stride * t + dilation * i, c]) / count[t]`

    **Arguments**

    - `window`: its size, one integer for each spatial axis
    - `stride`: the step between two places of the window, one integer or one for each spatial axis;
      `None` for the window's size
    - `padding`: zeros added on both sides: one integer, for each spatial axis an integer or a pair
      `(before, after)`, or `"VALID"` (none) or `"SAME"` (`ceil(n / stride)` places)
    - `dilation`: the distance between two elements of the window, like `stride`
    - `ceil_mode`: whether a last window that reaches over the end counts, if it begins before it
    - `count_include_pad`: whether `count` includes the zeros of the padding, rather than elements
      of `x` alone; what `ceil_mode` lets a window reach over is never counted

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
    >>> layer = lux.MeanPool((2,))
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.array([[1.0], [3.0], [2.0], [0.0]]), ps, st)
    >>> y[:, 0]
    Array([2., 1.], dtype=float32)

    ```

    As Lux.jl's `MeanPool`, which always counts the padding, and PyTorch's `AvgPool2d`, with
    channels last. TensorFlow and Keras don't count it.
    """

    _: KW_ONLY
    count_include_pad: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_switches(self, "count_include_pad")

    def __call__(
        self, x: Num[Array, "*batch_and_space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch_and_places channels"], NamedTuple]:
        options = self._options() | {"count_include_pad": self.count_include_pad}
        return meanpool(x, self.window, **options), st


class LPPool(SlidingPool):
    """The `p`-norm of each window, over one, two or three spatial axes.

    In one dimension, with window positions `i`,
    `y[b, t, c] = sum(abs(x[b, stride * t + dilation * i, c]) ** p) ** (1 / p)`

    **Arguments**

    - `window`: its size, one integer for each spatial axis
    - `stride`: the step between two places of the window, one integer or one for each spatial axis;
      `None` for the window's size
    - `padding`: zeros added on both sides: one integer, for each spatial axis an integer or a pair
      `(before, after)`, or `"VALID"` (none) or `"SAME"` (`ceil(n / stride)` places)
    - `dilation`: the distance between two elements of the window, like `stride`
    - `ceil_mode`: whether a last window that reaches over the end counts, if it begins before it
    - `p`: the norm's exponent, a positive number

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
    >>> layer = lux.LPPool((2,))
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.array([[3.0], [-4.0], [2.0], [0.0]]), ps, st)
    >>> y[:, 0]
    Array([5., 2.], dtype=float32)

    ```

    Gulcehre et al., "Learned-norm pooling for deep feedforward and recurrent neural networks",
    2014. As Lux.jl's `LPPool` and PyTorch's `LPPool2d` for even `p` and where `x` is not negative;
    elsewhere they take powers of `x` itself.
    """

    _: KW_ONLY
    p: float = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "p")

    def __call__(
        self, x: Real[Array, "*batch_and_space channels"], ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*batch_and_places channels"], NamedTuple]:
        return lpnormpool(x, self.p, self.window, **self._options()), st
