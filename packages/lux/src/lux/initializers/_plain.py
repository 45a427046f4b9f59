"""Random initial values that do not depend on the shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from . import _draws
from ._initializer import Initializer, check_floating

if TYPE_CHECKING:
    from jax import Array


@Initializer
def uniform(
    rng: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, *, lo: float = 0.0, hi: float = 1.0
) -> Array:
    """Uniform on `[lo, hi)`.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `lo`, `hi`: the limits

    ```python
    >>> import lux
    >>> x = lux.initializers.uniform(0, (1000,), lo=-1.0)
    >>> bool(((x >= -1) & (x < 1)).all())
    True

    ```

    As PyTorch's `uniform_`. JAX's has one limit, `scale`, by default 0.01.
    """
    check_floating(dtype)
    if not lo < hi:
        raise ValueError(f"uniform: expected lo < hi, got lo={lo}, hi={hi}")
    return _draws.uniform(rng, shape, dtype, lo, hi)


@Initializer
def normal(
    rng: Any,
    shape: tuple[int, ...],
    dtype: Any = jnp.float32,
    *,
    mean: float = 0.0,
    std: float = 1.0,
) -> Array:
    """Normal with `mean` and the standard deviation `std`.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer
    - `mean`, `std`: of the distribution

    ```python
    >>> import lux
    >>> round(float(lux.initializers.normal(0, (1000,), std=0.02).std()), 3)
    0.02

    ```

    As PyTorch's `normal_`. JAX's has a standard deviation of 0.01 by default.
    """
    check_floating(dtype)
    if not std >= 0:
        raise ValueError(f"normal: std: expected a number of at least 0, got {std}")
    return mean + std * _draws.normal(rng, shape, dtype)


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
    x = mean + std * _draws.truncated_normal(rng, shape, dtype, *limits)
    return jnp.clip(x, lo, hi)


@Initializer
def sparse_init(
    rng: Any,
    shape: tuple[int, ...],
    dtype: Any = jnp.float32,
    *,
    sparsity: float,
    std: float = 0.01,
) -> Array:
    """Normal with the standard deviation `std`, but 0 for a share of the outputs of each input.

    **Arguments**

    - `rng`, `shape`, `dtype`: as for every initializer; the shape is `(in, out)`
    - `sparsity`: which share of the outputs of each input is 0, rounded up to a whole number
    - `std`: the standard deviation of the others

    ```python
    >>> import lux
    >>> x = lux.initializers.sparse_init(0, (5, 10), sparsity=0.3)
    >>> (x == 0).sum(1)
    Array([3, 3, 3, 3, 3], dtype=int32)

    ```

    Martens, "Deep learning via Hessian-free optimization", 2010. As in WeightInitializers.jl and
    PyTorch's `sparse_`, with the weight transposed.
    """
    check_floating(dtype)
    if len(shape) != 2:
        raise ValueError(f"sparse_init: shape: expected (in, out), got {shape}")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_init: sparsity: expected a number from 0 to 1, got {sparsity}")
    values, order = jax.random.split(rng)
    x = std * _draws.normal(values, shape, dtype)
    first = jnp.arange(shape[1]) < math.ceil(sparsity * shape[1])
    zero = jax.random.permutation(order, jnp.broadcast_to(first, shape), axis=1, independent=True)
    return jnp.where(zero, jnp.zeros((), dtype), x)
