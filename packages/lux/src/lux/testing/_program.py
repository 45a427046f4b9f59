"""The one compiled program in double precision: outputs, states and derivatives at a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ._subject import Subject, is_inexact, without_error

Point = Sequence[Any]


class Results(NamedTuple):
    """What the program gives: `calls` holds output and state by mode, in the order of the modes.

    `value` is a number that depends on the whole output in the first mode, `gradient` its gradient,
    and `curvature` the derivative of the gradient in a direction. What is not asked for is `None`.
    """

    calls: list[tuple[Any, Any]]
    value: Any
    gradient: Any
    curvature: Any


Program = Callable[[Point, Point], Results]


def compile_program(subject: Subject, derivatives: int) -> Program:
    """The function of a point and a direction that gives all results up to an order."""
    layer, states = subject.layer, list(subject.modes.values())
    point = subject.cast("float64", "float64")
    gradient = jax.value_and_grad(lambda point: _number(subject.call(point, states[0])[0]))

    def results(point: Point, direction: Point) -> Results:
        calls = [subject.call(point, st) for st in states]
        if derivatives == 0:
            return Results(calls, None, None, None)
        if derivatives == 1:
            value, slope = gradient(list(point))
            return Results(calls, value, slope, None)
        (value, slope), (_, curvature) = jax.jvp(gradient, (list(point),), (list(direction),))
        return Results(calls, value, slope, curvature)

    if derivatives:  # before its own derivative, so that an error says what it is about
        with without_error(layer, "gradient"):
            jax.eval_shape(gradient, point)
    with without_error(layer, "second derivative" if derivatives > 1 else "compilation"):
        return jax.jit(results).lower(point, point).compile()


def _number(y: Any) -> Any:
    """A real number on which each element of a tree acts in its own way, to second order."""
    parts = []
    for leaf in jax.tree.leaves(y):
        if is_inexact(leaf):
            is_complex = jnp.issubdtype(leaf.dtype, jnp.complexfloating)
            parts += [leaf.real, leaf.imag] if is_complex else [leaf]
    if not parts:
        raise TypeError("the output has no floating array: pass derivatives=0")
    flat = jnp.concatenate([jnp.ravel(part).astype(jnp.float64) for part in parts])
    places = jnp.arange(flat.size, dtype=jnp.float64)
    return (jnp.cos(places) * flat + 0.5 * jnp.sin(places + 1) * flat**2).sum()
