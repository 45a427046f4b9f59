"""What holds of every call: eager as compiled, one state type, mapped as one by one."""

from __future__ import annotations

import operator
from typing import Any

import jax
import numpy as np

from luxcore import NamedTuple, apply

from ._compare import numbers, type_difference, value_difference
from ._program import Program
from ._subject import Subject, is_inexact, without_error


def check_eager(subject: Subject) -> list[NamedTuple]:
    """A call gives finite numbers; the output and the state in each mode."""
    point = subject.cast("float64", "float64")
    calls = []
    for mode, st in subject.modes.items():
        with without_error(subject.layer, f"call in {mode}" if mode else "call"):
            y, new = subject.call(point, st)
        check_finite(subject, "output", mode, y)
        calls.append(_trees(y, new))
    return calls


def check_traced(subject: Subject) -> None:
    """A call is traced: no step of it depends on a number."""
    point = subject.cast("float64", "float64")
    for mode, st in subject.modes.items():
        what = f"call under jax.jit in {mode}" if mode else "call under jax.jit"
        with without_error(subject.layer, what):
            jax.eval_shape(subject.call, point, st)


def check_finite(subject: Subject, what: str, mode: str, y: Any) -> None:
    """Refuse an output that is not finite."""
    for leaf in jax.tree.leaves(y):
        values = numbers(leaf)
        wrong = values[~np.isfinite(values)]
        if wrong.size:
            raise subject.failure(what, mode, "finite numbers", f"{wrong[0]}")


def check_compiled(subject: Subject, program: Program, calls: list[NamedTuple]) -> None:
    """Compiled, a call gives what it gives without."""
    point = subject.cast("float64", "float64")
    compiled = program(point, point).calls
    for mode, eager, (y, st) in zip(subject.modes, calls, compiled, strict=True):
        jitted = _trees(y, st)
        difference = type_difference(eager, jitted) or value_difference(eager, jitted)
        if difference is not None:
            path, expected, got = difference
            expected += ", as without it"
            raise subject.failure("call under jax.jit", mode, expected, got, path)


def check_mapped(subject: Subject, calls: list[NamedTuple]) -> None:
    """`jax.vmap` over inputs gives what one input after the other gives."""
    layer, states = subject.layer, list(subject.modes.values())
    x, ps = subject.at(subject.cast("float64", "float64"))
    other = jax.tree.map(_another, x)

    @jax.jit
    def mapped(xs: Any) -> list[list[Any]]:
        """Output and state by mode, for each of the two inputs."""
        both = [jax.vmap(apply, (None, 0, None, None))(layer, xs, ps, st) for st in states]
        return [jax.tree.map(operator.itemgetter(index), both) for index in (0, 1)]

    with without_error(layer, "jax.vmap over inputs"):
        firsts, others = mapped(jax.tree.map(lambda a, b: np.stack([a, b]), x, other))
    for index, (mode, st) in enumerate(subject.modes.items()):
        second = _trees(*apply(layer, other, ps, st))
        for alone, together in ((calls[index], firsts[index]), (second, others[index])):
            together = _trees(*together)
            difference = type_difference(alone, together) or value_difference(alone, together)
            if difference is not None:
                path, expected, got = difference
                expected += ", as one by one"
                raise subject.failure("jax.vmap over inputs", mode, expected, got, path)


def _trees(y: Any, st: NamedTuple) -> NamedTuple:
    return NamedTuple(y=y, st=st)


def _another(leaf: Any) -> Any:
    """An input as valid as the one it is made of: what counts, or masks, stays among its kind."""
    if is_inexact(leaf):
        return jax.device_put(0.75 * np.asarray(leaf))
    return leaf if leaf.dtype == bool else np.flip(leaf)
