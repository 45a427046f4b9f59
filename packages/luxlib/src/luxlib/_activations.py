"""Activation functions.

Where JAX has the function it is JAX's own, with its derivative; the others are written here. Each
is a plain function with an importable name, so a layer that holds one can be pickled (JAX's are
jitted objects, which can't by themselves). Each takes an array of any shape and returns one of the
same shape and floating dtype. Integers and booleans are converted to the default floating dtype
first, except by `identity`, which returns what it is given. Hyperparameters are keywords:
`functools.partial(luxlib.leaky_relu, negative_slope=0.2)` is an activation too.

Functions that JAX has are under JAX's names. Those that Lux.jl and PyTorch spell otherwise have
the second spelling beside the first (`hardsigmoid`, `hardswish`, `hardtanh`, `leakyrelu`,
`logsigmoid`, `softsign`): both names are one function.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from ._checks import mismatch
from ._dtypes import accumulator, to_inexact

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Shaped

__all__ = [
    "celu",
    "elu",
    "gelu",
    "gelu_erf",
    "gelu_tanh",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "identity",
    "leaky_relu",
    "leakyrelu",
    "lisht",
    "log_sigmoid",
    "logcosh",
    "logsigmoid",
    "mish",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "soft_sign",
    "softplus",
    "softshrink",
    "softsign",
    "squareplus",
    "swish",
    "tanh",
    "tanhshrink",
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
    return jax.nn.relu(to_inexact(x))


def relu6(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Clip between 0 and 6.

    `y = min(max(x, 0), 6)`

    Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
    """
    return jax.nn.relu6(to_inexact(x))


def leaky_relu(
    x: Float[Array, "*shape"], *, negative_slope: float = 0.01
) -> Float[Array, "*shape"]:
    """Scale negative elements down.

    `y = where(x >= 0, x, negative_slope * x)`

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.leaky_relu(jnp.array([-1.0, 0.0, 2.0]), negative_slope=0.5)
    Array([-0.5,  0. ,  2. ], dtype=float32)
    ```

    Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """
    return jax.nn.leaky_relu(to_inexact(x), negative_slope)


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
    x = to_inexact(x)
    if key is None:
        return jax.nn.leaky_relu(x, (lower + upper) / 2)
    slope = jax.random.uniform(key, x.shape, accumulator(x.dtype), lower, upper)
    return jnp.where(x >= 0, x, slope.astype(x.dtype) * x)


def trelu(x: Float[Array, "*shape"], *, threshold: float = 1.0) -> Float[Array, "*shape"]:
    """Set elements up to a threshold to zero.

    `y = where(x > threshold, x, 0)`

    Konda et al., "Zero-bias autoencoders and the benefits of co-adapting features", 2014.
    """
    x = to_inexact(x)
    return jnp.where(x <= threshold, jnp.zeros_like(x), x)


def elu(x: Float[Array, "*shape"], *, alpha: float = 1.0) -> Float[Array, "*shape"]:
    """Let negative elements saturate exponentially.

    `y = where(x > 0, x, alpha * (exp(x) - 1))`

    Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2015.
    """
    return jax.nn.elu(to_inexact(x), alpha)


def celu(x: Float[Array, "*shape"], *, alpha: float = 1.0) -> Float[Array, "*shape"]:
    """Let negative elements saturate exponentially, with a continuous derivative.

    `y = where(x > 0, x, alpha * (exp(x / alpha) - 1))`

    Barron, "Continuously differentiable exponential linear units", 2017.
    """
    return jax.nn.celu(to_inexact(x), alpha)


