"""What a recurrent layer is to the functions that run it over a sequence.

A step multiplies the input and the hidden state with matrices and adds biases; what follows is
elementwise. That part is a `Cell`, with its derivative as a linear map of few factors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from jax import lax

from luxlib._products import product

if TYPE_CHECKING:
    from jax import Array

    Arrays: TypeAlias = tuple[Array, ...]
    Carry: TypeAlias = tuple[Array, ...]  # the hidden state comes first
    Weights: TypeAlias = tuple[Array, Array]  # for the input and for the hidden state
    Biases: TypeAlias = tuple[Array | None, Array | None]

__all__ = ["Cell", "add_bias", "rows_times", "step"]


class Cell(Protocol):
    """The elementwise part of a step; hashable, since it is an option of compiled programs."""

    def advance(
        self, carry: Carry, from_input: Array, from_hidden: Array, axis: int
    ) -> tuple[Carry, Arrays]:
        """Return the next carry, and what `factors` needs of this step.

        The two products, with their biases, have the gates one after another along `axis`; below,
        it is the second from the end.
        """

    def factors(self, kept: Arrays, before: Array, after: Array) -> Arrays:
        """Return the derivative's factors, from what was kept and the hidden states."""

    def source(self, factors: Arrays, input_dot: Array, hidden_dot: Array) -> Array:
        """Return what the tangent gets from the products' tangents, as `linear` takes it.

        These are the parts of the tangents that don't depend on the carry's.
        """

    def linear(self, factors: Arrays, carry_dot: Carry, source: Array, recurrent: Array) -> Carry:
        """Return the next carry's tangent; `recurrent` is `weight_hh.T @ h_dot`."""


def step(cell: Cell, carry: Carry, from_input: Array, weight: Array, bias: Array | None) -> Carry:
    """Return the carry after one step, of rows `(batch, features)`."""
    from_hidden = add_bias(rows_times(carry[0].astype(weight.dtype), weight), bias)
    return cell.advance(carry, from_input, from_hidden, -1)[0]


def rows_times(rows: Array, weight: Array) -> Array:
    """Return `rows @ weight` for two matrices, in the dtype in which it is summed."""
    return product(_multiply, rows, weight)


def _multiply(rows: Array, weight: Array, preferred_element_type: Any) -> Array:
    return lax.dot_general(
        rows, weight, (((1,), (0,)), ((), ())), preferred_element_type=preferred_element_type
    )


def add_bias(y: Array, bias: Array | None) -> Array:
    """Add a bias, if there is one, to each row."""
    return y if bias is None else y + bias.astype(y.dtype)[None]
