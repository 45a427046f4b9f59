"""Gated linear units: one half of the features, weighed by an activation of the other half."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
from jax import lax

from ._activations import gelu_erf, gelu_tanh, relu, sigmoid, swish
from ._activations._pointwise import real
from ._axes import positive_axes
from ._checks import mismatch
from ._dtypes import accumulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float

__all__ = ["geglu", "glu", "reglu", "swiglu"]


def glu(x: Float[Array, "*batch 2features"], *, axis: int = -1) -> Float[Array, "*batch features"]:
    """Weigh the first half of the features by the sigmoid of the second.

    `y = a * sigmoid(b)`, where `a, b = split(x, 2, axis)`

    **Arguments**

    - `x`: `(*batch, 2 * features)`, or with the features on another axis
    - `axis`: the axis that is halved

    **Returns**

    `(*batch, features)`, in the dtype of `x`. Half precision is rounded once.

    **Raises**

    `ValueError` where the axis is out of range or its size is odd, `TypeError` where `x` is
    complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.glu(jnp.array([4.0, 2.0, 0.0, 1000.0]))
    Array([2., 2.], dtype=float32)
    ```

    Dauphin et al., "Language modeling with gated convolutional networks", 2016. As in NNlib, JAX
    and PyTorch, the second half is the gate.
    """
    return _gated("glu", x, axis, sigmoid)


def geglu(
    x: Float[Array, "*batch 2features"], *, axis: int = -1, approximate: bool = True
) -> Float[Array, "*batch features"]:
    """Multiply the first half of the features with the `gelu` of the second.

    `y = a * gelu(b)`, where `a, b = split(x, 2, axis)`

    Arguments and result are those of `glu`; `approximate` is that of `gelu`.

    Shazeer, "GLU variants improve transformer", 2020.
    """
    return _gated("geglu", x, axis, gelu_tanh if approximate else gelu_erf)


def reglu(
    x: Float[Array, "*batch 2features"], *, axis: int = -1
) -> Float[Array, "*batch features"]:
    """Multiply the first half of the features with the `relu` of the second.

    `y = a * relu(b)`, where `a, b = split(x, 2, axis)`

    Arguments and result are those of `glu`.

    Shazeer, "GLU variants improve transformer", 2020.
    """
    return _gated("reglu", x, axis, relu)


def swiglu(
    x: Float[Array, "*batch 2features"], *, axis: int = -1
) -> Float[Array, "*batch features"]:
    """Multiply the first half of the features with the `swish` of the second.

    `y = a * swish(b)`, where `a, b = split(x, 2, axis)`

    Arguments and result are those of `glu`. Where one product makes both halves, the gate is the
    second: models that put it first need their weights exchanged.

    Shazeer, "GLU variants improve transformer", 2020.
    """
    return _gated("swiglu", x, axis, swish)


def _gated(function: str, x: Array, axis: int, activation: Callable[[Array], Array]) -> Array:
    x = real(function, x)
    (place,) = positive_axes(function, (axis,), x.shape)
    if x.shape[place] % 2:
        raise mismatch(
            function,
            "x",
            f"an even size on axis {axis}",
            f"shape {x.shape}",
            "Its first half is multiplied with the activation of its second.",
        )
    return _split_and_multiply(x, place, activation)


@partial(jax.jit, static_argnames=("axis", "activation"))
def _split_and_multiply(x: Array, axis: int, activation: Callable[[Array], Array]) -> Array:
    half = x.shape[axis] // 2
    wide = x.astype(accumulator(x.dtype))
    value = lax.slice_in_dim(wide, 0, half, axis=axis)
    gate = lax.slice_in_dim(wide, half, None, axis=axis)
    return (value * activation(gate)).astype(x.dtype)
