"""Convolutions over one, two or three spatial axes."""

from __future__ import annotations

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
from luxlib import fused_conv_bias_activation, identity

from ._channels import CHANNELS, check_groups, head, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jaxtyping import Inexact, Num

_PADDING_MODES = ("zeros", "circular", "reflect", "replicate")


class Conv(Leaf, parameters=("weight", "bias")):
    """A convolution over one, two or three spatial axes.

    `y = activation(conv(x, weight) + bias)`

    **Arguments**

    - `window`: the size of the kernel, one integer for each spatial axis
    - `in_channels`, `out_channels`: the numbers of input and output channels
    - `activation`: a function of one array
    - `stride`: the step between two places of the window, one integer or one for each spatial axis
    - `padding`: elements added on both sides: one integer, for each spatial axis an integer or a
      pair `(before, after)`, or a word: `"VALID"` (none), `"SAME"` (`ceil(n / stride)` places, an
      odd element after) or `"CAUSAL"` (all before, for one spatial axis)
    - `dilation`: the distance between two elements of the window, like `stride`
    - `groups`: in how many parts the channels are split, each convolved by itself; `in_channels`
      for a depthwise convolution
    - `padding_mode`: what padding holds: `"zeros"`, `"circular"`, `"reflect"` or `"replicate"`
    - `cross_correlation`: whether the kernel is used as it is rather than turned around
    - `use_bias`: whether there is a bias
    - `init_weight`: an initializer, called with the shape of `weight`; by default uniform on
      ±1/√`fan_in`, where `fan_in` is `in_channels / groups` times the size of the window
    - `init_bias`: an initializer, called with the shape `(out_channels,)`; by default, for `None`,
      uniform on ±1/√`fan_in`

    **Inputs**

    - `x`: `(*batch, *space, in_channels)`, any number of leading axes, also none

    **Returns**

    - `(*batch, *places, out_channels)` with
      `floor((n + before + after - dilation * (k - 1) - 1) / stride) + 1` places on an axis of `n`
      elements under a window of `k`
    - the state, which is empty

    **Parameters**

    - `weight`: `(*window, in_channels / groups, out_channels)`
    - `bias`: `(out_channels,)`, if `use_bias`

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.Conv((5, 5), 3, 16, lux.relu, stride=2, padding="SAME")
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.ones((8, 28, 28, 3)), ps, st)
    >>> y.shape
    (8, 14, 14, 16)

    ```

    As Lux.jl's `Conv`, which turns the kernel around; PyTorch's `Conv2d`, Flax's `Conv` and Keras's
    `Conv2D` do not: for their weights pass `cross_correlation=True`. `"SAME"` is theirs; Lux.jl's
    `SamePad` pads by the size of the window whatever the stride, an odd element before. The initial
    values are PyTorch's.
    """

    window: Sequence[int]
    in_channels: int
    out_channels: int
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    stride: int | Sequence[int] = 1
    padding: int | str | Sequence[int | tuple[int, int]] = 0
    dilation: int | Sequence[int] = 1
    groups: int = 1
    padding_mode: str = "zeros"
    cross_correlation: bool = False
    use_bias: bool = True
    init_weight: Callable[..., Array] = _affine.init_weight
    init_bias: Callable[..., Array] | None = None

    def __post_init__(self) -> None:
        axes = check_window(self)
        _affine.check(self, "in_channels", "out_channels", "groups")
        check_switches(self, "cross_correlation")
        check_per_axis(self, axes, "stride", "dilation")
        check_padding(self, axes, ("VALID", "SAME", "CAUSAL"))
        check_groups(self)
        modes = _PADDING_MODES if self.padding != "CAUSAL" else ("zeros", "replicate")
        if self.padding_mode not in modes:
            expected = f"one of {', '.join(map(repr, modes))}"
            where = " with padding 'CAUSAL'" if self.padding == "CAUSAL" else ""
            raise fail(self, "padding_mode", expected + where, self.padding_mode)

    def initial_parameters(self, rng: Any) -> NamedTuple:
        return _affine.weight_and_bias(self, rng, shape_of(self))

    def __call__(
        self, x: Num[Array, "*batch_and_space in"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch_and_places out"], NamedTuple]:
        weight, bias = _affine.given(self, ps, shape_of(self))
        y = fused_conv_bias_activation(
            x,
            weight,
            bias,
            self.activation,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            padding_mode=self.padding_mode,
            cross_correlation=self.cross_correlation,
        )
        return y, st

    def __str__(self) -> str:
        return self._text(*head(self), hide=CHANNELS)
