"""Running statistics: what a normalization remembers of its batches for inference.

    running = (1 - momentum) * running + momentum * of_the_batch

as in Lux.jl and PyTorch. The variance is the unbiased one, with `n - 1` in its denominator: it
estimates that of the data, not of the batch.
"""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, TypeAlias

import jax.numpy as jnp
from jax import lax

from luxlib._bias_activation import finish
from luxlib._checks import mismatch
from luxlib._dtypes import accumulator

from ._arguments import check_channels
from ._standardize import blank

if TYPE_CHECKING:
    from jax import Array

    from luxlib._bias_activation import Activation

__all__ = ["Running", "apply_running", "check_running", "updated"]

Running: TypeAlias = "tuple[Array, Array] | tuple[None, None]"


def check_running(
    function: str,
    x: Array,
    running_mean: Array | None,
    running_var: Array | None,
    momentum: float | Array,
) -> None:
    """Refuse running statistics that are not one number for each channel, or one of them alone."""
    check_channels(function, x, running_mean=running_mean, running_var=running_var)
    if (running_mean is None) != (running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise mismatch(
            function,
            missing,
            "an array, as the other running statistic is one",
            None,
            "Pass both, or none.",
        )
    if isinstance(momentum, Real) and not 0 <= float(momentum) <= 1:
        raise mismatch(
            function,
            "momentum",
            "a number from 0 to 1",
            momentum,
            "It is the weight of the batch in the running statistics.",
        )
    if jnp.shape(momentum) != ():
        raise mismatch(
            function, "momentum", "one number", f"shape {jnp.shape(momentum)}", "Give a scalar."
        )


def updated(
    running: Running, mean: Array, variance: Array, number: Array, momentum: float | Array
) -> Running:
    """Move the running statistics toward those of a batch.

    `mean` and `variance` are those of channels, of one or several examples; `number` broadcasts to
    them: how many elements each is of. Examples are averaged, but for those too small to say
    something: without an element there is no mean, with only one no variance. If none is left,
    nothing moves.
    """
    running_mean, running_var = running
    if running_mean is None or running_var is None:
        return None, None
    unbiased = variance * (number / jnp.maximum(number - 1, 1))
    return (
        _moved(running_mean, mean, number > 0, momentum),
        _moved(running_var, unbiased, number > 1, momentum),
    )


def _moved(running: Array, batch: Array, present: Array, momentum: float | Array) -> Array:
    present = jnp.broadcast_to(present, batch.shape)
    examples = tuple(range(batch.ndim - 1))
    total = jnp.where(present, batch, 0).sum(examples)
    number = present.sum(examples, dtype=jnp.int32).astype(batch.dtype)
    average = total / jnp.maximum(number, 1)
    weight = jnp.where(number > 0, jnp.asarray(momentum).astype(batch.dtype), 0)
    before = running.astype(batch.dtype)
    return (before + weight * (average - before)).astype(running.dtype)


def apply_running(
    x: Array,
    scale: Array | None,
    bias: Array | None,
    running_mean: Array,
    running_var: Array,
    mask: Array | None,
    activation: Activation,
    epsilon: float,
) -> Array:
    """Normalize by the running statistics: one product and one sum for each element."""
    wide = accumulator(x.dtype)
    gain = lax.rsqrt(running_var.astype(wide) + epsilon)
    if scale is not None:
        gain = gain * scale.astype(wide)
    channels = (1,) * (x.ndim - 1) + gain.shape
    centred = blank(x, mask).astype(wide) - running_mean.astype(wide).reshape(channels)
    return blank(finish(centred * gain.reshape(channels), bias, activation, x.dtype), mask)
