"""Random initial values whose variance follows from the number of inputs and outputs.

For a weight `(*window, in, out)`, with `k` positions in the window, `fan_in = k · in` and
`fan_out = k · out`; a vector of `n` elements has `fan_in = 1` and `fan_out = n`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from . import _draws
from ._initializer import Initializer, check_floating, fans

if TYPE_CHECKING:
    from jax import Array

_SQRT_2 = math.sqrt(2)
_SQRT_3 = math.sqrt(3)
# The standard deviation of the standard normal distribution between -2 and 2.
_STD_WITHOUT_TAILS = 0.8796256610342398


@Initializer
def glorot_uniform(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, gain: float = 1.0
) -> Array:
    """Uniform on `[-b, b]` with `b = gain · √(6 / (fan_in + fan_out))`.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `gain`: a factor for the activation that follows

    ```python
    >>> import lux
    >>> bool(abs(lux.initializers.glorot_uniform(0, (100, 50))).max() <= 0.2)
    True

    ```

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    2010. As in WeightInitializers.jl.
    """
    return _uniform(rng, shape, dtype, gain * math.sqrt(6 / sum(fans(shape))))


@Initializer
def glorot_normal(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, gain: float = 1.0
) -> Array:
    """Normal with the standard deviation `gain · √(2 / (fan_in + fan_out))`.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `gain`: a factor for the activation that follows

    ```python
    >>> import lux
    >>> round(float(lux.initializers.glorot_normal(0, (100, 100)).std()), 2)
    0.1

    ```

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    2010. As in WeightInitializers.jl; not truncated.
    """
    return _normal(rng, shape, dtype, gain * math.sqrt(2 / sum(fans(shape))))


@Initializer
def kaiming_uniform(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, gain: float = _SQRT_2
) -> Array:
    """Uniform on `[-b, b]` with `b = gain · √(3 / fan_in)`.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `gain`: a factor for the activation that follows; √2 is that for `relu`

    ```python
    >>> import lux
    >>> bool(abs(lux.initializers.kaiming_uniform(0, (600, 50))).max() <= 0.1)
    True

    ```

    He et al., "Delving deep into rectifiers", 2015. As in WeightInitializers.jl.
    """
    return _uniform(rng, shape, dtype, gain * math.sqrt(3 / fans(shape)[0]))


@Initializer
def kaiming_normal(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, gain: float = _SQRT_2
) -> Array:
    """Normal with the standard deviation `gain / √fan_in`.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `gain`: a factor for the activation that follows; √2 is that for `relu`

    ```python
    >>> import lux
    >>> round(float(lux.initializers.kaiming_normal(0, (200, 100)).std()), 2)
    0.1

    ```

    He et al., "Delving deep into rectifiers", 2015. As in WeightInitializers.jl; not truncated.
    """
    return _normal(rng, shape, dtype, gain / math.sqrt(fans(shape)[0]))


@Initializer
def lecun_uniform(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, gain: float = 1.0
) -> Array:
    """Uniform on `[-b, b]` with `b = gain · √(3 / fan_in)`.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `gain`: a factor for the activation that follows; 1 is that for `selu`

    ```python
    >>> import lux
    >>> bool(abs(lux.initializers.lecun_uniform(0, (300, 50))).max() <= 0.1)
    True

    ```

    LeCun et al., "Efficient backprop", 1998. As in JAX. It is `kaiming_uniform` with another gain.
    """
    return _uniform(rng, shape, dtype, gain * math.sqrt(3 / fans(shape)[0]))


@Initializer
def lecun_normal(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, gain: float = 1.0
) -> Array:
    """Normal without tails, with the standard deviation `gain / √fan_in`.

    It is truncated at two standard deviations of the normal distribution, which is widened so that
    its standard deviation after that is the one named.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `gain`: a factor for the activation that follows; 1 is that for `selu`

    ```python
    >>> import lux
    >>> round(float(lux.initializers.lecun_normal(0, (100, 100)).std()), 2)
    0.1

    ```

    LeCun et al., "Efficient backprop", 1998. As in JAX.
    """
    return _without_tails(rng, shape, dtype, gain / math.sqrt(fans(shape)[0]))


@Initializer
def variance_scaling(
    rng: Any,
    shape: tuple[int, ...],
    dtype: Any = jnp.float32,
    *,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "truncated_normal",
) -> Array:
    """Of mean 0 and variance `scale / n`, where `n` is a fan.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `scale`: a positive factor
    - `mode`: which `n`: `"fan_in"`, `"fan_out"`, or `"fan_avg"` for the mean of the two
    - `distribution`: `"truncated_normal"` (at two standard deviations), `"normal"` or `"uniform"`

    ```python
    >>> import lux
    >>> x = lux.initializers.variance_scaling(0, (50, 200), mode="fan_out", distribution="normal")
    >>> round(float(x.var() * 200), 1)
    1.0

    ```

    As in JAX and Keras.
    """
    fan_in, fan_out = fans(shape)
    sizes = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    draws = {"truncated_normal": _without_tails, "normal": _normal, "uniform": _uniform}
    for name, value, choices in (("mode", mode, sizes), ("distribution", distribution, draws)):
        if value not in choices:
            listed = ", ".join(map(repr, choices))
            raise ValueError(f"variance_scaling: {name}: expected one of {listed}, got {value!r}")
    if not scale > 0:
        raise ValueError(f"variance_scaling: scale: expected a positive number, got {scale}")
    std = math.sqrt(scale / sizes[mode])
    return draws[distribution](
        rng, shape, dtype, std * (_SQRT_3 if distribution == "uniform" else 1)
    )


@Initializer
def linear_bias(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, fan_in: int = 1
) -> Array:
    """Uniform on `[-b, b]` with `b = 1 / √fan_in`: the bias of a layer with `fan_in` inputs.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `fan_in`: how many inputs each output of the layer has, which the bias's shape does not say

    ```python
    >>> import lux
    >>> bool(abs(lux.initializers.linear_bias(0, (50,), fan_in=100)).max() <= 0.1)
    True

    ```

    The default bias of Lux.jl's and PyTorch's dense and convolutional layers.
    """
    return _uniform(rng, shape, dtype, 1 / math.sqrt(max(1, fan_in)))


def _uniform(rng: Any, shape: tuple[int, ...], dtype: Any, bound: float) -> Array:
    check_floating(dtype)
    return _draws.uniform(rng, shape, dtype, -bound, bound)


def _normal(rng: Any, shape: tuple[int, ...], dtype: Any, std: float) -> Array:
    check_floating(dtype)
    return std * _draws.normal(rng, shape, dtype)


def _without_tails(rng: Any, shape: tuple[int, ...], dtype: Any, std: float) -> Array:
    check_floating(dtype)
    return std / _STD_WITHOUT_TAILS * _draws.truncated_normal(rng, shape, dtype, -2.0, 2.0)
