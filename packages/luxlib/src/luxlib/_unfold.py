"""Windows taken out of an array and added into one: two linear maps, each the other's transpose.

`unfold` writes what lies in each window into the last axis, so a convolution is `unfold` and a
product (`im2col`); `fold` adds such windows where they came from (`col2im`), so a transposed
convolution is a product and `fold`. Where windows overlap, `fold` after `unfold` counts an element
as often as windows hold it.

With a stride, the elements that one position of the window reaches are `stride` apart. Elements
with the same remainder form a phase, in which windows move by one: `fold` adds each phase up by
itself and interleaves them at the end, so that nothing is added to the gaps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from ._checks import integers, mismatch, per_axis
from ._dtypes import accumulator
from ._linear import linear
from ._windows import check_fits, padding_pairs, places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Num

    from ._windows import Padding, Pairs

__all__ = ["add_windows", "fold", "unfold"]


def unfold(
    x: Num[Array, "*batch_and_space channels"],
    window: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
) -> Num[Array, "*batch_and_places window_channels"]:
    """Take sliding windows out of one, two or three spatial axes.

    In one dimension, with window positions `i` and channels `c`,

    `y[b, t, i * channels + c] = x[b, stride * t + dilation * i, c]`

    **Arguments**

    - `x`: `(*batch, *space, channels)`, any number of leading axes, also none
    - `window`: its size, one integer for each spatial axis; their number says how many are spatial
    - `stride`: the step between two places of the window, one integer or one for each spatial axis
    - `padding`: zeros added on both sides: one integer, for each spatial axis an integer or a pair
      `(before, after)`, or a word: `"VALID"` (none), `"SAME"` (`ceil(n / stride)` places, an odd
      element after) or `"CAUSAL"` (all before, for one spatial axis)
    - `dilation`: the distance between two elements of the window, like `stride`

    **Returns**

    `(*batch, *places, prod(window) * channels)` with
    `floor((n + before + after - dilation * (k - 1) - 1) / stride) + 1` places on an axis of `n`
    elements under a window of `k`, in the dtype of `x`. The order in the last axis is that of a
    convolution kernel `(*window, channels, out)`, so that `unfold(x, window) @ weight` with the
    kernel as a matrix is `conv(x, weight, cross_correlation=True)`.

    **Raises**

    `ValueError` where shapes and options don't fit together.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([100, 2, 3, 40, 5, 6, 700])[:, None]
    >>> luxlib.unfold(x, (3,), stride=2, padding=1)
    Array([[  0, 100,   2],
           [  2,   3,  40],
           [ 40,   5,   6],
           [  6, 700,   0]], dtype=int32)
    ```

    As `NNlib.unfold` and `torch.nn.functional.unfold`, which flatten the places into one axis;
    PyTorch orders the entries of a window by channels first. The example is NNlib's.
    """
    sizes, options = _options("unfold", x, window, stride, padding, dilation)
    return _unfolded(x, window=sizes, **options)


def fold(
    x: Num[Array, "*batch_and_places window_channels"],
    size: Sequence[int],
    window: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
) -> Num[Array, "*batch_and_space channels"]:
    """Add sliding windows up in the places that they were taken from: the transpose of `unfold`.

    In one dimension, with window positions `i` and channels `c`,

    `y[b, u, c] = sum(x[b, t, i * channels + c])` over `t` and `i` with `stride * t + dilation * i`
    equal to `u`

    **Arguments**

    - `x`: `(*batch, *places, prod(window) * channels)`, as `unfold` returns it
    - `size`: the spatial axes of the result, one integer for each
    - `window`, `stride`, `padding`, `dilation`: as for `unfold`; what is added to padding is lost

    **Returns**

    `(*batch, *size, channels)`, in the dtype of `x`. Half precision is summed in `float32` and
    rounded once.

    **Raises**

    `ValueError` where shapes and options don't fit together.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x = jnp.array([100, 2, 3, 40, 5, 6, 700])[:, None]
    >>> luxlib.fold(luxlib.unfold(x, (3,)), (7,), (3,))[:, 0]
    Array([100,   4,   9, 120,  15,  12, 700], dtype=int32)
    ```

    As `NNlib.fold`, whose example this is, and `torch.nn.functional.fold`.
    """
    function = "fold"
    sizes = integers(size)
    if not isinstance(size, Iterable) or not sizes or not 1 <= len(sizes) <= 3 or min(sizes) < 1:
        raise mismatch(
            function,
            "size",
            "one to three integers, each at least 1",
            repr(size),
            "Give the size of each spatial axis of the result.",
        )
    whole = jax.ShapeDtypeStruct((*sizes, 1), x.dtype)
    windows, options = _options(function, whole, window, stride, padding, dilation, len(sizes))
    positions = math.prod(windows)
    expected = _places(sizes, windows, **options)
    axes = len(sizes)
    if x.ndim <= axes or x.shape[-axes - 1 : -1] != expected or x.shape[-1] % positions:
        named = ", ".join(map(str, ("...", *expected, f"{positions} * channels")))
        raise mismatch(
            function,
            "x",
            f"shape ({named})",
            x.shape,
            f"A window {windows} stands at {expected} places on axes of {sizes} elements.",
        )
    return _folded(x, size=sizes, window=windows, **options)


def _options(
    function: str,
    x: Any,
    window: Sequence[int],
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    expected: int | None = None,
) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Check the arguments; return the window and the options as the implementations take them."""
    sizes = integers(window)
    axes = len(sizes) if sizes and isinstance(window, Iterable) else 0
    if sizes is None or axes != (expected or axes) or not 1 <= axes <= 3 or min(sizes) < 1:
        count = "one to three integers" if expected is None else f"{expected} integers"
        raise mismatch(
            function,
            "window",
            f"{count}, each at least 1, one for each spatial axis",
            repr(window),
            "For one spatial axis and a window of three elements that is (3,).",
        )
    if x.ndim <= axes:
        named = ", ".join(("...", *("space",) * axes, "channels"))
        raise mismatch(
            function,
            "x",
            f"shape ({named})",
            x.shape,
            f"A window of {axes} sizes slides over {axes} spatial axes before the channels.",
        )
    strides = per_axis(function, "stride", stride, axes)
    dilations = per_axis(function, "dilation", dilation, axes)
    space = x.shape[-axes - 1 : -1]
    pairs = padding_pairs(function, padding, space, sizes, strides, dilations)
    check_fits(function, space, sizes, pairs, dilations)
    return sizes, {"stride": strides, "pairs": pairs, "dilation": dilations}


