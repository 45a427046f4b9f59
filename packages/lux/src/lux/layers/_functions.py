"""Functions as layers: without parameters and without a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luxcore import NamedTuple

from ._checks import check_callable
from ._leaf import Leaf

if TYPE_CHECKING:
    from collections.abc import Callable


class WrappedFunction(Leaf):
    """A function of the input as a layer.

    `y = function(x)`

    **Arguments**

    - `function`: a function of one argument

    **Inputs**

    - `x`: what the function takes

    **Returns**

    - `function(x)`
    - the state, which is empty

    ```python
    >>> import jax.numpy as jnp, lux
    >>> model = lux.Chain(lux.Dense(2, 3), jnp.square)
    >>> model.layers.layer_1
    WrappedFunction(square)

    ```

    As Lux.jl's `WrappedFunction`. `Chain` makes one of every function that it is given. Give the
    function a name: a `lambda` written anew is another layer, and compiles anew.
    """

    function: Callable[[Any], Any]

    def __post_init__(self) -> None:
        check_callable(self, "function")

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        return self.function(x), st

    def __str__(self) -> str:
        name = getattr(self.function, "__name__", None) or repr(self.function)
        return self._text(name, hide=("function",))


class NoOpLayer(Leaf):
    """Returns its input.

    `y = x`

    ```python
    >>> import lux
    >>> ps, st = lux.setup(0, lux.NoOpLayer())
    >>> lux.NoOpLayer()(3.0, ps, st)
    (3.0, NamedTuple())

    ```

    As Lux.jl's `NoOpLayer`.
    """

    def __call__(self, x: Any, ps: Any, st: NamedTuple) -> tuple[Any, NamedTuple]:
        return x, st
