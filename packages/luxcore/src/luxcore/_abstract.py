"""Sizes without arrays: what is asked of a layer before anything is computed.

luxcore knows no arrays, so it cannot trace a function. Where Lux is loaded it registers JAX's
abstract evaluation here, and sizes cost no memory; otherwise parameters are made once, with
`random.Random(0)`, and counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ._tree import fleaves

Evaluate = Callable[[Callable[[Any], Any]], Any]
OutputSize = Callable[[Any, Any, Any], Any]

_evaluate: Evaluate | None = None
_output_size: OutputSize | None = None


def register_evaluation(evaluate: Evaluate) -> None:
    """Sets what turns `make(rng)` into a tree of shapes, where sizes are asked for."""
    global _evaluate
    _evaluate = evaluate


def register_output_size(output_size: OutputSize) -> None:
    """Sets the fallback of `output_size(layer, x, rng)`."""
    global _output_size
    _output_size = output_size


def evaluate(make: Callable[[Any], Any]) -> Any:
    """The tree that `make(rng)` gives, with shapes instead of arrays where Lux is loaded."""
    if _evaluate is not None:
        return _evaluate(make)
    import random

    return make(random.Random(0))


def tree_length(tree: Any) -> int:
    """How many numbers are in a tree: an array counts its elements, a number one."""
    return sum(map(_leaf_length, fleaves(tree)))


def _leaf_length(leaf: Any) -> int:
    shape = getattr(leaf, "shape", None)
    return math.prod(shape) if shape is not None else isinstance(leaf, int | float | complex)


def fallback_output_size(layer: Any, x: Any, rng: Any) -> Any:
    if _output_size is None:
        raise NotImplementedError(
            f"{type(layer).__name__} defines no output_size(self, x, rng), and the fallback, which "
            "knows arrays, comes with Lux: import lux"
        )
    return _output_size(layer, x, rng)
