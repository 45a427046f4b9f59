"""Several fully connected layers, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from luxcore import AbstractLuxLayer, AbstractLuxWrapperLayer
from luxlib import relu

from ._checks import integers
from ._containers import Chain
from ._dropout import Dropout
from ._linear import Dense

if TYPE_CHECKING:
    from jax import Array


class MLP(AbstractLuxWrapperLayer, layer="chain"):
    """Fully connected layers one after the other, with an activation after all but the last.

    **Arguments**

    - `in_dims`, `out_dims`: the numbers of input and output features
    - `hidden_dims`: the numbers of features between them; for `()` there is one layer
    - `activation`: a function of one array
    - `norm`: what makes a normalization of a number of features, such as `lux.LayerNorm`, which
      comes before each activation; `None` for none
    - `dropout_rate`: the probability of an element to be dropped after each activation
    - `use_bias`: whether the fully connected layers have a bias

    **Inputs**

    - `x`: `(*batch, in_dims)`, any number of leading axes, also none

    **Returns**

    - `(*batch, out_dims)`
    - the states

    **Parameters and states**

    Those of the layers, by name: `layer_0`, `layer_1`, …, as in a `Chain`.

    **Raises**

    - `ValueError`: for impossible sizes, when it is made; for another number of input features,
      when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> lux.MLP(2, (32, 32), 1, lux.gelu)
    MLP(
        Chain(
            layer_0 = Dense(2 → 32, gelu),          # 96 parameters
            layer_1 = Dense(32 → 32, gelu),         # 1_056 parameters
            layer_2 = Dense(32 → 1),                # 33 parameters
        ),
    )         # Total: 1_185 parameters,
              #        plus 0 states.

    ```

    As `MLP` of Boltz.jl, with the number of output features by itself.
    """

    chain: Chain

    def __init__(
        self,
        in_dims: int,
        hidden_dims: Sequence[int],
        out_dims: int,
        activation: Callable[[Array], Array] = relu,
        *,
        norm: Callable[[int], AbstractLuxLayer] | None = None,
        dropout_rate: float = 0.0,
        use_bias: bool = True,
    ) -> None:
        hidden = None if isinstance(hidden_dims, int) else integers(hidden_dims)
        if hidden is None:
            raise ValueError(f"MLP: hidden_dims: expected integers, got {hidden_dims!r}")
        layers: list[Any] = []
        for size_in, size in zip((in_dims, *hidden), hidden, strict=False):
            if norm is None:
                layers.append(Dense(size_in, size, activation, use_bias=use_bias))
            else:
                layers += [Dense(size_in, size, use_bias=use_bias), norm(size), activation]
            if dropout_rate:
                layers.append(Dropout(dropout_rate))
        layers.append(Dense((in_dims, *hidden)[-1], out_dims, use_bias=use_bias))
        self.chain = Chain(*layers)
