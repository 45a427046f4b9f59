"""Windows along one axis, of an array `(outer, size, inner)`.

`Sliding` are windows of one size, a stride apart. `Uneven` are as many as are asked for: window `i`
of `m` holds what lies from `i n / m`, rounded down, to `(i + 1) n / m`, rounded up. Both are values
that a compiled function takes as static options.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from luxlib._checks import integers, mismatch, per_axis
from luxlib._windows import check_fits, padding_pairs, places, span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array

    from luxlib._windows import Padding

__all__ = [
    "UNROLLED",
    "Sliding",
    "Uneven",
    "along",
    "reduce_windows",
    "sliding",
    "spatial_axes",
]

# Windows of up to so many elements that lie apart are combined element by element: XLA's reductions
# over an axis in the middle take up to 1.5 times as long on CPU.
UNROLLED = 32


class Sliding(NamedTuple):
    """Windows of one size on an axis of `size` elements.

    Beyond `before` and `after` elements of padding, the last may reach over the end by `overhang`.
    """

    size: int
    window: int
    stride: int
    dilation: int
    before: int
    after: int
    overhang: int

    @property
    def places(self) -> int:
        """At how many places the window stands."""
        pair = (self.before, self.after + self.overhang)
        return places(self.size, self.window, self.stride, pair, self.dilation)

    @property
    def disjoint(self) -> bool:
        """Whether no two windows overlap."""
        return span(self.window, self.dilation) <= self.stride

    def counts(self, *, with_padding: bool = False) -> np.ndarray:
        """Return how many elements each window holds, those of the padding included or not."""
        first = np.arange(self.places) * self.stride - self.before
        at = first[:, None] + np.arange(self.window) * self.dilation
        low, high = (-self.before, self.size + self.after) if with_padding else (0, self.size)
        return ((low <= at) & (at < high)).sum(1)

    def elements(self, x: Array, beyond: Any) -> list[Array]:
        """Return, for each position in the window, what lies there: `(outer, places, inner)`."""
        if self.disjoint:
            windows = self.windows(x, beyond)
            return [windows[:, :, i] for i in range(self.window)]
        edges = (self.before, self.after + self.overhang, 0)
        padded = lax.pad(x, jnp.asarray(beyond, x.dtype), ((0, 0, 0), edges, (0, 0, 0)))
        reach = (self.places - 1) * self.stride + 1
        starts = [i * self.dilation for i in range(self.window)]
        return [lax.slice_in_dim(padded, s, s + reach, self.stride, axis=1) for s in starts]

    def windows(self, x: Array, beyond: Any) -> Array:
        """Return the windows, which must be disjoint: `(outer, places, window, inner)`."""
        after = self.places * self.stride - self.size - self.before
        edges = ((0, 0, 0), (self.before, after, 0), (0, 0, 0))
        padded = lax.pad(x, jnp.asarray(beyond, x.dtype), edges)
        rows = padded.reshape(x.shape[0], self.places, self.stride, x.shape[2])
        reach = span(self.window, self.dilation)
        return lax.slice_in_dim(rows, 0, reach, self.dilation, axis=2)


class Uneven(NamedTuple):
    """`places` windows on an axis of `size` elements, as even as it can be."""

    size: int
    places: int

    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        start = np.arange(self.places) * self.size // self.places
        stop = -(-np.arange(1, self.places + 1) * self.size // self.places)
        return start, stop

    def counts(self) -> np.ndarray:
        """Return how many elements each window holds."""
        start, stop = self._bounds()
        return stop - start

    def windows(self, x: Array, beyond: Any) -> Array:
        """Return the windows, short ones filled up: `(outer, places, window, inner)`."""
        start, stop = self._bounds()
        at = start[:, None] + np.arange(self.counts().max())
        taken = jnp.take(x, np.minimum(at, self.size - 1), axis=1, mode="clip")
        inside = jnp.asarray(at < stop[:, None])[None, :, :, None]
        return jnp.where(inside, taken, jnp.asarray(beyond, x.dtype))


def along(x: Array, axes: Sequence[Any], pool: Callable[[Array, Any], Array]) -> Array:
    """Pool the axes before the channels one by one, the last first.

    So the first of equal elements is the first in the order in which they lie in memory.
    """
    for i, axis in reversed(list(enumerate(axes, start=x.ndim - 1 - len(axes)))):
        flat = x.reshape(math.prod(x.shape[:i]), x.shape[i], math.prod(x.shape[i + 1 :]))
        y = pool(flat, axis)
        x = y.reshape(*x.shape[:i], y.shape[1], *x.shape[i + 1 :])
    return x


def reduce_windows(
    x: Array, axes: Sequence[Sliding], initial: Any, operation: Callable[[Any, Any], Any]
) -> Array:
    """Reduce windows over the axes before the last, all at once, with XLA's own reduction."""
    others = x.ndim - len(axes) - 1
    return lax.reduce_window(
        x,
        np.asarray(initial, x.dtype),
        operation,
        window_dimensions=(*(1,) * others, *(axis.window for axis in axes), 1),
        window_strides=(*(1,) * others, *(axis.stride for axis in axes), 1),
        padding=(
            *((0, 0),) * others,
            *((axis.before, axis.after + axis.overhang) for axis in axes),
            (0, 0),
        ),
        window_dilation=(*(1,) * others, *(axis.dilation for axis in axes), 1),
    )


