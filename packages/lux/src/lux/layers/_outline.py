"""What arrays are, in words."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from luxcore import Val


def outline(leaf: Any) -> str:
    """An array as its dtype and shape."""
    if isinstance(leaf, Val):
        return repr(leaf)
    dtype = leaf.dtype if hasattr(leaf, "dtype") else jnp.result_type(leaf)
    return f"{dtype}[{','.join(map(str, jnp.shape(leaf)))}]"


def outlines(tree: Any) -> str:
    """A tree of arrays as their dtypes and shapes."""
    return str(jax.tree.map(outline, tree)).replace("'", "")


def is_floating(leaf: Any) -> bool:
    """Whether a number or an array is floating."""
    return bool(jnp.issubdtype(getattr(leaf, "dtype", None) or type(leaf), jnp.floating))


def path_of(path: Any) -> tuple[str, ...]:
    """The segments of a path of JAX's."""
    return tuple(jax.tree_util.keystr((key,), simple=True) for key in path)
