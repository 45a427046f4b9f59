"""What is said when an argument is wrong.

Every public function checks its arguments before anything is computed, so a mistake is reported
where it was made and in the words of the caller: the function, the argument, what was expected,
what came, and what to do. Shapes are known while tracing, so under `jax.jit` the checks cost
nothing at run time.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING

import jax.numpy as jnp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array

__all__ = ["check_callable", "check_inexact", "check_one_of", "integers", "mismatch", "per_axis"]


def mismatch(
    function: str,
    argument: str,
    expected: str,
    got: object,
    advice: str,
    *,
    kind: type = ValueError,
) -> Exception:
    """Return the error to raise: where, expected, got, and what to do."""
    return kind(f"{function}: {argument}: expected {expected}, got {got}. {advice}")


def check_inexact(function: str, argument: str, value: Array) -> None:
    """Refuse parameters of an integer or boolean dtype: nothing could be learned in them."""
    if not jnp.issubdtype(value.dtype, jnp.inexact):
        raise mismatch(
            function,
            argument,
            "a floating or complex dtype",
            value.dtype,
            f"Convert it first, for example {argument}.astype(jax.numpy.float32).",
            kind=TypeError,
        )


def check_callable(function: str, activation: object) -> None:
    """Refuse an activation that cannot be called."""
    if not callable(activation):
        raise mismatch(
            function,
            "activation",
            "a function of one array",
            repr(activation),
            "Pass luxlib.identity for none.",
            kind=TypeError,
        )


def check_one_of(function: str, argument: str, value: object, choices: Sequence[str]) -> None:
    """Refuse a word that is not among the `choices`."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise mismatch(
            function, argument, f"one of {listed}", repr(value), "Choose one of these words."
        )


def per_axis(
    function: str, argument: str, value: int | Sequence[int], axes: int, *, least: int = 1
) -> tuple[int, ...]:
    """Return one integer for each of `axes` spatial axes, from one integer or as many."""
    words = f"an integer or {axes} of them, each at least {least}"
    advice = "Give one integer for every spatial axis, or one that holds for all."
    values = integers(value)
    if values is not None and not isinstance(value, Iterable):
        values *= axes
    if values is None or len(values) != axes or min(values, default=least) < least:
        raise mismatch(function, argument, words, repr(value), advice)
    return values


def integers(value: object) -> tuple[int, ...] | None:
    """Return one integer or several as a tuple, and `None` for anything else."""
    entries = tuple(value) if isinstance(value, Iterable) else (value,)
    try:
        return tuple(operator.index(entry) for entry in entries)
    except TypeError:
        return None
