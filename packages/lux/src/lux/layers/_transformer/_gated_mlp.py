"""The network for each token of Llama and its relatives."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lux.layers import _affine
from lux.layers._linear import Dense
from luxcore import AbstractLuxContainerLayer, AbstractLuxLayer, NamedTuple, apply
from luxlib import swish

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Inexact, Num


class GatedMLP(AbstractLuxContainerLayer):
    """Hidden features weighed by an activation of others, and the map back.

    `y = (activation(x @ gate_proj) * (x @ up_proj)) @ down_proj`

    **Arguments**

    - `dims`: the features of the input and the output
    - `hidden_dims`: the features in between
    - `activation`: a function of one array: `lux.swish` for SwiGLU, `lux.gelu` for GeGLU
    - `use_bias`: whether the three maps have biases
    - `init_weight`, `init_bias`: those of `Dense`, for every map

    **Inputs**

    - `x`: `(*batch, dims)`, any number of leading axes, also none

    **Returns**

    - `(*batch, dims)`
    - the states

    **Parameters and states**

    A `NamedTuple` with those of the `Dense` layers `gate_proj`, `up_proj` and `down_proj`.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.GatedMLP(8, 20)
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.ones((2, 5, 8)), ps, st)[0].shape
    (2, 5, 8)

    ```

    Shazeer, "GLU variants improve transformer", 2020. Named as in Hugging Face's Llama.
    """

    gate_proj: AbstractLuxLayer
    up_proj: AbstractLuxLayer
    down_proj: AbstractLuxLayer

    def __init__(
        self,
        dims: int,
        hidden_dims: int,
        activation: Callable[[Array], Array] = swish,
        *,
        use_bias: bool = False,
        init_weight: Callable[..., Array] = _affine.init_weight,
        init_bias: Callable[..., Array] | None = None,
    ) -> None:
        dense = partial(Dense, use_bias=use_bias, init_weight=init_weight, init_bias=init_bias)
        self.gate_proj = dense(dims, hidden_dims, activation)
        self.up_proj = dense(dims, hidden_dims)
        self.down_proj = dense(hidden_dims, dims)

    def __call__(
        self, x: Num[Array, "*batch dims"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch dims"], NamedTuple]:
        gate, gate_st = apply(self.gate_proj, x, ps.gate_proj, st.gate_proj)
        up, up_st = apply(self.up_proj, x, ps.up_proj, st.up_proj)
        y, down_st = apply(self.down_proj, gate * up, ps.down_proj, st.down_proj)
        return y, NamedTuple(gate_proj=gate_st, up_proj=up_st, down_proj=down_st)
