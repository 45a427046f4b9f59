"""A linear map whose transpose is written by hand.

Reverse mode is forward mode transposed. JAX transposes a tangent rule by itself, and nearly every
derivative in this package is such a rule, written so that its transpose is the backward pass that
is wanted. For a few there is no such rule: a sum in an order that no transpose gives, or a kernel
for the backward pass alone. `linear` makes an operation of two functions,

    forward(residuals, tangents) -> results       linear in `tangents`
    transpose(residuals, cotangents) -> cotangents of the tangents

that JAX differentiates, transposes, maps and partially evaluates as its own operations:

- its transpose is `linear(transpose, forward, …)`, so it can be transposed any number of times;
- with respect to `residuals` it has the derivatives of the function `forward`, which JAX finds;
- `jax.vmap` maps both functions;
- inside `jax.shard_map` all operands vary over the same axes, so that sums over devices are made
  where a replicated operand is differentiated.

JAX has this as `jax.custom_derivatives.linear_call`, but cannot map that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jax.api_util import debug_info
from jax.extend.core import Primitive
from jax.extend.linear_util import wrap_init
from jax.interpreters import ad, batching, mlir
from jax.interpreters import partial_eval as pe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jax.tree_util import PyTreeDef

__all__ = ["linear", "linear_p", "varying_alike"]

Residuals = TypeVar("Residuals")
Tangents = TypeVar("Tangents")
Results = TypeVar("Results")


def linear(
    forward: Callable[[Residuals, Tangents], Results],
    transpose: Callable[[Residuals, Results], Tangents],
    residuals: Residuals,
    tangents: Tangents,
) -> Results:
    """Return `forward(residuals, tangents)`, transposed by `transpose(residuals, cotangents)`.

    Both are functions of pytrees of arrays, best of a module or `functools.partial` of such: they
    are parameters of the operation and so live as long as the programs that hold them. Cotangents
    have the structure, shapes and dtypes of what they belong to.
    """
    leaves, tree = jax.tree.flatten((residuals, tangents))
    leaves = varying_alike(leaves)
    residuals, tangents = jax.tree.unflatten(tree, leaves)
    residual_leaves, residual_tree = jax.tree.flatten(residuals)
    tangent_leaves, tangent_tree = jax.tree.flatten(tangents)
    results = jax.eval_shape(forward, residuals, tangents)
    result_tree = jax.tree.structure(results)
    outputs = linear_p.bind(
        *residual_leaves,
        *tangent_leaves,
        forward=_Flat(forward, residual_tree, tangent_tree),
        transpose=_Flat(transpose, residual_tree, result_tree),
        residual_count=len(residual_leaves),
    )
    return jax.tree.unflatten(result_tree, outputs)


@dataclass(frozen=True)
class _Flat:
    """A function of two pytrees as one of leaves."""

    function: Callable[[Any, Any], Any]
    residual_tree: PyTreeDef
    tangent_tree: PyTreeDef

    def __call__(self, residuals: Sequence[Array], tangents: Sequence[Array]) -> list[Array]:
        results = self.function(
            jax.tree.unflatten(self.residual_tree, residuals),
            jax.tree.unflatten(self.tangent_tree, tangents),
        )
        return jax.tree.leaves(results)


@dataclass(frozen=True)
class _Mapped:
    """A function of leaves mapped over the leading axis of some residuals and all tangents."""

    function: Callable[[Sequence[Array], Sequence[Array]], list[Array]]
    residual_axes: tuple[int | None, ...]

    def __call__(self, residuals: Sequence[Array], tangents: Sequence[Array]) -> list[Array]:
        return jax.vmap(self.function, (list(self.residual_axes), 0))(
            list(residuals), list(tangents)
        )


def varying_alike(leaves: Sequence[Array]) -> list[Array]:
    """Let all leaves vary over the manual mesh axes over which any of them does."""
    varying = [jax.typeof(leaf).mat.varying for leaf in leaves]
    every = frozenset().union(*varying)
    return [
        lax.pcast(leaf, tuple(sorted(every - axes)), to="varying") if every - axes else leaf
        for leaf, axes in zip(leaves, varying, strict=True)
    ]


def _evaluate(*leaves: Array, forward: Any, transpose: Any, residual_count: int) -> list[Array]:
    return forward(leaves[:residual_count], leaves[residual_count:])


def _abstract(*avals: Any, **parameters: Any) -> Sequence[Any]:
    evaluate = partial(_evaluate, **parameters)
    names = debug_info("luxlib_linear", evaluate, avals, {})
    return pe.trace_to_jaxpr_dynamic(wrap_init(evaluate, debug_info=names), list(avals))[1]


def _differentiate(
    primals: Sequence[Array],
    tangents: Sequence[Any],
    *,
    forward: Any,
    transpose: Any,
    residual_count: int,
) -> tuple[list[Array], list[Any]]:
    bind = partial(
        linear_p.bind, forward=forward, transpose=transpose, residual_count=residual_count
    )
    residuals, arguments = primals[:residual_count], primals[residual_count:]
    residual_dots, argument_dots = tangents[:residual_count], tangents[residual_count:]
    results = bind(*primals)
    result_dots = [ad.Zero(jax.typeof(result).to_tangent_aval()) for result in results]
    if any(type(dot) is not ad.Zero for dot in argument_dots):
        result_dots = bind(*residuals, *map(ad.instantiate_zeros, argument_dots))
    moving = [i for i, dot in enumerate(residual_dots) if type(dot) is not ad.Zero]
    if moving:

        def of_moving(*values: Array) -> list[Array]:
            moved = list(residuals)
            for i, value in zip(moving, values, strict=True):
                moved[i] = value
            return forward(moved, arguments)

        dots = jax.jvp(
            of_moving, [residuals[i] for i in moving], [residual_dots[i] for i in moving]
        )[1]
        result_dots = list(map(ad.add_tangents, result_dots, dots))
    return results, result_dots


def _transpose(
    cotangents: Sequence[Any],
    *operands: Any,
    forward: Any,
    transpose: Any,
    residual_count: int,
) -> list[Any]:
    residuals, arguments = operands[:residual_count], operands[residual_count:]
    bars = linear_p.bind(
        *residuals,
        *map(ad.instantiate_zeros, cotangents),
        forward=transpose,
        transpose=forward,
        residual_count=residual_count,
    )
    wanted = map(ad.is_undefined_primal, arguments)
    return [None] * residual_count + [
        bar if is_wanted else None for bar, is_wanted in zip(bars, wanted, strict=True)
    ]


def _map(
    operands: Sequence[Array],
    axes: Sequence[int | None],
    *,
    forward: Any,
    transpose: Any,
    residual_count: int,
) -> tuple[Sequence[Array], Sequence[int]]:
    pairs = list(zip(operands, axes, strict=True))
    size = next(operand.shape[axis] for operand, axis in pairs if axis is not None)
    residuals = [
        operand if axis is None else jnp.moveaxis(operand, axis, 0)
        for operand, axis in pairs[:residual_count]
    ]
    # All are mapped, so that the transpose of the copying sums what they share.
    tangents = [
        jnp.broadcast_to(operand, (size, *operand.shape))
        if axis is None
        else jnp.moveaxis(operand, axis, 0)
        for operand, axis in pairs[residual_count:]
    ]
    mapped = tuple(None if axis is None else 0 for axis in axes[:residual_count])
    results = linear_p.bind(
        *residuals,
        *tangents,
        forward=_Mapped(forward, mapped),
        transpose=_Mapped(transpose, mapped),
        residual_count=residual_count,
    )
    return results, [0] * len(results)


linear_p = Primitive("luxlib_linear")
linear_p.multiple_results = True
linear_p.def_impl(_evaluate)
linear_p.def_abstract_eval(_abstract)
ad.primitive_jvps[linear_p] = _differentiate
ad.primitive_transposes[linear_p] = _transpose
batching.primitive_batchers[linear_p] = _map
mlir.register_lowering(linear_p, mlir.lower_fun(_evaluate, multiple_results=True))
