"""Batch normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luxlib._activations import identity

from ._arguments import check_channels, check_common
from ._channels import normalize_channels
from ._running import check_running

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Bool, Float, Real

    from luxlib._bias_activation import Activation

    from ._running import Running
    from ._standardize import AxisName

__all__ = ["batchnorm"]


def batchnorm(
    x: Real[Array, "*batch_and_space channels"],
    scale: Float[Array, " channels"] | None = None,
    bias: Float[Array, " channels"] | None = None,
    running_mean: Float[Array, " channels"] | None = None,
    running_var: Float[Array, " channels"] | None = None,
    activation: Activation = identity,
    *,
    training: bool = True,
    momentum: float | Array = 0.1,
    epsilon: float = 1e-5,
    mask: Bool[Array, "*batch_and_space channels"] | None = None,
    axis_name: AxisName | None = None,
) -> tuple[Float[Array, "*batch_and_space channels"], Running]:
    """Normalize each channel over batch and space.

    `y = activation((x - mean) / √(var + epsilon) * scale + bias)`

    In training `mean` and `var` (with `n` in its denominator) are those of `x`, and

    `running = (1 - momentum) * running + momentum * batch`

    where the batch's variance has `n - 1` in its denominator. In inference they are the running
    ones, which stay as they are.

    **Arguments**

    - `x`: `(*batch, *space, channels)`, real, any number of leading axes
    - `scale`, `bias`: `(channels,)`, or `None` for 1 and 0
    - `running_mean`, `running_var`: `(channels,)`, or `None` for both; then inference normalizes by
      the statistics of `x` too
    - `activation`: a function of one array
    - `training`: whether the statistics are those of `x`
    - `momentum`: the weight of this batch in the running statistics, from 0 to 1
    - `epsilon`: what is added to the variance
    - `mask`: which elements of `x` are valid; it has the axes of `x`, of its sizes or 1. What
      isn't valid counts in no statistic, gives 0, and has no gradient, whatever `x` holds there
    - `axis_name`: the name, or names, of mapped axes (`jax.shard_map`, `jax.vmap`, `jax.pmap`) over
      which the batch is spread: its statistics are taken of all of it

    **Returns**

    `(y, (running_mean, running_var))`: `y` has the shape of `x` and the dtype that it, `scale` and
    `bias` have in common; sums are in `float32` at least. The running statistics keep their dtypes,
    and are `None` where they were. They carry no gradient. A channel without a valid element leaves
    both as they are, one with a single element the variance.

    **Raises**

    `ValueError` where the shapes don't match or an option is out of range, `TypeError` where a
    dtype is not the one that is needed.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([[1.0, 10.0], [3.0, 30.0]])
    >>> y, (mean, var) = luxlib.batchnorm(x, None, None, jnp.zeros(2), jnp.ones(2))
    >>> y.round(3)
    Array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    >>> mean
    Array([0.2, 2. ], dtype=float32)
    >>> luxlib.batchnorm(x, None, None, mean, var, training=False)[0].shape
    (2, 2)
    ```

    Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", 2015. Named as in LuxLib.jl, which has `momentum` as PyTorch has it; Flax's
    is `1 - momentum`.
    """
    function = "batchnorm"
    check_common(function, x, mask, activation, epsilon, 1, "(..., channels)")
    check_channels(function, x, scale=scale, bias=bias)
    check_running(function, x, running_mean, running_var, momentum)
    return normalize_channels(
        x,
        scale,
        bias,
        (running_mean, running_var),
        mask,
        momentum,
        together=True,
        axis_name=axis_name,
        training=bool(training),
        activation=activation,
        epsilon=float(epsilon),
    )
