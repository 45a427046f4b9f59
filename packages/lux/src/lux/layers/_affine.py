"""The weight and the bias of a linear map: their initial values, with PyTorch's defaults."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lux.initializers import kaiming_uniform, linear_bias
from luxcore import NamedTuple, child

from ._checks import check_callable, check_sizes, check_switches

if TYPE_CHECKING:
    from jax import Array

    from lux.initializers import Initializer

# With it `kaiming_uniform` is uniform on ±1/√fan_in.
init_weight = kaiming_uniform(gain=math.sqrt(1 / 3))


def check(layer: Any, *sizes: str) -> None:
    """Refuse what sizes, a bias, an activation and initializers can't be."""
    check_sizes(layer, *sizes)
    check_switches(layer, "use_bias")
    for field in ("activation", "init_weight", "init_bias"):
        if not (getattr(layer, field) is getattr(type(layer), field) is None):
            check_callable(layer, field)


def given(layer: Any, ps: Any, shape: tuple[int, ...]) -> tuple[Array, Array | None]:
    """The weight and the bias of a layer, of the shapes that they have in this layer."""
    bias = ps.bias if layer.use_bias else None
    check_shape("weight", ps.weight, shape)
    check_shape("bias", bias, shape[-1:])
    return ps.weight, bias


def check_shape(
    name: str, array: Array | None, expected: tuple[int, ...], *, of: str = "parameters"
) -> None:
    """Refuse a parameter, or state, of another shape than it has in this layer."""
    if array is not None and array.shape != expected:
        raise ValueError(
            f"the {of} do not fit: {name}: expected shape {expected}, got {array.shape}: "
            f"are these the {of} of another model?"
        )


def weight_and_bias(
    layer: Any, rng: Any, shape: tuple[int, ...], *, fan: int | None = None
) -> NamedTuple:
    """The parameters of a layer whose weight has the shape `(*window, in, out)`.

    Where there is no initializer, they are uniform on ±1/√`fan`, by default the number of inputs.
    """
    uniform = linear_bias(fan_in=fan or math.prod(shape[:-1]))
    init_weight: Initializer = layer.init_weight or uniform
    weight = init_weight(child(rng, "weight"), shape)
    if not layer.use_bias:
        return NamedTuple(weight=weight)
    init_bias: Initializer = layer.init_bias or uniform
    return NamedTuple(weight=weight, bias=init_bias(child(rng, "bias"), shape[-1:]))
