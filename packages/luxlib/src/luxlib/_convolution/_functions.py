"""The public functions: what they mean, and the checks of their arguments."""

from __future__ import annotations

import math
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

import jax
from jax import lax

from luxlib._activations import identity
from luxlib._bias_activation import check_bias, finish
from luxlib._checkpoint import saveable
from luxlib._checks import check_callable, check_inexact, check_one_of, mismatch, per_axis
from luxlib._compilation import compilation
from luxlib._dtypes import promote
from luxlib._windows import check_fits, check_mode, pad, padding_pairs

from ._geometry import Geometry
from ._operation import convolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Inexact, Num

    from luxlib._bias_activation import Activation
    from luxlib._compilation import Compilation
    from luxlib._windows import Padding, Pairs

__all__ = ["conv", "fused_conv_bias_activation"]

_PADDING_MODES = ("zeros", "circular", "reflect", "replicate")


def conv(
    x: Num[Array, "*batch_and_space in"],
    weight: Inexact[Array, "*window in_per_group out"],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    cross_correlation: bool = False,
) -> Inexact[Array, "*batch_and_places out"]:
    """Convolve over one, two or three spatial axes.

    In one dimension, with window positions `i` and input channels `c`,

    `y[b, t, o] = sum(x[b, stride * t + dilation * i, c] * weight[k - 1 - i, c, o])`

    over `i` and `c`; with `cross_correlation=True` the kernel is `weight[i, c, o]`.

    **Arguments**

    - `x`: `(*batch, *space, in)`, any number of leading axes, also none
    - `weight`: `(*window, in / groups, out)`; its number of axes says how many are spatial
    - `stride`: the step between two places of the window, one integer or one for each spatial axis
    - `padding`: elements added on both sides: one integer, for each spatial axis an integer or a
      pair `(before, after)`, or a word: `"VALID"` (none), `"SAME"` (`ceil(n / stride)` places, an
      odd element after) or `"CAUSAL"` (all before, for one spatial axis)
    - `dilation`: the distance between two elements of the window, like `stride`
    - `groups`: in how many parts the channels are split, each convolved by itself; `in` for a
      depthwise convolution
    - `padding_mode`: what padding holds: `"zeros"`, `"circular"` (the other end), `"reflect"`
      (mirrored at the edge element) or `"replicate"` (the edge element)
    - `cross_correlation`: whether the kernel is used as it is rather than turned around

    where `in` and `out` are the numbers of input and output channels.

    **Returns**

    `(*batch, *places, out)` with
    `floor((n + before + after - dilation * (k - 1) - 1) / stride) + 1` places on an axis of `n`
    elements under a window of `k`, in the dtype that `x` and `weight` have in common; an integer or
    boolean `x` takes the parameters' dtype. Half precision is summed in `float32` and rounded once.

    **Raises**

    `ValueError` where shapes and options don't fit together, `TypeError` where `weight` is not
    floating or complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> image, kernel = jnp.ones((8, 28, 28, 3)), jnp.ones((5, 5, 3, 16))
    >>> luxlib.conv(image, kernel, stride=2, padding=2).shape
    (8, 14, 14, 16)
    >>> x = jnp.array([1.0, 2.0, 4.0])[:, None]
    >>> difference = jnp.array([1.0, -1.0])[:, None, None]
    >>> luxlib.conv(x, difference)[:, 0]
    Array([1., 2.], dtype=float32)
    >>> luxlib.conv(x, difference, cross_correlation=True)[:, 0]
    Array([-1., -2.], dtype=float32)
    ```

    As `NNlib.conv`, which Lux.jl's `Conv` calls, with channels last. `torch.nn.functional.conv2d`,
    `flax.linen.Conv` and `keras.layers.Conv2D` compute the cross-correlation.
    """
    options = _options(
        "conv", x, weight, stride, padding, dilation, groups, padding_mode, cross_correlation
    )
    return _conv(x, weight, None, identity, **options)