def spatial_axes(function: str, argument: str, value: Sequence[int], x: Array) -> int:
    """Return how many axes of `x` are spatial: as many as `argument` has integers."""
    sizes = integers(value)
    axes = len(sizes) if sizes and isinstance(value, Iterable) else 0
    if not 1 <= axes <= 3:
        raise mismatch(
            function,
            argument,
            "one to three integers, one for each spatial axis",
            repr(value),
            "For two spatial axes that is (2, 2).",
        )
    if x.ndim < axes + 1:
        named = ", ".join(("...", *("space",) * axes, "channels"))
        raise mismatch(
            function,
            "x",
            f"shape ({named})",
            x.shape,
            f"With {axes} numbers in {argument}, {axes} spatial axes lie before the channels.",
        )
    return axes


def sliding(
    function: str,
    x: Array,
    window: Sequence[int],
    stride: int | Sequence[int] | None,
    padding: Padding,
    dilation: int | Sequence[int],
    ceil_mode: bool,
) -> tuple[Sliding, ...]:
    """Check the arguments of a pooling function and return the windows along each axis."""
    count = spatial_axes(function, "window", window, x)
    sizes = per_axis(function, "window", window, count)
    strides = sizes if stride is None else per_axis(function, "stride", stride, count)
    dilations = per_axis(function, "dilation", dilation, count)
    space = x.shape[-count - 1 : -1]
    pairs = padding_pairs(
        function, padding, space, sizes, strides, dilations, words=("SAME", "VALID")
    )
    check_fits(function, space, sizes, pairs, dilations)
    axes = tuple(
        Sliding(n, k, s, d, *pair, _overhang(n, k, s, pair, d) if ceil_mode else 0)
        for n, k, s, pair, d in zip(space, sizes, strides, pairs, dilations, strict=True)
    )
    if any((axis.counts() == 0).any() for axis in axes):
        raise mismatch(
            function,
            "padding",
            "an element of x in every window",
            pairs,
            "A window that lies in the padding has nothing to pool: use less of it.",
        )
    return axes


def _overhang(size: int, window: int, stride: int, pair: tuple[int, int], dilation: int) -> int:
    """Return how far a last window reaches over the end, if it begins before the end of `x`."""
    whole = places(size, window, stride, pair, dilation)
    rest = size + sum(pair) - span(window, dilation) - (whole - 1) * stride
    begins = whole * stride < size + pair[0]
    return stride - rest if rest and begins else 0
