"""What holds of the description alone: it is a value, and it knows its parameters and states."""

from __future__ import annotations

import pickle
import re
from typing import Any

import jax

import lux
from luxcore import AbstractLuxLayer, NamedTuple, fmap, parameter_length, state_length

from ._compare import type_difference, value_difference
from ._subject import failure, is_inexact, without_error


def check_value(layer: AbstractLuxLayer, *, picklable: bool) -> None:
    """A layer equals its copy and what comes out of a pickle, and hashes as they do."""
    copies = {"a copy": fmap(lambda leaf: leaf, layer)}
    if picklable:
        with without_error(layer, "pickle"):
            copies["the layer out of a pickle"] = pickle.loads(pickle.dumps(layer))
    for name, copy in copies.items():
        if not (layer == copy and copy == layer):
            raise failure(layer, f"equality of {name}", "an equal layer", _another(layer, copy))
        if hash(copy) != hash(layer):
            raise failure(layer, f"hash of {name}", "that of the layer", "another")


def _another(layer: AbstractLuxLayer, copy: AbstractLuxLayer) -> str:
    fields = (name for name in vars(layer) if not name.startswith("_"))
    differ = [name for name in fields if getattr(layer, name) != getattr(copy, name)]
    return f"one with another {differ[0]}" if differ else "one that says it is not"


def check_setup(layer: AbstractLuxLayer, key: Any) -> tuple[Any, NamedTuple]:
    """The key decides; traced, the trees are the same; parameters are what can be trained."""
    with without_error(layer, "setup"):
        made, again = (_trees(*lux.setup(key, layer)) for _ in range(2))
    for path, leaf in jax.tree.leaves_with_path(made.ps):
        if not is_inexact(leaf):
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            expected = "a floating or complex dtype (what is not trained belongs into the states)"
            raise failure(layer, f"setup: ps.{name}", expected, leaf.dtype)
    difference = value_difference(made, again, roundings=0)
    if difference is not None:
        what = f"setup with the same key again: {difference[0]}"
        raise failure(layer, what, *difference[1:])
    with without_error(layer, "setup under jax.jit"):
        traced = jax.eval_shape(lambda key: _trees(*lux.setup(key, layer)), key)
    differs = type_difference(made, traced)
    if differs is not None:
        raise failure(layer, f"setup under jax.jit: {differs[0] or 'the trees'}", *differs[1:])
    return made.ps, made.st


def _trees(ps: Any, st: NamedTuple) -> NamedTuple:
    return NamedTuple(ps=ps, st=st)


def check_counts(layer: AbstractLuxLayer, ps: Any, st: NamedTuple) -> None:
    """The lengths are those of the trees, and `repr` shows them."""
    text = repr(layer)
    for name, length, tree, shown in (
        ("parameter_length", parameter_length, ps, r"{} parameter"),
        ("state_length", state_length, st, r"plus {} (non-trainable|state)"),
    ):
        count = sum(leaf.size for leaf in jax.tree.leaves(tree))
        with without_error(layer, name):
            said = length(layer)
        if said != count:
            raise failure(layer, name, f"{count}, the elements of the tree", said)
        pattern = r"(?<![\d_])" + shown.format(f"{count:_}")
        if count and not re.search(pattern, text):
            expected = f"{count:_} of {name.partition('_')[0]}s in the text"
            raise failure(layer, "repr", expected, repr(text))
