"""Layers one after the other."""

from __future__ import annotations

from typing import Any

from luxcore import NamedTuple, apply, items

from ._names import LayersByName, as_label, as_switch, by_name
from ._remat import Remat, as_remat, rematerialized
from ._scan import Scanned, scanned


class Chain(LayersByName):
    """Layers one after the other.

    `y = layer_n(… layer_1(layer_0(x)))`

    **Arguments**

    - `*layers`: the layers, or functions, of which each becomes a `WrappedFunction`; also one list
      or tuple of them. They are called `layer_0`, `layer_1`, …
    - `**named`: the layers by name, in order; also one dict or named tuple of them in the place of
      `*layers`.
    - `name`: how the chain is called where it prints
    - `scan`: whether the layers, which are then equal, are run by one program in a loop, so that
      the time to compile does not grow with their number. Each returns what it takes
    - `remat`: what the backward pass makes again instead of keeping it, layer by layer: nothing
      (`False`), all inside of a layer (`True`), or what a policy does not keep, such as
      `luxlib.products_saveable` or one of `jax.checkpoint_policies`

    `chain[0]`, `chain[-1]` and `chain["encoder"]` are layers, `chain[1:3]` is the chain of some of
    them under their names here. `len(chain)` counts them, and iterating gives them in order.

    **Inputs**

    - `x`: what the first layer takes

    **Returns**

    - what the last layer returns; `x` where there is none
    - the states

    **Parameters and states**

    A `NamedTuple` with those of each layer, by its name. With `scan` a `NamedTuple` of one field
    `layers`: the tree of one layer, in which every array has a first axis for the layers. In paths
    `layers` stands for all of them. `lux.stack_parameters` and `lux.unstack_parameters` make one of
    the other.

    **Raises**

    - `TypeError`: for what is neither a layer nor a function, or for layers with and without names.
    - `ValueError`: with `scan` for layers that are not equal; when it is called, for one that
      returns another type than it takes.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> model = lux.Chain(lux.Dense(784, 256, lux.relu), lux.Dense(256, 10))
    >>> ps, st = lux.setup(0, model)
    >>> model(jnp.ones((32, 784)), ps, st)[0].shape
    (32, 10)
    >>> named = lux.Chain(encoder=lux.Dense(4, 2), decoder=lux.Dense(2, 4))
    >>> lux.setup(0, named)[0].decoder.weight.shape
    (2, 4)
    >>> len(named), named[1:] == lux.Chain(decoder=lux.Dense(2, 4))
    (2, True)
    >>> deep = lux.Chain([lux.Dense(8, 8, lux.tanh)] * 50, scan=True, remat=True)
    >>> lux.setup(0, deep)[0].layers.weight.shape
    (50, 8, 8)

    ```

    As Lux.jl's `Chain`, with names counted as Python's indexes.
    """

    layers: NamedTuple | Scanned
    name: str = ""
    remat: Remat = False

    def __init__(
        self, *layers: Any, name: str = "", scan: bool = False, remat: Remat = False, **named: Any
    ) -> None:
        self.layers = by_name("Chain", layers, named)
        self.name, self.remat = as_label("Chain", name), as_remat("Chain", remat)
        if as_switch("Chain", "scan", scan) and len(self) > 0:
            self.layers, self.remat = scanned(self.layers, self.remat), False

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        if isinstance(self.layers, Scanned):
            return apply(self.layers, x, ps, st)
        states = []
        for name, layer in items(self.layers):
            call = rematerialized(layer, self.remat)
            x, new = call(x, getattr(ps, name), getattr(st, name))
            states.append(new)
        return x, type(st)(*states)
