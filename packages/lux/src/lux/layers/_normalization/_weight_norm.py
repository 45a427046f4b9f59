"""Weight normalization: the lengths of a layer's parameters are parameters of their own."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import jax

import luxcore
from lux.layers._affine import check_shape
from lux.layers._checks import check_axes, fail, integers
from luxcore import AbstractLuxLayer, AbstractLuxWrapperLayer, NamedTuple
from luxlib import norm_except, weight_norm

from ._parameters import check_parameters, replaced, template

if TYPE_CHECKING:
    from jax import Array


class WeightNorm(AbstractLuxWrapperLayer, layer="layer"):
    """A layer some of whose parameters have their lengths in parameters of their own.

    `w = g * v / ‖v‖`

    with the norm over all axes except `axis`.

    **Arguments**

    - `layer`: a layer
    - `which_params`: the names of its parameters to normalize, one or several; those of a layer
      inside by their path, such as `"layer_0.weight"`
    - `axis`: the axes along which each place has a length of its own, one integer or several: by
      default each output channel; `None` for one length of all

    **Inputs, returns and states**

    Those of `layer`.

    **Parameters**

    Those of `layer`, with a `NamedTuple` in the place of each that is named:

    - `g`: the lengths, of size 1 except along `axis`; at first those that the parameter has
    - `v`: an array of the parameter's shape; at first the parameter

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; where a length is zero
      at first, when parameters are made.

    ```python
    >>> import lux
    >>> layer = lux.WeightNorm(lux.Dense(2, 3))
    >>> ps, st = lux.setup(0, layer)
    >>> ps.weight.g.shape, ps.weight.v.shape, ps.bias.shape
    ((1, 3), (2, 3), (3,))

    ```

    Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training
    of deep neural networks", 2016. As Lux.jl's `WeightNorm`, which has `weight_g`, `weight_v` and
    the other parameters in two tuples, and PyTorch's `weight_norm`, whose `dim` 0 is -1 here.
    """

    layer: AbstractLuxLayer
    which_params: str | Sequence[str] = "weight"
    axis: int | Sequence[int] | None = -1

    def __post_init__(self) -> None:
        check_axes(self, "axis")
        check_parameters(self, () if self.axis is None else integers(self.axis) or ())

    def initial_parameters(self, rng: Any) -> Any:
        def parts(name: str, v: Array) -> NamedTuple:
            g = norm_except(v, axis=self.axis)
            if not isinstance(g, jax.core.Tracer) and not g.all():
                expected = "parameters without zeros alone where a length is taken at first"
                raise fail(self, "which_params", expected, name)
            return NamedTuple(g=g, v=v)

        return replaced(self, luxcore.initial_parameters(rng, self.layer), parts)

    def parameter_length(self) -> int:
        return AbstractLuxLayer.parameter_length(self)

    def _expected_fields(self) -> Any:
        return self.layer._expected_fields()

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        def normalized(name: str, parts: Any) -> Array:
            if not (hasattr(parts, "g") and hasattr(parts, "v")):
                raise ValueError(
                    f"the parameters do not fit: {name}: expected the fields (g, v): are these "
                    "the parameters of another model?"
                )
            check_shape(f"{name}.v", parts.v, attrgetter(name)(template(self.layer)).shape)
            return weight_norm(parts.v, parts.g, axis=self.axis)

        return luxcore.apply(self.layer, x, replaced(self, ps, normalized), st)
