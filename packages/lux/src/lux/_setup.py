"""`setup`: from a model and a seed to parameters and states that a compiled step takes."""

from __future__ import annotations

from typing import Any

import jax

import luxcore
from luxcore import AbstractLuxLayer, NamedTuple

from ._random import as_key
from ._strong import as_strong_array


def setup(rng: Any, model: Any) -> tuple[Any, NamedTuple]:
    """The initial parameters and states of a model.

    Every layer's random numbers come from its name: adding a layer, or naming or reordering layers
    that have names, leaves the others' initial parameters as they were.

    **Arguments**

    - `rng`: a seed from 0 to 2³² - 1, a JAX key (typed or raw, traced or not), a `random.Random`
      or a `numpy.random.Generator`. `setup` is pure for a seed or key; the other two are advanced
      by one draw. Seed `n` is the key `jax.random.key(n)`.
    - `model`: a layer, or a tuple or named tuple of layers.

    **Returns**

    `(ps, st)`: the parameters and the states, named tuples of JAX arrays without weak types, so
    that the first and the second call of a compiled step are one program.

    **Raises**

    - `TypeError`: for what is no layer, no seed and no generator.
    - `ValueError`: for a seed out of range, or several keys in place of one.

    ```python
    >>> import jax, lux
    >>> model = lux.Chain(lux.Dense(784, 256, lux.relu), lux.Dense(256, 10))
    >>> ps, st = lux.setup(0, model)
    >>> ps.layer_1.weight.shape
    (256, 10)
    >>> jax.eval_shape(lambda: lux.setup(0, model)[0]).layer_1.bias
    ShapeDtypeStruct(shape=(10,), dtype=float32)

    ```

    As `Lux.setup`.
    """
    if isinstance(rng, AbstractLuxLayer):
        raise TypeError(
            f"setup(rng, model) takes the generator first, got {rng}: call setup(0, model)"
        )
    if not _is_registered(rng):
        rng = as_key(rng)
    ps, st = luxcore.setup(rng, model)
    return jax.tree.map(as_strong_array, ps), jax.tree.map(as_strong_array, st)


def _is_registered(rng: Any) -> bool:
    """Whether the type of a generator was registered with luxcore: it is passed on as it is."""
    return luxcore.child.dispatch(type(rng)) is not luxcore.child.dispatch(object)
