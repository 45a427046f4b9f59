"""The long short-term memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._checks import check_one_of, mismatch
from luxlib._compilation import compilation

from ._arguments import check_cell, check_sequence
from ._cudnn import refusal
from ._sequence import Options, over_sequence, over_step, scan_for

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Int, Num

    from ._cell import Arrays, Carry

__all__ = ["lstm", "lstm_cell"]


@dataclass(frozen=True)
class _LSTM:
    """The elementwise part; gates in the order input, forget, cell, output."""

    def advance(
        self, carry: Carry, from_input: Array, from_hidden: Array, axis: int
    ) -> tuple[Carry, Arrays]:
        i, f, g, o = jnp.split(from_input + from_hidden, 4, axis)
        i, f, g, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(g), jax.nn.sigmoid(o)
        memory = f * carry[1] + i * g
        return (o * jnp.tanh(memory), memory), (i, f, g, o, carry[1])

    def factors(self, kept: Arrays, before: Array, after: Array) -> Arrays:
        i, f, g, o, memory = kept
        t = jnp.tanh(f * memory + i * g)
        return (
            g * i * (1 - i),
            memory * f * (1 - f),
            i * (1 - g * g),
            t * o * (1 - o),
            o * (1 - t * t),
            f,
        )

    def source(self, factors: Arrays, input_dot: Array, hidden_dot: Array) -> Array:
        return input_dot + hidden_dot

    def linear(self, factors: Arrays, carry_dot: Carry, source: Array, recurrent: Array) -> Carry:
        by_i, by_f, by_g, by_o, by_memory, f = factors
        i_dot, f_dot, g_dot, o_dot = jnp.split(source + recurrent, 4, -2)
        memory_dot = f * carry_dot[1] + by_i * i_dot + by_f * f_dot + by_g * g_dot
        return by_o * o_dot + by_memory * memory_dot, memory_dot


def lstm(
    x: Num[Array, "*batch time in"],
    weight_ih: Float[Array, "in 4*hidden"],
    weight_hh: Float[Array, "hidden 4*hidden"],
    bias_ih: Float[Array, " 4*hidden"] | None = None,
    bias_hh: Float[Array, " 4*hidden"] | None = None,
    initial: tuple[Float[Array, "*batch hidden"], Float[Array, "*batch hidden"]] | None = None,
    *,
    lengths: Int[Array, "*batch"] | None = None,
    reverse: bool = False,
    time_major: bool = False,
    implementation: str | None = None,
) -> tuple[
    Float[Array, "*batch time hidden"],
    tuple[Float[Array, "*batch hidden"], Float[Array, "*batch hidden"]],
]:
    """Run a long short-term memory over sequences.

    With `i, f, g, o = split(x[t] @ weight_ih + bias_ih + h @ weight_hh + bias_hh, 4)`, a step is

    `c = sigmoid(f) * c + sigmoid(i) * tanh(g)`, `h = y[t] = sigmoid(o) * tanh(c)`

    **Arguments**

    - `x`: `(*batch, time, in)`, any number of leading axes, also none
    - `weight_ih`: `(in, 4 * hidden)`, the gates one after another: input, forget, cell, output
    - `weight_hh`: `(hidden, 4 * hidden)`, likewise
    - `bias_ih`, `bias_hh`: `(4 * hidden,)`, or `None` for none; they are added
    - `initial`: the pair `(h, c)` before the first step, each `(*batch, hidden)`; `None` for zeros
    - `lengths`: `(*batch,)`, integers: how many steps of each sequence count, the first ones; as
      many as there are where a length is larger, none where it is negative. `None` for all
    - `reverse`: whether to run from the last step that counts to the first
    - `time_major`: whether `x` and `y` are `(time, *batch, …)`
    - `implementation`: `"scan"`, or `"cudnn"` for NVIDIA's kernel, `None` for `"scan"`

    where `in` and `hidden` are the numbers of features of input and hidden state.

    **Returns**

    `y, (h, c)`: the hidden states `(*batch, time, hidden)`, each at its step's place and zero where
    a sequence is over, and the state after the last step of each sequence, each `(*batch, hidden)`.
    All are in the dtype that the arguments have in common; an integer `x` takes the parameters'
    dtype. In half precision products are summed in `float32`, in which `h` and `c` also go from
    step to step; only what a product takes is rounded.

    If it is differentiated, `5 * hidden` numbers are kept for each step beside `y`; under
    `jax.checkpoint` they are computed again instead.

    **Raises**

    `ValueError` where the shapes don't match or cuDNN is asked for where it can't run, `TypeError`
    where the parameters are not floating, or `lengths` no integers.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x, weight_ih, weight_hh = jnp.ones((2, 5, 3)), jnp.ones((3, 16)), jnp.zeros((4, 16))
    >>> y, (h, c) = luxlib.lstm(x, weight_ih, weight_hh, lengths=jnp.array([5, 2]))
    >>> y.shape, h.shape, bool((h[1] == y[1, 1]).all()), float(abs(y[1, 2:]).max())
    ((2, 5, 4), (2, 4), True, 0.0)
    ```

    Hochreiter and Schmidhuber, "Long short-term memory", 1997, with a forget gate. Gates are named
    and ordered as in Lux.jl's `LSTMCell` and `torch.nn.LSTM`, whose weights are transposed. cuDNN
    takes `float32`; forward mode, derivatives of the gradient and `jax.vmap` are scans there too.
    It was not run on a GPU yet, so it has to be asked for.
    """
    function = "lstm"
    check_sequence(
        function, 4, x, weight_ih, weight_hh, bias_ih, bias_hh, initial, 2, lengths, time_major
    )
    formulation = scan_for(compilation().platform)
    if implementation is not None:
        check_one_of(function, "implementation", implementation, ("scan", "cudnn"))
    if implementation == "cudnn":
        reason = refusal(compilation().platform, x, weight_hh, weight_ih, bias_ih, bias_hh, initial)
        if reason is not None:
            raise mismatch(
                function,
                "implementation",
                "one that is possible here",
                f"'cudnn', but {reason}",
                "Leave it out for a scan.",
            )
        formulation = "cudnn"
    y, (hidden, memory) = over_sequence(
        x,
        initial,
        (weight_ih, weight_hh),
        (bias_ih, bias_hh),
        lengths,
        options=Options(_LSTM(), 2, formulation, reverse, time_major),
    )
    return y, (hidden, memory)


def lstm_cell(
    x: Num[Array, "*batch in"],
    carry: tuple[Float[Array, "*batch hidden"], Float[Array, "*batch hidden"]],
    weight_ih: Float[Array, "in 4*hidden"],
    weight_hh: Float[Array, "hidden 4*hidden"],
    bias_ih: Float[Array, " 4*hidden"] | None = None,
    bias_hh: Float[Array, " 4*hidden"] | None = None,
) -> tuple[Float[Array, "*batch hidden"], Float[Array, "*batch hidden"]]:
    """Advance a long short-term memory by one step.

    With `i, f, g, o = split(x @ weight_ih + bias_ih + h @ weight_hh + bias_hh, 4)`,

    `c = sigmoid(f) * c + sigmoid(i) * tanh(g)`, `h = sigmoid(o) * tanh(c)`

    **Arguments**

    - `x`: `(*batch, in)`, any number of leading axes, also none
    - `carry`: the pair `(h, c)`, each `(*batch, hidden)`
    - `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`: as `lstm` takes them

    **Returns**

    The next pair `(h, c)`, in the dtype that the arguments have in common. The output of the step
    is `h`.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where the parameters are not floating.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> carry = jnp.zeros((2, 4)), jnp.ones((2, 4))
    >>> h, c = luxlib.lstm_cell(jnp.ones((2, 3)), carry, jnp.zeros((3, 16)), jnp.zeros((4, 16)))
    >>> float(c[0, 0])
    0.5
    ```

    Lux.jl's `LSTMCell`, whose weights are transposed. Over a whole sequence `lstm` is faster.
    """
    check_cell("lstm_cell", 4, x, carry, 2, weight_ih, weight_hh, bias_ih, bias_hh)
    hidden, memory = over_step(
        x, tuple(carry), (weight_ih, weight_hh), (bias_ih, bias_hh), cell=_LSTM()
    )
    return hidden, memory
