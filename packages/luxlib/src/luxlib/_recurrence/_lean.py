"""A recurrence over a sequence with a lean derivative: the formulation for CPU.

A step is affine before its gates and elementwise after them, so its tangent is

    carry_dot ← factors ⊙ (carry_dot, weight_hhᵀ h_dot, source)

with a source that doesn't depend on the carry: products with the tangents of the input and of the
weights, which are taken over many steps at once, outside of the scan. The transpose of that is the
backward pass: a step back is two elementwise kernels and one product, and the gradient of a weight
is one product over many steps. It goes by blocks of steps, whose factors are computed together from
the gates that the forward scan keeps, and never leave the cache. A scan that is not differentiated
keeps nothing.

Arrays are `(time, features, batch)`: XLA's library is up to 2.7 times as fast at a matrix times few
columns as at few rows times a matrix, and each gate lies in one piece.
"""

from __future__ import annotations

from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from luxlib._dtypes import accumulator

if TYPE_CHECKING:
    from jax import Array

    from ._cell import Biases, Carry, Cell, Weights

__all__ = ["lean_recurrence"]

# How many steps a block has: the first of these that divides the number of all, the fastest first.
_BLOCKS = (16, 20, 12, 24, 10, 8, 32)


def lean_recurrence(
    cell: Cell,
    reverse: bool,
    x: Array,
    carry: Carry,
    weights: Weights,
    biases: Biases,
    valid: Array | None,
) -> tuple[Carry, Array]:
    """Return the last carry `(batch, hidden)`, and the hidden states `(time, batch, hidden)`.

    Where `valid` `(time, batch, 1)` is false a step leaves the carry as it is; `x` is zero there.
    """
    valid = None if valid is None else valid.swapaxes(1, 2)
    columns = tuple(a.T for a in carry)
    last, hidden = _recurrence(cell, reverse, x.swapaxes(1, 2), columns, weights, biases, valid)
    return tuple(a.T for a in last), hidden.swapaxes(1, 2)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _recurrence(
    cell: Cell,
    reverse: bool,
    x: Array,
    carry: Carry,
    weights: Weights,
    biases: Biases,
    valid: Array | None,
) -> tuple[Carry, Array]:
    """Do it with `(time, features, batch)`; the carry is `(hidden, batch)`."""
    last, hidden, _ = _scan(cell, reverse, x, carry, weights, biases, valid, keep=False)
    return last, hidden


def _scan(
    cell: Cell,
    reverse: bool,
    x: Array,
    carry: Carry,
    weights: Weights,
    biases: Biases,
    valid: Array | None,
    *,
    keep: bool,
) -> tuple[Carry, Array, Any]:
    """Return the last carry, the hidden states, and what the derivative needs if `keep`.

    Then the hidden states are not rounded.
    """
    wide = accumulator(x.dtype)
    matrices = [weight.T for weight in weights]
    columns = [None if bias is None else bias.astype(wide)[:, None] for bias in biases]

    def step(carry: Carry, inputs: tuple[Array, Array | None]) -> tuple[Carry, Any]:
        x, valid = inputs
        operands = x, carry[0].astype(x.dtype)
        products = [_times(a, b, wide) for a, b in zip(matrices, operands, strict=True)]
        from_input, from_hidden = (
            y if b is None else y + b for y, b in zip(products, columns, strict=True)
        )
        after, kept = cell.advance(carry, from_input, from_hidden, 0)
        after = _where(valid, after, carry)
        return after, (after[0], kept) if keep else (after[0].astype(x.dtype), None)

    first = tuple(a.astype(wide) for a in carry)
    last, (hidden, kept) = lax.scan(step, first, (x, valid), reverse=reverse)
    return tuple(a.astype(x.dtype) for a in last), hidden, kept


