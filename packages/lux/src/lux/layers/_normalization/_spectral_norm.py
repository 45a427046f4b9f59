"""Spectral normalization: a layer's parameters are divided by their largest singular value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import jax

import luxcore
from lux._random import as_key
from lux.layers._checks import check_positive, check_sizes, fail, integers
from luxcore import AbstractLuxLayer, AbstractLuxWrapperLayer, NamedTuple, Val, child
from luxlib import spectral_norm

from ._parameters import check_parameters, replaced

if TYPE_CHECKING:
    from jax import Array

# What the vectors of a new spectral norm have behind them, as in PyTorch.
_FIRST_ITERATIONS = 15


class SpectralNorm(AbstractLuxWrapperLayer, layer="layer"):
    """A layer some of whose parameters are divided by their largest singular value.

    `w = weight / σ` with `σ = uᵀ W v`

    `W` is the parameter as a matrix, `axis` first and the others flattened. The vectors come nearer
    to the singular ones with each call in training, by `iterations` steps of the power method, and
    stay as they are in test mode. They carry no gradient.

    **Arguments**

    - `layer`: a layer
    - `which_params`: the names of its parameters to normalize, one or several; those of a layer
      inside by their path, such as `"layer_0.weight"`
    - `axis`: the axis that is the first of `W`, by default that of the output channels
    - `iterations`: the number of steps in a call
    - `epsilon`: the least norm that a step divides by

    **Inputs and returns**

    Those of `layer`.

    **Parameters**

    Those of `layer`.

    **States**

    - `layer`: the states of `layer`
    - `vectors`: for each parameter that is named, `u` and `v`, which at first have 15 steps behind
      them
    - `training`: `Val(True)`, as `lux.train_mode` sets it, or `Val(False)`, as `lux.test_mode` does

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.SpectralNorm(lux.Dense(3, 2, use_bias=False))
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.eye(3), ps, st)
    >>> round(float(jnp.linalg.norm(y, 2)), 2)
    1.0

    ```

    Miyato et al., "Spectral normalization for generative adversarial networks", 2018. As PyTorch's
    `spectral_norm`, whose `dim` 0 is -1 here.
    """

    layer: AbstractLuxLayer
    which_params: str | Sequence[str] = "weight"
    _: KW_ONLY
    axis: int = -1
    iterations: int = 1
    epsilon: float = 1e-12

    def __post_init__(self) -> None:
        if integers((self.axis,)) is None:
            raise fail(self, "axis", "an integer", self.axis)
        check_sizes(self, "iterations")
        check_positive(self, "epsilon")
        check_parameters(self, (self.axis,))

    def initial_states(self, rng: Any) -> NamedTuple:
        vectors = {}

        def begin(name: str, weight: Array) -> Array:
            key = as_key(child(child(rng, "vectors"), name))
            rows = weight.shape[self.axis]
            u = jax.random.normal(key, (rows,), weight.dtype)
            v = jax.random.normal(jax.random.fold_in(key, 1), (weight.size // rows,), weight.dtype)
            vectors[name] = self._normalized(weight, u, v, _FIRST_ITERATIONS)[1]
            return weight

        # The states are made with the generator of the parameters, so these are the same ones.
        replaced(self, luxcore.initial_parameters(rng, self.layer), begin)
        inner = luxcore.initial_states(rng, self.layer)
        return NamedTuple(layer=inner, vectors=_by_path(vectors), training=Val(True))

    def state_length(self) -> int:
        return AbstractLuxLayer.state_length(self)

    def _expected_fields(self) -> Any:
        return self.layer._expected_fields()[0], ("layer", "vectors", "training")

    def _normalized(self, weight: Array, u: Array, v: Array, iterations: int) -> Any:
        return spectral_norm(
            weight, u, v, axis=self.axis, iterations=iterations, epsilon=self.epsilon
        )

    def __call__(self, x: Any, ps: Any, st: Any) -> tuple[Any, NamedTuple]:
        vectors = {}

        def normalized(name: str, weight: Array) -> Array:
            u, v = attrgetter(name)(st.vectors)
            steps = self.iterations if st.training else 0
            new_weight, vectors[name] = self._normalized(weight, u, v, steps)
            return new_weight

        y, inner = luxcore.apply(self.layer, x, replaced(self, ps, normalized), st.layer)
        return y, NamedTuple(layer=inner, vectors=_by_path(vectors), training=st.training)


def _by_path(vectors: dict[str, tuple[Array, Array]]) -> Any:
    """A tree with `u` and `v` where the parameter is in the tree of parameters."""
    tree: dict[str, Any] = {}
    for name, (u, v) in vectors.items():
        *path, last = name.split(".")
        node = tree
        for segment in path:
            node = node.setdefault(segment, {})
        node[last] = {"u": u, "v": v}
    return luxcore.from_dict(tree)
