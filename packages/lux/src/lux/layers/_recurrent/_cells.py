"""The cells of this package: the simple one, the long short-term memory, the gated unit."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, ClassVar

from lux.initializers import glorot_uniform, zeros
from lux.layers._checks import check_callable
from lux.layers._containers._names import as_switch
from luxcore import NamedTuple
from luxlib import gru, gru_cell, lstm, lstm_cell, rnn, rnn_cell, tanh

from ._gated import GatedCell

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Num

    from ._gated import Init, InitByGate


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
        as_switch("LSTMCell", "train_memory", self.train_memory)
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
