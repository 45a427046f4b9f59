"""The values of the linear head's cross-entropy on GPU, in one kernel.

A program of the kernel has some rows and goes over the classes, some columns of the weight at a
time. It makes their logits, keeps their running maximum and the running sum of exponentials below
it, and picks the label's logit; the logits never leave the registers.

The sum leaves out the label, which costs nothing here. So the loss is no difference of two large
numbers, but `log(1 + others / label) = softplus(log others - logit)`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl

from luxlib._activations import softplus
from luxlib._dtypes import accumulator

from ._of_labels import clipped, is_inside

if TYPE_CHECKING:
    from jax import Array

__all__ = ["fused_losses"]

_ROWS, _COLUMNS, _FEATURES = 64, 128, 32


def fused_losses(
    ignore_index: int | None,
    x: Array,
    weight: Array,
    bias: Array | None,
    labels: Array,
    *,
    interpret: Any = False,
) -> Array:
    """Return the losses of the rows of `x`, as `chunked_losses` without smoothing."""
    rows, classes = len(x), weight.shape[1]
    wide = accumulator(x.dtype)
    columns = _padded(jnp.zeros(classes, wide) if bias is None else bias.astype(wide), _COLUMNS)
    x = _padded(x, _ROWS, _FEATURES)
    weight = _padded(weight, _FEATURES, _COLUMNS)
    classes_of_rows = _padded(clipped(labels, classes), _ROWS)
    rows_block = pl.BlockSpec((_ROWS,), lambda i: (i,))
    others, at_label = pl.pallas_call(
        partial(_kernel, classes=classes),
        grid=(len(x) // _ROWS,),
        in_specs=[
            pl.BlockSpec((_ROWS, x.shape[1]), lambda i: (i, 0)),
            pl.BlockSpec(weight.shape, lambda i: (0, 0)),
            pl.BlockSpec(columns.shape, lambda i: (0,)),
            rows_block,
        ],
        out_specs=[rows_block] * 2,
        out_shape=[jax.ShapeDtypeStruct((len(x),), wide)] * 2,
        name="linear_cross_entropy",
        interpret=interpret,
    )(x, weight, columns, classes_of_rows)
    losses = softplus(others[:rows] - at_label[:rows])
    losses = jnp.where(is_inside(labels, classes), losses, jnp.nan)
    return losses if ignore_index is None else jnp.where(labels == ignore_index, 0.0, losses)


def _padded(array: Array, *multiples: int) -> Array:
    """Return an array with zeros added, such that its axes are multiples of the given sizes."""
    return jnp.pad(array, [(0, -n % m) for n, m in zip(array.shape, multiples, strict=True)])


def _kernel(
    x: Any, weight: Any, bias: Any, labels: Any, others: Any, at_label: Any, *, classes: int
) -> None:
    """Write the logarithm of the sum of the others' exponentials, and the logit at the label."""
    wide = others.dtype
    label = labels[:]

    def columns(block: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        highest, total, found = carry
        place = pl.ds(block * _COLUMNS, _COLUMNS)

        def features(step: Array, logits: Array) -> Array:
            some = pl.ds(step * _FEATURES, _FEATURES)
            factors = x[:, some], weight[some, place]
            return logits + jnp.dot(*factors, preferred_element_type=wide)

        logits = jnp.zeros((_ROWS, _COLUMNS), wide)
        logits = lax.fori_loop(0, x.shape[1] // _FEATURES, features, logits)
        logits = logits + bias[place][None, :]
        column = block * _COLUMNS + lax.broadcasted_iota(jnp.int32, logits.shape, 1)
        is_label = column == label[:, None]
        found = found + jnp.sum(jnp.where(is_label, logits, 0.0), 1)
        rest = jnp.where(is_label | (column >= classes), -jnp.inf, logits)
        higher = jnp.maximum(highest, jnp.max(rest, 1))
        total = total * jnp.exp(highest - higher) + jnp.sum(jnp.exp(rest - higher[:, None]), 1)
        return higher, total, found

    least = float(jnp.finfo(wide).min)
    start = jnp.full((_ROWS,), least, wide), jnp.zeros((_ROWS,), wide), jnp.zeros((_ROWS,), wide)
    highest, total, found = lax.fori_loop(0, weight.shape[1] // _COLUMNS, columns, start)
    others[:] = jnp.log(total) + highest
    at_label[:] = found
