"""Windows that slide over space: the geometry that convolution and pooling share.

A window of `k` elements with dilation `d` spans `d (k - 1) + 1` of them. Over an axis of `n`
elements, padded by `before` and `after`, it stands at

    floor((n + before + after - d (k - 1) - 1) / stride) + 1

places. Padding is given as one integer, as one integer or one `(before, after)` for each spatial
axis, or as a word:

- `"VALID"`: none;
- `"SAME"`: such that there are `ceil(n / stride)` places, an odd element going after, as in JAX,
  TensorFlow and PyTorch;
- `"CAUSAL"`: `d (k - 1)` before and none after, so that no output sees a later input; for one
  spatial axis.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import jax.numpy as jnp

from ._checks import integers, mismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array

__all__ = ["Padding", "Pairs", "check_fits", "check_mode", "pad", "padding_pairs", "places", "span"]

Padding: TypeAlias = "int | str | Sequence[int | tuple[int, int]]"
Pairs: TypeAlias = "tuple[tuple[int, int], ...]"

_MODES = {"circular": "wrap", "reflect": "reflect", "replicate": "edge"}


def span(window: int, dilation: int) -> int:
    """Return how many elements a dilated window reaches over."""
    return dilation * (window - 1) + 1


def places(size: int, window: int, stride: int, pair: tuple[int, int], dilation: int) -> int:
    """Return at how many places a window stands on an axis of `size` elements."""
    return (size + sum(pair) - span(window, dilation)) // stride + 1


def padding_pairs(
    function: str,
    padding: Padding,
    space: Sequence[int],
    window: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    words: Sequence[str] = ("SAME", "VALID", "CAUSAL"),
) -> Pairs:
    """Return `(before, after)` for each spatial axis."""
    axes = len(space)
    spans = [span(k, d) for k, d in zip(window, dilation, strict=True)]
    if isinstance(padding, str):
        if padding == "VALID":
            return ((0, 0),) * axes
        if padding == "SAME":
            totals = [
                max((-(-n // s) - 1) * s + k - n, 0)
                for n, s, k in zip(space, stride, spans, strict=True)
            ]
            return tuple((total // 2, total - total // 2) for total in totals)
        if padding == "CAUSAL" and "CAUSAL" in words:
            if axes != 1:
                raise mismatch(
                    function,
                    "padding",
                    "one spatial axis for 'CAUSAL'",
                    f"{axes} of them",
                    "Give a pair (before, after) for each axis instead.",
                )
            return ((spans[0] - 1, 0),)
    pairs = _numbers(padding, axes)
    if pairs is None or min((min(pair) for pair in pairs), default=0) < 0:
        listed = ", ".join(repr(word) for word in words)
        raise mismatch(
            function,
            "padding",
            f"an integer, {axes} integers or pairs (before, after), or one of {listed}",
            repr(padding),
            "Numbers must not be negative; to crop, slice the input.",
        )
    return pairs


def _numbers(padding: Padding, axes: int) -> Pairs | None:
    """Read integers and pairs; `None` where the value is neither."""
    entries = tuple(padding) if isinstance(padding, Iterable) else (padding,) * axes
    read = [integers(entry) for entry in entries]
    pairs = tuple((numbers[0], numbers[-1]) for numbers in read if numbers and len(numbers) <= 2)
    return pairs if len(pairs) == len(read) == axes else None


def check_fits(
    function: str,
    space: Sequence[int],
    window: Sequence[int],
    pairs: Pairs,
    dilation: Sequence[int],
) -> None:
    """Refuse a window that reaches over more than the padded input."""
    spans = tuple(span(k, d) for k, d in zip(window, dilation, strict=True))
    padded = tuple(n + sum(pair) for n, pair in zip(space, pairs, strict=True))
    if any(reach > n for reach, n in zip(spans, padded, strict=True)):
        raise mismatch(
            function,
            "x",
            f"spatial sizes of at least {spans}, which the window spans",
            f"{padded} (padding included)",
            "Use a smaller window or dilation, or more padding.",
        )


def check_mode(function: str, space: Sequence[int], pairs: Pairs, mode: str) -> None:
    """Refuse more padding than the input has elements to fill it with."""
    if 0 in space:
        raise mismatch(
            function,
            "x",
            "spatial axes with elements to pad with",
            tuple(space),
            "Use padding_mode 'zeros'.",
        )
    for n, (before, after) in zip(space, pairs, strict=True):
        most = n - 1 if mode == "reflect" else n
        if mode != "replicate" and max(before, after) > most:
            raise mismatch(
                function,
                "padding",
                f"at most {most} on a spatial axis of size {n} with padding_mode {mode!r}",
                (before, after),
                "Use less padding or padding_mode 'replicate'.",
            )


def pad(x: Array, pairs: Pairs, mode: str) -> Array:
    """Pad the spatial axes of `x` `(batch, *space, channels)` with values of its own."""
    return jnp.pad(x, ((0, 0), *pairs, (0, 0)), mode=_MODES[mode])
