"""Layers around another one, some of whose parameters they normalize."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import jax

import luxcore
from lux._random import as_key
from lux.layers._affine import check_shape
from lux.layers._checks import check_axes, check_positive, check_sizes, fail, integers
from luxcore import (
    AbstractLuxLayer,
    AbstractLuxWrapperLayer,
    NamedTuple,
    Val,
    child,
    fmap_with_path,
)
from luxlib import norm_except, spectral_norm, weight_norm

if TYPE_CHECKING:
    from jax import Array

# What the vectors of a new spectral norm have behind them, as in PyTorch.
_FIRST_ITERATIONS = 15


class WeightNorm(AbstractLuxWrapperLayer, layer="layer"):
    """A layer some of whose parameters have their lengths in parameters of their own.

    `w = g * v / ‖v‖`

    with the norm over all axes except `axis`.

    **Arguments**

    - `layer`: a layer
    - `which_params`: the names of its parameters to normalize, one or several; those of a layer
      inside by their path, such as `"layer_0.weight"`
    - `axis`: the axes along which each place has a length of its own, one integer or several: by
      default each output channel; `None` for one length of all

    **Inputs, returns and states**

    Those of `layer`.

    **Parameters**

    Those of `layer`, with a `NamedTuple` in the place of each that is named:

    - `g`: the lengths, of size 1 except along `axis`; at first those that the parameter has
    - `v`: an array of the parameter's shape; at first the parameter

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; where a length is zero
      at first, when parameters are made.

    ```python
    >>> import lux
    >>> layer = lux.WeightNorm(lux.Dense(2, 3))
    >>> ps, st = lux.setup(0, layer)
    >>> ps.weight.g.shape, ps.weight.v.shape, ps.bias.shape
    ((1, 3), (2, 3), (3,))

    ```

    Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training
    of deep neural networks", 2016. As Lux.jl's `WeightNorm`, which has `weight_g`, `weight_v` and
    the other parameters in two tuples, and PyTorch's `weight_norm`, whose `dim` 0 is -1 here.
    """

    layer: AbstractLuxLayer
    which_params: str | Sequence[str] = "weight"
    axis: int | Sequence[int] | None = -1

    def __post_init__(self) -> None:
        check_axes(self, "axis")
        _check_parameters(self, () if self.axis is None else integers(self.axis) or ())

    def initial_parameters(self, rng: Any) -> Any:
        def parts(name: str, v: Array) -> NamedTuple:
            g = norm_except(v, axis=self.axis)
            if not isinstance(g, jax.core.Tracer) and not g.all():
                expected = "parameters without zeros alone where a length is taken at first"
                raise fail(self, "which_params", expected, name)
            return NamedTuple(g=g, v=v)

        return _replaced(self, luxcore.initial_parameters(rng, self.layer), parts)

    def parameter_length(self) -> int:
        return AbstractLuxLayer.parameter_length(self)

    def _expected_fields(self) -> Any:
        return self.layer._expected_fields()

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        def normalized(name: str, parts: Any) -> Array:
            if not (hasattr(parts, "g") and hasattr(parts, "v")):
                raise ValueError(
                    f"the parameters do not fit: {name}: expected the fields (g, v): are these "
                    "the parameters of another model?"
                )
            check_shape(f"{name}.v", parts.v, attrgetter(name)(_template(self.layer)).shape)
            return weight_norm(parts.v, parts.g, axis=self.axis)

        return luxcore.apply(self.layer, x, _replaced(self, ps, normalized), st)


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
        _check_parameters(self, (self.axis,))

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
        _replaced(self, luxcore.initial_parameters(rng, self.layer), begin)
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

        y, inner = luxcore.apply(self.layer, x, _replaced(self, ps, normalized), st.layer)
        return y, NamedTuple(layer=inner, vectors=_by_path(vectors), training=st.training)


@functools.lru_cache(maxsize=1024)
def _template(layer: AbstractLuxLayer) -> Any:
    """The parameters of a layer by their shapes."""
    return jax.eval_shape(lambda: luxcore.initial_parameters(jax.random.key(0), layer))


def _check_parameters(wrapper: WeightNorm | SpectralNorm, axes: Sequence[int]) -> None:
    """Refuse names of parameters that the layer doesn't have, or that don't have the axes."""
    if not isinstance(wrapper.layer, AbstractLuxLayer):
        raise fail(wrapper, "layer", "a layer", wrapper.layer)
    names = wrapper.which_params
    names = (names,) if isinstance(names, str) else tuple(names)
    shapes: dict[str, tuple[int, ...]] = {}
    fmap_with_path(
        lambda path, leaf: shapes.update({".".join(path): leaf.shape}), _template(wrapper.layer)
    )
    if not names or len(set(names)) != len(names) or not set(names) <= set(shapes):
        listed = ", ".join(map(repr, shapes)) or "its parameters, of which it has none"
        raise fail(wrapper, "which_params", f"one or several of {listed}", wrapper.which_params)
    for name in names:
        ndim = len(shapes[name])
        if not all(-ndim <= axis < ndim for axis in axes):
            raise fail(wrapper, "axis", f"axes of {name!r}, which has {ndim}", wrapper.axis)
    object.__setattr__(wrapper, "which_params", names)


def _replaced(wrapper: WeightNorm | SpectralNorm, ps: Any, new: Callable[[str, Any], Any]) -> Any:
    """The parameters of the layer, those to normalize by `new` of the name and what is there."""

    def leaf(path: Sequence[str], shape: Any) -> Any:
        name = ".".join(path)
        value = attrgetter(name)(ps)
        return new(name, value) if name in wrapper.which_params else value

    return fmap_with_path(leaf, _template(wrapper.layer))


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
