"""The simple recurrent network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._activations import relu, tanh
from luxlib._checks import check_callable
from luxlib._compilation import compilation

from ._arguments import check_cell, check_sequence
from ._sequence import Options, over_sequence, over_step, scan_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float, Int, Num

    from luxlib._bias_activation import Activation

    from ._cell import Arrays, Carry

__all__ = ["rnn", "rnn_cell"]


def _of_tanh(y: Array) -> Array:
    return 1 - y * y


def _of_relu(y: Array) -> Array:
    return (y > 0).astype(y.dtype)


# The activations whose derivative follows from their value; with others the scan is a plain one.
_SLOPES: dict[Activation, Callable[[Array], Array]] = {
    tanh: _of_tanh,
    jnp.tanh: _of_tanh,
    jax.nn.tanh: _of_tanh,
    relu: _of_relu,
    jax.nn.relu: _of_relu,
}


@dataclass(frozen=True)
class _RNN:
    """The elementwise part: there are no gates."""

    activation: Activation

    def advance(
        self, carry: Carry, from_input: Array, from_hidden: Array, axis: int
    ) -> tuple[Carry, Arrays]:
        return (self.activation(from_input + from_hidden),), ()

    def factors(self, kept: Arrays, before: Array, after: Array) -> Arrays:
        return (_SLOPES[self.activation](after),)

    def source(self, factors: Arrays, input_dot: Array, hidden_dot: Array) -> Array:
        return input_dot + hidden_dot

    def linear(self, factors: Arrays, carry_dot: Carry, source: Array, recurrent: Array) -> Carry:
        return (factors[0] * (source + recurrent),)


def rnn(
    x: Num[Array, "*batch time in"],
    weight_ih: Float[Array, "in hidden"],
    weight_hh: Float[Array, "hidden hidden"],
    bias_ih: Float[Array, " hidden"] | None = None,
    bias_hh: Float[Array, " hidden"] | None = None,
    initial: Float[Array, "*batch hidden"] | None = None,
    *,
    activation: Activation = tanh,
    lengths: Int[Array, "*batch"] | None = None,
    reverse: bool = False,
    time_major: bool = False,
) -> tuple[Float[Array, "*batch time hidden"], Float[Array, "*batch hidden"]]:
    """Run a simple recurrent network over sequences.

    A step is `h = y[t] = activation(x[t] @ weight_ih + bias_ih + h @ weight_hh + bias_hh)`.

    **Arguments**

    - `x`: `(*batch, time, in)`, any number of leading axes, also none
    - `weight_ih`: `(in, hidden)`
    - `weight_hh`: `(hidden, hidden)`
    - `bias_ih`, `bias_hh`: `(hidden,)`, or `None` for none; they are added
    - `initial`: `h` before the first step, `(*batch, hidden)`; `None` for zeros
    - `activation`: a function of one array, fastest with `tanh` and `relu`
    - `lengths`: `(*batch,)`, integers: how many steps of each sequence count, the first ones; as
      many as there are where a length is larger, none where it is negative. `None` for all
    - `reverse`: whether to run from the last step that counts to the first
    - `time_major`: whether `x` and `y` are `(time, *batch, …)`

    where `in` and `hidden` are the numbers of features of input and hidden state.

    **Returns**

    `y, h`: the hidden states `(*batch, time, hidden)`, each at its step's place and zero where a
    sequence is over, and the one after the last step of each sequence, `(*batch, hidden)`. Both are
    in the dtype that the arguments have in common; an integer `x` takes the parameters' dtype. In
    half precision products are summed in `float32`, in which `h` also goes from step to step; only
    what a product takes is rounded.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where the parameters are not floating,
    `lengths` no integers, or `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x, weight_ih, weight_hh = jnp.ones((1, 3, 1)), jnp.ones((1, 1)), jnp.full((1, 1), 2.0)
    >>> y, h = luxlib.rnn(x, weight_ih, weight_hh, activation=luxlib.relu)
    >>> y[0, :, 0], h[0]
    (Array([1., 3., 7.], dtype=float32), Array([7.], dtype=float32))
    ```

    Elman, "Finding structure in time", 1990; `torch.nn.RNN`, whose weights are transposed.
    """
    function = "rnn"
    check_callable(function, activation)
    check_sequence(
        function, 1, x, weight_ih, weight_hh, bias_ih, bias_hh, initial, 1, lengths, time_major
    )
    formulation = scan_for(compilation().platform) if activation in _SLOPES else "plain"
    y, (hidden,) = over_sequence(
        x,
        None if initial is None else (initial,),
        (weight_ih, weight_hh),
        (bias_ih, bias_hh),
        lengths,
        options=Options(_RNN(activation), 1, formulation, reverse, time_major),
    )
    return y, hidden


def rnn_cell(
    x: Num[Array, "*batch in"],
    carry: Float[Array, "*batch hidden"],
    weight_ih: Float[Array, "in hidden"],
    weight_hh: Float[Array, "hidden hidden"],
    bias_ih: Float[Array, " hidden"] | None = None,
    bias_hh: Float[Array, " hidden"] | None = None,
    *,
    activation: Activation = tanh,
) -> Float[Array, "*batch hidden"]:
    """Advance a simple recurrent network by one step.

    `h = activation(x @ weight_ih + bias_ih + h @ weight_hh + bias_hh)`

    **Arguments**

    - `x`: `(*batch, in)`, any number of leading axes, also none
    - `carry`: the hidden state `h`, `(*batch, hidden)`
    - `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`: as `rnn` takes them
    - `activation`: a function of one array

    **Returns**

    The next `h`, which is also the step's output, in the dtype that the arguments have in common.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where the parameters are not floating or
    `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> weight_ih, weight_hh = jnp.ones((3, 2)), jnp.eye(2)
    >>> luxlib.rnn_cell(jnp.ones(3), jnp.ones(2), weight_ih, weight_hh, activation=luxlib.relu)
    Array([4., 4.], dtype=float32)
    ```

    Lux.jl's `RNNCell`, whose weights are transposed. Over a whole sequence `rnn` is faster.
    """
    check_callable("rnn_cell", activation)
    check_cell("rnn_cell", 1, x, carry, 1, weight_ih, weight_hh, bias_ih, bias_hh)
    (hidden,) = over_step(
        x, (carry,), (weight_ih, weight_hh), (bias_ih, bias_hh), cell=_RNN(activation)
    )
    return hidden
