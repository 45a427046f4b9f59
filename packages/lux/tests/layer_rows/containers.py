"""Layers made of layers."""

import operator

import jax
import jax.numpy as jnp

import lux

from ._points import normal
from ._row import Row


def total(*xs):
    """The sum, also of dtypes that strict JAX adds only where it is told to."""
    with jax.numpy_dtype_promotion("standard"):
        return sum(xs[1:], xs[0])


def twice_the_sum(x):
    return 2 * total(*x)


BLOCK = lux.SkipConnection(lux.Chain(lux.Dense(3, 3, lux.tanh), lux.Dropout(0.5)), total)

ROWS = {
    "Chain": Row(lux.Chain(lux.Dense(3, 4, lux.tanh), lux.Dropout(0.5)), normal(0, 2, 3)),
    "Chain named": Row(lux.Chain(first=lux.Dense(3, 2), second=jnp.square), normal(1, 2, 3)),
    "Chain empty": Row(lux.Chain(), normal(2, 2, 3), wrong=None),
    "Chain scan": Row(lux.Chain([BLOCK] * 3, scan=True), normal(3, 2, 3), roundings=16),
    "Chain remat": Row(lux.Chain([BLOCK] * 2, remat=True), normal(4, 2, 3), roundings=16),
    "Parallel": Row(
        lux.Parallel(total, lux.Dense(3, 2), lux.Dense(2, 2, lux.tanh)),
        (normal(5, 2, 3), normal(6, 2, 2)),
    ),
    "Parallel layer": Row(
        lux.Parallel(lux.WrappedFunction(twice_the_sum), a=lux.Dense(3, 2), b=lux.Dense(3, 2)),
        normal(7, 2, 3),
    ),
    "Parallel None": Row(lux.Parallel(None, lux.Dense(3, 2), lux.Dense(3, 1)), normal(8, 2, 3)),
    "BranchLayer": Row(
        lux.BranchLayer(lux.Dense(3, 2), lux.Dense(3, 1, lux.tanh)), normal(9, 2, 3)
    ),
    "BranchLayer fusion": Row(
        lux.BranchLayer(lux.Dense(3, 2), lux.Dense(3, 2), fusion=operator.mul), normal(10, 2, 3)
    ),
    "PairwiseFusion": Row(
        lux.PairwiseFusion(total, lux.Dense(3, 2), lux.Dense(2, 2, lux.tanh)),
        (normal(11, 2, 3), normal(12, 2, 2), normal(13, 2, 2)),
    ),
    "Maxout": Row(lux.Maxout([lux.Dense(3, 2)] * 3), normal(14, 2, 3)),
    "SkipConnection": Row(lux.SkipConnection(lux.Dense(3, 3, lux.tanh), total), normal(15, 2, 3)),
    "SkipConnection layer": Row(
        lux.SkipConnection(lux.Dense(3, 3), lux.WrappedFunction(twice_the_sum)), normal(16, 2, 3)
    ),
    "RepeatedLayer": Row(
        lux.RepeatedLayer(lux.Dense(3, 3, lux.tanh), repeats=3), normal(17, 2, 3), roundings=16
    ),
    "RepeatedLayer input_injection": Row(
        lux.RepeatedLayer(
            lux.Parallel(total, lux.Dense(3, 3, lux.tanh), lux.Dense(3, 3)),
            repeats=2,
            input_injection=True,
        ),
        normal(18, 2, 3),
        roundings=16,
    ),
    # It computes in single precision, which derivatives in double precision do not stand.
    "AlternatePrecision": Row(
        lux.AlternatePrecision(jnp.float32, lux.WrappedFunction(jnp.tanh)),
        normal(19, 2, 3),
        wrong=None,
        derivatives=0,
        dtypes=("float16", "bfloat16", "float32"),
    ),
}
