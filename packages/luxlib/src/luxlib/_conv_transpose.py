"""Transposed convolution in one to three dimensions, channels last.

The linear map of a convolution turned around: where a convolution gathers a window of its input
into each place, this one spreads each element of its input over a window of the result. With the
same options, `conv_transpose` is how the gradient flows back through `conv`, and gives back the
spatial size that a convolution with a stride took away.

Kernels are `(*window, in / groups, out)` here too, `in` and `out` being the channels of this
layer's input and result. That is the layout of the convolution of which this is the transpose with
its last two axes exchanged, group by group.

On CPU most of it is a product for all positions of the window at once, whose results are added
where they belong (`add_windows`): XLA's convolution of an input with gaps takes up to twice as
long, in three dimensions a hundred times, and its weight gradient up to thirty times.
"""

from __future__ import annotations

import math
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from ._activations import identity
from ._bias_activation import check_bias, finish
from ._checkpoint import saveable
from ._checks import check_callable, check_inexact, mismatch, per_axis
from ._compilation import compilation
from ._dtypes import accumulator, promote
from ._unfold import add_windows
from ._windows import padding_pairs, span
from ._xla_convolution import xla_convolution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Inexact, Num

    from ._bias_activation import Activation
    from ._windows import Padding, Pairs

__all__ = ["conv_transpose", "fused_conv_transpose_bias_activation"]


def conv_transpose(
    x: Num[Array, "*batch_and_places in"],
    weight: Inexact[Array, "*window in_per_group out"],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    cross_correlation: bool = False,
) -> Inexact[Array, "*batch_and_space out"]:
    """Apply the transpose of a convolution over one, two or three spatial axes.

    In one dimension, with window positions `i` and input channels `c`,

    `y[b, stride * t + dilation * i - before, o] += x[b, t, c] * weight[k - 1 - i, c, o]`

    for all `t`, `i` and `c`; with `cross_correlation=True` the kernel is `weight[i, c, o]`.

    **Arguments**

    - `x`: `(*batch, *places, in)`, any number of leading axes, also none
    - `weight`: `(*window, in / groups, out)`; its number of axes says how many are spatial. The
      first `out / groups` of the last axis belong to the first group of input channels, and so on
    - `stride`: how far apart neighbouring elements of `x` come to lie, one integer or one for each
      spatial axis
    - `padding`: elements cut off from both ends of the result, the padding of the convolution: one
      integer, for each spatial axis an integer or a pair `(before, after)`, or a word: `"VALID"`
      (none) or `"SAME"` (`n * stride` elements come out, an odd one is cut off after)
    - `output_padding`: elements added to the end of the result, less than `stride` or `dilation`:
      as many as the convolution left over
    - `dilation`: the distance between two elements of the window, like `stride`
    - `groups`: in how many parts the channels are split, each transformed by itself; `in` for a
      depthwise transposed convolution
    - `cross_correlation`: whether the kernel is used as it is rather than turned around

    where `in` and `out` are the numbers of input and output channels.

    **Returns**

    `(*batch, *space, out)` with
    `(n - 1) * stride + dilation * (k - 1) + 1 - before - after + output_padding` elements on an
    axis of `n` places under a window of `k`, in the dtype that `x` and `weight` have in common; an
    integer or boolean `x` takes the parameters' dtype. Half precision is summed in `float32` and
    rounded once.

    **Raises**

    `ValueError` where shapes and options don't fit together, `TypeError` where `weight` is not
    floating or complex.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> image, kernel = jnp.ones((8, 14, 14, 16)), jnp.ones((4, 4, 16, 3))
    >>> luxlib.conv_transpose(image, kernel, stride=2, padding=1).shape
    (8, 28, 28, 3)
    >>> x = jnp.array([1.0, 10.0])[:, None]
    >>> kernel = jnp.array([1.0, 2.0, 3.0])[:, None, None]
    >>> luxlib.conv_transpose(x, kernel, stride=2, cross_correlation=True)[:, 0]
    Array([ 1.,  2., 13., 20., 30.], dtype=float32)
    ```

    As Lux.jl's `ConvTranspose`, which calls `NNlib.∇conv_data`, with channels last. With
    `cross_correlation=True` it is `torch.nn.functional.conv_transpose2d`, whose kernel is
    `(in, out / groups, *window)`.
    """
    geometry = _geometry(
        "conv_transpose", x, weight, stride, padding, output_padding, dilation, groups
    )
    turned = not cross_correlation
    form = _formulation(geometry, weight)
    return _conv_transpose(x, weight, None, identity, geometry=geometry, turned=turned, form=form)


