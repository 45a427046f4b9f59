"""XLA's convolution with channels last, kept from a padding that XLA's CPU code gets wrong.

Where elements are cut off before the input and zeros added after it, that code reads memory beyond
the input (jaxlib 0.10 and 0.11: any number may come out). Nobody asks for such a padding, but the
derivatives of a convolution whose padding is wider than its window have it. So elements are cut off
here first, and so are zeros added that would be cut off in the derivative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from jax import lax

from ._windows import span

if TYPE_CHECKING:
    from jax import Array

    from ._windows import Pairs

__all__ = ["xla_convolution"]

_LAYOUT = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


def xla_convolution(
    x: Array,
    weight: Array,
    *,
    stride: tuple[int, ...] | None = None,
    pairs: Pairs,
    spread: tuple[int, ...] | None = None,
    dilation: tuple[int, ...] | None = None,
    groups: int = 1,
    dtype: Any = None,
) -> Array:
    """Return the cross-correlation of `x` `(batch, *space, in)`, its elements `spread` apart.

    `weight` is `(*window, in / groups, out)`, `dtype` the one in which products are summed.
    """
    axes = len(pairs)
    ones = (1,) * axes
    window, steps = weight.shape[:axes], spread or ones
    reaches = [span(k, d) - 1 for k, d in zip(window, dilation or ones, strict=True)]
    before = [min(max(b, 0), reach) for (b, _), reach in zip(pairs, reaches, strict=True)]
    edges = [(b - kept, 0, s - 1) for (b, _), kept, s in zip(pairs, before, steps, strict=True)]
    if any(edge for edge, _, _ in edges):
        x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *edges, (0, 0, 0)))
        pairs = tuple((kept, after) for kept, (_, after) in zip(before, pairs, strict=True))
        spread = None
    return lax.conv_general_dilated(
        x,
        weight,
        stride or ones,
        pairs,
        lhs_dilation=spread,
        rhs_dilation=dilation,
        dimension_numbers=_LAYOUT[axes],
        feature_group_count=groups,
        preferred_element_type=dtype,
    )
