"""Activations that weigh each element by a number between 0 and 1 (or -1 and 1).

An element that is far below 0 has the weight 0, also if it is infinite. The product of the two is
never formed: where the weight is 0 the element is replaced by a finite one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax.numpy as jnp
from jax import lax

from ._elementary import exp, normal_tail
from ._pointwise import elementwise, pointwise, real
from ._sigmoids import _hard_sigmoid_value, logistic, logistic_density

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float

__all__ = [
    "gelu",
    "gelu_erf",
    "gelu_sigmoid",
    "gelu_tanh",
    "hard_swish",
    "lisht",
    "mish",
    "silu",
]

_FAR = 750.0  # beyond, a float64's exponential is 0 too
_ROOT_HALF = math.sqrt(0.5)
_NORMAL = 1 / math.sqrt(2 * math.pi)  # the normal density at 0


# --- the normal distribution --------------------------------------------------------------------


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

    In `float32` it is within 6 units in the last place, in the lower tail too, where other
    libraries lose all digits.
    """
    return _gelu_erf(real("gelu_erf", x))


def _gelu_erf_value(x: Array) -> Array:
    if x.dtype != jnp.float32:
        return jnp.maximum(x, -_FAR) * (0.5 * lax.erfc(-_ROOT_HALF * x))
    a = jnp.abs(x)
    e, p, q = normal_tail(a)
    return jnp.maximum(x, 0.0) - (jnp.minimum(a, _FAR) * p * e) / q


def _gelu_erf_slope(x: Array) -> Array:
    """`Φ(x) + x φ(x)`."""
    if x.dtype != jnp.float32:
        near = jnp.clip(x, -40.0, 40.0)
        return 0.5 * lax.erfc(-_ROOT_HALF * x) + _NORMAL * near * lax.exp(-0.5 * near * near)
    a = jnp.minimum(jnp.abs(x), 14.0)
    e, p, q = normal_tail(a)
    below = e * (p - a * (_NORMAL * q))
    return jnp.where(x < 0, 0.0, 1.0) + jnp.where(x < 0, below, -below) / q


def _gelu_erf_curvature(x: Array) -> Array:
    """`φ(x) (2 - x²)`."""
    near = jnp.clip(x, -40.0, 40.0)
    square = near * near
    return _NORMAL * jnp.exp(-0.5 * square) * (2 - square)


_gelu_erf = elementwise(pointwise(_gelu_erf_value, pointwise(_gelu_erf_slope, _gelu_erf_curvature)))


# --- the logistic function of x, or of a polynomial of x ----------------------------------------


def silu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by its sigmoid; `swish` is another name for it.

    `y = x * sigmoid(x)`

    Elfwing et al., "Sigmoid-weighted linear units", 2017; Ramachandran et al., "Searching for
    activation functions", 2017.
    """
    return _silu(real("silu", x))


def gelu_sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by a sigmoid near the normal distribution below it.

    `y = x * sigmoid(1.702 x)`

    Hendrycks and Gimpel, "Gaussian error linear units", 2016. Within 8e-8 |x|.
    """
    return _gelu_sigmoid(real("gelu_sigmoid", x))


