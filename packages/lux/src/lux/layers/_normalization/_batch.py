"""Batch normalization."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.initializers import ones, zeros
from lux.layers._checks import check_share, check_sizes, check_switches
from luxcore import NamedTuple
from luxlib import batchnorm, identity

from ._tracking import TrackingNorm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jaxtyping import Float

    from ._norm import Input


class BatchNorm(
    TrackingNorm,
    parameters=("scale", "bias"),
    states=("running_mean", "running_var", "training"),
):
    """Normalizes each channel over batch and space.

    `y = activation((x - mean) / √(var + epsilon) * scale + bias)`

    In training `mean` and `var` (with `n` in its denominator) are those of `x`, and

    `running = (1 - momentum) * running + momentum * batch`

    where the batch's variance has `n - 1` in its denominator. In test mode they are the running
    ones, which stay as they are.

    **Arguments**

    - `channels`: the number of channels
    - `activation`: a function of one array
    - `affine`: whether there are a scale and a bias
    - `track_stats`: whether there are running statistics; without them `mean` and `var` are those
      of `x` in test mode too
    - `momentum`: the weight of a batch in the running statistics, from 0 to 1
    - `epsilon`: what is added to the variance
    - `axis_name`: the name, or names, of mapped axes (`jax.shard_map`, `jax.vmap`) over which the
      batch is spread: its statistics are taken of all of it. Under `jax.jit` a batch that is
      sharded needs none
    - `init_scale`, `init_bias`: initializers, called with the shape `(channels,)`

    **Inputs**

    - `x`: `(*batch, *space, channels)`, any number of axes before the channels; or `(x, mask)`,
      where the mask is true for valid elements and has the axes of `x`, of its sizes or 1. The
      others count in no statistic, and give 0

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
      an input that does not fit, or of which a channel has a single element in training.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.BatchNorm(2)
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.array([[1.0, 10.0], [3.0, 30.0]]), ps, st)
    >>> y.round(3)
    Array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    >>> st.running_mean
    Array([0.2, 2. ], dtype=float32)

    ```

    Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", 2015. As Lux.jl's `BatchNorm` and PyTorch's `BatchNorm2d`; the momentum of
    Flax and Keras is `1 - momentum`.
    """

    channels: int
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    affine: bool = True
    track_stats: bool = True
    momentum: float = 0.1
    epsilon: float = 1e-5
    axis_name: str | Sequence[str] | None = None
    init_scale: Callable[..., Array] = ones
    init_bias: Callable[..., Array] = zeros

    def __post_init__(self) -> None:
        check_switches(self, "affine", "track_stats")
        check_sizes(self, "channels")
        check_share(self, "momentum")
        self._check()

    def __call__(
        self, x: Input, ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*batch_and_space channels"], NamedTuple]:
        x, mask, scale, bias = self._given(x, ps)
        mean, var, training = self._tracked(st)
        if training and self.axis_name is None:
            self._refuse_one(x, math.prod(x.shape[:-1]))
        y, running = batchnorm(
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
            axis_name=self.axis_name,
        )
        return y, self._new(st, running)

    def __str__(self) -> str:
        return self._text(repr(self.channels), hide=("channels",))