def fused_conv_transpose_bias_activation(
    x: Num[Array, "*batch_and_places in"],
    weight: Inexact[Array, "*window in_per_group out"],
    bias: Inexact[Array, " out"] | None = None,
    activation: Activation = identity,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    cross_correlation: bool = False,
) -> Inexact[Array, "*batch_and_space out"]:
    """Apply the transpose of a convolution, add a bias and apply an activation.

    `y = activation(conv_transpose(x, weight) + bias)`

    **Arguments**

    - `x`: `(*batch, *places, in)`
    - `weight`: `(*window, in / groups, out)`
    - `bias`: `(out,)`, or `None` for none
    - `activation`: a function of one array
    - `stride`, `padding`, `output_padding`, `dilation`, `groups`, `cross_correlation`: as for
      `conv_transpose`

    where `in` and `out` are the numbers of input and output channels.

    **Returns**

    `(*batch, *space, out)`, in the dtype that the arguments have in common. Half precision is
    summed in `float32` and rounded once, before the activation.

    **Raises**

    `ValueError` where shapes and options don't fit together, `TypeError` where the parameters are
    not floating or complex or `activation` is not a function.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x, weight, bias = jnp.ones((2, 4, 4, 3)), jnp.ones((2, 2, 3, 5)), jnp.zeros(5)
    >>> y = luxlib.fused_conv_transpose_bias_activation(x, weight, bias, luxlib.relu, stride=2)
    >>> y.shape
    (2, 8, 8, 5)
    ```

    Named after LuxLib.jl's `fused_conv_bias_activation`.
    """
    function = "fused_conv_transpose_bias_activation"
    check_callable(function, activation)
    geometry = _geometry(function, x, weight, stride, padding, output_padding, dilation, groups)
    if bias is not None:
        check_bias(function, bias, weight.shape[-1], f"weight has shape {weight.shape}")
    turned = not cross_correlation
    form = _formulation(geometry, weight)
    return _conv_transpose(x, weight, bias, activation, geometry=geometry, turned=turned, form=form)


class _Geometry(NamedTuple):
    """Where each element goes: what `add_windows` takes, and the groups of channels.

    What `output_padding` adds is taken off the padding after, which may so be negative.
    """

    size: tuple[int, ...]
    window: tuple[int, ...]
    stride: tuple[int, ...]
    pairs: Pairs
    dilation: tuple[int, ...]
    groups: int


class _Formulation(NamedTuple):
    """Of which form the value and the tangents by input and by weight are."""

    value: str
    by_input: str
    by_weight: str


def _formulation(geometry: _Geometry, weight: Array) -> _Formulation:
    """Choose by measurement (benchmarks/conv_transpose.py); ratios are of times to XLA's."""
    inner, features = weight.shape[-2:]
    here = compilation()
    grouped, strided = geometry.groups > 1, max(geometry.stride) > 1
    if here.platform != "cpu":
        return _Formulation("xla", "xla", "xla")
    if inner == 1:  # depthwise 0.00-0.2, 0.01-0.4, 0.02-0.8; for one channel in all 0.2, 2, 0.8
        return _Formulation("depthwise", "depthwise" if grouped else "xla", "depthwise")
    if max(geometry.window) == 1:  # 0.5-0.9, 0.5-1.1, 0.1-0.6
        return _Formulation("product", "product", "product")
    if not strided and not grouped and len(geometry.window) < 3:
        return _Formulation("xla", "xla", "xla")  # an ordinary convolution: 1.0-5, 1.1-5, 0.8-15
    # XLA's library takes three times as long for three channels as for four.
    colours = features == 3 and here.library_convolutions
    return _Formulation(
        "product",  # 0.2-0.9, in three dimensions 0.01-0.5
        "product" if colours or len(geometry.window) == 3 else "xla",  # 0.4, 0.3-0.5; else 1.0-3
        # 0.03-0.5; with few input channels the product is too thin, 1.0-4
        "product" if inner >= 8 and (strided or grouped or inner >= 32) else "xla",
    )


