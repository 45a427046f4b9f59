"""Linear maps of the features."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from luxcore import NamedTuple
from luxlib import fused_dense_bias_activation, identity

from . import _affine
from ._checks import check_callable, check_sizes
from ._leaf import Leaf

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Inexact, Num


class Dense(Leaf, parameters=("weight", "bias")):
    """A fully connected layer.

    `y = activation(x @ weight + bias)`

    **Arguments**

    - `in_dims`, `out_dims`: the numbers of input and output features
    - `activation`: a function of one array
    - `use_bias`: whether there is a bias
    - `init_weight`: an initializer, called with the shape `(in_dims, out_dims)`; by default
      uniform on ±1/√`in_dims`
    - `init_bias`: an initializer, called with the shape `(out_dims,)`; by default, for `None`,
      uniform on ±1/√`in_dims`

    **Inputs**

    - `x`: `(*batch, in_dims)`, any number of leading axes, also none

    **Returns**

    - `(*batch, out_dims)`
    - the state, which is empty

    **Parameters**

    - `weight`: `(in_dims, out_dims)`
    - `bias`: `(out_dims,)`, if `use_bias`

    **Raises**

    - `ValueError`: for sizes below 1, when the layer is made; for another number of input features,
      when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.Dense(2, 3, lux.relu)
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.ones((5, 2)), ps, st)
    >>> layer, y.shape
    (Dense(2 → 3, relu)  # 9 parameters, (5, 3))

    ```

    As Lux.jl's `Dense` with the weight transposed, and PyTorch's `Linear`. The initial values are
    PyTorch's for every activation; Lux.jl scales the weight by the activation's gain.
    """

    in_dims: int
    out_dims: int
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    use_bias: bool = True
    init_weight: Callable[..., Array] = _affine.init_weight
    init_bias: Callable[..., Array] | None = None

    def __post_init__(self) -> None:
        check_sizes(self, "in_dims", "out_dims")
        check_callable(self, "activation", "init_weight")

    def initial_parameters(self, rng: Any) -> NamedTuple:
        return _affine.weight_and_bias(self, rng, (self.in_dims, self.out_dims))

    def __call__(
        self, x: Num[Array, "*batch in"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch out"], NamedTuple]:
        weight, bias = _affine.given(self, ps, (self.in_dims, self.out_dims))
        return fused_dense_bias_activation(x, weight, bias, self.activation), st

    def __str__(self) -> str:
        return self._text(f"{self.in_dims} → {self.out_dims}", hide=("in_dims", "out_dims"))
