"""Derivatives against central differences in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._compare import array_difference, numbers
from ._program import Program
from ._subject import Subject

_STEP = 1e-5


def check_gradient(subject: Subject, program: Program) -> None:
    """The gradient of each parameter and input, along a random direction of it."""
    point, direction = _point_and_direction(subject)
    at = program(point, direction)
    for index, name in enumerate(subject.names):
        along = [d if i == index else 0 * d for i, d in enumerate(direction)]
        after, before = (program(p, along).value for p in _around(point, along))
        difference = float(after - before) / (2 * _STEP)
        # Of a complex variable JAX's gradient is the conjugate of the direction of ascent.
        terms = (numbers(at.gradient[index]) * numbers(direction[index])).real
        scale = np.abs(terms).sum() + abs(difference)
        tolerance = 1e-6 * scale + 1e-9 * (1 + abs(float(at.value)))
        differs = array_difference(np.array(difference), terms.sum(), tolerance)
        if differs is not None:
            expected = f"{differs[0]} along a random direction, from central differences"
            raise subject.failure("gradient", _mode(subject), expected, differs[1], name)


def check_curvature(subject: Subject, program: Program) -> None:
    """The derivative of the gradient along a random direction of all together."""
    point, direction = _point_and_direction(subject)
    at = program(point, direction)
    after, before = (program(p, direction).gradient for p in _around(point, direction))
    for index, name in enumerate(subject.names):
        difference = (numbers(after[index]) - numbers(before[index])) / (2 * _STEP)
        got = numbers(at.curvature[index])
        scale = np.abs(difference).max(initial=0.0) + np.abs(got).max(initial=0.0)
        slope = np.abs(numbers(at.gradient[index])).max(initial=0.0)
        differs = array_difference(difference, got, 1e-5 * scale + 1e-8 * (1 + slope))
        if differs is not None:
            expected = f"{differs[0]} from central differences of the gradient"
            raise subject.failure("second derivative", _mode(subject), expected, differs[1], name)


def _mode(subject: Subject) -> str:
    """Derivatives are those of the first mode."""
    return next(iter(subject.modes))


def _point_and_direction(subject: Subject) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(0)
    point = subject.cast("float64", "float64")
    return point, [rng.normal(size=leaf.shape).astype(leaf.dtype) for leaf in point]


def _around(point: list[Any], direction: list[Any]) -> list[list[Any]]:
    return [
        [np.asarray(p) + sign * _STEP * d for p, d in zip(point, direction, strict=True)]
        for sign in (1, -1)
    ]
