"""The negative log-likelihood of a target, from logits or from probabilities, for each sample.

A target is a distribution `y` over the classes, or an integer that stands for the one-hot one and
is never written out as such.

From logits `z`, with their maximum `m`,

    loss = Σ y (m - z) + log Σ exp(z - m)

where nothing cancels: all terms are at least 0, and the logarithm is `log1p` of a sum that leaves
out a term which is 1. A confident prediction, whose loss is 1e-9, has that loss in float32 too. Its
derivative, `p Σy - y` with `p = softmax(z)`, cancels where `p` is near `y`; it is written with
`1 - p` summed from the other classes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

if TYPE_CHECKING:
    from jax import Array

__all__ = ["from_logits", "from_probabilities"]


def from_logits(
    logits: Array, target: Array, axis: int, smoothing: float, target_gradients: bool
) -> Array:
    """Return `-Σ y log softmax(logits)` along an axis."""
    if _is_label(target):
        valid = _valid(target, logits.shape[axis], logits.dtype)
        return valid * _from_logits_of_label(logits, target.astype(jnp.int32), axis, smoothing)
    y = _smooth(target, logits.shape[axis], smoothing)
    return _from_logits(logits, y, axis, target_gradients)


def from_probabilities(
    p: Array, target: Array, axis: int, smoothing: float, epsilon: float, target_gradients: bool
) -> Array:
    """Return `-Σ y log(p + ε)` along an axis."""
    if not _is_label(target):
        y = _smooth(target, p.shape[axis], smoothing)
        if not target_gradients:
            p = jnp.where(y == 0, 1, p)
        return jnp.sum(y * _surprise(p, epsilon), axis)
    labels = target.astype(jnp.int32)
    losses = (1 - smoothing) * jnp.squeeze(_surprise(_at(labels, p, axis), epsilon), axis)
    if smoothing:
        losses += smoothing * jnp.mean(_surprise(p, epsilon), axis)
    return _valid(target, p.shape[axis], p.dtype) * losses


def _is_label(target: Array) -> bool:
    return jnp.issubdtype(target.dtype, jnp.integer)


def _valid(labels: Array, classes: int, dtype: Any) -> Array:
    """Return 1 for an index in range, and NaN for one that is not, in the labels' own dtype."""
    inside = labels >= 0
    if classes <= jnp.iinfo(labels.dtype).max:  # otherwise none is too large
        inside &= labels < classes
    return jnp.where(inside, 1, jnp.nan).astype(dtype)


def _at(labels: Array, values: Array, axis: int) -> Array:
    """Return the values at the labels, keeping the axis."""
    return jnp.take_along_axis(values, jnp.expand_dims(labels, axis), axis, mode="clip")


def _smooth(y: Array, classes: int, smoothing: float) -> Array:
    return (1 - smoothing) * y + smoothing / classes if smoothing else y


def _surprise(p: Array, epsilon: float) -> Array:
    """Return `-log(p + ε)`, by `log1p` where `p` is near 1 and a sum with `ε` would round it."""
    near_one = p > 0.5
    near = jnp.log1p(jnp.where(near_one, p - 1, 0) + epsilon)
    far = jnp.log(jnp.where(near_one, 1, p) + epsilon)
    return -jnp.where(near_one, near, far)


# --- from logits, of an integer label -----------------------------------------------------------


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _from_logits_of_label(logits: Array, labels: Array, axis: int, smoothing: float) -> Array:
    highest = jnp.max(logits, axis, keepdims=True)
    others = _sum_of_others(logits, highest, labels, axis)
    below = highest - _at(labels, logits, axis)
    losses = jnp.log1p(others + jnp.expm1(-below)) + (1 - smoothing) * below
    if smoothing:
        losses += smoothing * jnp.mean(highest - logits, axis, keepdims=True)
    return jnp.squeeze(losses, axis)


@_from_logits_of_label.defjvp
def _from_logits_of_label_jvp(
    axis: int, smoothing: float, primals: tuple[Array, Array], tangents: tuple[Array, Any]
) -> tuple[Array, Array]:
    logits, labels = primals
    highest = lax.stop_gradient(jnp.max(logits, axis, keepdims=True))
    others = _sum_of_others(logits, highest, labels, axis)
    normaliser = others + jnp.exp(_at(labels, logits, axis) - highest)
    exponentials = jnp.exp(logits - highest)
    is_label = jnp.expand_dims(labels, axis) == lax.broadcasted_iota(jnp.int32, logits.shape, axis)
    gradient = jnp.where(is_label, -others, exponentials) / normaliser
    if smoothing:
        uniform = exponentials / normaliser - 1 / logits.shape[axis]
        gradient = (1 - smoothing) * gradient + smoothing * uniform
    tangent = jnp.sum(gradient * tangents[0], axis)
    return _from_logits_of_label(logits, labels, axis, smoothing), tangent


def _sum_of_others(logits: Array, highest: Array, labels: Array, axis: int) -> Array:
    """Return `Σ exp(logits - highest)` over the classes but the label.

    XLA's reductions on CPU take up arithmetic, but no comparison: with one, the terms would be
    stored first, and the sum take four times as long. So the label is left out by a product.
    """
    classes = lax.broadcasted_iota(logits.dtype, logits.shape, axis)
    distance = jnp.abs(classes - jnp.expand_dims(labels, axis).astype(logits.dtype))
    terms = jnp.exp(logits - highest) * jnp.minimum(distance, 1)
    return jnp.sum(terms, axis, keepdims=True)


# --- from logits, of a distribution -------------------------------------------------------------


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _from_logits(logits: Array, y: Array, axis: int, target_gradients: bool) -> Array:
    below = jnp.max(logits, axis, keepdims=True) - logits
    rest = _sum_without_highest(below, jnp.exp(-below), axis)
    differences = jnp.sum(jnp.where(y == 0, 0, y * below), axis)
    return differences + jnp.sum(y, axis) * jnp.log1p(jnp.squeeze(rest, axis))


@_from_logits.defjvp
def _from_logits_jvp(
    axis: int,
    target_gradients: bool,
    primals: tuple[Array, Array],
    tangents: tuple[Array, Array],
) -> tuple[Array, Array]:
    logits, y = primals
    below = lax.stop_gradient(jnp.max(logits, axis, keepdims=True)) - logits
    exponentials = jnp.exp(-below)
    normaliser = jnp.sum(exponentials, axis, keepdims=True)
    p = exponentials / normaliser

    # 1 - p: its value from the other classes, its derivative from p.
    rest = _sum_without_highest(below, exponentials, axis)
    others = lax.stop_gradient(jnp.where(below == 0, rest, normaliser - exponentials) / normaliser)
    others -= p - lax.stop_gradient(p)

    gradient = p * (jnp.sum(y, axis, keepdims=True) - y) - y * others
    tangent = jnp.sum(gradient * tangents[0], axis)
    if target_gradients:
        tangent -= jnp.sum(jax.nn.log_softmax(logits, axis) * tangents[1], axis)
    return _from_logits(logits, y, axis, target_gradients), tangent


def _sum_without_highest(below: Array, exponentials: Array, axis: int) -> Array:
    """Return the sum of the exponentials but for one that is 1, where `below` is 0."""
    smaller = jnp.sum(jnp.where(below > 0, exponentials, 0), axis, keepdims=True)
    return smaller + (jnp.sum(below == 0, axis, keepdims=True).astype(below.dtype) - 1)
