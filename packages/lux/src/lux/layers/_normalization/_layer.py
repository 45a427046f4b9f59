"""Normalization along the last axes of each example."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.initializers import ones, zeros
from lux.layers._checks import check_axes, check_several_sizes, check_switches
from luxlib import identity, layernorm, rmsnorm

from ._norm import Norm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jaxtyping import Float

    from luxcore import NamedTuple

    from ._norm import Input


class LayerNorm(Norm, parameters=("scale", "bias")):
    """Normalizes along the last axis, or several of the last, for each place on the others.

    `y = activation((x - mean) / √(var + epsilon) * scale + bias)`

    with `mean` and `var` (with `n` in its denominator) along `axis`.

    **Arguments**

    - `shape`: the sizes of the last axes of an input, one integer or several
    - `activation`: a function of one array
    - `axis`: along which axes the statistics are taken, one integer or several; by default, for
      `None`, along those of `shape`
    - `affine`: whether there are a scale and a bias
    - `epsilon`: what is added to the variance
    - `init_scale`, `init_bias`: initializers, called with `shape`

    **Inputs**

    - `x`: `(*batch, *shape)`, any number of leading axes, also none; or `(x, mask)`, where the mask
      is true for valid elements and has the axes of `x`, of its sizes or 1. The others count in no
      statistic, and give 0

    **Returns**

    - `(*batch, *shape)`
    - the state, which is empty

    **Parameters**

    - `scale`, `bias`: of the shape `shape`, if `affine`

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.LayerNorm(2)
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.array([[1.0, 3.0], [10.0, 30.0]]), ps, st)
    >>> y.round(3)
    Array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)

    ```

    Ba et al., "Layer normalization", 2016. As PyTorch's `LayerNorm`, and Lux.jl's, where the sizes
    of `shape` may also be 1: here these are left out.
    """

    shape: int | Sequence[int]
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    axis: int | Sequence[int] | None = None
    affine: bool = True
    epsilon: float = 1e-5
    init_scale: Callable[..., Array] = ones
    init_bias: Callable[..., Array] = zeros

    def __post_init__(self) -> None:
        check_switches(self, "affine")
        check_several_sizes(self, "shape")
        check_axes(self, "axis")
        self._check()

    def _sizes(self) -> tuple[int, ...]:
        return tuple(self.shape)  # type: ignore[arg-type]  # it was stored as a tuple

    def __call__(
        self, x: Input, ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*batch_and_shape"], NamedTuple]:
        x, mask, scale, bias = self._given(x, ps)
        options: dict[str, Any] = {"axis": _axis(self), "epsilon": self.epsilon, "mask": mask}
        return layernorm(x, scale, bias, self.activation, **options), st

    def __str__(self) -> str:
        return self._text(repr(self.shape), hide=("shape",))


class RMSNorm(Norm, parameters=("scale",)):
    """Divides by the root of the mean square along the last axis, or several of the last.

    `y = activation(x / √(mean(x²) + epsilon) * scale)`

    **Arguments**

    - `shape`: the sizes of the last axes of an input, one integer or several
    - `activation`: a function of one array
    - `axis`: along which axes the mean is taken, one integer or several; by default, for `None`,
      along those of `shape`
    - `affine`: whether there is a scale
    - `epsilon`: what is added to the mean square
    - `init_scale`: an initializer, called with `shape`

    **Inputs**

    - `x`: `(*batch, *shape)`, any number of leading axes, also none; or `(x, mask)`, where the mask
      is true for valid elements and has the axes of `x`, of its sizes or 1. The others don't count,
      and give 0

    **Returns**

    - `(*batch, *shape)`
    - the state, which is empty

    **Parameters**

    - `scale`: of the shape `shape`, if `affine`

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.RMSNorm(4)
    >>> ps, st = lux.setup(0, layer)
    >>> layer(jnp.array([2.0, -2.0, 2.0, 2.0]), ps, st)[0].round(2)
    Array([ 1., -1.,  1.,  1.], dtype=float32)

    ```

    Zhang and Sennrich, "Root mean square layer normalization", 2019. As Lux.jl's `RMSNorm`, with an
    activation, and PyTorch's, whose `eps` is smaller by default.
    """

    shape: int | Sequence[int]
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    axis: int | Sequence[int] | None = None
    affine: bool = True
    epsilon: float = 1e-5
    init_scale: Callable[..., Array] = ones

    def __post_init__(self) -> None:
        check_switches(self, "affine")
        check_several_sizes(self, "shape")
        check_axes(self, "axis")
        self._check()

    def _sizes(self) -> tuple[int, ...]:
        return tuple(self.shape)  # type: ignore[arg-type]  # it was stored as a tuple

    def __call__(
        self, x: Input, ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*batch_and_shape"], NamedTuple]:
        x, mask, scale, _ = self._given(x, ps)
        options: dict[str, Any] = {"axis": _axis(self), "epsilon": self.epsilon, "mask": mask}
        return rmsnorm(x, scale, self.activation, **options), st

    def __str__(self) -> str:
        return self._text(repr(self.shape), hide=("shape",))


def _axis(layer: LayerNorm | RMSNorm) -> int | Sequence[int]:
    return range(-len(layer._sizes()), 0) if layer.axis is None else layer.axis
