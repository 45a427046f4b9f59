"""`TrainState`: everything that a step of training reads and writes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import luxcore
from lux._strong import as_strong_array
from luxcore import AbstractLuxLayer, NamedTuple

if TYPE_CHECKING:
    from jax import Array

# The program that made a state, under what it was made for: the next step finds it at once.
Cache = tuple[tuple[Any, ...], Callable[..., Any]]

_DYNAMIC = ("parameters", "states", "optimizer_state", "step")
_STATIC = ("model", "optimizer")
_SLOTS = (*_STATIC, "parameters", "states", "optimizer_state", "_count", "_cache")


class TrainState:
    """A model with its parameters, states, optimizer and the optimizer's state.

    It is immutable, and a pytree of which the model and the optimizer are static.

    **Arguments**

    - `model`: a layer
    - `ps`: its parameters
    - `st`: its states
    - `optimizer`: a gradient transformation of optax

    **Attributes**

    - `model`, `optimizer`: as given
    - `parameters`, `states`: the present ones
    - `optimizer_state`: `optimizer.init(ps)` at the start
    - `step`: the number of updates of the parameters made, an `int32` scalar: NumPy's, since an
      array would cost a small model's step one twentieth, and JAX's inside a transformation

    Use one optimizer object throughout a run. Those of optax are equal only if they are the same
    object: with another one, a step is compiled again, and two train states have two structures.

    **Raises**

    - `TypeError`: for an optimizer that is not one of optax, or for parameters that are not
      floating or complex, naming their paths.

    ```python
    >>> import lux, optax
    >>> model = lux.Dense(2, 3)
    >>> ts = lux.training.TrainState(model, *lux.setup(0, model), optax.adam(1e-3))
    >>> ts
    TrainState(
        model = Dense(2 → 3)  # 9 parameters,
        optimizer_state = 19 values,
        step = 0,
    )

    ```

    As Lux.jl's `TrainState`.
    """

    __slots__ = _SLOTS

    model: AbstractLuxLayer
    optimizer: optax.GradientTransformation
    parameters: Any
    states: NamedTuple
    optimizer_state: Any
    _count: Any
    _cache: Cache | None

    def __init__(
        self,
        model: AbstractLuxLayer,
        ps: Any,
        st: NamedTuple,
        optimizer: optax.GradientTransformation,
    ) -> None:
        if not isinstance(model, AbstractLuxLayer):
            raise TypeError(f"TrainState: model: expected a layer, got {type(model).__name__}")
        if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
            raise TypeError(
                "TrainState: optimizer: expected a gradient transformation of optax, such as "
                f"optax.adam(1e-3), got {type(optimizer).__name__}"
            )
        _check_parameters(ps)
        with jax.numpy_dtype_promotion("standard"):  # optax adds what is strictly of two dtypes
            optimizer_state = jax.tree.map(as_strong_array, optimizer.init(ps))
        values = (model, optimizer, ps, st, optimizer_state, 0, None)
        for name, value in zip(_SLOTS, values, strict=True):
            object.__setattr__(self, name, value)

    @property
    def step(self) -> Array | np.int32:
        """The number of updates made. A Python number inside, which costs nothing to count."""
        return np.int32(self._count) if type(self._count) is int else self._count

    def replace(self, **fields: Any) -> TrainState:
        """A copy with other values for some of its attributes.

        ```python
        >>> import lux, optax
        >>> model = lux.Dropout(0.5)
        >>> ts = lux.training.TrainState(model, *lux.setup(0, model), optax.sgd(0.1))
        >>> ts.replace(states=lux.test_mode(ts.states)).states.training
        Val(False)

        ```
        """
        unknown = fields.keys() - {*_DYNAMIC, *_STATIC}
        if unknown:
            listed = ", ".join((*_STATIC, *_DYNAMIC))
            raise TypeError(f"TrainState: no attribute {min(unknown)!r}: expected one of {listed}")
        names = (*_STATIC, *_DYNAMIC)
        return new_state(*(fields.get(name, getattr(self, name)) for name in names))

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(
            f"cannot assign to {name!r}: a TrainState is immutable; ts.replace({name}=...) makes "
            "another one"
        )

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete {name!r}: a TrainState is immutable")

    def __reduce__(self) -> tuple[Any, ...]:
        return new_state, tuple(getattr(self, name) for name in (*_STATIC, *_DYNAMIC))

    def __repr__(self) -> str:
        model = repr(self.model).replace("\n", "\n    ")
        size = luxcore.parameter_length(jax.tree.leaves(self.optimizer_state))
        try:
            step = str(int(self.step))
        except (jax.errors.ConcretizationTypeError, TypeError):
            step = str(self.step)
        return (
            f"TrainState(\n    model = {model},\n    optimizer_state = {size:_} values,\n"
            f"    step = {step},\n)"
        )


# Written out, since it runs in every step.
def new_state(
    model: AbstractLuxLayer,
    optimizer: optax.GradientTransformation,
    parameters: Any,
    states: NamedTuple,
    optimizer_state: Any,
    count: Any,
    cache: Cache | None = None,
    assign: Callable[[Any, str, Any], None] = object.__setattr__,
) -> TrainState:
    """A state with these attributes, as they are."""
    ts = object.__new__(TrainState)
    assign(ts, "model", model)
    assign(ts, "optimizer", optimizer)
    assign(ts, "parameters", parameters)
    assign(ts, "states", states)
    assign(ts, "optimizer_state", optimizer_state)
    assign(ts, "_count", count)
    assign(ts, "_cache", cache)
    return ts


def _check_parameters(ps: Any) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(ps):
        dtype = getattr(leaf, "dtype", None)
        if dtype is None or not jnp.issubdtype(dtype, jnp.inexact):
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            raise TypeError(
                f"TrainState: parameters: {name}: expected a floating or complex array, got "
                f"{type(leaf).__name__ if dtype is None else dtype}: what is not trained belongs "
                "into the states"
            )


def _flatten_with_keys(ts: TrainState) -> tuple[Any, Any]:
    parts, static = _flatten(ts)
    keys = map(jax.tree_util.GetAttrKey, _DYNAMIC)
    return tuple(zip(keys, parts, strict=True)), static


def _flatten(ts: TrainState) -> tuple[Any, Any]:
    return (ts.parameters, ts.states, ts.optimizer_state, ts.step), (ts.model, ts.optimizer)


def _unflatten(static: Any, parts: Any) -> TrainState:
    return new_state(*static, *parts)


jax.tree_util.register_pytree_with_keys(TrainState, _flatten_with_keys, _unflatten, _flatten)
