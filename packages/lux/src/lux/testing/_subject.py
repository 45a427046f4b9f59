"""What is checked: a layer, an input, parameters and states, in the dtypes that are asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from luxcore import AbstractLuxLayer, NamedTuple, apply, display_name, test_mode, train_mode

from ._compare import type_difference


@dataclass(frozen=True)
class Subject:
    """A layer at a point: the floating leaves of the input and the parameters.

    - `modes`: the states by the mode that they are of, `""` where the layer has only one
    - `names`: where each leaf of the point is, such as `x` or `ps.weight`
    - `point`: the leaves, complex ones too, in the dtypes in which they were given
    """

    layer: AbstractLuxLayer
    modes: Mapping[str, NamedTuple]
    names: Sequence[str]
    point: Sequence[np.ndarray]
    _leaves: Sequence[np.ndarray]
    _tree: Any

    def at(self, point: Sequence[Any]) -> tuple[Any, Any]:
        """The input and the parameters at a point."""
        moved = iter(point)
        leaves = [next(moved) if is_inexact(leaf) else leaf for leaf in self._leaves]
        x, ps = jax.tree.unflatten(self._tree, leaves)
        return x, ps

    def call(self, point: Sequence[Any], st: NamedTuple) -> tuple[Any, NamedTuple]:
        """The output and the new state at a point."""
        return apply(self.layer, *self.at(point), st)

    def cast(self, x_dtype: Any, ps_dtype: Any) -> list[Any]:
        """The point with an input of one dtype and parameters of another."""
        dtypes = (x_dtype if name.partition(".")[0] == "x" else ps_dtype for name in self.names)
        return [
            jax.device_put(leaf.astype(like(leaf.dtype, dtype)))
            for leaf, dtype in zip(self.point, dtypes, strict=True)
        ]

    def failure(
        self, what: str, mode: str, expected: Any, got: Any, place: str = ""
    ) -> AssertionError:
        """The error to raise where a property does not hold, in a mode and at a place."""
        what = f"{what} in {mode}" if mode else what
        return failure(self.layer, f"{what}: {place}" if place else what, expected, got)


def failure(layer: AbstractLuxLayer, what: str, expected: Any, got: Any) -> AssertionError:
    """The error that says which property of a layer does not hold."""
    return AssertionError(f"{display_name(layer)}: {what}: expected {expected}, got {got}")


@contextlib.contextmanager
def without_error(layer: AbstractLuxLayer, what: str) -> Iterator[None]:
    """What is raised inside is a property that does not hold."""
    try:
        yield
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
        raise failure(layer, what, "no error", got) from error


def make_subject(layer: AbstractLuxLayer, x: Any, ps: Any, st: NamedTuple) -> Subject:
    """The subject of a layer at an input and at its parameters."""
    train, test = train_mode(st), test_mode(st)
    one = type_difference(train, test) is None
    with_paths, tree = jax.tree.flatten_with_path(NamedTuple(x=x, ps=ps))
    leaves = [np.asarray(leaf) for _, leaf in with_paths]
    inexact = [
        (jax.tree_util.keystr(path, simple=True, separator="."), leaf)
        for (path, _), leaf in zip(with_paths, leaves, strict=True)
        if is_inexact(leaf)
    ]
    return Subject(
        layer,
        {"": st} if one else {"train mode": train, "test mode": test},
        [name for name, _ in inexact],
        [leaf for _, leaf in inexact],
        leaves,
        tree,
    )


def is_inexact(array: Any) -> bool:
    """Whether an array is of a floating or complex dtype."""
    return jnp.issubdtype(array.dtype, jnp.inexact)


def like(kind: Any, dtype: Any) -> Any:
    """A floating dtype, or the complex one that goes with it where `kind` is complex."""
    dtype = jnp.dtype(dtype)
    if dtype.kind == "c" or not jnp.issubdtype(kind, jnp.complexfloating):
        return dtype
    return jnp.dtype("complex128" if dtype == jnp.float64 else "complex64")
