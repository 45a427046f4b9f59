"""Pooling: a window's largest element.

The derivative is our own. XLA transposes a maximum over windows into a select-and-scatter, which
on CPU takes 1.5 to 16 times as long as comparing: the element that equals the maximum, the first
one where several do, is the one that the output varies with. Which one it was is kept as one byte
for each output, and the derivative is a sum over the window's positions of what lies there where
that position won. That is linear and made of ordinary operations, so JAX transposes it, and every
transformation and order of derivative works.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ._checks import integers, mismatch, per_axis
from ._windows import check_fits, padding_pairs, places, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jax import Array
    from jaxtyping import Shaped

    from ._windows import Padding, Pairs

__all__ = ["maxpool"]

# Larger windows are differentiated by XLA's select-and-scatter (where it can: not if dilated):
# the comparisons are written out one by one.
_MOST_COMPARISONS = 64


def maxpool(
    x: Shaped[Array, "*batch_and_space channels"],
    window: Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> Shaped[Array, "*batch_and_places channels"]:
    """Take the largest element of each window over one, two or three spatial axes.

    In one dimension, with window positions `i`,

    `y[b, t, c] = max(x[b, stride * t + dilation * i, c])`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, real, any number of leading axes, also none
    - `window`: its size, one integer for each spatial axis; their number says how many are spatial
    - `stride`: the step between two places of the window, one integer or one for each spatial axis;
      `None` for the window's size, so that windows tile the input
    - `padding`: elements added on both sides, smaller than everything: one integer, for each
      spatial axis an integer or a pair `(before, after)`, or `"VALID"` (none) or `"SAME"`
      (`ceil(n / stride)` places, an odd element after)
    - `dilation`: the distance between two elements of the window, like `stride`
    - `ceil_mode`: whether a last window that reaches over the end counts, if it begins before it

    **Returns**

    `(*batch, *places, channels)` with
    `floor((n + before + after - dilation * (k - 1) - 1) / stride) + 1` places on an axis of `n`
    elements under a window of `k`, in the dtype of `x`. Where several elements of a window are
    largest, the gradient goes to the first. A window with a NaN gives NaN.

    **Raises**

    `ValueError` where shapes and options don't fit together, `TypeError` where `x` is complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([1.0, 3.0, 2.0, 0.0, 5.0])[:, None]
    >>> luxlib.maxpool(x, (2,))[:, 0]
    Array([3., 2.], dtype=float32)
    >>> luxlib.maxpool(x, (2,), ceil_mode=True)[:, 0]
    Array([3., 2., 5.], dtype=float32)
    >>> luxlib.maxpool(x, (3,), stride=1, padding="SAME")[:, 0]
    Array([3., 3., 3., 5., 5.], dtype=float32)
    ```

    As `NNlib.maxpool` and `torch.nn.functional.max_pool2d`, with channels last.
    """
    function = "maxpool"
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise mismatch(
            function,
            "x",
            "a real dtype",
            x.dtype,
            "Complex numbers have no order: pool jax.numpy.abs(x), for example.",
            kind=TypeError,
        )
    options = _options(function, x, window, stride, padding, dilation, ceil_mode)
    return _maxpool(x, **options)


def _options(
    function: str,
    x: Array,
    window: Sequence[int],
    stride: int | Sequence[int] | None,
    padding: Padding,
    dilation: int | Sequence[int],
    ceil_mode: bool,
) -> dict[str, Any]:
    """Check the arguments and return the options as the implementations take them."""
    sizes = integers(window)
    axes = len(sizes) if sizes and isinstance(window, Iterable) else 0
    if not 1 <= axes <= 3:
        raise mismatch(
            function,
            "window",
            "one to three integers, one for each spatial axis",
            repr(window),
            "For two spatial axes that is (2, 2).",
        )
    sizes = per_axis(function, "window", window, axes)
    if x.ndim < axes + 1:
        named = ", ".join(("...", *("space",) * axes, "channels"))
        raise mismatch(
            function,
            "x",
            f"shape ({named})",
            x.shape,
            f"A window of {axes} sizes pools {axes} spatial axes before the channels.",
        )
    strides = sizes if stride is None else per_axis(function, "stride", stride, axes)
    dilations = per_axis(function, "dilation", dilation, axes)
    space = x.shape[-axes - 1 : -1]
    pairs = padding_pairs(
        function, padding, space, sizes, strides, dilations, words=("SAME", "VALID")
    )
    check_fits(function, space, sizes, pairs, dilations)
    spans = tuple(span(k, d) for k, d in zip(sizes, dilations, strict=True))
    if any(max(pair) >= reach for pair, reach in zip(pairs, spans, strict=True)):
        raise mismatch(
            function,
            "padding",
            f"less than the window spans, {spans}",
            pairs,
            "A window that lies in the padding has no element to take.",
        )
    if ceil_mode:
        pairs = tuple(
            (pair[0], pair[1] + _overhang(n, k, s, pair, d))
            for n, k, s, pair, d in zip(space, sizes, strides, pairs, dilations, strict=True)
        )
    return {"window": sizes, "stride": strides, "pairs": pairs, "dilation": dilations}


def _overhang(size: int, window: int, stride: int, pair: tuple[int, int], dilation: int) -> int:
    """Return how much padding lets a last window reach over the end, if it begins before it."""
    whole = places(size, window, stride, pair, dilation)
    rest = size + sum(pair) - span(window, dilation) - (whole - 1) * stride
    begins = whole * stride < size + pair[0]
    return stride - rest if rest and begins else 0


@partial(jax.jit, static_argnames=("window", "stride", "pairs", "dilation"))
def _maxpool(
    x: Array,
    *,
    window: tuple[int, ...],
    stride: tuple[int, ...],
    pairs: Pairs,
    dilation: tuple[int, ...],
) -> Array:
    axes = len(window)
    batch = x.shape[: -axes - 1]
    rows = x.reshape(math.prod(batch), *x.shape[-axes - 1 :])
    few = math.prod(window) <= _MOST_COMPARISONS or set(dilation) != {1}
    differentiable = jnp.issubdtype(x.dtype, jnp.floating)
    pool = _window_maximum if few and differentiable else _reduce_window
    y = pool(rows, window, stride, pairs, dilation)
    return y.reshape(*batch, *y.shape[1:])


def _reduce_window(
    x: Array,
    window: tuple[int, ...],
    stride: tuple[int, ...],
    pairs: Pairs,
    dilation: tuple[int, ...],
) -> Array:
    return lax.reduce_window(
        x,
        _smallest(x.dtype),
        lax.max,
        window_dimensions=(1, *window, 1),
        window_strides=(1, *stride, 1),
        padding=((0, 0), *pairs, (0, 0)),
        window_dilation=(1, *dilation, 1),
    )


_window_maximum = partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3, 4))(_reduce_window)


@_window_maximum.defjvp
def _window_maximum_jvp(
    window: tuple[int, ...],
    stride: tuple[int, ...],
    pairs: Pairs,
    dilation: tuple[int, ...],
    primals: tuple[Array],
    tangents: tuple[Array],
) -> tuple[Array, Array]:
    (x,), (x_dot,) = primals, tangents
    y = _window_maximum(x, window, stride, pairs, dilation)
    edges = ((0, 0, 0), *((before, after, 0) for before, after in pairs), (0, 0, 0))

    def elements(array: Array, beyond: Any) -> Iterator[Array]:
        """Yield, for each position in the window, the elements that lie there."""
        padded = lax.pad(array, jnp.asarray(beyond, array.dtype), edges)
        for position in itertools.product(*map(range, window)):
            start = [i * d for i, d in zip(position, dilation, strict=True)]
            stop = [
                i + (n - 1) * s + 1 for i, n, s in zip(start, y.shape[1:-1], stride, strict=True)
            ]
            yield lax.slice(
                padded,
                (0, *start, 0),
                (y.shape[0], *stop, y.shape[-1]),
                (1, *stride, 1),
            )

    positions = math.prod(window)
    kind = jnp.uint8 if positions < 256 else jnp.uint32
    winner = jnp.full(y.shape, positions, kind)
    candidates = list(elements(x, _smallest(x.dtype)))
    for position, candidate in reversed(list(enumerate(candidates))):
        # Not less, rather than equal: true somewhere in a window with a NaN too.
        winner = jnp.where(candidate < y, winner, jnp.asarray(position, kind))

    def at_the_winner(winner: Array, array: Array) -> Array:
        chosen = jnp.zeros_like(y)
        for position, element in enumerate(elements(array, 0)):
            chosen = chosen + jnp.where(winner == position, element, jnp.zeros_like(element))
        return chosen

    # The checkpoint keeps `winner` for the backward pass, and not what is computed from it.
    return y, jax.checkpoint(at_the_winner, prevent_cse=False)(winner, x_dot)


def _smallest(dtype: Any) -> Any:
    """Return a number that is larger than none of `dtype`."""
    if jnp.issubdtype(dtype, jnp.floating):
        return np.asarray(-np.inf, dtype)
    return np.asarray(False if dtype == jnp.bool_ else jnp.iinfo(dtype).min, dtype)