def _places(
    space: Sequence[int],
    window: Sequence[int],
    stride: Sequence[int],
    pairs: Pairs,
    dilation: Sequence[int],
) -> tuple[int, ...]:
    return tuple(map(places, space, window, stride, pairs, dilation))


_STATIC = ("window", "stride", "pairs", "dilation")


@partial(jax.jit, static_argnames=_STATIC)
def _unfolded(x: Array, **options: Any) -> Array:
    axes = len(options["window"])
    batch, space = x.shape[: -axes - 1], x.shape[-axes - 1 : -1]
    rows = x.reshape(math.prod(batch), *x.shape[-axes - 1 :])
    y = linear(partial(_take, **options), partial(_add, size=space, **options), (), rows)
    return y.reshape(*batch, *y.shape[1:])


@partial(jax.jit, static_argnames=("size", *_STATIC))
def _folded(x: Array, *, size: tuple[int, ...], **options: Any) -> Array:
    axes = len(size)
    batch = x.shape[: -axes - 1]
    rows = x.reshape(math.prod(batch), *x.shape[-axes - 1 :])
    y = linear(partial(_add, size=size, **options), partial(_take, **options), (), rows)
    return y.reshape(*batch, *y.shape[1:])


def _take(
    _: tuple[()],
    x: Array,
    *,
    window: tuple[int, ...],
    stride: tuple[int, ...],
    pairs: Pairs,
    dilation: tuple[int, ...],
) -> Array:
    """Join what lies at each position of the window, for `x` `(batch, *space, channels)`."""
    padded = jnp.pad(x, ((0, 0), *pairs, (0, 0)))
    counts = _places(x.shape[1:-1], window, stride, pairs, dilation)
    parts = []
    for position in itertools.product(*map(range, window)):
        start = [i * d for i, d in zip(position, dilation, strict=True)]
        stop = [i + (n - 1) * s + 1 for i, n, s in zip(start, counts, stride, strict=True)]
        limits = (x.shape[0], *stop, x.shape[-1])
        parts.append(lax.slice(padded, (0, *start, 0), limits, (1, *stride, 1)))
    return lax.concatenate(parts, x.ndim - 1)


def _add(_: tuple[()], x: Array, *, window: tuple[int, ...], **geometry: Any) -> Array:
    """Add up the positions of the window, which are joined in the last axis of `x`."""
    count = math.prod(window)
    parts = lax.split(x.astype(accumulator(x.dtype)), (x.shape[-1] // count,) * count, x.ndim - 1)
    return add_windows(parts, window=window, **geometry).astype(x.dtype)


def add_windows(
    parts: Sequence[Array],
    *,
    size: Sequence[int],
    window: Sequence[int],
    stride: Sequence[int],
    pairs: Pairs,
    dilation: Sequence[int],
) -> Array:
    """Add windows into an array `(batch, *size, channels)` of zeros.

    `parts[p]` `(batch, *places, channels)` holds what every window has at its position `p`, in
    row-major order. It is added at `stride * place + dilation * position - before`; what falls
    outside is lost.
    """
    first = parts[0]
    counts = [-(-n // s) for n, s in zip(size, stride, strict=True)]
    nothing = jnp.zeros((first.shape[0], *counts, first.shape[-1]), first.dtype)
    phases = dict.fromkeys(itertools.product(*map(range, stride)), nothing)
    for part, position in zip(parts, itertools.product(*map(range, window)), strict=True):
        offsets = [i * d - pair[0] for i, d, pair in zip(position, dilation, pairs, strict=True)]
        phase = tuple(o % s for o, s in zip(offsets, stride, strict=True))
        shifts = [o // s for o, s in zip(offsets, stride, strict=True)]
        edges = [
            (shift, count - n - shift, 0)
            for shift, count, n in zip(shifts, counts, first.shape[1:-1], strict=True)
        ]
        moved = lax.pad(part, jnp.zeros((), part.dtype), ((0, 0, 0), *edges, (0, 0, 0)))
        phases[phase] = moved if phases[phase] is nothing else phases[phase] + moved
    whole = _interleaved(phases, stride)
    return lax.slice(whole, (0,) * whole.ndim, (whole.shape[0], *size, whole.shape[-1]))


def _interleaved(phases: dict[tuple[int, ...], Array], stride: Sequence[int]) -> Array:
    """Put element `t` of phase `r` at `stride * t + r`, in all spatial axes."""
    for axis in reversed(range(len(stride))):
        heads = itertools.product(*map(range, stride[:axis]))
        phases = {
            head: _woven([phases[(*head, r)] for r in range(stride[axis])], axis + 1)
            for head in heads
        }
    return phases[()]


def _woven(parts: list[Array], axis: int) -> Array:
    """Put the parts' elements along an axis in turn."""
    if len(parts) == 1:
        return parts[0]
    y = jnp.stack(parts, axis + 1)
    return y.reshape(*y.shape[:axis], y.shape[axis] * y.shape[axis + 1], *y.shape[axis + 2 :])
