"""The gated recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._compilation import compilation

from ._arguments import check_cell, check_sequence
from ._sequence import Options, over_sequence, over_step, scan_for

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Int, Num

    from ._cell import Arrays, Carry

__all__ = ["gru", "gru_cell"]


@dataclass(frozen=True)
class _GRU:
    """The elementwise part; gates in the order reset, update, new."""

    def advance(
        self, carry: Carry, from_input: Array, from_hidden: Array, axis: int
    ) -> tuple[Carry, Arrays]:
        r_input, z_input, n_input = jnp.split(from_input, 3, axis)
        r_hidden, z_hidden, n_hidden = jnp.split(from_hidden, 3, axis)
        r, z = jax.nn.sigmoid(r_input + r_hidden), jax.nn.sigmoid(z_input + z_hidden)
        n = jnp.tanh(n_input + r * n_hidden)
        return ((1 - z) * n + z * carry[0],), (r, z, n, n_hidden)

    def factors(self, kept: Arrays, before: Array, after: Array) -> Arrays:
        r, z, n, n_hidden = kept
        by_n = (1 - z) * (1 - n * n)
        return by_n * n_hidden * r * (1 - r), (before - n) * z * (1 - z), by_n, by_n * r, z

    def source(self, factors: Arrays, input_dot: Array, hidden_dot: Array) -> Array:
        by_r, by_z, by_n, by_n_hidden, _ = factors
        r_input, z_input, n_input = jnp.split(input_dot, 3, -2)
        r_hidden, z_hidden, n_hidden = jnp.split(hidden_dot, 3, -2)
        gates = by_r * (r_input + r_hidden) + by_z * (z_input + z_hidden)
        return gates + by_n * n_input + by_n_hidden * n_hidden

    def linear(self, factors: Arrays, carry_dot: Carry, source: Array, recurrent: Array) -> Carry:
        by_r, by_z, _, by_n_hidden, z = factors
        r_dot, z_dot, n_dot = jnp.split(recurrent, 3, -2)
        gates = by_r * r_dot + by_z * z_dot + by_n_hidden * n_dot
        return (source + z * carry_dot[0] + gates,)


def gru(
    x: Num[Array, "*batch time in"],
    weight_ih: Float[Array, "in 3*hidden"],
    weight_hh: Float[Array, "hidden 3*hidden"],
    bias_ih: Float[Array, " 3*hidden"] | None = None,
    bias_hh: Float[Array, " 3*hidden"] | None = None,
    initial: Float[Array, "*batch hidden"] | None = None,
    *,
    lengths: Int[Array, "*batch"] | None = None,
    reverse: bool = False,
    time_major: bool = False,
) -> tuple[Float[Array, "*batch time hidden"], Float[Array, "*batch hidden"]]:
    """Run a gated recurrent unit over sequences.

    With `r, z, n = split(x[t] @ weight_ih + bias_ih, 3)` and, from the hidden state,
    `r', z', n' = split(h @ weight_hh + bias_hh, 3)`, a step is

    `z = sigmoid(z + z')`, `n = tanh(n + sigmoid(r + r') * n')`, `h = y[t] = (1 - z) * n + z * h`

    **Arguments**

    - `x`: `(*batch, time, in)`, any number of leading axes, also none
    - `weight_ih`: `(in, 3 * hidden)`, the gates one after another: reset, update, new
    - `weight_hh`: `(hidden, 3 * hidden)`, likewise
    - `bias_ih`, `bias_hh`: `(3 * hidden,)`, or `None` for none
    - `initial`: `h` before the first step, `(*batch, hidden)`; `None` for zeros
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

    If it is differentiated, `4 * hidden` numbers are kept for each step beside `y`; under
    `jax.checkpoint` they are computed again instead.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where the parameters are not floating, or
    `lengths` no integers.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x, weight_ih, weight_hh = jnp.ones((2, 5, 3)), jnp.ones((3, 12)), jnp.zeros((4, 12))
    >>> y, h = luxlib.gru(x, weight_ih, weight_hh, reverse=True)
    >>> y.shape, h.shape, bool((h == y[:, 0]).all())
    ((2, 5, 4), (2, 4), True)
    ```

    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", 2014, with the reset gate after the product. Gates are named and ordered as in
    Lux.jl's `GRUCell` and `torch.nn.GRU`, whose weights are transposed.
    """
    check_sequence(
        "gru", 3, x, weight_ih, weight_hh, bias_ih, bias_hh, initial, 1, lengths, time_major
    )
    y, (hidden,) = over_sequence(
        x,
        None if initial is None else (initial,),
        (weight_ih, weight_hh),
        (bias_ih, bias_hh),
        lengths,
        options=Options(_GRU(), 1, scan_for(compilation().platform), reverse, time_major),
    )
    return y, hidden


def gru_cell(
    x: Num[Array, "*batch in"],
    carry: Float[Array, "*batch hidden"],
    weight_ih: Float[Array, "in 3*hidden"],
    weight_hh: Float[Array, "hidden 3*hidden"],
    bias_ih: Float[Array, " 3*hidden"] | None = None,
    bias_hh: Float[Array, " 3*hidden"] | None = None,
) -> Float[Array, "*batch hidden"]:
    """Advance a gated recurrent unit by one step.

    With `r, z, n = split(x @ weight_ih + bias_ih, 3)` and, from the hidden state,
    `r', z', n' = split(h @ weight_hh + bias_hh, 3)`,

    `z = sigmoid(z + z')`, `n = tanh(n + sigmoid(r + r') * n')`, `h = (1 - z) * n + z * h`

    **Arguments**

    - `x`: `(*batch, in)`, any number of leading axes, also none
    - `carry`: the hidden state `h`, `(*batch, hidden)`
    - `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`: as `gru` takes them

    **Returns**

    The next `h`, which is also the step's output, in the dtype that the arguments have in common.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where the parameters are not floating.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> h = luxlib.gru_cell(jnp.ones(3), jnp.ones(4), jnp.zeros((3, 12)), jnp.zeros((4, 12)))
    >>> h
    Array([0.5, 0.5, 0.5, 0.5], dtype=float32)
    ```

    Lux.jl's `GRUCell`, whose weights are transposed. Over a whole sequence `gru` is faster.
    """
    check_cell("gru_cell", 3, x, carry, 1, weight_ih, weight_hh, bias_ih, bias_hh)
    (hidden,) = over_step(x, (carry,), (weight_ih, weight_hh), (bias_ih, bias_hh), cell=_GRU())
    return hidden
