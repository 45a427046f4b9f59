"""Calling an objective inside a compiled step, and what is said when it returns something else.

All of this runs while a step is traced, once for each compiled program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

import luxcore
from lux._strong import as_strong_array
from luxcore import AbstractLuxLayer, NamedTuple

if TYPE_CHECKING:
    from jax import Array

Objective = Callable[[AbstractLuxLayer, Any, NamedTuple, Any], tuple[Any, NamedTuple, Any]]


def evaluate(
    objective: Objective, model: AbstractLuxLayer, ps: Any, st: NamedTuple, data: Any
) -> tuple[Array, tuple[NamedTuple, Any]]:
    """`(loss, (st, stats))`, checked."""
    result = objective(model, ps, st, data)
    if not isinstance(result, tuple) or len(result) != 3:
        raise TypeError(
            f"{_name(objective)}: expected (loss, st, stats), got {_text(result)}: an "
            "objective(model, ps, st, data) returns the loss, the new states and a tree of "
            "statistics, which may be empty: NamedTuple()"
        )
    loss, new_st, stats = result
    shape, dtype = jnp.shape(loss), jnp.result_type(loss)
    if shape != ():
        raise ValueError(
            f"{_name(objective)}: loss: expected a scalar, got shape {shape}: average it, for "
            "example loss.mean()"
        )
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"{_name(objective)}: loss: expected a floating dtype, got {dtype}")
    if luxcore.preserves_state_type(model):
        _check_states(objective, st, new_st)
    return loss, (jax.tree.map(as_strong_array, new_st), stats)


def _check_states(objective: Objective, st: NamedTuple, new_st: Any) -> None:
    old, new = _types(st), _types(new_st)
    changed = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    structure, new_structure = map(str, map(jax.tree.structure, (st, new_st)))
    if changed or structure != new_structure:
        path = changed[0] if changed else "the top level"
        expected, got = old.get(path, "nothing"), new.get(path, "nothing")
        if not changed:
            expected, got = structure, new_structure
        raise ValueError(
            f"{_name(objective)}: states: {path}: expected {expected}, got {got}: a step returns "
            "states of the structure, shapes and dtypes that it was given"
        )


def _types(st: Any) -> dict[str, str]:
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): _text(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(st)
    }


def _text(value: Any) -> str:
    """A value by its shape and dtype, or by its type."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}[{','.join(map(str, value.shape))}]"
    if isinstance(value, tuple) and not isinstance(value, NamedTuple):
        return f"a tuple of {len(value)}"
    return type(value).__name__


def _name(objective: Objective) -> str:
    return getattr(objective, "__name__", None) or repr(objective)
