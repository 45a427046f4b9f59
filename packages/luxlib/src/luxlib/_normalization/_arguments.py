"""Checks of the arguments that all normalizations have."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import jax.numpy as jnp

from luxlib._checks import check_callable, check_inexact, mismatch
from luxlib._dtypes import promote, to_inexact

if TYPE_CHECKING:
    from jax import Array

    from luxlib._bias_activation import Activation

__all__ = ["check_channels", "check_common", "check_trailing", "promoted"]


def check_common(
    function: str,
    x: Array,
    mask: Array | None,
    activation: Activation,
    epsilon: float,
    axes: int,
    shape: str,
) -> None:
    """Refuse an `x` that is complex or has fewer `axes` than its `shape`, and wrong options."""
    check_callable(function, activation)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            "x",
            "a real dtype",
            x.dtype,
            "Normalize its real and imaginary parts, for example.",
            kind=TypeError,
        )
    if x.ndim < axes:
        raise mismatch(
            function,
            "x",
            f"shape {shape}",
            x.shape,
            "Add the axes that are missing.",
        )
    if not isinstance(epsilon, Real) or not 0 < float(epsilon) < float("inf"):
        raise mismatch(
            function,
            "epsilon",
            "a positive number",
            repr(epsilon),
            "It keeps the division by the deviation finite.",
        )
    if mask is not None:
        _check_mask(function, x, mask)


def _check_mask(function: str, x: Array, mask: Array) -> None:
    if mask.dtype != jnp.bool_:
        raise mismatch(
            function,
            "mask",
            "dtype bool",
            mask.dtype,
            "True marks a valid element; convert it, for example mask != 0.",
            kind=TypeError,
        )
    fits = mask.ndim == x.ndim and all(
        m in (1, n) for m, n in zip(mask.shape, x.shape, strict=True)
    )
    if not fits:
        raise mismatch(
            function,
            "mask",
            f"a shape that broadcasts to {x.shape}, with as many axes",
            mask.shape,
            "Add axes of size 1, for example mask[..., None].",
        )


def check_channels(function: str, x: Array, **parameters: Array | None) -> None:
    """Refuse parameters that are not one number for each channel."""
    for name, parameter in parameters.items():
        if parameter is None:
            continue
        _check_real(function, name, parameter)
        if parameter.shape != x.shape[-1:]:
            raise mismatch(
                function,
                name,
                f"shape {x.shape[-1:]}",
                parameter.shape,
                f"It has one number for each channel: x has shape {x.shape}.",
            )


def check_trailing(function: str, x: Array, **parameters: Array | None) -> None:
    """Refuse parameters that don't have the sizes of the last axes of `x`."""
    for name, parameter in parameters.items():
        if parameter is None:
            continue
        _check_real(function, name, parameter)
        axes = parameter.ndim
        if not 1 <= axes <= x.ndim or parameter.shape != x.shape[-axes:]:
            raise mismatch(
                function,
                name,
                f"the sizes of the last axes of x {x.shape}, such as {x.shape[-1:]}",
                parameter.shape,
                "Reshape or broadcast it first.",
            )


def _check_real(function: str, name: str, parameter: Array) -> None:
    check_inexact(function, name, parameter)
    if jnp.issubdtype(parameter.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            name,
            "a real floating dtype",
            parameter.dtype,
            "Real numbers are scaled and shifted by real ones.",
            kind=TypeError,
        )


def promoted(
    x: Array, scale: Array | None, bias: Array | None
) -> tuple[Array, Array | None, Array | None]:
    """Cast to the dtype in common; without parameters, integers to the default one."""
    if scale is None and bias is None:
        return to_inexact(x), None, None
    x, scale, bias = promote(x, scale, bias)
    return x, scale, bias
