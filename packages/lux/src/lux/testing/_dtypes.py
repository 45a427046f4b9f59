"""Dtypes: what comes out, how precise it is, and that the state keeps its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._calls import check_finite
from ._compare import type_difference, value_difference
from ._program import Program
from ._subject import Subject, is_inexact, like, without_error


def check_types(subject: Subject, dtypes: Sequence[str]) -> None:
    """The output has the promoted dtype of input and parameters, and the state keeps its type.

    Nothing is computed.
    """
    pairs = [(d, d) for d in dtypes]
    if len({name.partition(".")[0] for name in subject.names}) == 2:
        pairs += [(a, b) for a, b in product(dtypes, repeat=2) if a != b]
    for (x_dtype, ps_dtype), (mode, st) in product(pairs, subject.modes.items()):
        point = subject.cast(x_dtype, ps_dtype)
        given = f"in {x_dtype}"
        if x_dtype != ps_dtype:
            given = f"with an input of {x_dtype} and parameters of {ps_dtype}"
        with without_error(subject.layer, f"call {given}"):
            y, new = jax.eval_shape(subject.call, point, st)
        if subject.layer.preserves_state_type:
            difference = type_difference(st, new)
            if difference is not None:
                path, expected, got = difference
                raise subject.failure(f"state {given}", mode, expected, got, path)
        for leaf in jax.tree.leaves(y):
            expected = _promoted(point, leaf)
            if expected is not None and leaf.dtype != expected:
                raise subject.failure(f"dtype {given}", mode, expected, leaf.dtype)


def check_precision(
    subject: Subject, program: Program, dtypes: Sequence[str], roundings: float
) -> None:
    """The output is finite, and near that of double precision for the same rounded numbers."""
    narrow = [dtype for dtype in dtypes if dtype != "float64"]
    st = next(iter(subject.modes.values()))
    mode = next(iter(subject.modes))
    points = [subject.cast(dtype, dtype) for dtype in narrow]
    with jax.enable_x64(False):
        outputs = jax.jit(lambda points: [subject.call(p, st)[0] for p in points])(points)
    for dtype, point, output in zip(narrow, points, outputs, strict=True):
        wide = [np.asarray(leaf).astype(like(leaf.dtype, "float64")) for leaf in point]
        exact = program(wide, wide).calls[0][0]
        check_finite(subject, f"output in {dtype}", mode, output)
        difference = value_difference(exact, output, roundings)
        if difference is not None:
            path, expected, got = difference
            expected = f"{expected}, as in float64, to {roundings:g} roundings"
            raise subject.failure(f"precision in {dtype}", mode, expected, got, path)


def _promoted(point: Sequence[Any], leaf: Any) -> Any:
    """The dtype that an output has, or `None` where nothing says it."""
    dtypes = [array.dtype for array in point if is_inexact(array)]
    if not dtypes or not is_inexact(leaf):
        return None
    with jax.numpy_dtype_promotion("standard"):
        return like(leaf.dtype, reduce(jnp.promote_types, dtypes))
