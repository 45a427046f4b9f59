"""The cross-entropy between a predicted and a target distribution over classes."""

from __future__ import annotations

import dataclasses
import numbers
import operator
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from ._log_likelihood import from_logits, from_probabilities
from ._loss import AbstractLossFunction, flag, promoted
from ._shapes import reshaping

if TYPE_CHECKING:
    from jax import Array

__all__ = ["CrossEntropyLoss"]


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class CrossEntropyLoss(AbstractLossFunction):
    """The cross-entropy of a predicted distribution over classes, for integer labels or soft ones.

    `loss = agg(-Σ ỹ log(ŷ + ε))`, with `logits=True` `loss = agg(-Σ ỹ log softmax(ŷ))`

    The sum is over the classes. From logits the loss and its gradient are accurate also where the
    probability of a class is below the smallest number, or differs from 1 by less than a last bit.

    **Arguments**

    - `agg`: `jax.numpy.mean`, `jax.numpy.sum`, any function of one array, or `None` for the losses
      of the single samples
    - `epsilon`: what is added to a probability before its logarithm; `None` for the distance of 1
      to the next number. Logits need none.
    - `axis`: the axis of the classes
    - `logits`: whether `y_hat` holds logits instead of probabilities
    - `label_smoothing`: how much of the target is spread evenly over the classes, in [0, 1]:
      `ỹ = (1 - label_smoothing) y + label_smoothing / classes`
    - `target_gradients`: whether gradients flow to `y` too, where it is a distribution

    **Shapes**

    - `y_hat`: `(*batch, classes)`, floating
    - `y`: `(*batch)`, integer: the index of each sample's class, from 0; or `(*batch, classes)`, of
      any real dtype: a distribution. The rank tells which it is.
    - the loss: `()`; with `agg=None`, `(*batch)`

    Half precision is computed in `float32`, and the loss is returned in it; different floating
    dtypes meet in the promoted one. The mean over an empty batch is 0, and so is its gradient.

    **Raises**

    `ValueError` where the shapes don't fit, and for a class index out of range. Inside `jax.jit`,
    where no value is known, such an index gives NaN.

    `TypeError` where an argument is no array or of the wrong dtype.

    ```python
    >>> import jax.numpy as jnp
    >>> from lux_losses import CrossEntropyLoss
    >>> y_hat = jnp.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    >>> CrossEntropyLoss()(y_hat, jnp.array([0, 1]))
    Array(0.2899..., dtype=float32)
    >>> CrossEntropyLoss(agg=None)(y_hat, jnp.array([[1, 0, 0], [0, 1, 0]]))
    Array([0.3566..., 0.2231...], dtype=float32)
    >>> CrossEntropyLoss(logits=True)(jnp.log(y_hat), jnp.array([0, 1]))
    Array(0.2899..., dtype=float32)
    ```

    Named as in Lux.jl; with `logits=True` it is `torch.nn.CrossEntropyLoss`.
    """

    epsilon: float | None = None
    axis: int = -1
    logits: bool = False
    label_smoothing: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("logits", flag(self, "logits"))
        self._set_number("epsilon", "a number of at least 0, or None", float("inf"))
        self._set_number("label_smoothing", "a number from 0 to 1, or None", 1.0)
        if self.logits and self.epsilon is not None:
            raise self._error(
                "epsilon",
                "None with logits=True",
                self.epsilon,
                "It keeps the logarithm of a probability finite; that of logits is so by itself.",
            )
        try:
            self._set("axis", operator.index(self.axis))
        except TypeError:
            raise self._error(
                "axis", "an integer", repr(self.axis), "Name one axis.", kind=TypeError
            ) from None

    def _set_number(self, name: str, words: str, greatest: float) -> None:
        value = getattr(self, name)
        if value is None:
            return
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise self._error(name, words, repr(value), "Pass a number.", kind=TypeError)
        number = float(value)
        if not 0 <= number <= greatest:
            raise self._error(name, words, value, "Choose one in that range.")
        self._set(name, abs(number))

    def _check(self, y_hat: Array, y: Array) -> None:
        if not jnp.issubdtype(y_hat.dtype, jnp.floating):
            raise self._error(
                "y_hat",
                "a floating dtype",
                y_hat.dtype,
                "It holds a probability or a logit for every class.",
                kind=TypeError,
            )
        if not -y_hat.ndim <= self.axis < y_hat.ndim:
            raise self._error(
                "y_hat",
                f"an axis {self.axis} of classes",
                f"shape {y_hat.shape}",
                "Choose another axis=.",
            )
        axis = self.axis % y_hat.ndim
        if y_hat.shape[axis] == 0:
            raise self._error(
                "y_hat",
                f"at least one class on axis {self.axis}",
                f"shape {y_hat.shape}",
                "Choose another axis=.",
            )
        if not any(
            jnp.issubdtype(y.dtype, kind) for kind in (jnp.integer, jnp.floating, jnp.bool_)
        ):
            raise self._error(
                "y", "a real dtype", y.dtype, "Pass indices or distributions.", kind=TypeError
            )
        without_classes = y_hat.shape[:axis] + y_hat.shape[axis + 1 :]
        if y.shape == without_classes:
            self._check_labels(y, y_hat.shape[axis])
        elif y.shape != y_hat.shape:
            raise self._shape_error(y_hat, y, without_classes)

    def _check_labels(self, y: Array, classes: int) -> None:
        if not jnp.issubdtype(y.dtype, jnp.integer):
            raise self._error(
                "y",
                "an integer dtype, as its shape is that of class indices",
                y.dtype,
                "y.astype(jax.numpy.int32) makes indices of whole numbers.",
                kind=TypeError,
            )
        if isinstance(y, jax.core.Tracer) or not getattr(y, "is_fully_addressable", True):
            return
        labels = np.asarray(y)
        wrong = (labels < 0) | (labels >= classes)
        if wrong.any():
            place = tuple(map(int, np.argwhere(wrong)[0]))
            raise self._error(
                "y",
                f"class indices from 0 to {classes - 1}",
                f"{labels[place]} at {place}" if place else f"{labels}",
                f"y_hat has {classes} classes on axis {self.axis}; indices never wrap around.",
            )

    def _shape_error(self, y_hat: Array, y: Array, without_classes: tuple[int, ...]) -> Exception:
        advice = "Nothing is broadcast."
        integer = jnp.issubdtype(y.dtype, jnp.integer)
        change = (integer and reshaping("y", y.shape, without_classes)) or reshaping(
            "y", y.shape, y_hat.shape
        )
        for axis in range(y_hat.ndim):
            if integer and y.shape == y_hat.shape[:axis] + y_hat.shape[axis + 1 :]:
                advice = f"If the classes are on axis {axis}, pass axis={axis}."
                break
        else:
            if change:
                advice = f"Perhaps {change} is meant."
        return self._error(
            "y",
            f"shape {without_classes} of class indices or shape {y_hat.shape} of distributions "
            f"for y_hat {y_hat.shape} with the classes on axis {self.axis}",
            f"shape {y.shape}",
            advice,
        )

    def _of_samples(self, y_hat: Array, y: Array) -> Array:
        if y.ndim == y_hat.ndim:
            y_hat, y = promoted(y_hat, y)
        axis = self.axis % y_hat.ndim
        smoothing = self.label_smoothing or 0.0
        if self.logits:
            return from_logits(y_hat, y, axis, smoothing, self.target_gradients)
        epsilon = self.epsilon
        if epsilon is None:
            epsilon = float(jnp.finfo(y_hat.dtype).eps)
        return from_probabilities(y_hat, y, axis, smoothing, epsilon, self.target_gradients)
