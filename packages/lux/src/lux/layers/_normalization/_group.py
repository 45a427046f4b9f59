"""Normalization of each example by itself: groups of channels, or every channel alone."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.initializers import ones, zeros
from lux.layers._checks import check_share, check_sizes, check_switches, fail
from luxcore import NamedTuple
from luxlib import groupnorm, identity, instancenorm

from ._norm import Norm
from ._tracking import TrackingNorm

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float

    from ._norm import Input


class GroupNorm(Norm, parameters=("scale", "bias")):
    """Normalizes each group of neighbouring channels of each example, over space.

    `y = activation((x - mean) / √(var + epsilon) * scale + bias)`

    with `mean` and `var` (with `n` in its denominator) of all elements of the group.

    **Arguments**

    - `channels`: the number of channels
    - `groups`: in how many groups of equal size they are split
    - `activation`: a function of one array
    - `affine`: whether there are a scale and a bias
    - `epsilon`: what is added to the variance
    - `init_scale`, `init_bias`: initializers, called with the shape `(channels,)`

    **Inputs**

    - `x`: `(batch, *space, channels)`, any number of spatial axes, also none; or `(x, mask)`, where
      the mask is true for valid elements and has the axes of `x`, of its sizes or 1. The others
      count in no statistic, and give 0

    **Returns**

    - an array of the shape of `x`
    - the state, which is empty

    **Parameters**

    - `scale`, `bias`: `(channels,)`, if `affine`

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.GroupNorm(4, 2)
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([[1.0, 3.0, 10.0, 30.0]]), ps, st)[0].round(3)
    Array([[-1.,  1., -1.,  1.]], dtype=float32)

    ```

    Wu and He, "Group normalization", 2018. As Lux.jl's `GroupNorm`; PyTorch's takes the groups
    first.
    """

    channels: int
    groups: int
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    affine: bool = True
    epsilon: float = 1e-5
    init_scale: Callable[..., Array] = ones
    init_bias: Callable[..., Array] = zeros

    def __post_init__(self) -> None:
        check_switches(self, "affine")
        check_sizes(self, "channels", "groups")
        if self.channels % self.groups:
            raise fail(self, "groups", f"a divisor of channels={self.channels}", self.groups)
        self._check()

    def _sizes(self) -> tuple[int, ...]:
        return (self.channels,)

    def __call__(
        self, x: Input, ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "batch *space channels"], NamedTuple]:
        x, mask, scale, bias = self._given(x, ps)
        options: dict[str, Any] = {"epsilon": self.epsilon, "mask": mask}
        return groupnorm(x, scale, bias, self.groups, self.activation, **options), st

    def __str__(self) -> str:
        head = (repr(self.channels), repr(self.groups))
        return self._text(*head, hide=("channels", "groups"))


class InstanceNorm(
    TrackingNorm,
    parameters=("scale", "bias"),
    states=("running_mean", "running_var", "training"),
):
    """Normalizes each channel of each example, over space.

    `y = activation((x - mean) / √(var + epsilon) * scale + bias)`

    `mean` and `var` (with `n` in its denominator) are those of the example's channel. With
    `track_stats`, training moves running statistics as `BatchNorm` does, toward the averages over
    the examples, and test mode normalizes by them.

    **Arguments**

    - `channels`: the number of channels
    - `activation`: a function of one array
    - `affine`: whether there are a scale and a bias
    - `track_stats`: whether there are running statistics
    - `momentum`: the weight of a batch in the running statistics, from 0 to 1
    - `epsilon`: what is added to the variance
    - `init_scale`, `init_bias`: initializers, called with the shape `(channels,)`

    **Inputs**

    - `x`: `(batch, *space, channels)`, at least one spatial axis; or `(x, mask)`, where the mask is
      true for valid elements and has the axes of `x`, of its sizes or 1. The others count in no
      statistic, and give 0

    **Returns**

    - an array of the shape of `x`
    - the state with the new running statistics; unchanged in test mode

    **Parameters**

    - `scale`, `bias`: `(channels,)`, if `affine`

    **States**

    None without `track_stats`; else

    - `running_mean`, `running_var`: `(channels,)`
    - `training`: `Val(True)`, as `lux.train_mode` sets it, or `Val(False)`, as `lux.test_mode` does

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; when it is called, for
      an input that does not fit, or with a single place in space by whose statistics it would be
      normalized.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.InstanceNorm(1)
    >>> ps, st = lux.setup(0, layer)
    >>> x = jnp.array([[1.0, 3.0], [10.0, 30.0]])[..., None]
    >>> layer(x, ps, st)[0][..., 0].round(3)
    Array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)

    ```

    Ulyanov et al., "Instance normalization: the missing ingredient for fast stylization", 2016. As
    Lux.jl's `InstanceNorm` and PyTorch's `InstanceNorm2d`, with their defaults.
    """

    channels: int
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    affine: bool = False
    track_stats: bool = False
    momentum: float = 0.1
    epsilon: float = 1e-5
    init_scale: Callable[..., Array] = ones
    init_bias: Callable[..., Array] = zeros

    def __post_init__(self) -> None:
        check_switches(self, "affine", "track_stats")
        check_sizes(self, "channels")
        check_share(self, "momentum")
        self._check()

    def __call__(
        self, x: Input, ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "batch *space channels"], NamedTuple]:
        x, mask, scale, bias = self._given(x, ps)
        mean, var, training = self._tracked(st)
        if training and x.ndim > 2:
            self._refuse_one(x, math.prod(x.shape[1:-1]))
        y, running = instancenorm(
            x,
            scale,
            bias,
            mean,
            var,
            self.activation,
            training=training,
            momentum=self.momentum,
            epsilon=self.epsilon,
            mask=mask,
        )
        return y, self._new(st, running)

    def __str__(self) -> str:
        return self._text(repr(self.channels), hide=("channels",))
