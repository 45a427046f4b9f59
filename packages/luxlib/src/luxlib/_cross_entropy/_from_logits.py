"""The cross-entropy of a target and the softmax of logits: the arguments."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._axes import positive_axes
from luxlib._checks import mismatch
from luxlib._dtypes import accumulator, promote

from ._of_distributions import of_distributions
from ._of_labels import of_labels

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Int

__all__ = ["check_floating", "check_labels", "check_smoothing", "softmax_cross_entropy"]


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

    Losses and gradients are accurate to the last digit of 1, also where probabilities underflow.
    Distributions have a gradient too.

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
    return of_distributions(logits, y, axis)
