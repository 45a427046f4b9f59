"""One step of training: gradients, their application, and both in one compiled program.

There is one program for each objective and kind of differentiation, and JAX keeps one version of it
for each model, optimizer and kind of data, which it finds by the types in the `TrainState`. Between
two calls nothing runs but the lookup of the program and `jax.jit`'s own dispatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import jax
import jax.numpy as jnp
import optax

from lux._compilation import CompilerOptions, Program, named
from luxcore import AbstractLuxLayer, Val

from ._differentiation import Differentiation
from ._mistakes import explain
from ._objective import Objective, evaluate
from ._state import TrainState

if TYPE_CHECKING:
    from jax import Array


def compute_gradients(
    ad: Differentiation, objective: Objective, data: Any, ts: TrainState
) -> tuple[Any, Array, Any, TrainState]:
    """The gradients of an objective with respect to the parameters of a train state.

    **Arguments**

    - `ad`: how to differentiate, `AutoReverse()`
    - `objective`: a function `(model, ps, st, data) -> (loss, st, stats)`; the loss is a scalar.
      Give one function throughout: another object is compiled again
    - `data`: what the objective takes, a tree of arrays
    - `ts`: the train state

    **Returns**

    `(grads, loss, stats, ts)`: the gradients, in the structure of the parameters; the loss and the
    statistics of the objective; and the train state with the new states.

    **Raises**

    - `TypeError`, `ValueError`: where the objective returns something else, saying what.

    ```python
    >>> import jax.numpy as jnp, lux, optax
    >>> from lux.training import AutoReverse, TrainState, compute_gradients
    >>> def mean_square(model, ps, st, x):
    ...     y, st = model(x, ps, st)
    ...     return (y**2).mean(), st, lux.NamedTuple(largest=y.max())
    >>> model = lux.Dense(2, 3)
    >>> ts = TrainState(model, *lux.setup(0, model), optax.adam(1e-3))
    >>> grads, loss, stats, ts = compute_gradients(AutoReverse(), mean_square, jnp.ones((4, 2)), ts)
    >>> grads.weight.shape, int(ts.step)
    ((2, 3), 0)

    ```

    As `Lux.Training.compute_gradients`.
    """
    try:
        grads, loss, stats, states = _gradients(ad, objective)(
            ts.description, ts.parameters, ts.states, data
        )
    except Exception as error:
        explain(error, ad, objective, ts)
        raise
    return grads, loss, stats, ts.replace(states=states)


def apply_gradients(ts: TrainState, grads: Any) -> TrainState:
    """The train state with its parameters updated by its optimizer, and its step counted on.

    **Arguments**

    - `ts`: the train state
    - `grads`: gradients, in the structure of its parameters

    **Returns**

    The train state after the update.

    **Raises**

    - `ValueError`: for gradients of another structure or other shapes than the parameters.

    ```python
    >>> import jax, lux, optax
    >>> from lux.training import TrainState, apply_gradients
    >>> model = lux.Dense(2, 3)
    >>> ts = TrainState(model, *lux.setup(0, model), optax.sgd(0.1))
    >>> ts = apply_gradients(ts, jax.tree.map(lambda p: p / 0.1, ts.parameters))
    >>> bool(abs(ts.parameters.weight).max() < 1e-6), int(ts.step)
    (True, 1)

    ```

    As `Lux.Training.apply_gradients`.
    """
    return _apply(ts, grads)


def single_train_step(
    ad: Differentiation,
    objective: Objective,
    data: Any,
    ts: TrainState,
    *,
    return_gradients: bool = True,
    donate: bool = False,
    compiler_options: Mapping[str, Any] | None = None,
) -> tuple[Any, Array, Any, TrainState]:
    """`compute_gradients` and `apply_gradients` in one compiled program.

    **Arguments**

    - `ad`, `objective`, `data`, `ts`: as for `compute_gradients`
    - `return_gradients`: whether the gradients are returned; `None` stands in their place if not,
      and the program need not keep them
    - `donate`: whether the arrays of `ts` are given away, so that their memory is used for the new
      ones. `ts` is then gone, and so is whatever else shares its arrays
    - `compiler_options`: options of XLA by name; `None` for `luxlib.compiler_options()`, under
      which the kernels are fastest, `{}` for XLA's own

    **Returns**

    `(grads, loss, stats, ts)`: as `compute_gradients`, the loss before the update, the train state
    after it.

    **Raises**

    - `TypeError`, `ValueError`: where the objective returns something else, saying what; with
      `donate`, where one array is in `ts` twice, naming both places.

    ```python
    >>> import jax.numpy as jnp, lux, optax
    >>> from lux.training import AutoReverse, TrainState, single_train_step
    >>> def mean_square(model, ps, st, x):
    ...     y, st = model(x, ps, st)
    ...     return (y**2).mean(), st, lux.NamedTuple()
    >>> model = lux.Dense(2, 3)
    >>> ts = TrainState(model, *lux.setup(0, model), optax.adam(0.1))
    >>> x = jnp.ones((4, 2))
    >>> for _ in range(100):
    ...     _, loss, _, ts = single_train_step(AutoReverse(), mean_square, x, ts, donate=True)
    >>> bool(loss < 1e-3), int(ts.step)
    (True, 100)

    ```

    As `Lux.Training.single_train_step`, and with `donate=True` as `single_train_step!`.
    """
    try:
        options = named(compiler_options)
        return _program(ad, objective, return_gradients, donate, options)(ts, data)
    except Exception as error:
        explain(error, ad, objective, ts)
        raise


def _differentiate(
    ad: Differentiation,
    objective: Objective,
    model: AbstractLuxLayer,
    ps: Any,
    st: Any,
    data: Any,
) -> tuple[Any, ...]:
    def function(ps: Any) -> tuple[Array, Any]:
        return evaluate(objective, model, ps, st, data)

    (loss, (st, stats)), grads = ad.value_and_gradients(function, ps)
    return grads, loss, stats, st


def _update(ts: TrainState, grads: Any) -> TrainState:
    ps = ts.parameters
    if _shapes(grads) != _shapes(ps):
        raise ValueError(f"grads: expected a tree as the parameters, {ps}, got {grads}")
    with jax.numpy_dtype_promotion("standard"):  # optax adds what is strictly of two dtypes
        updates, optimizer_state = ts.optimizer.update(grads, ts.optimizer_state, ps)
        ps = optax.apply_updates(ps, updates)
    return ts.replace(parameters=ps, optimizer_state=optimizer_state, step=ts.step + 1)


def _shapes(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [jnp.shape(leaf) for leaf in leaves]


_apply = jax.jit(_update)


@lru_cache(maxsize=256)
def _gradients(ad: Differentiation, objective: Objective) -> Program:
    def gradients(description: Val, ps: Any, st: Any, data: Any) -> tuple[Any, ...]:
        model, _ = cast("tuple[AbstractLuxLayer, Any]", description.value)
        return _differentiate(ad, objective, model, ps, st, data)

    return Program(gradients, None)


@lru_cache(maxsize=256)
def _program(
    ad: Differentiation,
    objective: Objective,
    return_gradients: bool,
    donate: bool,
    compiler_options: CompilerOptions,
) -> Program:
    """The compiled step for an objective and a way to differentiate it."""

    def step(ts: TrainState, data: Any) -> tuple[Any, Array, Any, TrainState]:
        grads, loss, stats, states = _differentiate(
            ad, objective, ts.model, ts.parameters, ts.states, data
        )
        ts = _update(ts.replace(states=states), grads)
        return grads if return_gradients else None, loss, stats, ts

    return Program(step, compiler_options, (0,) if donate else ())
