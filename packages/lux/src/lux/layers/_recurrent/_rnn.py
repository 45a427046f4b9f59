"""The cell of a simple recurrent network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lux.layers._checks import check_callable
from luxcore import NamedTuple
from luxlib import rnn, rnn_cell, tanh

from ._gated import GatedCell

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Num


class RNNCell(GatedCell):
    """A step of a simple recurrent network.

    `h = activation(x @ weight_ih + bias_ih + h @ weight_hh + bias_hh)`

    **Arguments**

    - `in_dims`, `out_dims`: the numbers of input features and of features of the hidden state
    - `activation`: a function of one array, `tanh` or `relu` as a rule
    - `use_bias`: whether there are biases
    - `train_state`: whether the initial hidden state is a parameter
    - `init_weight`, `init_recurrent_weight`: initializers of the weights, called with their shapes;
      for `None`, uniform on ±1/√`out_dims`, and the recurrent one as the other
    - `init_bias`: an initializer of both biases, `None` likewise
    - `init_state`: an initializer of the initial hidden state, called with `(*batch, out_dims)`, or
      with `(out_dims,)` if it is a parameter

    **Inputs**

    - `x`: `(*batch, in_dims)`, any number of leading axes, also none, which begins with the initial
      hidden state; or `(x, carry)`, with a carry `(h,)`, `h` of shape `(*batch, out_dims)`

    **Returns**

    - `(h, (h,))`: the output, which is the hidden state, and the carry for the next step
    - the state

    **Parameters**

    - `weight_ih`: `(in_dims, out_dims)`
    - `weight_hh`: `(out_dims, out_dims)`
    - `bias_ih`, `bias_hh`: `(out_dims,)`, if `use_bias`
    - `hidden_state`: `(out_dims,)`, if `train_state`

    **States**

    - `rng`: a JAX key, for initial hidden states that are drawn

    **Raises**

    - `ValueError`: for an impossible configuration, when the cell is made; for arrays that don't
      fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> cell = lux.RNNCell(2, 3, lux.relu)
    >>> ps, st = lux.setup(0, cell)
    >>> x = jnp.ones((5, 2))
    >>> (y, carry), st = cell(x, ps, st)
    >>> (y, carry), st = cell((x, carry), ps, st)
    >>> y.shape, bool((y == carry[0]).all())
    ((5, 3), True)

    ```

    Elman, "Finding structure in time", 1990. As Lux.jl's `RNNCell` and PyTorch's, whose weights are
    transposed.
    """

    activation: Callable[[Array], Array] = tanh

    def __post_init__(self) -> None:
        super().__post_init__()
        check_callable(self, "activation")

    def step(
        self, x: Num[Array, "*batch in"], carry: Any, ps: Any, st: NamedTuple
    ) -> tuple[tuple[Any, Any], NamedTuple]:
        (h,) = self._parts(carry)
        h = rnn_cell(x, h, *self._weights(ps), activation=self.activation)
        return (h, (h,)), st

    def sequence(
        self, x: Num[Array, "..."], carry: Any, ps: Any, st: NamedTuple, **options: Any
    ) -> tuple[tuple[Any, Any], NamedTuple]:
        (h,) = self._parts(carry)
        y, h = rnn(x, *self._weights(ps), h, activation=self.activation, **options)
        return (y, (h,)), st
