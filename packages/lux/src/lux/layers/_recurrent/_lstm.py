"""The cell of a long short-term memory."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, ClassVar

from lux.initializers import zeros
from lux.layers._checks import check_callable, check_switches
from luxcore import NamedTuple
from luxlib import lstm, lstm_cell

from ._gated import GatedCell

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Num

    from ._gated import Init


class LSTMCell(GatedCell):
    """A step of a long short-term memory.

    With `i, f, g, o = split(x @ weight_ih + bias_ih + h @ weight_hh + bias_hh, 4)`,

    `c = sigmoid(f) * c + sigmoid(i) * tanh(g)`, `h = sigmoid(o) * tanh(c)`

    **Arguments**

    - `in_dims`, `out_dims`: the numbers of input features and of features of hidden state and
      memory
    - `use_bias`: whether there are biases
    - `train_state`, `train_memory`: whether the initial hidden state and the initial memory are
      parameters
    - `init_weight`, `init_recurrent_weight`: initializers of the weights, called for each gate with
      its shape, `(in_dims, out_dims)` and `(out_dims, out_dims)`; or four of them each, for the
      gates; for `None`, uniform on ±1/√`out_dims`, and the recurrent one as the other
    - `init_bias`: an initializer of both biases, or four of them, called for each gate with
      `(out_dims,)`; `None` likewise
    - `init_state`, `init_memory`: initializers of the initial hidden state and memory, called with
      `(*batch, out_dims)`, or with `(out_dims,)` if it is a parameter

    **Inputs**

    - `x`: `(*batch, in_dims)`, any number of leading axes, also none, which begins with the initial
      hidden state and memory; or `(x, carry)`, with a carry `(h, c)`, each `(*batch, out_dims)`

    **Returns**

    - `(h, (h, c))`: the output, which is the hidden state, and the carry for the next step
    - the state

    **Parameters**

    - `weight_ih`: `(in_dims, 4 * out_dims)`, the gates one after another: input, forget, cell,
      output
    - `weight_hh`: `(out_dims, 4 * out_dims)`, likewise
    - `bias_ih`, `bias_hh`: `(4 * out_dims,)`, likewise, if `use_bias`
    - `hidden_state`: `(out_dims,)`, if `train_state`
    - `memory`: `(out_dims,)`, if `train_memory`

    **States**

    - `rng`: a JAX key, for initial hidden states and memories that are drawn

    **Raises**

    - `ValueError`: for an impossible configuration, when the cell is made; for arrays that don't
      fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> zeros, ones = lux.initializers.zeros, lux.initializers.ones
    >>> cell = lux.LSTMCell(2, 3, init_bias=(zeros, ones, zeros, zeros))
    >>> ps, st = lux.setup(0, cell)
    >>> (y, (h, c)), st = cell(jnp.ones((5, 2)), ps, st)
    >>> y.shape, c.shape, ps.bias_ih[3:6]
    ((5, 3), (5, 3), Array([1., 1., 1.], dtype=float32))

    ```

    Hochreiter and Schmidhuber, "Long short-term memory", 1997. As Lux.jl's `LSTMCell` and
    PyTorch's, whose weights are transposed.
    """

    _: KW_ONLY
    train_memory: bool = False
    init_memory: Init = zeros

    _gates: ClassVar[int] = 4

    def _carried(self) -> list[tuple[str, bool, Init]]:
        return [*super()._carried(), ("memory", self.train_memory, self.init_memory)]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_switches(self, "train_memory")
        check_callable(self, "init_memory")

    def step(
        self, x: Num[Array, "*batch in"], carry: Any, ps: Any, st: NamedTuple
    ) -> tuple[tuple[Any, Any], NamedTuple]:
        h, c = self._parts(carry)
        h, c = lstm_cell(x, (h, c), *self._weights(ps))
        return (h, (h, c)), st

    def sequence(
        self, x: Num[Array, "..."], carry: Any, ps: Any, st: NamedTuple, **options: Any
    ) -> tuple[tuple[Any, Any], NamedTuple]:
        h, c = self._parts(carry)
        return lstm(x, *self._weights(ps), (h, c), **options), st
