"""Padding: elements beyond the ends of axes, constant or taken from the array itself.

With two elements on each side, `a b c d` becomes

    pad_constant     0 0 a b c d 0 0
    pad_repeat       a a a b c d d d
    pad_reflect      c b a b c d c b     mirrored at the element on the border
    pad_symmetric    b a a b c d d c     mirrored at the border
    pad_circular     c d a b c d a b     the other end

All take `pad` and `axis` alike. `pad` is one integer for both sides of every axis, or one entry for
each axis: an integer, or a pair `(before, after)`. `axis` names the axes; without it they are the
spatial ones, before the channels: as many as `pad` has entries, or, where `pad` is one integer, all
but the first and the last. The functions and their names are NNlib's, where `dims` counts from the
other end, `pad_constant` pads all axes by default, and a flat tuple holds the pairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from ._checks import integers, mismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Num, Shaped

    from ._windows import Pairs

__all__ = [
    "pad_circular",
    "pad_constant",
    "pad_reflect",
    "pad_repeat",
    "pad_symmetric",
    "pad_zeros",
]


def pad_constant(
    x: Shaped[Array, "*shape"],
    pad: int | Sequence[int | tuple[int, int]],
    value: Num[Array, ""] | complex = 0,
    *,
    axis: int | Sequence[int] | None = None,
) -> Shaped[Array, "*padded"]:
    """Pad with a constant: `a b c` becomes `v a b c v`.

    **Arguments**

    - `x`: an array
    - `pad`: how many elements to add: one integer for both sides of every axis, or for each axis an
      integer or a pair `(before, after)`
    - `value`: the constant, a number that the dtype of `x` can hold
    - `axis`: the axes, or one of them; `None` for the spatial axes of `(*batch, *space, channels)`:
      as many as `pad` has entries, or all but the first and the last where `pad` is one integer

    **Returns**

    `x` with `before + after` elements more on each of the axes, in its dtype.

    **Raises**

    `ValueError` where `pad` and `axis` don't fit together or with `x`, or where `value` is not in
    the range of its dtype; `TypeError` where `value` is of another kind of number.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.pad_constant(jnp.array([1, 2, 3]), (1, 2), 7, axis=0)
    Array([7, 1, 2, 3, 7, 7], dtype=int32)
    >>> luxlib.pad_constant(jnp.ones((8, 28, 28, 3)), 2).shape
    (8, 32, 32, 3)
    ```

    As `NNlib.pad_constant`, which without `dims` pads all axes.
    """
    function = "pad_constant"
    return _constant(x, _scalar(function, x, value), pairs=_pairs(function, x, pad, axis))


def pad_zeros(
    x: Shaped[Array, "*shape"],
    pad: int | Sequence[int | tuple[int, int]],
    *,
    axis: int | Sequence[int] | None = None,
) -> Shaped[Array, "*padded"]:
    """Pad with zeros: `a b c` becomes `0 a b c 0`.

    **Arguments**

    - `x`, `pad`, `axis`: as for `pad_constant`

    **Returns**

    `x` with `before + after` elements more on each of the axes, in its dtype.

    **Raises**

    `ValueError` where `pad` and `axis` don't fit together or with `x`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.pad_zeros(jnp.array([[1, 2], [3, 4]]), ((1, 0),), axis=(1,))
    Array([[0, 1, 2],
           [0, 3, 4]], dtype=int32)
    ```

    As `NNlib.pad_zeros`, which without `dims` pads all axes.
    """
    return _zeros(x, pairs=_pairs("pad_zeros", x, pad, axis))


def pad_repeat(
    x: Shaped[Array, "*shape"],
    pad: int | Sequence[int | tuple[int, int]],
    *,
    axis: int | Sequence[int] | None = None,
) -> Shaped[Array, "*padded"]:
    """Pad with the element on the border: `a b c` becomes `a a a b c c c`.

    **Arguments**

    - `x`, `pad`, `axis`: as for `pad_constant`

    **Returns**

    `x` with `before + after` elements more on each of the axes.

    **Raises**

    `ValueError` where `pad` and `axis` don't fit together or with `x`, or where an axis has no
    element to repeat.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.pad_repeat(jnp.array([1, 2, 3]), 2, axis=0)
    Array([1, 1, 1, 2, 3, 3, 3], dtype=int32)
    ```

    As `NNlib.pad_repeat`; PyTorch calls it `"replicate"`, NumPy `"edge"`.
    """
    return _from_itself("pad_repeat", x, pad, axis)


def pad_reflect(
    x: Shaped[Array, "*shape"],
    pad: int | Sequence[int | tuple[int, int]],
    *,
    axis: int | Sequence[int] | None = None,
) -> Shaped[Array, "*padded"]:
    """Pad by mirroring at the element on the border: `a b c` becomes `c b a b c b a`.

    **Arguments**

    - `x`, `pad`, `axis`: as for `pad_constant`; on an axis of `n` elements at most `n - 1` on a
      side

    **Returns**

    `x` with `before + after` elements more on each of the axes.

    **Raises**

    `ValueError` where `pad` and `axis` don't fit together or with `x`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.pad_reflect(jnp.array([1, 2, 3]), 2, axis=0)
    Array([3, 2, 1, 2, 3, 2, 1], dtype=int32)
    ```

    As `NNlib.pad_reflect`, and as PyTorch and NumPy do.
    """
    return _from_itself("pad_reflect", x, pad, axis)


def pad_symmetric(
    x: Shaped[Array, "*shape"],
    pad: int | Sequence[int | tuple[int, int]],
    *,
    axis: int | Sequence[int] | None = None,
) -> Shaped[Array, "*padded"]:
    """Pad by mirroring at the border: `a b c` becomes `b a a b c c b`.

    **Arguments**

    - `x`, `pad`, `axis`: as for `pad_constant`; on an axis of `n` elements at most `n` on a side

    **Returns**

    `x` with `before + after` elements more on each of the axes.

    **Raises**

    `ValueError` where `pad` and `axis` don't fit together or with `x`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.pad_symmetric(jnp.array([1, 2, 3]), 2, axis=0)
    Array([2, 1, 1, 2, 3, 3, 2], dtype=int32)
    ```

    As `NNlib.pad_symmetric`, and as NumPy does.
    """
    return _from_itself("pad_symmetric", x, pad, axis)


def pad_circular(
    x: Shaped[Array, "*shape"],
    pad: int | Sequence[int | tuple[int, int]],
    *,
    axis: int | Sequence[int] | None = None,
) -> Shaped[Array, "*padded"]:
    """Pad with what lies at the other end: `a b c` becomes `b c a b c a b`.

    **Arguments**

    - `x`, `pad`, `axis`: as for `pad_constant`; on an axis of `n` elements at most `n` on a side

    **Returns**

    `x` with `before + after` elements more on each of the axes.

    **Raises**

    `ValueError` where `pad` and `axis` don't fit together or with `x`.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> luxlib.pad_circular(jnp.array([1, 2, 3]), ((2, 1),), axis=(0,))
    Array([2, 3, 1, 2, 3, 1], dtype=int32)
    ```

    As `NNlib.pad_circular`; NumPy calls it `"wrap"`.
    """
    return _from_itself("pad_circular", x, pad, axis)


# What NumPy calls each, and how far short of the size of an axis its padding has to stay.
_MODES = {
    "pad_repeat": ("edge", None),
    "pad_reflect": ("reflect", 1),
    "pad_symmetric": ("symmetric", 0),
    "pad_circular": ("wrap", 0),
}


def _from_itself(function: str, x: Array, pad: Any, axis: Any) -> Array:
    """Check the arguments and pad with elements of `x`."""
    mode, short = _MODES[function]
    pairs = _pairs(function, x, pad, axis)
    for number, (size, pair) in enumerate(zip(x.shape, pairs, strict=True)):
        least = 1 if short is None else max(pair) + short
        if max(pair) and size < least:
            raise mismatch(
                function,
                "x",
                f"an axis {number} of size {least} or more, to pad it by {pair}",
                f"shape {x.shape}",
                "Pad less, or use pad_constant.",
            )
    return _take(x, pairs=pairs, mode=mode)


def _pairs(function: str, x: Array, pad: Any, axis: Any) -> Pairs:
    """Return `(before, after)` for every axis of `x`."""
    one = isinstance(axis, Integral)  # then `pad` is the entry of that axis
    entries = list(pad) if isinstance(pad, Iterable) and not one else None
    axes = _space(function, x, entries) if axis is None else _named(function, x, axis)
    read = [integers(entry) for entry in (entries or [pad] * len(axes))]
    if len(read) != len(axes) or any(
        not numbers or len(numbers) > 2 or min(numbers) < 0 for numbers in read
    ):
        raise mismatch(
            function,
            "pad",
            "an integer or a pair (before, after)"
            + ("" if one else f" for each of {len(axes)} axes, or one integer"),
            repr(pad),
            "None of them is negative: to crop, slice the array.",
        )
    chosen = {a: (n[0], n[-1]) for a, n in zip(axes, read, strict=True) if n is not None}
    return tuple(chosen.get(a, (0, 0)) for a in range(x.ndim))


def _space(function: str, x: Array, entries: Sequence[Any] | None) -> tuple[int, ...]:
    """Return the spatial axes: one for each entry, or all but the first and the last."""
    count = max(x.ndim - 2, 1) if entries is None else len(entries)
    least = 3 if entries is None else count + 1
    if x.ndim < least:
        raise mismatch(
            function,
            "x",
            f"at least {least} axes, the last of them channels",
            f"shape {x.shape}",
            "Say with axis which ones to pad.",
        )
    return tuple(range(x.ndim - 1 - count, x.ndim - 1))


def _named(function: str, x: Array, axis: Any) -> tuple[int, ...]:
    """Return the axes that `axis` names, counted from the front."""
    axes = integers(axis)
    if axes is not None and all(-x.ndim <= a < x.ndim for a in axes):
        axes = tuple(a % x.ndim for a in axes)
        if len(set(axes)) == len(axes):
            return axes
    raise mismatch(
        function,
        "axis",
        f"different axes of x, from {-x.ndim} to {x.ndim - 1}",
        repr(axis),
        f"x has shape {x.shape}.",
    )


def _scalar(function: str, x: Array, value: Any) -> Array:
    """Return the constant in the dtype of `x`, if that can hold it."""
    given = jnp.asarray(value)
    if given.ndim:
        raise mismatch(
            function, "value", "one number", f"shape {given.shape}", "Pad parts one by one."
        )
    if isinstance(value, int) and not jnp.issubdtype(x.dtype, jnp.inexact):
        low, high = (0, 1) if x.dtype == bool else _limits(x.dtype)
        if not low <= value <= high:
            raise mismatch(
                function,
                "value",
                f"a number from {low} to {high}, which {x.dtype} can hold",
                value,
                "Convert x first.",
            )
    elif _rank(given.dtype) > _rank(x.dtype):
        raise mismatch(
            function,
            "value",
            f"a number that {x.dtype} can hold",
            value if isinstance(value, float | complex) else given.dtype,
            "Convert x first.",
            kind=TypeError,
        )
    return given.astype(x.dtype)


def _limits(dtype: Any) -> tuple[int, int]:
    return int(jnp.iinfo(dtype).min), int(jnp.iinfo(dtype).max)


def _rank(dtype: Any) -> int:
    """Return how general a kind of number is."""
    kinds = (jnp.bool_, jnp.integer, jnp.floating, jnp.complexfloating)
    return [jnp.issubdtype(dtype, kind) for kind in kinds].index(True)


@partial(jax.jit, static_argnames=("pairs",))
def _zeros(x: Array, *, pairs: Pairs) -> Array:
    return jnp.pad(x, pairs)


@partial(jax.jit, static_argnames=("pairs",))
def _constant(x: Array, value: Array, *, pairs: Pairs) -> Array:
    # By concatenation: lax.pad has no derivative with respect to the value alone.
    for axis, pair in enumerate(pairs):
        edges = [(*x.shape[:axis], n, *x.shape[axis + 1 :]) for n in pair]
        before, after = (jnp.broadcast_to(value, edge) for edge in edges)
        x = lax.concatenate([before, x, after], axis) if max(pair) else x
    return x


@partial(jax.jit, static_argnames=("pairs", "mode"))
def _take(x: Array, *, pairs: Pairs, mode: str) -> Array:
    return jnp.pad(x, pairs, mode=mode)
