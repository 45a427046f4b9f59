"""Equal layers in a row, run by one program over stacked parameters.

The program of a layer is traced and compiled once, whatever the number of layers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import luxcore
from lux.layers._loop import check_same, settled
from lux.layers._outline import outline, path_of
from luxcore import AbstractLuxContainerLayer, AbstractLuxLayer, NamedTuple, child, name_words

from ._remat import Remat, rematerialized

FIELDS = ("layers",)


class Scanned(AbstractLuxContainerLayer, layers=FIELDS):
    """`depth` layers that are equal; each array of their trees has them along its first axis.

    **Parameters and states**

    - `layers`: those of all layers, in the structure of those of one
    """

    layers: AbstractLuxLayer
    depth: int
    remat: Remat = False

    @property
    def names(self) -> tuple[str, ...]:
        """What the layers are called where they are not stacked."""
        return tuple(f"layer_{index}" for index in range(self.depth))

    def __len__(self) -> int:
        return self.depth

    def __getitem__(self, key: int | str | slice) -> Any:
        layers = NamedTuple(**dict.fromkeys(self.names, self.layers))[key]
        if isinstance(key, slice):
            return Scanned(self.layers, len(layers), self.remat) if layers else NamedTuple()
        return layers

    def initial_parameters(self, rng: Any) -> NamedTuple:
        return NamedTuple(layers=self._initial(luxcore.initial_parameters, rng))

    def initial_states(self, rng: Any) -> NamedTuple:
        return NamedTuple(layers=self._initial(luxcore.initial_states, rng))

    def parameter_length(self) -> int:
        return self.depth * super().parameter_length()

    def state_length(self) -> int:
        return self.depth * super().state_length()

    def _expected_fields(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return FIELDS, FIELDS

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        for what, tree in (("parameters", ps.layers), ("states", st.layers)):
            check_depth(f"the {what} do not fit: layers", tree, self.depth)
        call = rematerialized(self.layers, self.remat, in_loop=True)

        def step(x: Any, trees: tuple[Any, NamedTuple]) -> tuple[Any, NamedTuple]:
            y, new = call(x, *trees)
            check_same("Chain: scan: expected layers that return what they take", x, y)
            return y, new

        def first(x: Any) -> Any:
            return call(x, *jax.tree.map(operator.itemgetter(0), (ps.layers, st.layers)))[0]

        x = settled(first, x, ps)
        y, new = lax.scan(step, x, (ps.layers, st.layers), length=self.depth)
        return y, NamedTuple(layers=new)

    def _initial(self, initial: Callable[[Any, Any], Any], rng: Any) -> Any:
        """What the layers have where they are not stacked, each by the generator of its name."""
        if not isinstance(rng, jax.core.Tracer):
            return stack([initial(child(rng, name), self.layers) for name in self.names])

        def one(words: Any) -> Any:
            first, second = words
            return initial(jax.random.fold_in(jax.random.fold_in(rng, first), second), self.layers)

        return lax.map(one, jnp.array([name_words(name) for name in self.names], jnp.uint32))


def scanned(layers: NamedTuple, remat: Remat) -> Scanned:
    """The layers as one, which has to be what each of them is."""
    first = layers[0]
    for index, layer in enumerate(layers):
        if layers._fields[index] != f"layer_{index}":
            raise TypeError(
                "Chain: scan: expected layers by position, since stacked layers have no names of "
                f"their own, got {layers._fields[index]!r}"
            )
        if layer != first:
            raise ValueError(
                f"Chain: scan: expected equal layers, got layer_{index}={layer} after "
                f"layer_0={first}: put each row of equal layers into a chain of its own"
            )
    return Scanned(first, len(layers), remat)


def stack(trees: Sequence[Any]) -> Any:
    """One tree of trees of the same structure, whose arrays lie along a new first axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def check_depth(place: str, tree: Any, depth: int) -> None:
    """Refuse arrays that have not one entry for each layer along their first axis."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        if jnp.shape(leaf)[:1] != (depth,):
            raise ValueError(
                f"{'.'.join((place, *path_of(path)))}: expected {depth} along the first axis, one "
                f"for each layer, got {outline(leaf)}"
            )
