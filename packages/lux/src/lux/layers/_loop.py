"""Loops over layers, in which a layer gets what the one before it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ._outline import is_floating, outline, outlines


def settled(layer: Callable[[Any], Any], x: Any, ps: Any) -> Any:
    """The input of a loop in the dtypes that its layers return.

    A layer promotes a narrow input to the dtype of its parameters. Without a loop only the first
    layer does; a loop goes in with what comes out.
    """
    if len({jnp.result_type(leaf) for leaf in jax.tree.leaves((x, ps)) if is_floating(leaf)}) < 2:
        return x
    y = jax.eval_shape(layer, x)
    return jax.tree.map(_promoted, x, y) if _structure(x) == _structure(y) else x


def _promoted(leaf: Any, other: Any) -> Any:
    """A floating array in the wider dtype of another."""
    if not (is_floating(leaf) and is_floating(other)):
        return leaf
    narrow = jnp.finfo(jnp.result_type(leaf)).bits < jnp.finfo(other.dtype).bits
    return jnp.asarray(leaf, other.dtype) if narrow else leaf


def check_same(expected: str, before: Any, after: Any) -> None:
    """Refuse a result of another type than the loop goes in with."""
    if _type(before) != _type(after):
        raise ValueError(f"{expected}, {outlines(before)}, got {outlines(after)}")


def _structure(tree: Any) -> Any:
    return jax.tree.structure(tree)


def _type(tree: Any) -> Any:
    return _structure(tree), [outline(leaf) for leaf in jax.tree.leaves(tree)]
