"""Scaling, adding a bias and applying an activation: the end of a dense or convolutional layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp

from ._activations import identity
from ._checks import check_callable, check_inexact, mismatch
from ._dtypes import accumulator, promote

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Inexact, Num

    Activation: TypeAlias = Callable[[Array], Array]

__all__ = ["bias_activation", "check_bias", "fast_activation", "finish", "scale_bias_activation"]


def bias_activation(
    x: Num[Array, "*batch features"],
    bias: Inexact[Array, " features"] | None = None,
    activation: Activation = identity,
) -> Inexact[Array, "*batch features"]:
    """Add a bias along the last axis, then apply an activation.

    `y = activation(x + bias)`

    **Arguments**

    - `x`: `(*batch, features)`, any number of leading axes
    - `bias`: `(features,)`, or `None` for none
    - `activation`: a function of one array

    **Returns**

    `(*batch, features)`, in the dtype that `x` and `bias` have in common.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where `bias` is not floating or complex
    or `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.bias_activation(jnp.array([[-1.0, 2.0]]), jnp.array([0.5, 1.0]), luxlib.relu)
    Array([[0., 3.]], dtype=float32)
    ```

    Named as in LuxLib.jl.
    """
    check_callable("bias_activation", activation)
    if bias is None:
        return _activate(x, activation)
    if x.ndim == 0:
        raise mismatch(
            "bias_activation",
            "x",
            "at least one axis (..., features)",
            f"shape {x.shape}",
            "Add an axis for the features.",
        )
    check_bias("bias_activation", bias, x.shape[-1], f"x has shape {x.shape}")
    return _bias_activation(x, bias, activation)


@partial(jax.jit, static_argnames=("activation",))
def _bias_activation(x: Array, bias: Array, activation: Activation) -> Array:
    x, bias = promote(x, bias)
    return finish(x, bias, activation, x.dtype)


def scale_bias_activation(
    x: Num[Array, "*batch_and_shape"],
    scale: Inexact[Array, "*shape"],
    bias: Inexact[Array, "*shape"] | None = None,
    activation: Activation = identity,
) -> Inexact[Array, "*batch_and_shape"]:
    """Multiply each element of the last axes by a number of its own, add one, then activate.

    `y = activation(x * scale + bias)`

    **Arguments**

    - `x`: `(*batch, *shape)`, any number of leading axes
    - `scale`: of the shape `shape`
    - `bias`: of the shape `shape`, or `None` for none
    - `activation`: a function of one array

    **Returns**

    `(*batch, *shape)`, in the dtype that the arguments have in common; an integer `x` takes the
    parameters' dtype. Half precision is computed in `float32` and rounded once, before the
    activation.

    **Raises**

    `ValueError` where the shapes don't match, `TypeError` where the parameters are not floating or
    complex or `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.scale_bias_activation(jnp.array([[-1.0, 2.0]]), jnp.array([0.5, 3.0]), jnp.ones(2))
    Array([[0.5, 7. ]], dtype=float32)
    ```
    """
    function = "scale_bias_activation"
    check_callable(function, activation)
    check_inexact(function, "scale", scale)
    if x.shape[max(0, x.ndim - scale.ndim) :] != scale.shape:
        raise mismatch(
            function,
            "x",
            f"shape ({', '.join(map(str, ('...', *scale.shape)))})",
            x.shape,
            "The last axes of x are those of scale.",
        )
    if bias is not None:
        check_inexact(function, "bias", bias)
        if bias.shape != scale.shape:
            raise mismatch(
                function, "bias", f"shape {scale.shape}", bias.shape, "It is that of scale."
            )
    return _scale(x, scale, bias, activation)


@partial(jax.jit, static_argnames=("activation",))
def _scale(x: Array, scale: Array, bias: Array | None, activation: Activation) -> Array:
    x, scale, bias = promote(x, scale, bias)
    axes = tuple(range(x.ndim - scale.ndim))
    wide = accumulator(x.dtype)
    y = x.astype(wide) * jnp.expand_dims(scale.astype(wide), axes)
    if bias is not None:
        y = y + jnp.expand_dims(bias.astype(wide), axes)
    return activation(y.astype(x.dtype))


def fast_activation(x: Num[Array, "*shape"], activation: Activation) -> Num[Array, "*shape"]:
    """Apply an activation to every element, as one compiled kernel.

    `y = activation(x)`

    **Arguments**

    - `x`: an array of any shape
    - `activation`: a function of one array

    **Returns**

    `activation(x)`, of the shape of `x`.

    **Raises**

    `TypeError` where `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.fast_activation(jnp.array([-1.0, 2.0]), luxlib.relu)
    Array([0., 2.], dtype=float32)
    ```

    Named as in LuxLib.jl. Inside `jax.jit` it is the same as calling the activation.
    """
    check_callable("fast_activation", activation)
    return _activate(x, activation)


@partial(jax.jit, static_argnames=("activation",))
def _activate(x: Array, activation: Activation) -> Array:
    return activation(x)


def check_bias(function: str, bias: Array, features: int, why: str) -> None:
    """Refuse a bias that is not one number for each feature."""
    check_inexact(function, "bias", bias)
    if bias.shape != (features,):
        raise mismatch(
            function,
            "bias",
            f"shape {(features,)}",
            bias.shape,
            f"The bias has one number for each output feature: {why}.",
        )


def finish(y: Array, bias: Array | None, activation: Activation, dtype: Any) -> Array:
    """Add `bias` to the accumulated `y`, round to `dtype`, and apply the activation."""
    if bias is not None:
        y = y + bias.astype(y.dtype).reshape((1,) * (y.ndim - bias.ndim) + bias.shape)
    return activation(y.astype(dtype))
