"""Where two trees differ: in their structure and types, or in their numbers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from luxcore import Val

Difference = tuple[str, str, str]


def type_difference(expected: Any, got: Any) -> Difference | None:
    """The first place where two trees have another structure, shape, dtype or weak type."""
    if _structure(expected) != _structure(got):
        return "", outline(expected), outline(got)
    for (path, a), b in zip(_with_paths(expected), _leaves(got), strict=True):
        if _type(a) != _type(b):
            return path, _type(a), _type(b)
    return None


def value_difference(expected: Any, got: Any, roundings: float = 1024) -> Difference | None:
    """The first place where two trees of one type differ by more than so many roundings.

    A rounding is one of the largest element of the array, in the dtype of `got`.
    """
    for (path, a), b in zip(_with_paths(expected), _leaves(got), strict=True):
        if isinstance(a, Val):
            continue
        unit = float(jnp.finfo(b.dtype).eps) if jnp.issubdtype(b.dtype, jnp.inexact) else 0.0
        a, b = numbers(a), numbers(b)
        scale = np.abs(a[np.isfinite(a)]).max(initial=0.0)
        difference = array_difference(a, b, roundings * unit * scale)
        if difference is not None:
            return path, *difference
    return None


def array_difference(expected: Any, got: Any, tolerance: float) -> tuple[str, str] | None:
    """The elements that differ most, if by more than a tolerance; equal infinities do not."""
    same = (expected == got) | (np.isnan(expected) & np.isnan(got))
    with np.errstate(invalid="ignore"):
        errors = np.where(same, 0.0, np.abs(expected - got))
    if (errors <= tolerance).all():
        return None
    place = np.unravel_index(np.where(np.isnan(errors), np.inf, errors).argmax(), errors.shape)
    at = f" at [{', '.join(map(str, place))}]" if place else ""
    a, b = expected[place], got[place]
    digits = 8 if f"{a:.8g}" != f"{b:.8g}" else 17
    return f"{a:.{digits}g}{at}", f"{b:.{digits}g}"


def numbers(leaf: Any) -> Any:
    """The numbers of an array in double precision; those that a random key is made of."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    array = np.asarray(leaf)
    return array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)


def _structure(tree: Any) -> Any:
    return jax.tree.structure(tree, is_leaf=_is_val)


def outline(tree: Any) -> str:
    """A tree with the types of its arrays."""
    return str(jax.tree.map(_type, tree)).replace("'", "")


def _is_val(tree: Any) -> bool:
    return isinstance(tree, Val)


def _leaves(tree: Any) -> list[Any]:
    return jax.tree.leaves(tree, is_leaf=_is_val)


def _with_paths(tree: Any) -> list[tuple[str, Any]]:
    return [
        (jax.tree_util.keystr(path, simple=True, separator="."), leaf)
        for path, leaf in jax.tree.leaves_with_path(tree, is_leaf=_is_val)
    ]


def _type(leaf: Any) -> str:
    """`float32[3,2]`, and whether it is weak."""
    if isinstance(leaf, Val):
        return repr(leaf)
    weak = " of a weak type" if getattr(leaf, "weak_type", False) else ""
    return f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]{weak}"
