"""Transposed convolutions over one, two or three spatial axes."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.layers import _affine
from lux.layers._checks import (
    check_padding,
    check_per_axis,
    check_switches,
    check_window,
    fail,
)
from lux.layers._leaf import Leaf
from luxcore import NamedTuple
from luxlib import fused_conv_transpose_bias_activation, identity

from ._channels import CHANNELS, check_groups, head, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jaxtyping import Inexact, Num


class ConvTranspose(Leaf, parameters=("weight", "bias")):
    """A transposed convolution over one, two or three spatial axes.

    `y = activation(conv_transpose(x, weight) + bias)`

    Each element is spread over a window of the result. With the same options it goes from the shape
    of a convolution's result back to that of its input.

    **Arguments**

    - `window`: the size of the kernel, one integer for each spatial axis
    - `in_channels`, `out_channels`: the numbers of input and output channels
    - `activation`: a function of one array
    - `stride`: how far apart neighbouring elements of `x` come to lie, one integer or one for each
      spatial axis
    - `padding`: elements cut off from both ends of the result, the padding of the convolution: one
      integer, for each spatial axis an integer or a pair `(before, after)`, or a word: `"VALID"`
      (none) or `"SAME"` (`n * stride` elements come out, an odd one is cut off after)
    - `output_padding`: elements added to the end of the result, less than `stride` or `dilation`:
      as many as the convolution left over; one integer or one for each spatial axis
    - `dilation`: the distance between two elements of the window, like `stride`
    - `groups`: in how many parts the channels are split, each transformed by itself; `in_channels`
      for a depthwise transposed convolution
    - `cross_correlation`: whether the kernel is used as it is rather than turned around
    - `use_bias`: whether there is a bias
    - `init_weight`: an initializer, called with the shape of `weight`; by default uniform on
      ±1/√`fan_out`, where `fan_out` is `out_channels / groups` times the size of the window
    - `init_bias`: an initializer, called with the shape `(out_channels,)`; by default, for `None`,
      uniform on ±1/√`fan_out`

    **Inputs**

    - `x`: `(*batch, *places, in_channels)`, any number of leading axes, also none

    **Returns**

    - `(*batch, *space, out_channels)` with
      `(n - 1) * stride + dilation * (k - 1) + 1 - before - after + output_padding` elements on an
      axis of `n` places under a window of `k`
    - the state, which is empty

    **Parameters**

    - `weight`: `(*window, in_channels / groups, out_channels)`
    - `bias`: `(out_channels,)`, if `use_bias`

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.ConvTranspose((4, 4), 16, 3, stride=2, padding=1)
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.ones((8, 14, 14, 16)), ps, st)[0].shape
    (8, 28, 28, 3)

    ```

    As Lux.jl's `ConvTranspose`, which turns the kernel around and whose `outpad` is
    `output_padding`; with `cross_correlation=True` PyTorch's `ConvTranspose2d`, whose kernel is
    `(in, out / groups, *window)`. The initial values are PyTorch's.
    """

    window: Sequence[int]
    in_channels: int
    out_channels: int
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    stride: int | Sequence[int] = 1
    padding: int | str | Sequence[int | tuple[int, int]] = 0
    output_padding: int | Sequence[int] = 0
    dilation: int | Sequence[int] = 1
    groups: int = 1
    cross_correlation: bool = False
    use_bias: bool = True
    init_weight: Callable[..., Array] | None = None
    init_bias: Callable[..., Array] | None = None

    def __post_init__(self) -> None:
        axes = check_window(self)
        _affine.check(self, "in_channels", "out_channels", "groups")
        check_switches(self, "cross_correlation")
        check_per_axis(self, axes, "stride", "dilation")
        check_per_axis(self, axes, "output_padding", least=0)
        check_padding(self, axes, ("VALID", "SAME"))
        check_groups(self)
        given = (self.output_padding, self.stride, self.dilation)
        by_axis = zip(*(v if isinstance(v, tuple) else (v,) * axes for v in given), strict=True)
        if any(added >= max(steps) for added, *steps in by_axis):
            expected = "less than the larger of stride and dilation"
            raise fail(self, "output_padding", expected, self.output_padding)

    def initial_parameters(self, rng: Any) -> NamedTuple:
        fan_out = math.prod(self.window) * self.out_channels // self.groups
        return _affine.weight_and_bias(self, rng, shape_of(self), fan=fan_out)

    def __call__(
        self, x: Num[Array, "*batch_and_places in"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch_and_space out"], NamedTuple]:
        weight, bias = _affine.given(self, ps, shape_of(self))
        y = fused_conv_transpose_bias_activation(
            x,
            weight,
            bias,
            self.activation,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
            groups=self.groups,
            cross_correlation=self.cross_correlation,
        )
        return y, st

    def __str__(self) -> str:
        return self._text(*head(self), hide=CHANNELS)
