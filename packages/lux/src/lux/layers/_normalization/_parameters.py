"""Finding some of the parameters of a layer, and putting others in their place."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import jax

import luxcore
from lux.layers._checks import fail
from luxcore import AbstractLuxLayer, fmap_with_path

if TYPE_CHECKING:
    from ._spectral_norm import SpectralNorm
    from ._weight_norm import WeightNorm


@functools.lru_cache(maxsize=1024)
def template(layer: AbstractLuxLayer) -> Any:
    """The parameters of a layer by their shapes."""
    return jax.eval_shape(lambda: luxcore.initial_parameters(jax.random.key(0), layer))


def check_parameters(wrapper: WeightNorm | SpectralNorm, axes: Sequence[int]) -> None:
    """Refuse names of parameters that the layer doesn't have, or that don't have the axes."""
    if not isinstance(wrapper.layer, AbstractLuxLayer):
        raise fail(wrapper, "layer", "a layer", wrapper.layer)
    names = wrapper.which_params
    names = (names,) if isinstance(names, str) else tuple(names)
    shapes: dict[str, tuple[int, ...]] = {}
    fmap_with_path(
        lambda path, leaf: shapes.update({".".join(path): leaf.shape}), template(wrapper.layer)
    )
    if not names or len(set(names)) != len(names) or not set(names) <= set(shapes):
        listed = ", ".join(map(repr, shapes)) or "its parameters, of which it has none"
        raise fail(wrapper, "which_params", f"one or several of {listed}", wrapper.which_params)
    for name in names:
        ndim = len(shapes[name])
        if not all(-ndim <= axis < ndim for axis in axes):
            raise fail(wrapper, "axis", f"axes of {name!r}, which has {ndim}", wrapper.axis)
    object.__setattr__(wrapper, "which_params", names)


def replaced(wrapper: WeightNorm | SpectralNorm, ps: Any, new: Callable[[str, Any], Any]) -> Any:
    """The parameters of the layer, those to normalize by `new` of the name and what is there."""

    def leaf(path: Sequence[str], shape: Any) -> Any:
        name = ".".join(path)
        value = attrgetter(name)(ps)
        return new(name, value) if name in wrapper.which_params else value

    return fmap_with_path(leaf, template(wrapper.layer))
