"""Kernels for NVIDIA GPUs that normalize rows, written in Pallas.

XLA reads an array once for its mean, once for its variance and once more for the result. Here a
program holds a tile of whole rows in registers and reads them once. So does the backward pass,
which computes the statistics again rather than keeping them; its sums over rows, the gradients of
the parameters, are made by a few hundred programs, each for its share, and then summed.

A tile has the next power of two of columns, as Triton wants it; the excess is masked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from luxlib._dtypes import accumulator
from luxlib._linear import linear

from ._standardize import Group, standardize

if TYPE_CHECKING:
    from jax import Array

__all__ = ["normalize_rows", "reason_against"]

_TILE = 4096  # elements of a tile, if a row has no more
_MOST_FEATURES = 16384  # what a tile of one row may hold
_MOST_PROGRAMS = 256  # in the backward pass: about two for each multiprocessor


@dataclass(frozen=True)
class _Options:
    epsilon: float
    centred: bool
    interpret: bool


def reason_against(
    x: Array, scale: Array | None, bias: Array | None, mask: Array | None, group: Group
) -> str | None:
    """Say why the kernels can't be used, or nothing."""
    arrays = [array for array in (x, scale, bias) if array is not None]
    if mask is not None:
        return "there is a mask"
    if group.axes != (x.ndim - 1,):
        return "the statistics are not taken along the last axis alone"
    if any(array.dtype not in ("float16", "bfloat16", "float32") for array in arrays):
        return "a dtype is not float16, bfloat16 or float32"
    if any(parameter.ndim > 1 for parameter in arrays[1:]):
        return "a parameter has more axes than the last"
    if not 1 <= x.shape[-1] <= _MOST_FEATURES:
        return f"there are not 1 to {_MOST_FEATURES} features"
    if x.size == 0:
        return "there are no rows"
    return None


