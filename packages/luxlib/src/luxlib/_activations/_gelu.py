"""The Gaussian error linear unit and its approximations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax.numpy as jnp
from jax import lax

from ._elementary import normal_tail, polynomial
from ._gates import sigmoid_gate
from ._pointwise import elementwise, pointwise, real

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float

__all__ = ["gelu", "gelu_erf", "gelu_sigmoid", "gelu_tanh"]

# Where the normal density is 0 in float32 and in float64.
_FAR32, _FAR = 13.25, 40.0
_ROOT_HALF = math.sqrt(0.5)
_NORMAL = 1 / math.sqrt(2 * math.pi)  # the normal density at 0
# Φ(x) + x φ(x) = 1 / 2 + x p(x²) / q(x²) for |x| ≤ 6, to 1.4e-7; beyond, it is that near 0 or 1.
# A minimax fit to SciPy's values. It takes half the time of a tail and an exponential.
_SLOPE_P = (
    0.79788472475,
    -0.030763171878,
    0.014210523636,
    2.3824755067e-05,
    3.58487458e-05,
    1.9095170682e-07,
)
_SLOPE_Q = (
    1.0,
    0.29478188848,
    0.041057273184,
    0.00352838488,
    0.0001933685618,
    8.8892136987e-06,
)


def gelu(x: Float[Array, "*shape"], *, approximate: bool = True) -> Float[Array, "*shape"]:
    """Weigh each element by the normal distribution below it.

    `y = x * Φ(x)`, where `Φ(x) = (1 + erf(x / √2)) / 2`

    **Arguments**

    - `x`: an array of any shape
    - `approximate`: whether `Φ(x)` is approximated by `(1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`,
      as by default in Lux.jl, JAX and Flax; PyTorch and Keras compute the exact one

    **Returns**

    An array of the shape of `x`. See `gelu_erf` and `gelu_tanh` for how accurate it is.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> print(f"{luxlib.gelu(jnp.array(1.0)):.5f}")
    0.84119
    >>> print(f"{luxlib.gelu(jnp.array(1.0), approximate=False):.5f}")
    0.84134
    ```

    Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """
    return (_gelu_tanh if approximate else _gelu_erf)(real("gelu", x))


def gelu_erf(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by the normal distribution below it, exactly.

    `y = x * (1 + erf(x / √2)) / 2`

    In `float32` it is within 5 units in the last place above -2. In the lower tail the exponent's
    rounding is amplified: 10 units at -5, 50 at -13. The derivative is within 4e-7.
    """
    return _gelu_erf(real("gelu_erf", x))


def _gelu_erf_value(x: Array) -> Array:
    if x.dtype != jnp.float32:
        return jnp.maximum(x, -_FAR) * (0.5 * lax.erfc(-_ROOT_HALF * x))
    a = jnp.minimum(jnp.abs(x), _FAR32)
    e, ratio = normal_tail(a)
    return jnp.maximum(x, 0.0) - a * (e * ratio)


def _gelu_erf_slope(x: Array) -> Array:
    """`Φ(x) + x φ(x)`."""
    if x.dtype != jnp.float32:
        near = jnp.clip(x, -_FAR, _FAR)
        return 0.5 * lax.erfc(-_ROOT_HALF * x) + _NORMAL * near * lax.exp(-0.5 * near * near)
    near = jnp.clip(x, -6.0, 6.0)
    square = near * near
    return 0.5 + near * (polynomial(square, _SLOPE_P) / polynomial(square, _SLOPE_Q))


def _gelu_erf_curvature(x: Array) -> Array:
    """`φ(x) (2 - x²)`."""
    near = jnp.clip(x, -_FAR, _FAR)
    square = near * near
    return _NORMAL * jnp.exp(-0.5 * square) * (2 - square)


_gelu_erf = elementwise(pointwise(_gelu_erf_value, pointwise(_gelu_erf_slope, _gelu_erf_curvature)))


def gelu_sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by a sigmoid near the normal distribution below it.

    `y = x * sigmoid(1.702 x)`

    Hendrycks and Gimpel, "Gaussian error linear units", 2016. In `float32` it is within
    2 units in the last place above -1. In the lower tail the exponent's rounding is amplified: 80
    units at -50.
    """
    return _gelu_sigmoid(real("gelu_sigmoid", x))


_gelu_sigmoid = sigmoid_gate(1.702)


def gelu_tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by the normal distribution below it, approximated by `tanh`.

    `y = x * (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`

    In `float32` it is within 3e-7 |x|: XLA's `tanh` is the fastest. In the lower tail, where the
    weight is the small difference of 1 and a `tanh`, that is all there is: below -5 the result is
    0, which the formula gives as -2.3e-7 and the exact `gelu_erf` as -1.4e-6.
    """
    return _gelu_tanh(real("gelu_tanh", x))


_SLOPE, _CUBIC = math.sqrt(2 / math.pi), 0.044715


def _gelu_tanh_value(x: Array) -> Array:
    return 0.5 * jnp.maximum(x, -_FAR) * (1 + jnp.tanh(_argument(x)))


def _gelu_tanh_slope(x: Array) -> Array:
    x = jnp.clip(x, -_FAR, _FAR)
    tanh = jnp.tanh(_argument(x))
    rise = _SLOPE + (3 * _SLOPE * _CUBIC) * (x * x)
    return 0.5 * (1 + tanh) + (0.5 * x) * (1 - tanh * tanh) * rise


def _argument(x: Array) -> Array:
    return x * (_SLOPE + (_SLOPE * _CUBIC) * (x * x))


_gelu_tanh = elementwise(pointwise(_gelu_tanh_value, _gelu_tanh_slope))