def gelu_tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by the normal distribution below it, approximated by `tanh`.

    `y = x * (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`

    In `float32` it is within 3 units in the last place above -1. In the lower tail the exponent's
    rounding is amplified: 12 units at -3, 25 at -5, 130 at -9.
    """
    return _gelu_tanh(real("gelu_tanh", x))


def _gated(scale: float, cubic: float) -> Callable[[Array], Array]:
    """Return `x sigmoid(u)` with `u = scale (x + cubic x³)`, elementwise, with its derivatives."""
    # A `tanh` of half of it would cancel with the 1 that is added, and lose the lower tail.
    bound = _FAR if cubic == 0 else 30.0

    def value(x: Array) -> Array:
        e = exp(-jnp.abs(argument(x)))
        weighed = jnp.where(x < 0, jnp.maximum(x, -bound) * e, x)
        return weighed - jnp.minimum(weighed, bound) * (e / (1 + e))

    def argument(x: Array) -> Array:
        return scale * x if cubic == 0 else x * (scale + (scale * cubic) * (x * x))

    def slope(x: Array) -> Array:
        x = jnp.clip(x, -bound, bound)
        e = exp(-jnp.abs(argument(x)))
        sum_ = 1 + e
        rise = scale + (3 * scale * cubic) * (x * x)
        return (jnp.where(x < 0, e, 1.0) * sum_ + e * (x * rise)) / (sum_ * sum_)

    def curvature(x: Array) -> Array:
        x = jnp.clip(x, -bound, bound)
        u, rise = argument(x), scale + (3 * scale * cubic) * (x * x)
        bend = (6 * scale * cubic) * x
        return logistic_density(u) * (2 * rise + x * (bend - rise * rise * jnp.tanh(u / 2)))

    return elementwise(pointwise(value, pointwise(slope, curvature)))


_silu = _gated(1.0, 0.0)
_gelu_sigmoid = _gated(1.702, 0.0)
_gelu_tanh = _gated(2 * math.sqrt(2 / math.pi), 0.044715)


# --- others -------------------------------------------------------------------------------------


def hard_swish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by its hard sigmoid.

    `y = x * hard_sigmoid(x)`

    The derivative is 0 at -3 and 1 at 3. Howard et al., "Searching for MobileNetV3", 2019.
    """
    return _hard_swish(real("hard_swish", x))


def _hard_swish_value(x: Array) -> Array:
    return jnp.maximum(x, -3.0) * _hard_sigmoid_value(x)


def _hard_swish_slope(x: Array) -> Array:
    inside = x * (1 / 3) + 0.5
    return jnp.where(x <= -3, jnp.zeros_like(x), jnp.where(x >= 3, 1.0, inside))


_hard_swish = elementwise(pointwise(_hard_swish_value, _hard_swish_slope))


def mish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Weigh each element by the `tanh` of its softplus.

    `y = x * tanh(softplus(x))`

    In `float32` it is within 4 units in the last place.

    Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """
    return _mish(real("mish", x))


def _mish_value(x: Array) -> Array:
    """With `w = exp(x)` the weight is `n / (n + 2)` for `n = w² + 2 w`."""
    e, below = exp(-jnp.abs(x)), x < 0
    half = 0.5 * e * e + e  # n / 2 where w is e
    twice = half + half
    square = e * e
    weighed = jnp.where(below, jnp.maximum(x, -_FAR) * half, x)
    complement = jnp.where(below, twice, square + square)
    share = complement / jnp.where(below, twice + 2, 1 + twice + square)
    return weighed - jnp.minimum(weighed, _FAR) * share


def _mish_slope(x: Array) -> Array:
    e, below = exp(-jnp.abs(x)), x < 0
    w, v = jnp.where(below, e, 1.0), jnp.where(below, 1.0, e)  # exp(x) = w / v
    n = w * (w + 2 * v)
    d = n + 2 * v * v
    return (n * d + jnp.clip(x, -_FAR, _FAR) * (4 * v * v * w) * (w + v)) / (d * d)


def _mish_curvature(x: Array) -> Array:
    x = jnp.clip(x, -_FAR, _FAR)
    gate, density = logistic(x), logistic_density(x)
    weight = jnp.tanh(jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x))))
    rest = 1 - weight * weight
    first = gate * rest
    return 2 * first + x * (density * rest - 2 * weight * gate * first)


_mish = elementwise(pointwise(_mish_value, pointwise(_mish_slope, _mish_curvature)))


def lisht(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Multiply each element by its `tanh`.

    `y = x * tanh(x)`

    As accurate as `tanh`: in `float32` within 4.4 units in the last place.

    Roy et al., "LiSHT: non-parametric linearly scaled hyperbolic tangent", 2019.
    """
    return _lisht(real("lisht", x))


def _lisht_slope(x: Array) -> Array:
    y = jnp.tanh(x)
    return y + jnp.clip(x, -_FAR, _FAR) * (1 - y * y)


_lisht = elementwise(pointwise(lambda x: x * jnp.tanh(x), _lisht_slope))
