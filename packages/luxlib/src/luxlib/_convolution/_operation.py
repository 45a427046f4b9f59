"""The convolution with its derivatives, in the formulations that are chosen.

The tangent is two convolutions, one with the input's tangent and one with the kernel's. Their
transposes are the two gradients, each in its own formulation.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from luxlib._dtypes import accumulator
from luxlib._linear import linear
from luxlib._products import product
from luxlib._xla_convolution import xla_convolution

from . import _dense, _shifts
from ._choice import choose
from ._geometry import padded

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    from luxlib._compilation import Compilation

    from ._choice import Formulations
    from ._geometry import Geometry

__all__ = ["FORWARD", "INPUT_GRADIENT", "WEIGHT_GRADIENT", "convolve", "formulated"]

FORWARD: dict[str, Callable[[Array, Array, Geometry], Array]] = {
    "plain": _dense.plain,
    "larger": _dense.larger,
    "product": _dense.product,
    "shifts": _shifts.shifts,
}
INPUT_GRADIENT: dict[str, Callable[[Array, Array, Geometry], Array]] = {
    "plain": _dense.plain_for_input,
    "larger": _dense.larger_for_input,
    "product": _dense.product_for_input,
    "taps": _dense.taps_for_input,
    "columns": _dense.columns_for_input,
    "shifts": _shifts.shifts_for_input,
    "shifts back": _shifts.shifts_back_for_input,
}
WEIGHT_GRADIENT: dict[str, Callable[[Array, Array, Geometry], Array]] = {
    "plain": _dense.plain_for_weight,
    "product": _dense.product_for_weight,
    "taps": _dense.taps_for_weight,
    "columns": _dense.columns_for_weight,
    "cross": _dense.cross_for_weight,
    "lines": _dense.lines_for_weight,
    "shifts": _shifts.shifts_for_weight,
}


def convolve(x: Array, weight: Array, geometry: Geometry, compilation: Compilation) -> Array:
    """Return the cross-correlation of arrays of one dtype, in the dtype that it is summed in."""
    chosen = choose(geometry, x.shape, weight.shape[-1], x.dtype, compilation)
    if chosen == "xla":
        return product(partial(_xla, geometry=geometry), x, weight)
    if chosen == "each group":
        return _each_group(x, weight, geometry, compilation)
    if chosen == "planes":
        by_planes = partial(_by_planes, geometry=geometry, compilation=compilation)
        # What is laid out for the planes is laid out again in the backward pass, and not kept.
        return jax.checkpoint(by_planes, prevent_cse=False)(x, weight)
    return formulated(x, weight, geometry, chosen)


def _xla(x: Array, weight: Array, *, geometry: Geometry, preferred_element_type: Any) -> Array:
    return xla_convolution(
        x,
        weight,
        stride=geometry.stride,
        pairs=geometry.pairs,
        dilation=geometry.dilation,
        groups=geometry.groups,
        dtype=preferred_element_type,
    )


def _each_group(x: Array, weight: Array, geometry: Geometry, compilation: Compilation) -> Array:
    """Convolve each group's channels by themselves."""
    xs = jnp.split(x, geometry.groups, axis=-1)
    weights = jnp.split(weight, geometry.groups, axis=-1)
    alone = replace(geometry, groups=1)
    results = [convolve(x, w, alone, compilation) for x, w in zip(xs, weights, strict=True)]
    return jnp.concatenate(results, axis=-1)


def _by_planes(x: Array, weight: Array, *, geometry: Geometry, compilation: Compilation) -> Array:
    """Lay out what lies along the first axis in the channels, and convolve over the others."""
    first, others = geometry.along(0), geometry.without(0)
    elements = padded(x, first.pairs)
    planes = jnp.concatenate([first.at(elements, at) for at in first.positions], axis=-1)
    weight = weight.transpose(1, 2, 0, 3, 4)
    y = convolve(
        planes.reshape(-1, *others.space, planes.shape[-1]),
        weight.reshape(*others.window, planes.shape[-1], weight.shape[-1]),
        others,
        compilation,
    )
    return y.reshape(x.shape[0], *geometry.places, weight.shape[-1])


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def formulated(x: Array, weight: Array, geometry: Geometry, chosen: Formulations) -> Array:
    """Return the cross-correlation in formulations given by name."""
    wide = accumulator(x.dtype)
    return FORWARD[chosen.forward](x.astype(wide), weight.astype(wide), geometry)


def _formulated_jvp(
    geometry: Geometry,
    chosen: Formulations,
    primals: tuple[Array, Array],
    tangents: tuple[Any, Any],
) -> tuple[Array, Array]:
    (x, weight), (x_dot, weight_dot) = primals, tangents
    y = formulated(x, weight, geometry, chosen)
    y_dot = jnp.zeros_like(y)
    static = (geometry, chosen)
    if not isinstance(x_dot, SymbolicZero):
        y_dot = y_dot + linear(
            partial(_of_input, *static), partial(_input_gradient, *static), weight, x_dot
        )
    if not isinstance(weight_dot, SymbolicZero):
        y_dot = y_dot + linear(
            partial(_of_weight, *static), partial(_weight_gradient, *static), x, weight_dot
        )
    return y, y_dot


formulated.defjvp(_formulated_jvp, symbolic_zeros=True)


def _of_input(geometry: Geometry, chosen: Formulations, weight: Array, x: Array) -> Array:
    return formulated(x, weight, geometry, chosen)


def _of_weight(geometry: Geometry, chosen: Formulations, x: Array, weight: Array) -> Array:
    return formulated(x, weight, geometry, chosen)


def _input_gradient(geometry: Geometry, chosen: Formulations, weight: Array, ct: Array) -> Array:
    x_bar = INPUT_GRADIENT[chosen.input_gradient](ct, weight.astype(ct.dtype), geometry)
    return x_bar.astype(weight.dtype)


def _weight_gradient(geometry: Geometry, chosen: Formulations, x: Array, ct: Array) -> Array:
    weight_bar = WEIGHT_GRADIENT[chosen.weight_gradient](x.astype(ct.dtype), ct, geometry)
    return weight_bar.astype(x.dtype)
