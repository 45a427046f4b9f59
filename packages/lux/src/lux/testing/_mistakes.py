"""An input that does not fit is refused, and the error says in which layer."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from lux.layers import Chain
from luxcore import AbstractLuxLayer, NamedTuple

from ._compare import outline
from ._subject import failure, is_inexact

_AT = "at checked"


def check_refusal(layer: AbstractLuxLayer, wrong: Any, ps: Any, st: NamedTuple) -> None:
    """A wrong input is an error with a note that begins with the layer's path."""
    model = Chain(NamedTuple(checked=layer))
    try:
        y, _ = jax.eval_shape(model, wrong, NamedTuple(checked=ps), NamedTuple(checked=st))
    except Exception as error:
        notes = [note for note in getattr(error, "__notes__", []) if note.startswith("at ")]
        if not any(note.startswith(_AT) for note in notes):
            what = f"error for an input {outline(wrong)}"
            raise failure(layer, what, f"a note that begins with {_AT!r}", notes) from error
    else:
        raise failure(layer, f"call with an input {outline(wrong)}", "an error", outline(y))


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
