"""`TrainState`: everything that a step of training reads and writes.

It is a named tuple with the model and the optimizer in its type: JAX takes it apart and puts it
together natively, so that nothing runs between two steps but the dispatch of the compiled one.
"""

from __future__ import annotations

import dataclasses
from operator import itemgetter
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import optax

import luxcore
from lux._strong import as_strong_array
from luxcore import AbstractLuxLayer, NamedTuple, Val


class TrainState(tuple[Any, ...]):
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
    - `step`: the number of updates of the parameters made, an `int32` array

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

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]] = (
        "parameters",
        "states",
        "optimizer_state",
        "step",
        "description",
    )

    def __new__(
        cls,
        model: AbstractLuxLayer,
        ps: Any,
        st: NamedTuple,
        optimizer: optax.GradientTransformation,
    ) -> TrainState:
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
        step = jnp.zeros((), jnp.int32)
        return _TrainState(ps, st, optimizer_state, step, Val((model, optimizer)))

    parameters: Any = property(itemgetter(0))
    states: Any = property(itemgetter(1))
    optimizer_state: Any = property(itemgetter(2))
    step: Any = property(itemgetter(3))
    description: Any = property(itemgetter(4))

    @property
    def model(self) -> AbstractLuxLayer:
        """The layer."""
        model: AbstractLuxLayer = self.description.value[0]
        return model

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """The gradient transformation."""
        optimizer: optax.GradientTransformation = self.description.value[1]
        return optimizer

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
        names = ("model", "optimizer", *self._fields[:-1])
        for name in fields:
            if name not in names:
                listed = ", ".join(names)
                raise TypeError(f"TrainState: no attribute {name!r}: expected one of {listed}")
        model, optimizer, *parts = (fields.get(name, getattr(self, name)) for name in names)
        return _TrainState(*parts, Val((model, optimizer)))

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(
            f"cannot assign to {name!r}: a TrainState is immutable; ts.replace({name}=...) makes "
            "another one"
        )

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete {name!r}: a TrainState is immutable")

    def __reduce__(self) -> tuple[Any, ...]:
        return _TrainState, tuple(self)

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


class _TrainState(TrainState):
    """What `TrainState(...)` gives; JAX makes it of its five parts, as any named tuple."""

    __slots__ = ()

    def __new__(cls, *parts: Any) -> Self:
        return tuple.__new__(cls, parts)


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
