"""Normalization of each example by itself: groups of channels, or every channel alone."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

from luxlib._activations import identity
from luxlib._checks import mismatch

from ._arguments import check_channels, check_common
from ._channels import normalize_channels
from ._running import check_running

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Bool, Float, Real

    from luxlib._bias_activation import Activation

    from ._running import Running

__all__ = ["groupnorm", "instancenorm"]


def groupnorm(
    x: Real[Array, "batch *space channels"],
    scale: Float[Array, " channels"] | None = None,
    bias: Float[Array, " channels"] | None = None,
    groups: int = 32,
    activation: Activation = identity,
    *,
    epsilon: float = 1e-5,
    mask: Bool[Array, "batch *space channels"] | None = None,
) -> Float[Array, "batch *space channels"]:
    """Normalize each group of neighbouring channels of each example, over space.

    `y = activation((x - mean) / √(var + epsilon) * scale + bias)`

    with `mean` and `var` (with `n` in its denominator) of all elements of the group.

    **Arguments**

    - `x`: `(batch, *space, channels)`, real, any number of spatial axes, also none
    - `scale`, `bias`: `(channels,)`, or `None` for 1 and 0
    - `groups`: in how many groups of equal size the channels are split, 32 in the paper
    - `activation`: a function of one array
    - `epsilon`: what is added to the variance
    - `mask`: which elements of `x` are valid; it has the axes of `x`, of its sizes or 1. What
      isn't valid counts in no statistic, gives 0, and has no gradient, whatever `x` holds there

    **Returns**

    An array of the shape of `x` and the dtype that it, `scale` and `bias` have in common. Sums are
    in `float32` at least.

    **Raises**

    `ValueError` where the shapes don't match or an option is out of range, `TypeError` where a
    dtype is not the one that is needed.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([[1.0, 3.0, 10.0, 30.0]])
    >>> luxlib.groupnorm(x, groups=2).round(3)
    Array([[-1.,  1., -1.,  1.]], dtype=float32)
    ```

    Wu and He, "Group normalization", 2018. Named as in LuxLib.jl. One group is a `layernorm` over
    space and channels; as many groups as channels are an `instancenorm`.
    """
    function = "groupnorm"
    check_common(function, x, mask, activation, epsilon, 2, "(batch, *space, channels)")
    check_channels(function, x, scale=scale, bias=bias)
    if not isinstance(groups, Integral) or groups < 1 or x.shape[-1] % groups:
        raise mismatch(
            function,
            "groups",
            f"a divisor of the {x.shape[-1]} channels",
            repr(groups),
            f"x has shape {x.shape}.",
        )
    y, _ = normalize_channels(
        x,
        scale,
        bias,
        (None, None),
        mask,
        together=False,
        channel_groups=None if groups == x.shape[-1] else int(groups),
        activation=activation,
        epsilon=float(epsilon),
    )
    return y


def instancenorm(
    x: Real[Array, "batch *space channels"],
    scale: Float[Array, " channels"] | None = None,
    bias: Float[Array, " channels"] | None = None,
    running_mean: Float[Array, " channels"] | None = None,
    running_var: Float[Array, " channels"] | None = None,
    activation: Activation = identity,
    *,
    training: bool = True,
    momentum: float | Array = 0.1,
    epsilon: float = 1e-5,
    mask: Bool[Array, "batch *space channels"] | None = None,
) -> tuple[Float[Array, "batch *space channels"], Running]:
    """Normalize each channel of each example, over space.

    `y = activation((x - mean) / √(var + epsilon) * scale + bias)`

    `mean` and `var` (with `n` in its denominator) are those of the example's channel. If running
    statistics are given, training moves them as `batchnorm` does, toward the average over the
    examples of the mean and of the variance with `n - 1` in its denominator; and inference
    normalizes by them.

    **Arguments**

    - `x`: `(batch, *space, channels)`, real, at least one spatial axis
    - `scale`, `bias`: `(channels,)`, or `None` for 1 and 0
    - `running_mean`, `running_var`: `(channels,)`, or `None` for both
    - `activation`: a function of one array
    - `training`: whether the statistics are those of `x`
    - `momentum`: the weight of this batch in the running statistics, from 0 to 1
    - `epsilon`: what is added to the variance
    - `mask`: which elements of `x` are valid; it has the axes of `x`, of its sizes or 1. What
      isn't valid counts in no statistic, gives 0, and has no gradient, whatever `x` holds there

    **Returns**

    `(y, (running_mean, running_var))`: `y` has the shape of `x` and the dtype that it, `scale` and
    `bias` have in common; sums are in `float32` at least. The running statistics keep their dtypes,
    and are `None` where they were. They carry no gradient. Examples without a valid element don't
    count in the mean, those with a single one not in the variance.

    **Raises**

    `ValueError` where the shapes don't match or an option is out of range, `TypeError` where a
    dtype is not the one that is needed.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([[1.0, 3.0], [10.0, 30.0]])[..., None]
    >>> y, running = luxlib.instancenorm(x)
    >>> y[..., 0].round(3)
    Array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)
    >>> running
    (None, None)
    ```

    Ulyanov et al., "Instance normalization: the missing ingredient for fast stylization", 2016.
    Named as in LuxLib.jl.
    """
    function = "instancenorm"
    check_common(function, x, mask, activation, epsilon, 3, "(batch, *space, channels)")
    check_channels(function, x, scale=scale, bias=bias)
    check_running(function, x, running_mean, running_var, momentum)
    return normalize_channels(
        x,
        scale,
        bias,
        (running_mean, running_var),
        mask,
        momentum,
        together=False,
        training=bool(training),
        activation=activation,
        epsilon=float(epsilon),
    )
