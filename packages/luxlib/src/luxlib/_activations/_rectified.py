"""Activations in two or three straight pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from luxlib._checks import check_inexact, mismatch
from luxlib._dtypes import accumulator, promote

from ._pointwise import elementwise, real

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Shaped

__all__ = [
    "identity",
    "leakyrelu",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "threshold",
    "trelu",
]


def identity(x: Shaped[Array, "*shape"]) -> Shaped[Array, "*shape"]:
    """Return the input: no activation.

    `y = x`
    """
    return x


def relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Set negative elements to zero; the derivative at 0 is 0.

    `y = max(x, 0)`

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.relu(jnp.array([-1.0, 0.0, 2.0]))
    Array([0., 0., 2.], dtype=float32)
    ```
    """
    return jax.nn.relu(real("relu", x))


def relu6(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Clip between 0 and 6; the derivative at both is 0.

    `y = min(max(x, 0), 6)`

    Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
    """
    return jax.nn.relu6(real("relu6", x))


def leakyrelu(
    x: Float[Array, "*shape"], *, negative_slope: float | Array = 0.01
) -> Float[Array, "*shape"]:
    """Scale negative elements down; the derivative at 0 is 1.

    `y = where(x >= 0, x, negative_slope * x)`

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.leakyrelu(jnp.array([-1.0, 0.0, 2.0]), negative_slope=0.5)
    Array([-0.5,  0. ,  2. ], dtype=float32)
    ```

    Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """
    return _leaky(real("leakyrelu", x), negative_slope)


def prelu(x: Float[Array, "*shape"], weight: Float[Array, " channels"]) -> Float[Array, "*shape"]:
    """Scale negative elements by slopes that are learned.

    `y = where(x >= 0, x, weight * x)`

    **Arguments**

    - `x`: `(*batch, channels)`, any number of leading axes
    - `weight`: `(channels,)`, or one number `()` for all

    **Returns**

    An array of the shape of `x`, in the dtype that the two have in common.

    **Raises**

    `ValueError` where `weight` has another shape, `TypeError` where it is not floating or an array
    is complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.prelu(jnp.array([[-1.0, -1.0], [2.0, 2.0]]), jnp.array([0.5, 0.25]))
    Array([[-0.5 , -0.25],
           [ 2.  ,  2.  ]], dtype=float32)
    ```

    He et al., "Delving deep into rectifiers", 2015.
    """
    check_inexact("prelu", "weight", weight)
    x, weight = promote(x, weight)
    x = real("prelu", x)
    if weight.shape != () and weight.shape != x.shape[-1:]:
        raise mismatch(
            "prelu",
            "weight",
            f"shape () or {x.shape[-1:]}",
            weight.shape,
            f"It has one slope for all or for each channel of x {x.shape}.",
        )
    slopes = jnp.broadcast_to(weight.astype(accumulator(x.dtype)), x.shape)
    return _leaky(x, slopes)


def rrelu(
    x: Float[Array, "*shape"],
    *,
    key: Array | None = None,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
) -> Float[Array, "*shape"]:
    """Scale negative elements by slopes drawn at random, or by their mean.

    `y = where(x >= 0, x, slope * x)`

    **Arguments**

    - `x`: an array of any shape
    - `key`: a JAX random key, from which each element's slope is drawn between `lower` and `upper`;
      without one, as in inference, every slope is `(lower + upper) / 2`
    - `lower`, `upper`: the bounds of the slopes

    **Returns**

    An array of the shape of `x`.

    **Raises**

    `ValueError` where `lower` is larger than `upper`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.rrelu(jnp.array([-1.0, 2.0]), lower=0.25, upper=0.75)
    Array([-0.5,  2. ], dtype=float32)
    ```

    Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015.
    """
    if lower > upper:
        raise mismatch(
            "rrelu", "lower", f"at most upper={upper}", lower, "Slopes are drawn between the two."
        )
    x = real("rrelu", x)
    if key is None:
        return _leaky(x, (lower + upper) / 2)
    return _leaky(x, jax.random.uniform(key, x.shape, accumulator(x.dtype), lower, upper))


@elementwise
def _leaky(x: Array, slope: float | Array) -> Array:
    return jnp.where(x >= 0, x, slope * x)


def trelu(x: Float[Array, "*shape"], *, threshold: float = 1.0) -> Float[Array, "*shape"]:
    """Set elements up to a threshold to zero; `thresholdrelu` is another name for it.

    `y = where(x > threshold, x, 0)`

    Konda et al., "Zero-bias autoencoders and the benefits of co-adapting features", 2014.
    """
    return _threshold(real("trelu", x), threshold, 0.0)


def threshold(
    x: Float[Array, "*shape"], *, threshold: float, value: float
) -> Float[Array, "*shape"]:
    """Set elements up to a threshold to a value.

    `y = where(x > threshold, x, value)`

    As in PyTorch, except that a NaN stays one.
    """
    return _threshold(real("threshold", x), threshold, value)


@elementwise
def _threshold(x: Array, threshold: float, value: float) -> Array:
    return jnp.where(x <= threshold, value, x)
