"""Checks of the arguments that all recurrent layers have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from luxlib._checks import mismatch

if TYPE_CHECKING:
    from jax import Array

__all__ = ["check_cell", "check_sequence"]


def check_sequence(
    function: str,
    gates: int,
    x: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
    initial: Any,
    states: int,
    lengths: Array | None,
    time_major: bool,
) -> None:
    """Refuse what a layer with so many `gates` and `states` can't run over a sequence."""
    _check_parameters(function, gates, weight_ih, weight_hh, bias_ih, bias_hh)
    features = weight_ih.shape[0]
    if x.ndim < 2 or x.shape[-1] != features:
        axes = ("time", "...") if time_major else ("...", "time")
        raise mismatch(
            function,
            "x",
            f"shape ({', '.join((*axes, str(features)))})",
            x.shape,
            f"The last axis of x must have the size of the first of weight_ih {weight_ih.shape}.",
        )
    _check_real(function, "x", x)
    batch = x.shape[1:-1] if time_major else x.shape[:-2]
    if initial is not None:
        _check_carry(function, "initial", initial, states, (*batch, weight_hh.shape[0]))
    if lengths is None:
        return
    if not jnp.issubdtype(jnp.result_type(lengths), jnp.integer):
        raise mismatch(
            function,
            "lengths",
            "integers",
            jnp.result_type(lengths),
            "They say how many steps of each sequence count.",
            kind=TypeError,
        )
    if jnp.shape(lengths) != batch:
        raise mismatch(
            function,
            "lengths",
            f"shape {batch}",
            jnp.shape(lengths),
            f"Give one for each sequence of x {x.shape}.",
        )


def check_cell(
    function: str,
    gates: int,
    x: Array,
    carry: Any,
    states: int,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
) -> None:
    """Refuse what a layer with so many `gates` and `states` can't do a step with."""
    _check_parameters(function, gates, weight_ih, weight_hh, bias_ih, bias_hh)
    features = weight_ih.shape[0]
    if x.ndim == 0 or x.shape[-1] != features:
        raise mismatch(
            function,
            "x",
            f"shape (..., {features})",
            x.shape,
            f"The last axis of x must have the size of the first of weight_ih {weight_ih.shape}.",
        )
    _check_real(function, "x", x)
    _check_carry(function, "carry", carry, states, (*x.shape[:-1], weight_hh.shape[0]))


def _check_parameters(
    function: str,
    gates: int,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
) -> None:
    parameters = {
        "weight_ih": weight_ih,
        "weight_hh": weight_hh,
        "bias_ih": bias_ih,
        "bias_hh": bias_hh,
    }
    for name, value in parameters.items():
        if value is not None:
            _check_floating(function, name, value)
    wide = f"{gates} * hidden" if gates > 1 else "hidden"
    if weight_hh.ndim != 2 or weight_hh.shape[1] != gates * weight_hh.shape[0]:
        raise mismatch(
            function,
            "weight_hh",
            f"shape (hidden, {wide})",
            weight_hh.shape,
            "It maps the hidden state to the gates, one after another.",
        )
    width = weight_hh.shape[1]
    if weight_ih.ndim != 2 or weight_ih.shape[1] != width:
        raise mismatch(
            function,
            "weight_ih",
            f"shape (in, {width})",
            weight_ih.shape,
            f"Its last axis must have the size of that of weight_hh {weight_hh.shape}.",
        )
    for name in ("bias_ih", "bias_hh"):
        bias = parameters[name]
        if bias is not None and bias.shape != (width,):
            raise mismatch(
                function,
                name,
                f"shape {(width,)}",
                bias.shape,
                f"A bias has one number for each column of weight_hh {weight_hh.shape}.",
            )


def _check_carry(
    function: str, argument: str, carry: Any, states: int, shape: tuple[int, ...]
) -> None:
    arrays = (carry,)
    if states > 1:
        if not isinstance(carry, (tuple, list)) or len(carry) != states:
            raise mismatch(
                function,
                argument,
                "a pair (h, c)",
                type(carry).__name__,
                "Give the hidden state and the memory.",
                kind=TypeError,
            )
        arrays = tuple(carry)
    for array in arrays:
        _check_floating(function, argument, array)
        if array.shape != shape:
            raise mismatch(
                function,
                argument,
                f"shape {shape}" if states == 1 else f"two arrays of shape {shape}",
                array.shape if states == 1 else tuple(a.shape for a in arrays),
                "It has the leading axes of x and the size of weight_hh's first axis.",
            )


def _check_floating(function: str, argument: str, value: Array) -> None:
    if not jnp.issubdtype(value.dtype, jnp.floating):
        raise mismatch(
            function,
            argument,
            "a floating dtype",
            value.dtype,
            f"Convert it first, for example {argument}.astype(jax.numpy.float32).",
            kind=TypeError,
        )


def _check_real(function: str, argument: str, value: Array) -> None:
    if jnp.issubdtype(value.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            argument,
            "a real dtype",
            value.dtype,
            "Give its real and imaginary parts as features, for example.",
            kind=TypeError,
        )
