"""What is said when a step is given something else than it takes.

Nothing of it runs before a step: the checks are made when the step has failed.
"""

from __future__ import annotations

from typing import Any

import jax

from ._state import TrainState


def explain(error: Exception, ad: Any, objective: Any, ts: TrainState) -> None:
    """Raise what JAX says about its own arguments in words of ours."""
    if not isinstance(ts, TrainState):
        raise TypeError(f"ts: expected a TrainState, got {type(ts).__name__}") from None
    for name, value in (("ad", ad), ("objective", objective)):
        try:
            hash(value)
        except TypeError:
            raise TypeError(
                f"{name}: expected a hashable object, since a step is compiled once for each, got "
                f"{type(value).__name__}: define a function, or make a dataclass frozen"
            ) from None
    if not callable(objective):
        raise TypeError(f"objective: expected a function, got {type(objective).__name__}") from None
    if isinstance(ad, type) or not hasattr(ad, "value_and_gradients"):
        got = type(ad).__name__
        if isinstance(ad, type):
            got = f"the class {ad.__name__}: {ad.__name__}() makes one"
        raise TypeError(
            f"ad: expected an object with value_and_gradients(function, ps), got {got}"
        ) from None
    if "donate the same buffer twice" in str(error):
        raise ValueError(_shared_arrays(ts)) from None


def _shared_arrays(ts: TrainState) -> str:
    places: dict[int, list[str]] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(ts):
        if isinstance(leaf, jax.Array):
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            places.setdefault(leaf.unsafe_buffer_pointer(), []).append(name)
    shared = "; ".join(" and ".join(names) for names in places.values() if len(names) > 1)
    return (
        f"donate=True gives every array away once, but one array is in two places: {shared}: copy "
        "one of them (jax.numpy.copy), or pass donate=False"
    )
