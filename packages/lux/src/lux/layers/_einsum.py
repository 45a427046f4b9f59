"""A linear map along axes that are named."""

from __future__ import annotations

import math
import re
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.initializers import linear_bias
from luxcore import NamedTuple, child
from luxlib import fused_einsum_bias_activation, identity

from . import _affine
from ._checks import check_callable, check_several_sizes, fail
from ._leaf import Leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jaxtyping import Inexact, Num

_EQUATION = re.compile(r"(?P<more>\.\.\.)?([a-zA-Z]*),([a-zA-Z]+)->(?(more)\.\.\.)([a-zA-Z]*)")


class EinsumDense(Leaf, parameters=("weight", "bias")):
    """A fully connected layer along axes that are named.

    `y = activation(einsum(equation, x, weight) + bias)`

    **Arguments**

    - `equation`: the axes of the input, of the weight and of the output, one letter each, as
      `"...ab,abc->...c"`; `...` stands for any number of leading axes of the input and the output
    - `shape`: the sizes of the weight's axes, in order
    - `activation`: a function of one array
    - `bias_axes`: the axes of the output along which the bias differs, as `"c"`; for `""` there is
      no bias
    - `init_weight`, `init_bias`: initializers, called with the shapes of `weight` and `bias`; by
      default, for `None`, uniform on ±1/√`fan_in`, where `fan_in` is the number of inputs that each
      output sums

    **Inputs**

    - `x`: an array with the axes of the equation's first term

    **Returns**

    - an array with the axes of its last term
    - the state, which is empty

    **Parameters**

    - `weight`: of the shape `shape`
    - `bias`: with an axis for each of `bias_axes`, in the order of the output, if there are any

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input of other
      sizes, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> heads = lux.EinsumDense("...a,ahd->...hd", (16, 4, 3), bias_axes="hd")
    >>> ps, st = lux.setup(0, heads)
    >>> y, st = heads(jnp.ones((8, 5, 16)), ps, st)
    >>> y.shape, ps.bias.shape
    ((8, 5, 4, 3), (4, 3))

    ```

    As Keras's `EinsumDense`, with the shape of the weight in place of that of the output.
    """

    equation: str
    shape: Sequence[int]
    activation: Callable[[Array], Array] = identity
    _: KW_ONLY
    bias_axes: str = ""
    init_weight: Callable[..., Array] | None = None
    init_bias: Callable[..., Array] | None = None

    def __post_init__(self) -> None:
        check_callable(self, "activation")
        form = _EQUATION.fullmatch(self.equation) if isinstance(self.equation, str) else None
        if form is None:
            raise fail(self, "equation", "the form '...ab,abc->...c'", self.equation)
        _, x, weight, y = form.groups()
        for letter in sorted(set(x + weight + y)):
            if max(term.count(letter) for term in (x, weight, y)) > 1:
                raise fail(self, "equation", f"{letter!r} once in each term", self.equation)
            if (x + weight + y).count(letter) == 1:
                raise fail(self, "equation", f"{letter!r} in two terms at least", self.equation)
        check_several_sizes(self, "shape")
        if len(self.shape) != len(weight):
            raise fail(self, "shape", f"a size for each of the axes {weight!r}", self.shape)
        bias = self.bias_axes
        if not isinstance(bias, str) or set(bias) - set(weight) or set(bias) - set(y):
            expected = f"axes of the output that the weight has, of {weight!r}"
            raise fail(self, "bias_axes", expected, bias)

    @property
    def use_bias(self) -> bool:
        """Whether there is a bias."""
        return self.bias_axes != ""

    def _terms(self) -> tuple[dict[str, int], str]:
        """The sizes of the weight's axes, and the named axes of the output."""
        terms, output = self.equation.replace("...", "").split("->")
        return dict(zip(terms.split(",")[1], self.shape, strict=True)), output

    def _bias_shape(self) -> tuple[int, ...]:
        sizes, output = self._terms()
        return tuple(sizes[axis] for axis in output if axis in self.bias_axes)

    def initial_parameters(self, rng: Any) -> NamedTuple:
        sizes, output = self._terms()
        summed = (size for axis, size in sizes.items() if axis not in output)
        uniform = linear_bias(fan_in=math.prod(summed))
        weight = (self.init_weight or uniform)(child(rng, "weight"), self.shape)
        if not self.use_bias:
            return NamedTuple(weight=weight)
        bias = (self.init_bias or uniform)(child(rng, "bias"), self._bias_shape())
        return NamedTuple(weight=weight, bias=bias)

    def __call__(
        self, x: Num[Array, "*axes"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*axes"], NamedTuple]:
        _affine.check_shape("weight", ps.weight, tuple(self.shape))
        bias = None
        if self.use_bias:
            _affine.check_shape("bias", ps.bias, self._bias_shape())
            sizes, output = self._terms()
            axes = (sizes[axis] if axis in self.bias_axes else 1 for axis in output)
            bias = ps.bias.reshape(*axes)
        y = fused_einsum_bias_activation(self.equation, x, ps.weight, bias, self.activation)
        return y, st

    def __str__(self) -> str:
        head = [repr(self.equation), repr(self.shape)]
        if self.use_bias:
            head.append(f"bias_axes={self.bias_axes!r}")
        return self._text(*head, hide=("equation", "shape", "bias_axes"))
