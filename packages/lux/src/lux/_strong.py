"""Arrays without weak types.

An array made of a Python number has a weak type, which JAX counts when it compares programs: a
state that comes out of a step stronger than it went in would compile the step twice.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def as_strong_array(leaf: Any) -> Any:
    """A number or array as a JAX array whose type is not weak; anything else as it is."""
    if isinstance(leaf, bool | int | float | complex | np.ndarray | np.generic):
        leaf = jnp.asarray(leaf)
    # The keys that jax.random makes have no such attribute.
    weak = isinstance(leaf, jax.Array) and getattr(leaf, "weak_type", False)
    return leaf.astype(leaf.dtype) if weak else leaf
