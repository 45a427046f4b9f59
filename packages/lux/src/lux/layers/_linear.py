"""Linear maps of the features."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.initializers import ones, zeros
from luxcore import NamedTuple, child
from luxlib import (
    fused_bilinear_bias_activation,
    fused_dense_bias_activation,
    identity,
    scale_bias_activation,
)

from . import _affine
from ._checks import (
    check_callable,
    check_several_sizes,
    check_switches,
    fail,
    integers,
)
from ._leaf import Leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        _affine.check(self, "in_dims", "out_dims")

    def initial_parameters(self, rng: Any) -> NamedTuple:
        return _affine.weight_and_bias(self, rng, (self.in_dims, self.out_dims))

    def __call__(
        self, x: Num[Array, "*batch in"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch out"], NamedTuple]:
        weight, bias = _affine.given(self, ps, (self.in_dims, self.out_dims))
        return fused_dense_bias_activation(x, weight, bias, self.activation), st

    def __str__(self) -> str:
        return self._text(f"{self.in_dims} → {self.out_dims}", hide=("in_dims", "out_dims"))


class Scale(Leaf, parameters=("weight", "bias")):
    """Multiplies each element by a number of its own, and adds one.

    `y = activation(x * weight + bias)`

    **Arguments**

    - `shape`: the sizes of the last axes of an input, one integer or several
    - `activation`: a function of one array
    - `use_bias`: whether there is a bias
    - `init_weight`, `init_bias`: initializers, called with `shape`; by default ones and zeros

    **Inputs**

    - `x`: `(*batch, *shape)`, any number of leading axes, also none

    **Returns**

    - `(*batch, *shape)`
    - the state, which is empty

    **Parameters**

    - `weight`: of the shape `shape`
    - `bias`: of the shape `shape`, if `use_bias`

    **Raises**

    - `ValueError`: for sizes below 1, when the layer is made; for an input of other sizes, when it
      is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.Scale(2)
    >>> ps, st = lux.setup(0, layer)
    >>> ps = lux.NamedTuple(weight=jnp.array([3.0, 4.0]), bias=ps.bias)
    >>> layer(jnp.array([[1.0, 2.0]]), ps, st)[0]
    Array([[3., 8.]], dtype=float32)

    ```

    As Lux.jl's `Scale`. The initial values are those that its documentation says, with which it
    changes nothing; its code draws the weight at random.
    """

    shape: int | Sequence[int]
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    use_bias: bool = True
    init_weight: Callable[..., Array] = ones
    init_bias: Callable[..., Array] = zeros

    def __post_init__(self) -> None:
        check_switches(self, "use_bias")
        check_several_sizes(self, "shape")
        check_callable(self, "activation", "init_weight", "init_bias")

    def initial_parameters(self, rng: Any) -> NamedTuple:
        weight = self.init_weight(child(rng, "weight"), self.shape)
        if not self.use_bias:
            return NamedTuple(weight=weight)
        return NamedTuple(weight=weight, bias=self.init_bias(child(rng, "bias"), self.shape))

    def __call__(
        self, x: Num[Array, "*batch_and_shape"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch_and_shape"], NamedTuple]:
        bias = ps.bias if self.use_bias else None
        _affine.check_shape("weight", ps.weight, self.shape)  # type: ignore[arg-type]
        _affine.check_shape("bias", bias, self.shape)  # type: ignore[arg-type]
        return scale_bias_activation(x, ps.weight, bias, self.activation), st

    def __str__(self) -> str:
        return self._text(repr(self.shape), hide=("shape",))


class Bilinear(Leaf, parameters=("weight", "bias")):
    """A fully connected layer of two inputs, linear in each.

    `z[k] = activation(Σᵢⱼ x[i] * weight[i, j, k] * y[j] + bias[k])`

    **Arguments**

    - `in_dims`: the numbers of features of the two inputs, or one for both
    - `out_dims`: the number of output features
    - `activation`: a function of one array
    - `use_bias`: whether there is a bias
    - `init_weight`: an initializer, called with the shape of `weight`; by default, for `None`,
      uniform on ±1/√`in1`
    - `init_bias`: an initializer, called with the shape `(out_dims,)`; by default, for `None`,
      uniform on ±1/√`in1`

    where `in1` and `in2` are the numbers of features of the two inputs.

    **Inputs**

    - `(x, y)`: `(*batch, in1)` and `(*batch, in2)`, any number of leading axes, also none; or one
      array that is both

    **Returns**

    - `(*batch, out_dims)`
    - the state, which is empty

    **Parameters**

    - `weight`: `(in1, in2, out_dims)`
    - `bias`: `(out_dims,)`, if `use_bias`

    **Raises**

    - `ValueError`: for impossible sizes, when the layer is made; for inputs of other sizes, when it
      is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.Bilinear((2, 3), 4)
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer((jnp.ones((5, 2)), jnp.ones((5, 3))), ps, st)
    >>> layer, y.shape
    (Bilinear((2, 3) → 4)  # 28 parameters, (5, 4))

    ```

    As Lux.jl's and PyTorch's `Bilinear`, with the output's axis of the weight last.
    """

    in_dims: int | Sequence[int]
    out_dims: int
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    use_bias: bool = True
    init_weight: Callable[..., Array] | None = None
    init_bias: Callable[..., Array] | None = None

    def __post_init__(self) -> None:
        _affine.check(self, "out_dims")
        sizes = integers(self.in_dims)
        if not sizes or len(sizes) > 2 or min(sizes) < 1:
            expected = "an integer or two, one for each input, each at least 1"
            raise fail(self, "in_dims", expected, self.in_dims)
        object.__setattr__(self, "in_dims", sizes * (3 - len(sizes)))

    def _shape(self) -> tuple[int, ...]:
        return (*self.in_dims, self.out_dims)  # type: ignore[misc]  # it was stored as a pair

    def initial_parameters(self, rng: Any) -> NamedTuple:
        return _affine.weight_and_bias(self, rng, self._shape(), fan=self._shape()[0])

    def __call__(
        self,
        x: Num[Array, "*batch in"] | tuple[Num[Array, "*batch in1"], Num[Array, "*batch in2"]],
        ps: Any,
        st: NamedTuple,
    ) -> tuple[Inexact[Array, "*batch out"], NamedTuple]:
        weight, bias = _affine.given(self, ps, self._shape())
        first, second = x if isinstance(x, tuple) else (x, x)
        return fused_bilinear_bias_activation(first, second, weight, bias, self.activation), st

    def __str__(self) -> str:
        sizes = f"{self.in_dims!r} → {self.out_dims}"
        return self._text(sizes, hide=("in_dims", "out_dims"))
