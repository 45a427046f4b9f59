"""The dense (fully connected) layer's kernel.

All leading axes of the input are flattened into one before the product. A product whose weight
gradient contracts over several axes makes XLA transpose and copy on CPU: a transformer step took
1.5 times as long with 3-D products.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import jax
from jax import lax

from ._activations import identity
from ._bias_activation import check_bias, finish
from ._checkpoint import saveable
from ._checks import check_callable, check_inexact, mismatch
from ._dtypes import promote
from ._products import product

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Inexact, Num

    from ._bias_activation import Activation

__all__ = ["fused_dense_bias_activation"]


def fused_dense_bias_activation(
    x: Num[Array, "*batch in"],
    weight: Inexact[Array, "in out"],
    bias: Inexact[Array, " out"] | None = None,
    activation: Activation = identity,
) -> Inexact[Array, "*batch out"]:
    """Multiply by a matrix, add a bias and apply an activation.

    `y = activation(x @ weight + bias)`

    **Arguments**

    - `x`: `(*batch, in)`, any number of leading axes, also none
    - `weight`: `(in, out)`
    - `bias`: `(out,)`, or `None` for none
    - `activation`: a function of one array

    where `in` and `out` are the numbers of input and output features.

    **Returns**

    `(*batch, out)`, in the dtype that the arguments have in common; an integer or boolean `x` takes
    the parameters' dtype. Half precision is summed in `float32` and rounded once, before the
    activation.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where the parameters are not floating or
    complex or `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([[1.0, -2.0]])
    >>> weight = jnp.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])
    >>> luxlib.fused_dense_bias_activation(x, weight, jnp.ones(3), luxlib.relu)
    Array([[2., 0., 1.]], dtype=float32)
    ```

    Named as in LuxLib.jl; `weight` is its transpose, as in Flax and Keras.
    """
    function = "fused_dense_bias_activation"
    check_callable(function, activation)
    check_inexact(function, "weight", weight)
    if weight.ndim != 2:
        raise mismatch(
            function, "weight", "shape (in, out)", weight.shape, "Reshape it to two axes."
        )
    if x.ndim == 0 or x.shape[-1] != weight.shape[0]:
        raise mismatch(
            function,
            "x",
            f"shape (..., {weight.shape[0]})",
            x.shape,
            f"The last axis of x must have the size of the first of weight {weight.shape}.",
        )
    if bias is not None:
        check_bias(function, bias, weight.shape[1], f"weight has shape {weight.shape}")
    return _dense(x, weight, bias, activation)


@partial(jax.jit, static_argnames=("activation",))
def _dense(x: Array, weight: Array, bias: Array | None, activation: Activation) -> Array:
    x, weight, bias = promote(x, weight, bias)
    batch = x.shape[:-1]
    multiply = partial(lax.dot_general, dimension_numbers=(((1,), (0,)), ((), ())))
    y = saveable(product(multiply, x.reshape(math.prod(batch), x.shape[-1]), weight))
    return finish(y, bias, activation, x.dtype).reshape(*batch, weight.shape[1])
