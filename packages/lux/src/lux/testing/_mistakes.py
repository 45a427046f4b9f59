"""An input that does not fit is refused, and the error says in which layer."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from lux.layers import Chain
from luxcore import AbstractLuxLayer, NamedTuple

from ._subject import failure, is_inexact

_AT = "at checked"


def check_refusal(layer: AbstractLuxLayer, wrong: Any, ps: Any, st: NamedTuple) -> None:
    """A wrong input is an error with a note that begins with the layer's path."""
    model = Chain(NamedTuple(checked=layer))
    shown = jax.tree.map(lambda leaf: f"{leaf.dtype}[{','.join(map(str, leaf.shape))}]", wrong)
    try:
        y, _ = jax.eval_shape(model, wrong, NamedTuple(checked=ps), NamedTuple(checked=st))
    except Exception as error:
        notes = getattr(error, "__notes__", [])
        if not any(note.startswith(_AT) for note in notes):
            expected = f"a note that begins with '{_AT}'"
            raise failure(layer, f"error for an input {shown}", expected, f"{notes}") from error
    else:
        raise failure(layer, f"call with an input {shown}", "an error", f"{y}")


def with_one_more_feature(x: Any) -> Any:
    """The input with one more element on the last axis of its floating arrays."""
    arrays = [leaf for leaf in jax.tree.leaves(x) if np.ndim(leaf) and is_inexact(np.asarray(leaf))]
    if not arrays:
        raise TypeError(
            "check_layer: wrong: the input has no floating array to make a wrong one of: give an "
            "input that the layer refuses, or None where there is none"
        )

    def widened(leaf: Any) -> Any:
        array = np.asarray(leaf)
        if not (array.ndim and is_inexact(array)):
            return array
        return np.concatenate([array, array[..., :1]], axis=-1)

    return jax.tree.map(widened, x)
