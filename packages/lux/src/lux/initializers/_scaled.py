"""Random initial values whose variance follows from the number of inputs and outputs.

For a weight `(*window, in, out)`, with `k` positions in the window, `fan_in = k · in` and
`fan_out = k · out`; a vector of `n` elements has `fan_in = 1` and `fan_out = n`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from ._initializer import Initializer, check_floating, fans

if TYPE_CHECKING:
    from jax import Array

_SQRT_2 = math.sqrt(2)


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


@Initializer
def truncated_normal(
    rng: Any,
    shape: tuple[int, ...],
    dtype: Any = jnp.float32,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    lo: float = -2.0,
    hi: float = 2.0,
) -> Array:
    """Normal with `mean` and `std`, given that the value lies between `lo` and `hi`.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `mean`, `std`: of the normal distribution before it is truncated
    - `lo`, `hi`: the limits, in the units of the values

    ```python
    >>> import lux
    >>> x = lux.initializers.truncated_normal(0, (1000,), std=0.02, lo=-0.04, hi=0.04)
    >>> bool(abs(x).max() <= 0.04)
    True

    ```

    As in WeightInitializers.jl. The limits are values, as there and in PyTorch's `trunc_normal_`,
    and not multiples of `std`, as in JAX's.
    """
    check_floating(dtype)
    if not (std > 0 and lo < hi):
        raise ValueError(
            f"truncated_normal: expected std > 0 and lo < hi, got std={std}, lo={lo}, hi={hi}"
        )
    limits = (lo - mean) / std, (hi - mean) / std
    x = mean + std * jax.random.truncated_normal(rng, *limits, shape, dtype)
    return jnp.clip(x, lo, hi)


def _uniform(rng: Any, shape: tuple[int, ...], dtype: Any, bound: float) -> Array:
    check_floating(dtype)
    return jax.random.uniform(rng, shape, dtype, -bound, bound)


def _normal(rng: Any, shape: tuple[int, ...], dtype: Any, std: float) -> Array:
    check_floating(dtype)
    return std * jax.random.normal(rng, shape, dtype)
