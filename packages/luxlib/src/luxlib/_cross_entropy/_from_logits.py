"""The cross-entropy of a target and the softmax of logits.

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
from jax.custom_derivatives import SymbolicZero

from luxlib._axes import positive_axes
from luxlib._checks import mismatch
from luxlib._dtypes import accumulator, promote

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Int

__all__ = ["check_labels", "check_smoothing", "of_labels", "softmax_cross_entropy"]


def softmax_cross_entropy(
    logits: Float[Array, "*batch classes"],
    target: Int[Array, "*batch"] | Float[Array, "*batch classes"],
    *,
    axis: int = -1,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Float[Array, "*batch"]:
    """Return the cross-entropy of each sample's target and the softmax of its logits.

    `loss = -Σ ỹ log softmax(logits)`, `ỹ = (1 - label_smoothing) y + label_smoothing / classes`

    **Arguments**

    - `logits`: `(*batch, classes)`, or with the classes on another axis
    - `target`: `(*batch)`, integer: the index of each sample's class, from 0; or the shape of
      `logits`, floating: a distribution
    - `axis`: the axis of the classes
    - `label_smoothing`: how much of the target is spread evenly over the classes, from 0 to 1
    - `ignore_index`: a label whose samples have the loss 0 and no gradient, or `None` for none

    **Returns**

    `(*batch)`. Half precision is computed in `float32`, and the losses are returned in it. A label
    out of range, which can't raise in a compiled program, gives NaN, and a NaN in the gradient;
    negative ones don't count from the end. Weights and means are the caller's.

    The loss of a confident prediction is accurate to its last digits, and so is its gradient.

    **Raises**

    `ValueError` where shapes don't fit, `label_smoothing` is not between 0 and 1, or `ignore_index`
    comes with a distribution; `TypeError` where `logits` are not floating or `target` is neither
    integer nor floating.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> logits = jnp.log(jnp.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]))
    >>> luxlib.softmax_cross_entropy(logits, jnp.array([0, 1]))
    Array([0.6931..., 0.2231...], dtype=float32)
    >>> luxlib.softmax_cross_entropy(logits, jnp.array([0, -100]), ignore_index=-100)
    Array([0.6931..., 0.    ...], dtype=float32)
    ```

    Szegedy et al., "Rethinking the inception architecture for computer vision", 2015, for the
    smoothing; `torch.nn.functional.cross_entropy` with `reduction="none"`.
    """
    function = "softmax_cross_entropy"
    check_floating(function, "logits", logits)
    (place,) = positive_axes(function, (axis,), logits.shape)
    check_smoothing(function, label_smoothing)
    without_classes = logits.shape[:place] + logits.shape[place + 1 :]
    if logits.shape[place] == 0:
        raise mismatch(
            function,
            "logits",
            f"classes on axis {axis}",
            f"shape {logits.shape}",
            "Choose another.",
        )
    if jnp.issubdtype(target.dtype, jnp.integer):
        check_labels(function, "target", target, without_classes)
        return _of_labels(logits, target, place, float(label_smoothing), ignore_index)
    check_floating(function, "target", target)
    if target.shape != logits.shape:
        raise mismatch(
            function,
            "target",
            f"the shape of logits {logits.shape}",
            target.shape,
            f"A target that is not integer is a distribution; labels have shape {without_classes}.",
        )
    if ignore_index is not None:
        raise mismatch(
            function,
            "ignore_index",
            "None with a distribution as target",
            ignore_index,
            "It is a label.",
        )
    return _of_distributions(logits, target, place, float(label_smoothing))


def check_floating(function: str, argument: str, value: Array) -> None:
    """Refuse what is not of a real floating dtype."""
    if not jnp.issubdtype(value.dtype, jnp.floating):
        raise mismatch(
            function,
            argument,
            "a floating dtype",
            value.dtype,
            f"Convert it first, for example {argument}.astype(jax.numpy.float32).",
            kind=TypeError,
        )


def check_labels(function: str, argument: str, labels: Array, shape: tuple[int, ...]) -> None:
    """Refuse labels that are not integers, one for each sample."""
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise mismatch(
            function,
            argument,
            "an integer dtype",
            labels.dtype,
            f"{argument}.astype(jax.numpy.int32) makes indices of whole numbers.",
            kind=TypeError,
        )
    if labels.shape != shape:
        raise mismatch(
            function,
            argument,
            f"shape {shape}",
            labels.shape,
            "It has one label for each sample; nothing is broadcast.",
        )


def check_smoothing(function: str, smoothing: float) -> None:
    """Refuse a share that is not between 0 and 1."""
    if not 0 <= smoothing <= 1:
        raise mismatch(
            function, "label_smoothing", "a number from 0 to 1", smoothing, "It is a share."
        )


@partial(jax.jit, static_argnames=("axis", "smoothing", "ignore_index"))
def _of_labels(
    logits: Array, labels: Array, axis: int, smoothing: float, ignore_index: int | None
) -> Array:
    wide = logits.astype(accumulator(logits.dtype))
    return of_labels(wide, labels, axis, smoothing, ignore_index)


@partial(jax.jit, static_argnames=("axis", "smoothing"))
def _of_distributions(logits: Array, target: Array, axis: int, smoothing: float) -> Array:
    logits, y = promote(logits, target)
    logits, y = (a.astype(accumulator(a.dtype)) for a in (logits, y))
    if smoothing:
        y = (1 - smoothing) * y + smoothing / logits.shape[axis]
    return _distribution_losses(logits, y, axis)


# --- of an integer label ------------------------------------------------------------------------


def of_labels(
    logits: Array, labels: Array, axis: int, smoothing: float, ignore_index: int | None
) -> Array:
    """Return the losses of labels, from logits in the dtype of sums."""
    losses = _label_losses(logits, _clipped(labels, logits.shape[axis]), axis, smoothing)
    weights = jnp.where(_is_inside(labels, logits.shape[axis]), 1.0, jnp.nan).astype(logits.dtype)
    if ignore_index is None:
        return weights * losses
    ignored = labels == ignore_index
    return jnp.where(ignored, 0.0, jnp.where(ignored, 0.0, weights) * losses)


def _is_inside(labels: Array, classes: int) -> Array:
    """Tell which labels are classes, in their own dtype: a conversion could wrap them."""
    inside = labels >= 0
    if classes <= jnp.iinfo(labels.dtype).max:  # otherwise none is too large
        inside &= labels < classes
    return inside


def _clipped(labels: Array, classes: int) -> Array:
    """Return the labels as `int32`, 0 for those that are no classes."""
    return jnp.where(_is_inside(labels, classes), labels, jnp.zeros_like(labels)).astype(jnp.int32)


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _label_losses(logits: Array, labels: Array, axis: int, smoothing: float) -> Array:
    highest = jnp.max(logits, axis, keepdims=True)
    others = _sum_of_others(logits, highest, labels, axis)
    below = highest - _at(labels, logits, axis)
    losses = jnp.log1p(others + jnp.expm1(-below)) + (1 - smoothing) * below
    if smoothing:
        losses += smoothing * jnp.mean(highest - logits, axis, keepdims=True)
    return jnp.squeeze(losses, axis)


@_label_losses.defjvp
def _label_losses_jvp(
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
    return _label_losses(logits, labels, axis, smoothing), tangent


def _at(labels: Array, values: Array, axis: int) -> Array:
    """Return the values at the labels, keeping the axis."""
    return jnp.take_along_axis(values, jnp.expand_dims(labels, axis), axis, mode="clip")


def _sum_of_others(logits: Array, highest: Array, labels: Array, axis: int) -> Array:
    """Return `Σ exp(logits - highest)` over the classes but the label.

    XLA's reductions on CPU take up arithmetic, but no comparison: with one, the terms would be
    stored first, and the sum take four times as long. So the label is left out by a product.
    """
    classes = lax.broadcasted_iota(logits.dtype, logits.shape, axis)
    distance = jnp.abs(classes - jnp.expand_dims(labels, axis).astype(logits.dtype))
    terms = jnp.exp(logits - highest) * jnp.minimum(distance, 1)
    return jnp.sum(terms, axis, keepdims=True)


# --- of a distribution --------------------------------------------------------------------------


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _distribution_losses(logits: Array, y: Array, axis: int) -> Array:
    below = jnp.max(logits, axis, keepdims=True) - logits
    rest = _sum_without_highest(below, jnp.exp(-below), axis)
    differences = jnp.sum(jnp.where(y == 0, 0, y * below), axis)
    return differences + jnp.sum(y, axis) * jnp.log1p(jnp.squeeze(rest, axis))


def _distribution_losses_jvp(
    axis: int, primals: tuple[Array, Array], tangents: tuple[Any, Any]
) -> tuple[Array, Array]:
    (logits, y), (logits_dot, y_dot) = primals, tangents
    losses = _distribution_losses(logits, y, axis)
    losses_dot = jnp.zeros_like(losses)
    if not isinstance(logits_dot, SymbolicZero):
        below = lax.stop_gradient(jnp.max(logits, axis, keepdims=True)) - logits
        exponentials = jnp.exp(-below)
        normaliser = jnp.sum(exponentials, axis, keepdims=True)
        p = exponentials / normaliser

        # 1 - p: its value from the other classes, its derivative from p.
        rest = _sum_without_highest(below, exponentials, axis)
        highest = jnp.where(below == 0, rest, normaliser - exponentials)
        others = lax.stop_gradient(highest / normaliser) - (p - lax.stop_gradient(p))

        gradient = p * (jnp.sum(y, axis, keepdims=True) - y) - y * others
        losses_dot += jnp.sum(gradient * logits_dot, axis)
    if not isinstance(y_dot, SymbolicZero):
        losses_dot -= jnp.sum(jax.nn.log_softmax(logits, axis) * y_dot, axis)
    return losses, losses_dot


_distribution_losses.defjvp(_distribution_losses_jvp, symbolic_zeros=True)


def _sum_without_highest(below: Array, exponentials: Array, axis: int) -> Array:
    """Return the sum of the exponentials but for one that is 1, where `below` is 0."""
    smaller = jnp.sum(jnp.where(below > 0, exponentials, 0), axis, keepdims=True)
    return smaller + (jnp.sum(below == 0, axis, keepdims=True).astype(below.dtype) - 1)
