"""Attention by a kernel for GPUs, with the derivatives that kernels lack.

A kernel gives the value and the backward pass. Forward mode, the second order and programs for
other platforms take the blocked form: to JAX the derivative is a linear map whose transpose is the
kernel's backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from luxlib._checkpoint import saveable
from luxlib._linear import linear

from ._blocked import blocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    from ._terms import Options, Sides

__all__ = ["Kernel", "by_kernel"]


@dataclass(frozen=True)
class Kernel:
    """A pair of functions.

    - `forward(options, query, key, value, sides)` returns the result and what is kept of it
    - `backward(options, query, key, value, sides, result, kept, result_bar)` returns the cotangents
      of query, key, value and the sinks, `None` for those where there are none
    - `platform`: the only one that they run on, a name of JAX; `None` for any
    """

    forward: Callable[..., tuple[Array, Any]]
    backward: Callable[..., tuple[Array, Array, Array, Array | None]]
    platform: str | None = "cuda"


def by_kernel(
    options: Options, query: Array, key: Array, value: Array, sides: Sides, *, kernel: Kernel
) -> Array:
    """Return what `plain` does, by a kernel where there is its platform."""
    # No derivative is ever taken of the kernel: it is attached to what comes out of it.
    constants = jax.tree.map(lax.stop_gradient, (query, key, value, sides))
    result, kept = jax.tree.map(saveable, _value(kernel, options, *constants))
    fixed = sides._replace(sinks=None)
    return _attached(kernel, options, query, key, value, sides.sinks, fixed, result, kept)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _attached(
    kernel: Kernel,
    options: Options,
    query: Array,
    key: Array,
    value: Array,
    sinks: Array | None,
    fixed: Sides,
    result: Array,
    kept: Any,
) -> Array:
    return result


@_attached.defjvp
def _attached_jvp(
    kernel: Kernel, options: Options, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Array, Array]:
    forward, transpose = partial(_tangent, options), partial(_transpose, kernel, options)
    dot = linear(forward, transpose, primals, tangents[:4])
    return _attached(kernel, options, *primals), dot


def _value(
    kernel: Kernel, options: Options, query: Array, key: Array, value: Array, sides: Sides
) -> tuple[Array, Any]:
    def elsewhere(*arguments: Any) -> tuple[Array, Any]:
        shapes = jax.eval_shape(partial(kernel.forward, options), *arguments)[1]
        empty = jax.tree.map(lambda kept: jnp.zeros(kept.shape, kept.dtype), shapes)
        return blocked(options, *arguments), empty

    return _on(kernel, partial(kernel.forward, options), elsewhere, query, key, value, sides)


def _on(kernel: Kernel, there: Callable[..., Any], elsewhere: Callable[..., Any], *a: Any) -> Any:
    """Call one function on the kernel's platform and the other on all others."""
    if kernel.platform is None:
        return there(*a)
    return lax.platform_dependent(*a, default=elsewhere, **{kernel.platform: there})


def _tangent(options: Options, residuals: Any, tangents: Any) -> Array:
    query, key, value, sinks, fixed, _, _ = residuals

    def of_moving(query: Array, key: Array, value: Array, sinks: Array | None) -> Array:
        return blocked(options, query, key, value, fixed._replace(sinks=sinks))

    return jax.jvp(of_moving, (query, key, value, sinks), tangents)[1]


def _transpose(kernel: Kernel, options: Options, residuals: Any, result_bar: Array) -> Any:
    return _cotangents(kernel, options, residuals, result_bar)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _cotangents(kernel: Kernel, options: Options, residuals: Any, result_bar: Array) -> Any:
    def there(residuals: Any, result_bar: Array) -> Any:
        query, key, value, sinks, fixed, result, kept = residuals
        sides = fixed._replace(sinks=sinks)
        bars = kernel.backward(options, query, key, value, sides, result, kept, result_bar)
        pairs = zip(bars, residuals[:4], strict=True)
        return tuple(bar if bar is None else bar.astype(a.dtype) for bar, a in pairs)

    return _on(kernel, there, partial(_plain_cotangents, options), residuals, result_bar)


@_cotangents.defjvp
def _cotangents_jvp(
    kernel: Kernel, options: Options, primals: tuple[Any, Any], tangents: tuple[Any, Any]
) -> tuple[Any, Any]:
    *moving, fixed, result, kept = primals[0]

    def of_moving(moving: Any, result_bar: Array) -> Any:
        return _plain_cotangents(options, (*moving, fixed, result, kept), result_bar)

    dots = (tuple(tangents[0][:4]), tangents[1])
    bar_dots = jax.jvp(of_moving, (tuple(moving), primals[1]), dots)[1]
    return _cotangents(kernel, options, *primals), bar_dots


def _plain_cotangents(options: Options, residuals: Any, result_bar: Array) -> Any:
    transpose = jax.linear_transpose(partial(_tangent, options, residuals), residuals[:4])
    return transpose(result_bar)[0]