def selu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Let negative elements saturate, scaled such that activations normalise themselves.

    `y = 1.0507 * where(x > 0, x, 1.6733 * (exp(x) - 1))`

    Klambauer et al., "Self-normalizing neural networks", 2017, which has the digits.
    """
    return jax.nn.selu(to_inexact(x))


def gelu(x: Float[Array, "*shape"], *, approximate: bool = True) -> Float[Array, "*shape"]:
    """Weigh each element by the normal distribution below it.

    `y = x * Φ(x)`, where `Φ(x) = (1 + erf(x / √2)) / 2`

    **Arguments**

    - `x`: an array of any shape
    - `approximate`: whether `Φ(x)` is approximated by `(1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`,
      as by default in Lux.jl, JAX and Flax; PyTorch and Keras compute the exact one

    **Returns**

    An array of the shape of `x`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> print(f"{luxlib.gelu(jnp.array(1.0)):.5f}")
    0.84119
    >>> print(f"{luxlib.gelu(jnp.array(1.0), approximate=False):.5f}")
    0.84134
    ```

    Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """
    return jax.nn.gelu(to_inexact(x), approximate=approximate)


def gelu_tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by the normal distribution below it, approximated by `tanh`.

    `y = x * (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`
    """
    return gelu(x, approximate=True)


def gelu_erf(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by the normal distribution below it, exactly.

    `y = x * (1 + erf(x / √2)) / 2`
    """
    return gelu(x, approximate=False)


def silu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by its sigmoid; `swish` is another name for it.

    `y = x * sigmoid(x)`

    Elfwing et al., "Sigmoid-weighted linear units", 2017; Ramachandran et al., "Searching for
    activation functions", 2017.
    """
    return jax.nn.silu(to_inexact(x))


def hard_swish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by its hard sigmoid.

    `y = x * hard_sigmoid(x)`

    Howard et al., "Searching for MobileNetV3", 2019.
    """
    return jax.nn.hard_swish(to_inexact(x))


def mish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by the `tanh` of its softplus.

    `y = x * tanh(softplus(x))`

    Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """
    return jax.nn.mish(to_inexact(x))


def lisht(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Multiply each element by its `tanh`.

    `y = x * tanh(x)`

    Roy et al., "LiSHT: non-parametric linearly scaled hyperbolic tangent", 2019.
    """
    x = to_inexact(x)
    return x * jnp.tanh(x)


def sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Squash into the interval from 0 to 1.

    `y = 1 / (1 + exp(-x))`

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.sigmoid(jnp.array([-1000.0, 0.0, 1000.0]))
    Array([0. , 0.5, 1. ], dtype=float32)
    ```
    """
    return jax.nn.sigmoid(to_inexact(x))


def hard_sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Squash into the interval from 0 to 1, in three straight pieces.

    `y = min(max(x / 6 + 1/2, 0), 1)`

    As in NNlib, PyTorch and Keras 3.
    """
    return jax.nn.hard_sigmoid(to_inexact(x))


def log_sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Take the logarithm of the sigmoid, without overflow.

    `y = -softplus(-x)`
    """
    return jax.nn.log_sigmoid(to_inexact(x))


def tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Squash into the interval from -1 to 1.

    `y = tanh(x)`
    """
    return jnp.tanh(to_inexact(x))


def hard_tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Clip between -1 and 1.

    `y = min(max(x, -1), 1)`

    Collobert, "Large scale machine learning", 2004.
    """
    return jax.nn.hard_tanh(to_inexact(x))


def tanhshrink(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Subtract the `tanh`.

    `y = x - tanh(x)`
    """
    x = to_inexact(x)
    return x - jnp.tanh(x)


def softshrink(x: Float[Array, "*shape"], *, threshold: float = 0.5) -> Float[Array, "*shape"]:
    """Move each element toward zero by a threshold, and not across it.

    `y = sign(x) * max(|x| - threshold, 0)`

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.softshrink(jnp.array([-2.0, 0.25, 2.0]))
    Array([-1.5,  0. ,  1.5], dtype=float32)
    ```
    """
    x = to_inexact(x)
    return jnp.where(jnp.abs(x) <= threshold, jnp.zeros_like(x), x - jnp.sign(x) * threshold)


def softplus(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Round the corner of `relu`, without overflow.

    `y = log(1 + exp(x))`

    Dugas et al., "Incorporating second-order functional knowledge for better option pricing", 2000.
    """
    return jax.nn.softplus(to_inexact(x))


def squareplus(x: Float[Array, "*shape"], *, b: float = 4.0) -> Float[Array, "*shape"]:
    """Round the corner of `relu` with a square root.

    `y = (x + √(x² + b)) / 2`

    Barron, "Squareplus: a softplus-like algebraic rectifier", 2021.
    """
    return jax.nn.squareplus(to_inexact(x), b)


def soft_sign(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Squash into the interval from -1 to 1, slowly.

    `y = x / (1 + |x|)`
    """
    return jax.nn.soft_sign(to_inexact(x))


def logcosh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Take the logarithm of the hyperbolic cosine, accurately near zero and without overflow.

    `y = log(cosh(x))`
    """
    x = to_inexact(x)
    near = jnp.abs(x) < 1
    inside = jnp.where(near, x, jnp.zeros_like(x))
    half = jnp.sinh(inside / 2)
    far = jnp.abs(x) + jnp.log1p(jnp.exp(-2 * jnp.abs(x))) - math.log(2)
    return jnp.where(near, jnp.log1p(2 * half * half), far)


# Lux.jl's and PyTorch's spelling of names that JAX spells otherwise.
hardsigmoid = hard_sigmoid
hardswish = hard_swish
hardtanh = hard_tanh
leakyrelu = leaky_relu
logsigmoid = log_sigmoid
softsign = soft_sign
swish = silu
