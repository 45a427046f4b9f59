"""How gradients are computed: the first argument of the functions that train.

What is passed there is any hashable object with the method

    value_and_gradients(self, function, ps) -> ((loss, aux), grads)

where `function(ps)` returns `(loss, aux)`, a scalar and a tree of arrays, and `grads` has the
structure of `ps`. It is called inside a compiled function, and two equal objects share one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jax import Array


class Differentiation(Protocol):
    """What computes gradients."""

    def __hash__(self) -> int: ...

    def value_and_gradients(
        self, function: Callable[[Any], tuple[Array, Any]], ps: Any
    ) -> tuple[tuple[Array, Any], Any]:
        """`((loss, aux), grads)`, where `function(ps)` is `(loss, aux)`."""
        ...


@dataclass(frozen=True)
class AutoReverse:
    """Reverse-mode differentiation by JAX: the gradient of one number at the cost of a few.

    The gradient with respect to a complex parameter is the direction in which the loss grows
    fastest, as in PyTorch and Lux.jl; `jax.grad` returns its conjugate.

    ```python
    >>> import jax.numpy as jnp
    >>> from lux.training import AutoReverse
    >>> AutoReverse().value_and_gradients(lambda ps: (ps**2, ()), jnp.array(3.0))[1]
    Array(6., dtype=float32, weak_type=True)

    ```
    """

    def value_and_gradients(
        self, function: Callable[[Any], tuple[Array, Any]], ps: Any
    ) -> tuple[tuple[Array, Any], Any]:
        """`((loss, aux), grads)`, where `function(ps)` is `(loss, aux)`."""
        value, grads = jax.value_and_grad(function, has_aux=True)(ps)
        return value, jax.tree.map(jnp.conj, grads)