def _geometry(
    function: str,
    x: Array,
    weight: Array,
    stride: int | Sequence[int],
    padding: Padding,
    output_padding: int | Sequence[int],
    dilation: int | Sequence[int],
    groups: int,
) -> _Geometry:
    """Check the arguments and return where each element goes."""
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
    if not isinstance(groups, Integral) or groups < 1 or features % groups:
        raise mismatch(
            function,
            "groups",
            f"a divisor of the {features} output channels",
            repr(groups),
            "It is the number of parts that the channels are split into.",
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
    counts = x.shape[-axes - 1 : -1]
    for argument, sizes in (("weight", window), ("x", counts)):
        if 0 in sizes:
            raise mismatch(
                function,
                argument,
                "spatial axes that are not empty",
                sizes,
                "Each of them holds at least one element.",
            )
    strides = per_axis(function, "stride", stride, axes)
    dilations = per_axis(function, "dilation", dilation, axes)
    added = per_axis(function, "output_padding", output_padding, axes, least=0)
    limits = tuple(map(max, strides, dilations))
    if any(a >= limit for a, limit in zip(added, limits, strict=True)):
        raise mismatch(
            function,
            "output_padding",
            f"less than the larger of stride and dilation, {limits}",
            added,
            "It makes up for what the convolution's stride left over; to add more, pad the result.",
        )
    spans = tuple(map(span, window, dilations))
    whole = tuple((n - 1) * s + reach for n, s, reach in zip(counts, strides, spans, strict=True))
    same = tuple(n * s for n, s in zip(counts, strides, strict=True))
    words = ("SAME", "VALID")
    pairs = padding_pairs(function, padding, same, window, strides, dilations, words)
    if padding == "SAME":
        pairs = tuple((p[0], n - m - p[0]) for p, n, m in zip(pairs, whole, same, strict=True))
    pairs = tuple((p[0], p[1] - a) for p, a in zip(pairs, added, strict=True))
    size = tuple(n - sum(pair) for n, pair in zip(whole, pairs, strict=True))
    if min(size) < 1:
        raise mismatch(
            function,
            "padding",
            f"less than {tuple(n + a for n, a in zip(whole, added, strict=True))} in all, "
            "the size of the result without it",
            repr(padding),
            "Padding of a transposed convolution is cut off from its result.",
        )
    return _Geometry(size, window, strides, pairs, dilations, int(groups))


@partial(jax.jit, static_argnames=("activation", "geometry", "turned", "form"))
def _conv_transpose(
    x: Array,
    weight: Array,
    bias: Array | None,
    activation: Activation,
    *,
    geometry: _Geometry,
    turned: bool,
    form: _Formulation,
) -> Array:
    x, weight, bias = promote(x, weight, bias)
    axes = len(geometry.window)
    batch = x.shape[: -axes - 1]
    rows = x.reshape(math.prod(batch), *x.shape[-axes - 1 :])
    if turned:
        weight = lax.rev(weight, range(axes))
    y = saveable(_spread(rows, weight, geometry, form))
    y = finish(y, bias, activation, x.dtype)
    return y.reshape(*batch, *y.shape[1:])


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _spread(x: Array, weight: Array, geometry: _Geometry, form: _Formulation) -> Array:
    """Spread each element over the window, as a cross-correlation, in the dtype of sums."""
    return _FORMS[form.value](x, weight, geometry, accumulator(x.dtype))


def _spread_jvp(
    geometry: _Geometry,
    form: _Formulation,
    primals: tuple[Array, Array],
    tangents: tuple[Any, Any],
) -> tuple[Array, Array]:
    (x, weight), (x_dot, weight_dot) = primals, tangents
    y = _spread(x, weight, geometry, form)
    y_dot = jnp.zeros_like(y)
    # Each product is rounded to the dtype of its factors, so that its transpose multiplies such.
    if not isinstance(x_dot, SymbolicZero):
        y_dot = y_dot + _FORMS[form.by_input](x_dot, weight, geometry, x.dtype)
    if not isinstance(weight_dot, SymbolicZero):
        y_dot = y_dot + _FORMS[form.by_weight](x, weight_dot, geometry, x.dtype)
    return y, y_dot


_spread.defjvp(_spread_jvp, symbolic_zeros=True)


def _xla(x: Array, weight: Array, geometry: _Geometry, dtype: Any) -> Array:
    """Convolve the input with gaps in it, products summed in `dtype`."""
    _, window, stride, pairs, dilation, groups = geometry
    axes = len(window)
    reaches = [span(k, d) - 1 for k, d in zip(window, dilation, strict=True)]
    y = xla_convolution(
        x,
        lax.rev(weight, range(axes)),
        pairs=tuple((r - p[0], r - p[1]) for r, p in zip(reaches, pairs, strict=True)),
        spread=stride,
        dilation=dilation,
        groups=groups,
        dtype=dtype,
    )
    return y.astype(accumulator(x.dtype))


def _product(x: Array, weight: Array, geometry: _Geometry, dtype: Any) -> Array:
    """Multiply with all positions of the window at once, in `dtype`, and add the results up."""
    count, groups = math.prod(geometry.window), geometry.groups
    inner, features = weight.shape[-2:]
    multiply = partial(lax.dot_general, preferred_element_type=dtype)
    kernel = weight.reshape(count, inner, features).swapaxes(0, 1)
    if groups == 1:  # not as one group of several: that product's derivative is three times slower
        rows, columns = x.reshape(-1, inner), kernel.reshape(inner, count * features)
        products = multiply(rows, columns, (((1,), (0,)), ((), ())))
    else:
        parts = kernel.reshape(inner, count, groups, features // groups)
        products = multiply(x.reshape(-1, groups, inner), parts, (((2,), (0,)), ((1,), (2,))))
        products = products.transpose(1, 2, 0, 3)
    products = products.reshape(*x.shape[:-1], count * features).astype(accumulator(x.dtype))
    return _added(lax.split(products, (features,) * count, x.ndim - 1), geometry)


def _depthwise(x: Array, weight: Array, geometry: _Geometry, dtype: Any) -> Array:
    """Multiply with one position of the window after the other, and add the results up."""
    summed = accumulator(dtype)
    features = weight.shape[-1]
    x = jnp.repeat(x.astype(summed), features // x.shape[-1], axis=-1)
    rows = weight.astype(summed).reshape(-1, *(1,) * (x.ndim - 1), features)
    return _added([x * row for row in rows], geometry)


def _added(parts: Sequence[Array], geometry: _Geometry) -> Array:
    size, window, stride, pairs, dilation, _ = geometry
    return add_windows(
        parts, size=size, window=window, stride=stride, pairs=pairs, dilation=dilation
    )


_FORMS = {"xla": _xla, "product": _product, "depthwise": _depthwise}
