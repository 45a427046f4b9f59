"""Moving channels into space and back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import jax

from luxlib._checks import integers, mismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Shaped

__all__ = ["pixel_shuffle", "pixel_unshuffle"]


def pixel_shuffle(
    x: Shaped[Array, "*batch_and_space channels"], factor: int | Sequence[int]
) -> Shaped[Array, "*batch_and_larger_space fewer_channels"]:
    """Make images larger by a factor, out of their channels.

    In two dimensions, with remainders `i` and `j` smaller than the factor `r`,

    `y[b, r * h + i, r * w + j, c] = x[b, h, w, c * r**2 + r * i + j]`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, with a multiple of `r**axes` channels
    - `factor`: `r`, at least 1: for each spatial axis one integer, or one integer for all axes but
      the first and the last

    **Returns**

    `(*batch, *(r * space), channels / r**axes)`

    **Raises**

    `ValueError` where the factor doesn't fit to `x`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.arange(8).reshape(1, 1, 2, 4)
    >>> luxlib.pixel_shuffle(x, 2)[0, :, :, 0]
    Array([[0, 1, 4, 5],
           [2, 3, 6, 7]], dtype=int32)
    >>> luxlib.pixel_shuffle(jnp.ones((5, 6)), (2,)).shape
    (10, 3)
    ```

    As `NNlib.pixel_shuffle` and `torch.nn.functional.pixel_shuffle`, with channels last;
    TensorFlow's `depth_to_space` orders the channels otherwise. From Shi et al., "Real-Time Single
    Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network",
    https://arxiv.org/abs/1609.05158.
    """
    function = "pixel_shuffle"
    factors = _factors(function, x, factor)
    if x.shape[-1] % math.prod(factors):
        raise mismatch(
            function,
            "x",
            f"a multiple of {math.prod(factors)} channels",
            f"shape {x.shape}",
            f"Factors {factors} turn so many channels into one.",
        )
    return _shuffled(x, factors=factors)


def pixel_unshuffle(
    x: Shaped[Array, "*batch_and_space channels"], factor: int | Sequence[int]
) -> Shaped[Array, "*batch_and_smaller_space more_channels"]:
    """Make images smaller by a factor, and put the pixels into channels: undo `pixel_shuffle`.

    In two dimensions, with remainders `i` and `j` smaller than the factor `r`,

    `y[b, h, w, c * r**2 + r * i + j] = x[b, r * h + i, r * w + j, c]`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, with spatial axes that are multiples of `r`
    - `factor`: as for `pixel_shuffle`

    **Returns**

    `(*batch, *(space / r), channels * r**axes)`

    **Raises**

    `ValueError` where the factor doesn't fit to `x`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.pixel_unshuffle(jnp.arange(8).reshape(1, 2, 4, 1), 2)[0, 0]
    Array([[0, 1, 4, 5],
           [2, 3, 6, 7]], dtype=int32)
    ```

    As `torch.nn.functional.pixel_unshuffle`, with channels last.
    """
    function = "pixel_unshuffle"
    factors = _factors(function, x, factor)
    space = x.shape[-len(factors) - 1 : -1]
    if any(n % r for n, r in zip(space, factors, strict=True)):
        raise mismatch(
            function,
            "x",
            f"spatial axes that are multiples of {factors}",
            f"shape {x.shape}",
            "Pad or crop it first.",
        )
    return _unshuffled(x, factors=factors)


def _factors(function: str, x: Array, factor: int | Sequence[int]) -> tuple[int, ...]:
    """Return the factor of each spatial axis."""
    factors = integers(factor)
    if factors is not None and not isinstance(factor, Iterable):
        factors *= max(x.ndim - 2, 1)
    if not factors or min(factors) < 1:
        raise mismatch(
            function,
            "factor",
            "an integer of at least 1, or one for each spatial axis",
            repr(factor),
            "It says how many pixels along an axis one becomes.",
        )
    least = len(factors) + 1 if isinstance(factor, Iterable) else 3
    if x.ndim < least:
        raise mismatch(
            function,
            "x",
            f"at least {least} axes, the last of them channels",
            f"shape {x.shape}",
            "Give one factor for each spatial axis, where there is no batch.",
        )
    return factors


@partial(jax.jit, static_argnames=("factors",))
def _shuffled(x: Array, *, factors: tuple[int, ...]) -> Array:
    axes = len(factors)
    batch, space = x.shape[: -axes - 1], x.shape[-axes - 1 : -1]
    first = len(batch)
    parts = x.reshape(*batch, *space, x.shape[-1] // math.prod(factors), *factors)
    # The remainders follow the channels; each comes behind its spatial axis.
    pairs = [a for i in range(axes) for a in (first + i, first + axes + 1 + i)]
    parts = parts.transpose(*range(first), *pairs, first + axes)
    larger = [n * r for n, r in zip(space, factors, strict=True)]
    return parts.reshape(*batch, *larger, parts.shape[-1])


@partial(jax.jit, static_argnames=("factors",))
def _unshuffled(x: Array, *, factors: tuple[int, ...]) -> Array:
    axes = len(factors)
    batch, space = x.shape[: -axes - 1], x.shape[-axes - 1 : -1]
    first = len(batch)
    smaller = [n // r for n, r in zip(space, factors, strict=True)]
    split = [n for pair in zip(smaller, factors, strict=True) for n in pair]
    parts = x.reshape(*batch, *split, x.shape[-1])
    whole, rest = range(first, first + 2 * axes, 2), range(first + 1, first + 2 * axes, 2)
    parts = parts.transpose(*range(first), *whole, first + 2 * axes, *rest)
    return parts.reshape(*batch, *smaller, x.shape[-1] * math.prod(factors))