def _rule(cell: Cell, reverse: bool, primals: Any, tangents: Any) -> Any:
    x, carry, weights, _, valid = primals
    wide = accumulator(x.dtype)
    last, after, kept = _scan(cell, reverse, *primals, keep=True)
    first = carry[0].astype(wide)[None]
    if reverse:
        before = jnp.concatenate([after, first])[1:]
    else:
        before = jnp.concatenate([first, after])[:-1]
    hidden = after.astype(x.dtype)

    x_dot, carry_dot, weights_dot, biases_dot, _ = _without_zeros(tangents)
    carry_dot = tuple(
        jnp.zeros_like(a, wide) if dot is None else dot.astype(wide)
        for a, dot in zip(carry, carry_dot, strict=True)
    )
    # Wide, since their transposes are sums over the blocks.
    matrices_dot = [None if dot is None else dot.T.astype(wide) for dot in weights_dot]
    columns_dot = [None if dot is None else dot.astype(wide)[:, None] for dot in biases_dot]

    def products_dot(i: int, operand: Array, operand_dot: Array | None) -> Array:
        """Return the part of a product's tangent that doesn't depend on the carry's."""
        steps, _, batch = operand.shape
        shape = weights[i].shape[1], steps * batch
        terms = [jnp.zeros(shape, wide)]
        matrix_dot, column_dot = matrices_dot[i], columns_dot[i]
        if matrix_dot is not None:
            terms.append(_times(matrix_dot.astype(x.dtype), _side_by_side(operand), x.dtype))
        if operand_dot is not None:
            terms.append(_transposed_times(weights[i], _side_by_side(operand_dot)))
        if column_dot is not None:
            terms.append(column_dot)
        total = reduce(add, (term.astype(wide) for term in terms))
        return total.reshape(shape[0], steps, batch).swapaxes(0, 1)

    def step(carry_dot: Carry, inputs: Any) -> tuple[Carry, Array]:
        factors, source, valid = inputs
        recurrent = _transposed_times(weights[1], carry_dot[0].astype(x.dtype)).astype(wide)
        after = cell.linear(factors, carry_dot, source, recurrent)
        after = _where(valid, after, carry_dot)
        return after, after[0].astype(x.dtype)

    @partial(jax.checkpoint, prevent_cse=False)
    def block(carry_dot: Carry, inputs: Any) -> tuple[Carry, Array]:
        """Differentiate several steps; what is not linear is computed again in the transpose."""
        x, x_dot, before, after, kept, valid = inputs
        factors = cell.factors(kept, before, after)
        from_hidden = products_dot(1, before.astype(x.dtype), None)
        source = cell.source(factors, products_dot(0, x, x_dot), from_hidden)
        return lax.scan(step, carry_dot, (factors, source, valid), reverse=reverse)

    steps = x.shape[0]
    size = next((n for n in _BLOCKS if steps % n == 0), steps)
    blocks = jax.tree.map(
        lambda a: a.reshape(steps // size, size, *a.shape[1:]),
        (x, x_dot, before, after, kept, valid),
    )
    last_dot, hidden_dot = lax.scan(block, carry_dot, blocks, reverse=reverse)
    last_dot = tuple(a.astype(x.dtype) for a in last_dot)
    return (last, hidden), (last_dot, hidden_dot.reshape(hidden.shape))


_recurrence.defjvp(_rule, symbolic_zeros=True)


def _times(matrix: Array, columns: Array, dtype: Any) -> Array:
    return lax.dot_general(matrix, columns, (((1,), (0,)), ((), ())), preferred_element_type=dtype)


def _transposed_times(matrix: Array, columns: Array) -> Array:
    return lax.dot_general(
        matrix, columns, (((0,), (0,)), ((), ())), preferred_element_type=matrix.dtype
    )


def _where(valid: Array | None, after: Carry, before: Carry) -> Carry:
    if valid is None:
        return after
    return tuple(jnp.where(valid, a, b) for a, b in zip(after, before, strict=True))


def _side_by_side(steps: Array) -> Array:
    """Return `(time, features, batch)` as `(features, time * batch)`."""
    time, features, batch = steps.shape
    return steps.swapaxes(0, 1).reshape(features, time * batch)


def _without_zeros(tangents: Any) -> Any:
    """Return the tangents, with `None` for each that is known to be zero."""

    def is_zero(dot: Any) -> bool:
        return isinstance(dot, SymbolicZero)

    return jax.tree.map(lambda dot: None if is_zero(dot) else dot, tangents, is_leaf=is_zero)
