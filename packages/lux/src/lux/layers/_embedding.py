"""Rows of a table, by their indices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from lux.initializers import rand32
from luxcore import NamedTuple, child
from luxlib import embedding_lookup, fused_dense_bias_activation

from . import _affine
from ._checks import check_callable, check_several_sizes, check_sizes, fail, integers
from ._leaf import Leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from jaxtyping import Inexact, Int


class Embedding(Leaf, parameters=("weight",)):
    """A table with a vector for each index.

    `y[i] = weight[x[i]]`

    **Arguments**

    - `in_dims`: how many indices there are; several integers for a table of several axes
    - `out_dims`: the number of features of a vector
    - `padding_index`: an index whose vector begins as 0 and is not trained, or `None` for none
    - `init_weight`: an initializer, called with the shape of `weight`; by default uniform from 0 to
      1

    **Inputs**

    - `x`: `(*batch)`, integers from 0 to `in_dims - 1`; where `in_dims` are several, a tuple of
      such arrays, one for each

    **Returns**

    - `(*batch, out_dims)`; an index out of range gives NaN
    - the state, which is empty

    **Parameters**

    - `weight`: `(*in_dims, out_dims)`

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made.
    - `TypeError`: for an input that is not of integers.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.Embedding(100, 8)
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jnp.array([[5, 99, 0]]), ps, st)
    >>> y.shape
    (1, 3, 8)
    >>> layer.attend(y, ps, st)[0].shape
    (1, 3, 100)

    ```

    As Lux.jl's `Embedding`; with `padding_index` as `padding_idx` of PyTorch's, where the initial
    values are normally distributed.
    """

    in_dims: int | Sequence[int]
    out_dims: int
    _: KW_ONLY
    padding_index: int | None = None
    init_weight: Callable[..., Array] = rand32

    def __post_init__(self) -> None:
        check_sizes(self, "out_dims")
        check_callable(self, "init_weight")
        if isinstance(self.in_dims, Iterable):
            check_several_sizes(self, "in_dims")
        else:
            check_sizes(self, "in_dims")
        if self.padding_index is None:
            return
        index = None if isinstance(self.in_dims, tuple) else integers(self.padding_index)
        if index is None or len(index) > 1 or not 0 <= index[0] < self._shape()[0]:
            expected = f"an integer from 0 to {self._shape()[0] - 1}, or None"
            if isinstance(self.in_dims, tuple):
                expected = "None for a table of several axes"
            raise fail(self, "padding_index", expected, self.padding_index)
        object.__setattr__(self, "padding_index", index[0])

    def _shape(self) -> tuple[int, ...]:
        sizes = self.in_dims if isinstance(self.in_dims, tuple) else (self.in_dims,)
        return (*sizes, self.out_dims)

    def initial_parameters(self, rng: Any) -> NamedTuple:
        weight = self.init_weight(child(rng, "weight"), self._shape())
        if self.padding_index is not None:
            weight = weight.at[self.padding_index].set(0)
        return NamedTuple(weight=weight)

    def __call__(
        self, x: Int[Array, "*batch"] | tuple[Int[Array, "*batch"], ...], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch out"], NamedTuple]:
        weight = self._weight(ps)
        axes = len(self.in_dims) if isinstance(self.in_dims, tuple) else None
        given = len(x) if isinstance(x, tuple) else None
        if axes != given:
            expected = "an array of integers" if axes is None else f"a tuple of {axes} arrays"
            got = "an array" if given is None else f"a tuple of {given}"
            raise ValueError(f"Embedding: x: expected {expected}, got {got}")
        return embedding_lookup(x, weight, padding_index=self.padding_index), st

    def attend(
        self, x: Inexact[Array, "*batch out"], ps: Any, st: NamedTuple
    ) -> tuple[Inexact[Array, "*batch entries"], NamedTuple]:
        """The product of each vector with every vector of the table.

        `y[i] = Σⱼ x[j] * weight[i, j]`

        It makes the table the last layer too, whose weight is tied to that of the first: call it
        with the same parameters.

        **Arguments**

        - `x`: `(*batch, out_dims)`
        - `ps`, `st`: the parameters and the state of this layer

        **Returns**

        - `(*batch, in_dims)`, such as the logits of each index
        - the state, which is empty

        **Raises**

        - `ValueError`: for another number of features, or a table of several axes.
        """
        if isinstance(self.in_dims, tuple):
            raise ValueError(
                f"Embedding: attend: expected a table of one axis, got in_dims={self.in_dims}"
            )
        return fused_dense_bias_activation(x, jnp.transpose(self._weight(ps))), st

    def _weight(self, ps: Any) -> Array:
        _affine.check_shape("weight", ps.weight, self._shape())
        weight: Array = ps.weight
        return weight

    def __str__(self) -> str:
        return self._text(f"{self.in_dims} → {self.out_dims}", hide=("in_dims", "out_dims"))
