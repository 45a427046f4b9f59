"""Windows that fade a frame in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from luxlib._checks import integers, mismatch

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float

__all__ = ["check_count", "hamming_window", "hann_window"]


def hann_window(
    length: int, *, periodic: bool = True, dtype: Any = jnp.float32
) -> Float[Array, " length"]:
    """Return a Hann window: a raised cosine that begins at zero.

    `w[k] = 0.5 - 0.5 * cos(2 * pi * k / n)`

    **Arguments**

    - `length`: the number of samples
    - `periodic`: whether `n` is `length`, so that the window continues periodically, which Fourier
      transforms want; otherwise it is `length - 1`, and the window is symmetric
    - `dtype`: a floating dtype

    **Returns**

    `(length,)`

    **Raises**

    `ValueError` where `length` is not a positive integer.

    ```python
    >>> import luxlib
    >>> luxlib.hann_window(4)
    Array([0. , 0.5, 1. , 0.5], dtype=float32)
    >>> luxlib.hann_window(5, periodic=False)
    Array([0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    ```

    As `NNlib.hann_window` and `torch.hann_window`.
    """
    check_count("hann_window", "length", length)
    return _raised_cosine(length, 0.5, 0.5, periodic, dtype)


def hamming_window(
    length: int,
    *,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    dtype: Any = jnp.float32,
) -> Float[Array, " length"]:
    """Return a Hamming window: a raised cosine that doesn't reach zero.

    `w[k] = alpha - beta * cos(2 * pi * k / n)`

    **Arguments**

    - `length`: the number of samples
    - `periodic`: whether `n` is `length`, so that the window continues periodically, which Fourier
      transforms want; otherwise it is `length - 1`, and the window is symmetric
    - `alpha`, `beta`: the coefficients
    - `dtype`: a floating dtype

    **Returns**

    `(length,)`

    **Raises**

    `ValueError` where `length` is not a positive integer.

    ```python
    >>> import luxlib
    >>> luxlib.hamming_window(4)
    Array([0.08, 0.54, 1.  , 0.54], dtype=float32)
    ```

    As `NNlib.hamming_window` and `torch.hamming_window`.
    """
    check_count("hamming_window", "length", length)
    return _raised_cosine(length, alpha, beta, periodic, dtype)


def _raised_cosine(length: int, alpha: float, beta: float, periodic: bool, dtype: Any) -> Array:
    if length == 1:
        return jnp.ones(1, dtype)
    turns = np.arange(length) / (length if periodic else length - 1)
    return jnp.asarray(alpha - beta * np.cos(2 * np.pi * turns), dtype)


def check_count(function: str, argument: str, value: Any) -> None:
    """Refuse what is not a positive integer."""
    read = None if np.ndim(value) else integers(value)
    if read is None or read[0] < 1:
        raise mismatch(
            function, argument, "a positive integer", repr(value), "It counts at least one."
        )