def normalize_rows(
    x: Array,
    scale: Array | None,
    bias: Array | None,
    epsilon: float,
    centred: bool,
    interpret: bool,
) -> Array:
    """Normalize along the last axis; without CUDA as XLA does, unless the kernel is interpreted."""
    features = x.shape[-1]
    wide = accumulator(x.dtype)
    scale = jnp.ones(features, wide) if scale is None else scale.astype(wide)
    bias = jnp.zeros(features, wide) if bias is None else bias.astype(wide)
    rows = x.reshape(x.size // features, features)
    return _normalize(rows, scale, bias, _Options(epsilon, centred, interpret)).reshape(x.shape)


@partial(jax.custom_jvp, nondiff_argnums=(3,))
def _normalize(x: Array, scale: Array, bias: Array, options: _Options) -> Array:
    kernel = partial(_forward, options=options)
    if options.interpret:
        return kernel(x, scale, bias)
    plain = partial(_plain, options=options)
    return lax.platform_dependent(x, scale, bias, cuda=kernel, default=plain)


@_normalize.defjvp
def _normalize_jvp(
    options: _Options,
    primals: tuple[Array, Array, Array],
    tangents: tuple[Array, Array, Array],
) -> tuple[Array, Array]:
    x, scale, bias = primals
    y_dot = linear(
        partial(_tangent, options=options),
        partial(_cotangents, options=options),
        (x, scale),
        tangents,
    )
    return _normalize(x, scale, bias, options), y_dot


def _tangent(
    residuals: tuple[Array, Array], tangents: tuple[Array, Array, Array], options: _Options
) -> Array:
    primals = (*residuals, jnp.zeros_like(residuals[1]))
    return jax.jvp(partial(_plain, options=options), primals, tangents)[1]


def _cotangents(
    residuals: tuple[Array, Array], y_bar: Array, options: _Options
) -> tuple[Array, Array, Array]:
    return _pull_back(*residuals, y_bar, options)


@partial(jax.custom_jvp, nondiff_argnums=(3,))
def _pull_back(
    x: Array, scale: Array, y_bar: Array, options: _Options
) -> tuple[Array, Array, Array]:
    kernel = partial(_backward, options=options)
    if options.interpret:
        return kernel(x, scale, y_bar)
    plain = partial(_plain_pull_back, options=options)
    return lax.platform_dependent(x, scale, y_bar, cuda=kernel, default=plain)


@_pull_back.defjvp
def _pull_back_jvp(
    options: _Options,
    primals: tuple[Array, Array, Array],
    tangents: tuple[Array, Array, Array],
) -> tuple[Any, Any]:
    """Differentiate the formula: a kernel has no derivative."""
    plain = partial(_plain_pull_back, options=options)
    return _pull_back(*primals, options), jax.jvp(plain, primals, tangents)[1]


def _plain(x: Array, scale: Array, bias: Array, options: _Options) -> Array:
    group = Group((1,), centred=options.centred)
    return standardize(x, scale[None], bias[None], None, group, options.epsilon)[0].astype(x.dtype)


def _plain_pull_back(
    x: Array, scale: Array, y_bar: Array, options: _Options
) -> tuple[Array, Array, Array]:
    plain = partial(_plain, options=options)
    return jax.vjp(plain, x, scale, jnp.zeros_like(scale))[1](y_bar)


def _forward(x: Array, scale: Array, bias: Array, options: _Options) -> Array:
    from jax.experimental import pallas
    from jax.experimental.pallas import triton

    rows, features = x.shape
    tile = _tile(rows, features)

    def kernel(x_ref: Any, scale_ref: Any, bias_ref: Any, y_ref: Any) -> None:
        places, inside = _places(x_ref, pallas.program_id(0), tile)
        direction, _ = _direction(_load(x_ref, places, inside), inside, features, options)
        scale, bias = _load_features(scale_ref, tile), _load_features(bias_ref, tile)
        y = direction * scale[None] + bias[None]
        triton.store(y_ref.at[places], y.astype(y_ref.dtype), mask=inside)

    return pallas.pallas_call(
        kernel,
        grid=(-(-rows // tile[0]),),
        out_shape=jax.ShapeDtypeStruct(x.shape, x.dtype),
        compiler_params=_compiler_params(tile),
        interpret=options.interpret,
        name="normalize_rows",
    )(x, scale, bias)


def _backward(
    x: Array, scale: Array, y_bar: Array, options: _Options
) -> tuple[Array, Array, Array]:
    from jax.experimental import pallas
    from jax.experimental.pallas import triton

    rows, features = x.shape
    tile = _tile(rows, features)
    tiles = -(-rows // tile[0])
    steps = -(-tiles // _MOST_PROGRAMS)
    programs = -(-tiles // steps)

    def kernel(
        x_ref: Any, scale_ref: Any, y_bar_ref: Any, x_bar_ref: Any, scale_bars: Any, bias_bars: Any
    ) -> None:
        program = pallas.program_id(0)
        scale = _load_features(scale_ref, tile)[None]

        def step(i: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
            places, inside = _places(x_ref, program * steps + i, tile)
            x = _load(x_ref, places, inside)
            h, inverse = _direction(x, inside, features, options)
            y_bar = _load(y_bar_ref, places, inside)
            h_bar = y_bar * scale
            along = (h_bar * h).sum(1, keepdims=True) / features
            across = h_bar.sum(1, keepdims=True) / features if options.centred else 0.0
            x_bar = inverse * (h_bar - across - h * along)
            triton.store(x_bar_ref.at[places], x_bar.astype(x_bar_ref.dtype), mask=inside)
            return sums[0] + (y_bar * h).sum(0), sums[1] + y_bar.sum(0)

        zeros = jnp.zeros(tile[1], scale.dtype)
        sums = lax.fori_loop(0, steps, step, (zeros, zeros))
        columns = lax.iota(jnp.int32, tile[1])
        own = (jnp.full_like(columns, program), columns)
        for bars, total in zip((scale_bars, bias_bars), sums, strict=True):
            triton.store(bars.at[own], total, mask=columns < features)

    shares = jax.ShapeDtypeStruct((programs, features), scale.dtype)
    x_bar, scale_bars, bias_bars = pallas.pallas_call(
        kernel,
        grid=(programs,),
        out_shape=(jax.ShapeDtypeStruct(x.shape, x.dtype), shares, shares),
        compiler_params=_compiler_params(tile),
        interpret=options.interpret,
        name="normalize_rows_backward",
    )(x, scale, y_bar)
    return x_bar, scale_bars.sum(0), bias_bars.sum(0)


def _tile(rows: int, features: int) -> tuple[int, int]:
    """Return how many rows and columns a program holds at a time, both powers of two."""
    columns = _power_of_two(features)
    return min(_power_of_two(rows), max(1, _TILE // columns)), columns


def _power_of_two(number: int) -> int:
    """Return the smallest that is not less."""
    return 1 << (number - 1).bit_length()


def _compiler_params(tile: tuple[int, int]) -> Any:
    from jax.experimental.pallas import triton

    return triton.CompilerParams(num_warps=min(16, max(4, tile[0] * tile[1] // 1024)))


def _places(array: Any, number: Any, tile: tuple[int, int]) -> tuple[tuple[Array, Array], Array]:
    """Return the indices of an array's elements in a tile, and which of them exist."""
    rows = number * tile[0] + lax.broadcasted_iota(jnp.int32, tile, 0)
    columns = lax.broadcasted_iota(jnp.int32, tile, 1)
    return (rows, columns), (rows < array.shape[0]) & (columns < array.shape[1])


def _load(array: Any, places: tuple[Array, ...], inside: Array) -> Array:
    """Read elements in the dtype in which is summed, zero where there is none."""
    from jax.experimental.pallas import triton

    return triton.load(array.at[places], mask=inside, other=0).astype(accumulator(array.dtype))


def _load_features(array: Any, tile: tuple[int, int]) -> Array:
    columns = lax.iota(jnp.int32, tile[1])
    return _load(array, (columns,), columns < array.shape[0])


def _direction(x: Array, inside: Array, features: int, options: _Options) -> tuple[Array, Array]:
    """Return normalized rows and the inverse of their deviations."""
    means = 2 if options.centred else 0  # the second is what rounding hid from the first
    for _ in range(means):
        x = jnp.where(inside, x - x.sum(1, keepdims=True) / features, 0)
    inverse = lax.rsqrt((x * x).sum(1, keepdims=True) / features + options.epsilon)
    return x * inverse, inverse
