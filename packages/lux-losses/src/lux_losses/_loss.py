"""What all losses share: two ways to call them, an aggregation, and strictness.

A loss is an immutable description, compared by value: hashable, so that it can be a static argument
of `jax.jit`, and picklable. What is computed is a pure function of arrays.
"""

from __future__ import annotations

import abc
import builtins
import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from luxcore import NamedTuple, Val, apply

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    from luxcore import AbstractLuxLayer

    Aggregation: TypeAlias = Callable[[Array], Array] | None

__all__ = ["AbstractLossFunction", "accumulator", "flag", "promoted"]

_AGGREGATIONS: dict[Any, Any] = {builtins.sum: jnp.sum, np.sum: jnp.sum, np.mean: jnp.mean}


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class AbstractLossFunction(abc.ABC):
    """The base of the losses: called with a prediction and a target, or with a model and its data.

    **Arguments**

    - `agg`: what makes one number of the losses of the single samples: `jax.numpy.mean`,
      `jax.numpy.sum`, any function of one array, or `None` to return them as they are
    - `target_gradients`: whether gradients flow to the target too

    **Shapes**

    Whatever the loss, the shapes of prediction and target have to fit exactly: nothing is
    broadcast. The mean over no samples is 0, and so is its gradient.

    Half precision is computed in `float32`, and the loss is returned in it.
    """

    agg: Aggregation = jnp.mean
    target_gradients: bool = False

    def __post_init__(self) -> None:
        if self.agg is not None and not callable(self.agg):
            raise self._error(
                "agg",
                "a function of one array, or None",
                repr(self.agg),
                "For example jax.numpy.sum.",
                kind=TypeError,
            )
        self._set("agg", _AGGREGATIONS.get(self.agg, self.agg))
        self._set("target_gradients", flag(self, "target_gradients"))

    @overload
    def __call__(self, y_hat: Any, y: Any, /) -> Array: ...

    @overload
    def __call__(
        self, model: AbstractLuxLayer, ps: Any, st: NamedTuple, data: Any, /
    ) -> tuple[Array, NamedTuple, NamedTuple]: ...

    def __call__(self, *arguments: Any) -> Any:
        """The loss of a prediction, or `(loss, st, stats)` of a model on its data.

        The second form is an objective for training: the statistics are empty.
        """
        if len(arguments) == 2:
            return self._loss(*arguments)
        if len(arguments) != 4:
            raise TypeError(
                f"{type(self).__name__} takes (y_hat, y) or (model, ps, st, (x, y)), "
                f"got {len(arguments)} arguments"
            )
        model, ps, st, data = arguments
        if not isinstance(data, tuple | list) or len(data) != 2:
            size = f" of {len(data)}" if isinstance(data, tuple | list) else ""
            raise self._error(
                "data",
                "(x, y), the input and the target",
                f"{type(data).__name__}{size}",
                "What a batch holds beyond these two is for an objective of your own.",
                kind=TypeError,
            )
        x, y = data
        y_hat, st = apply(model, x, ps, st)
        return self._loss(y_hat, y), st, NamedTuple()

    def _loss(self, y_hat: Any, y: Any) -> Array:
        for name, value in (("y_hat", y_hat), ("y", y)):
            if not isinstance(value, jax.Array | np.ndarray | np.generic):
                raise self._error(
                    name,
                    "an array",
                    type(value).__name__,
                    f"Make it one: jax.numpy.asarray({name}).",
                    kind=TypeError,
                )
        self._check(y_hat, y)
        return _aggregated(self, y_hat, y)

    @abc.abstractmethod
    def _check(self, y_hat: Array, y: Array) -> None:
        """Refuse what does not fit, before anything is computed."""

    @abc.abstractmethod
    def _of_samples(self, y_hat: Array, y: Array) -> Array:
        """Return the losses that are aggregated; half precision comes as `float32`."""

    def _error(
        self, argument: str, expected: str, got: object, advice: str, kind: type = ValueError
    ) -> Exception:
        """Return the error to raise: where, expected, got, and what to do."""
        return kind(f"{type(self).__name__}: {argument}: expected {expected}, got {got}. {advice}")

    def _set(self, name: str, value: Any) -> None:
        """Store an argument in its one form, while the object is made."""
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        given = (
            f"{field.name}={getattr(value, '__name__', repr(value))}"
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) != field.default
        )
        return f"{type(self).__name__}({', '.join(given)})"


@partial(jax.jit, static_argnames=("loss",))
def _aggregated(loss: AbstractLossFunction, y_hat: Array, y: Array) -> Array:
    if not loss.target_gradients:
        y = lax.stop_gradient(y)
    losses = loss._of_samples(y_hat.astype(accumulator(y_hat.dtype)), y)
    if loss.agg is None:
        return losses
    if loss.agg is jnp.mean:
        return jnp.sum(losses) / max(losses.size, 1)
    return loss.agg(losses)


def flag(loss: AbstractLossFunction, name: str) -> bool:
    """Return an argument that is true or false; `Val(True)` is taken for `True`."""
    value = getattr(loss, name)
    if isinstance(value, Val):
        value = value.value
    if not isinstance(value, bool):
        raise loss._error(name, "True or False", repr(value), "Pass one of them.", kind=TypeError)
    return value


def accumulator(dtype: Any) -> Any:
    """Return the dtype in which losses are computed: `float32` for half precision."""
    return jnp.dtype(jnp.float32) if jnp.dtype(dtype).itemsize < 4 else dtype


def promoted(y_hat: Array, y: Array) -> tuple[Array, Array]:
    """Cast prediction and target to the dtype they have in common; counts take the prediction's."""
    dtype = y_hat.dtype
    if jnp.issubdtype(y.dtype, jnp.floating):
        with jax.numpy_dtype_promotion("standard"):
            dtype = jnp.promote_types(dtype, y.dtype)
    return y_hat.astype(dtype), y.astype(dtype)