def fused_conv_bias_activation(
    x: Num[Array, "*batch_and_space in"],
    weight: Inexact[Array, "*window in_per_group out"],
    bias: Inexact[Array, " out"] | None = None,
    activation: Activation = identity,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    cross_correlation: bool = False,
) -> Inexact[Array, "*batch_and_places out"]:
    """Convolve over one to three spatial axes, add a bias and apply an activation.

    `y = activation(conv(x, weight) + bias)`

    **Arguments**

    - `x`: `(*batch, *space, in)`
    - `weight`: `(*window, in / groups, out)`
    - `bias`: `(out,)`, or `None` for none
    - `activation`: a function of one array
    - `stride`, `padding`, `dilation`, `groups`, `padding_mode`, `cross_correlation`: as for `conv`

    where `in` and `out` are the numbers of input and output channels.

    **Returns**

    `(*batch, *places, out)`, in the dtype that the arguments have in common. Half precision is
    summed in `float32` and rounded once, before the activation.

    **Raises**

    `ValueError` where shapes and options don't fit together, `TypeError` where the parameters are
    not floating or complex or `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x, weight, bias = jnp.ones((2, 8, 8, 3)), jnp.ones((3, 3, 3, 4)), jnp.zeros(4)
    >>> luxlib.fused_conv_bias_activation(x, weight, bias, luxlib.relu, padding="SAME").shape
    (2, 8, 8, 4)
    ```

    Named as in LuxLib.jl.
    """
    function = "fused_conv_bias_activation"
    check_callable(function, activation)
    options = _options(
        function, x, weight, stride, padding, dilation, groups, padding_mode, cross_correlation
    )
    if bias is not None:
        check_bias(function, bias, weight.shape[-1], f"weight has shape {weight.shape}")
    return _conv(x, weight, bias, activation, **options)


def _options(
    function: str,
    x: Array,
    weight: Array,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
    padding_mode: str,
    cross_correlation: bool,
) -> dict[str, Any]:
    """Check the arguments and return the options as the implementation takes them."""
    check_inexact(function, "weight", weight)
    axes = weight.ndim - 2
    if not 1 <= axes <= 3:
        raise mismatch(
            function,
            "weight",
            "shape (*window, in / groups, out) with one to three spatial axes",
            weight.shape,
            "For one spatial axis of length k that is (k, in, out).",
        )
    window, inner, features = weight.shape[:axes], *weight.shape[axes:]
    if not isinstance(groups, Integral) or groups < 1:
        raise mismatch(
            function,
            "groups",
            "an integer of at least 1",
            repr(groups),
            "It is the number of parts that the channels are split into.",
        )
    if features % groups:
        raise mismatch(
            function,
            "groups",
            f"a divisor of the {features} output channels",
            groups,
            f"weight has shape {weight.shape}.",
        )
    if x.ndim < axes + 1 or x.shape[-1] != inner * groups:
        named = ", ".join(("...", *("space",) * axes, str(inner * groups)))
        raise mismatch(
            function,
            "x",
            f"shape ({named})",
            x.shape,
            f"weight {weight.shape} with groups={groups} takes {inner * groups} input channels.",
        )
    if 0 in window:
        raise mismatch(
            function,
            "weight",
            "a window without empty axes",
            window,
            "Each of its axes holds at least one element.",
        )
    check_one_of(function, "padding_mode", padding_mode, _PADDING_MODES)
    if padding == "CAUSAL" and padding_mode in ("circular", "reflect"):
        raise mismatch(
            function,
            "padding_mode",
            "'zeros' or 'replicate' with padding 'CAUSAL'",
            repr(padding_mode),
            "Circular and reflected padding show the past what comes later.",
        )
    strides = per_axis(function, "stride", stride, axes)
    dilations = per_axis(function, "dilation", dilation, axes)
    space = x.shape[-axes - 1 : -1]
    pairs = padding_pairs(function, padding, space, window, strides, dilations)
    check_fits(function, space, window, pairs, dilations)
    if padding_mode != "zeros":
        check_mode(function, space, pairs, padding_mode)
    return {
        "stride": strides,
        "pairs": pairs,
        "dilation": dilations,
        "groups": int(groups),
        "padding_mode": padding_mode,
        "cross_correlation": bool(cross_correlation),
        "compilation": compilation(),
    }


@partial(
    jax.jit,
    static_argnames=(
        "activation",
        "stride",
        "pairs",
        "dilation",
        "groups",
        "padding_mode",
        "cross_correlation",
        "compilation",
    ),
)
def _conv(
    x: Array,
    weight: Array,
    bias: Array | None,
    activation: Activation,
    *,
    stride: tuple[int, ...],
    pairs: Pairs,
    dilation: tuple[int, ...],
    groups: int,
    padding_mode: str,
    cross_correlation: bool,
    compilation: Compilation,
) -> Array:
    x, weight, bias = promote(x, weight, bias)
    axes = weight.ndim - 2
    batch = x.shape[: -axes - 1]
    rows = x.reshape(math.prod(batch), *x.shape[-axes - 1 :])
    if padding_mode != "zeros":
        rows, pairs = pad(rows, pairs, padding_mode), ((0, 0),) * axes
    if not cross_correlation:
        weight = lax.rev(weight, range(axes))
    geometry = Geometry(rows.shape[1:-1], weight.shape[:axes], stride, pairs, dilation, groups)
    y = saveable(convolve(rows, weight, geometry, compilation))
    y = finish(y, bias, activation, x.dtype)
    return y.reshape(*batch, *y.shape[1:])
