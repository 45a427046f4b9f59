"""The cell of a gated recurrent unit."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, ClassVar

from lux.initializers import glorot_uniform, zeros
from luxcore import NamedTuple
from luxlib import gru, gru_cell

from ._gated import GatedCell

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Num

    from ._gated import InitByGate


class GRUCell(GatedCell):
    """A step of a gated recurrent unit.

    With `r, z, n = split(x @ weight_ih + bias_ih, 3)` and, from the hidden state,
    `r', z', n' = split(h @ weight_hh + bias_hh, 3)`,

    `z = sigmoid(z + z')`, `n = tanh(n + sigmoid(r + r') * n')`, `h = (1 - z) * n + z * h`

    **Arguments**

    - `in_dims`, `out_dims`: the numbers of input features and of features of the hidden state
    - `use_bias`: whether there are biases
    - `train_state`: whether the initial hidden state is a parameter
    - `init_weight`, `init_recurrent_weight`: initializers of the weights, called for each gate with
      its shape, `(in_dims, out_dims)` and `(out_dims, out_dims)`; or three of them each, for the
      gates. A `None` is uniform on ±1/√`out_dims`, but of the recurrent one as the other
    - `init_bias`: an initializer of both biases, or three of them, called for each gate with
      `(out_dims,)`; `None` is uniform on ±1/√`out_dims`
    - `init_state`: an initializer of the initial hidden state, called with `(*batch, out_dims)`, or
      with `(out_dims,)` if it is a parameter

    **Inputs**

    - `x`: `(*batch, in_dims)`, any number of leading axes, also none, which begins with the initial
      hidden state; or `(x, carry)`, with a carry `(h,)`, `h` of shape `(*batch, out_dims)`

    **Returns**

    - `(h, (h,))`: the output, which is the hidden state, and the carry for the next step
    - the state

    **Parameters**

    - `weight_ih`: `(in_dims, 3 * out_dims)`, the gates one after another: reset, update, new
    - `weight_hh`: `(out_dims, 3 * out_dims)`, likewise
    - `bias_ih`, `bias_hh`: `(3 * out_dims,)`, likewise, if `use_bias`
    - `hidden_state`: `(out_dims,)`, if `train_state`

    **States**

    - `rng`: a JAX key, for initial hidden states that are drawn

    **Raises**

    - `ValueError`: for an impossible configuration, when the cell is made; for arrays that don't
      fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> cell = lux.GRUCell(2, 3, train_state=True)
    >>> ps, st = lux.setup(0, cell)
    >>> (y, carry), st = cell(jnp.ones((5, 2)), ps, st)
    >>> y.shape, ps.hidden_state.shape
    ((5, 3), (3,))

    ```

    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", 2014, with the reset gate after the product. As Lux.jl's `GRUCell` and PyTorch's,
    whose weights are transposed. The initial values are Lux.jl's; PyTorch's are those of `None`.
    """

    _: KW_ONLY
    init_weight: InitByGate = glorot_uniform
    init_bias: InitByGate = zeros

    _gates: ClassVar[int] = 3

    def step(
        self, x: Num[Array, "*batch in"], carry: Any, ps: Any, st: NamedTuple
    ) -> tuple[tuple[Any, Any], NamedTuple]:
        (h,) = self._parts(carry)
        h = gru_cell(x, h, *self._weights(ps))
        return (h, (h,)), st

    def sequence(
        self, x: Num[Array, "..."], carry: Any, ps: Any, st: NamedTuple, **options: Any
    ) -> tuple[tuple[Any, Any], NamedTuple]:
        (h,) = self._parts(carry)
        y, h = gru(x, *self._weights(ps), h, **options)
        return (y, (h,)), st
