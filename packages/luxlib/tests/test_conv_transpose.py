"""Transposed convolution against loops over elements, window and channels in float64."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luxlib
from luxlib import _conv_transpose as room
from luxlib import conv, conv_transpose, fused_conv_transpose_bias_activation

EPSILON = {"float64": 2e-16, "float32": 1.2e-7, "float16": 1e-3, "bfloat16": 8e-3}


def each(value, axes):
    return (value,) * axes if isinstance(value, int) else tuple(value)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def in_numbers(options, kernel):
    """The options with words for padding as the numbers that they stand for."""
    if options.get("padding") == "VALID":
        return {**options, "padding": 0}
    if options.get("padding") != "SAME":
        return options
    axes = len(kernel) - 2
    stride, dilation = (each(options.get(name, 1), axes) for name in ("stride", "dilation"))
    cut = [d * (k - 1) + 1 - s for k, s, d in zip(kernel, stride, dilation, strict=False)]
    before = [max(c, 0) // 2 for c in cut]
    return {**options, "padding": [(b, c - b) for b, c in zip(before, cut, strict=True)]}


def geometry(shape, kernel, options):
    """The size of the result, and every (element, position, place) that meet."""
    axes = len(kernel) - 2
    options = in_numbers(options, kernel)
    stride, dilation, padding, added = (
        each(options.get(name, default), axes)
        for name, default in (
            ("stride", 1),
            ("dilation", 1),
            ("padding", 0),
            ("output_padding", 0),
        )
    )
    pairs = [each(p, 2) for p in padding]
    space, window = shape[-axes - 1 : -1], kernel[:axes]
    size = tuple(
        (n - 1) * s + d * (k - 1) + 1 - sum(pair) + a
        for n, k, s, d, pair, a in zip(space, window, stride, dilation, pairs, added, strict=True)
    )
    met = []
    for t, i in itertools.product(np.ndindex(*space), np.ndindex(*window)):
        at = tuple(np.array(t) * stride + np.array(i) * dilation - [pair[0] for pair in pairs])
        turned = tuple(k - 1 - j for k, j in zip(window, i, strict=True))
        if all(0 <= u < n for u, n in zip(at, size, strict=True)):
            met.append((t, i if options.get("cross_correlation") else turned, at))
    return size, met


def channels(options, kernel):
    """The input and output channels of each group."""
    groups = options.get("groups", 1)
    inner, outer = kernel[-2], kernel[-1] // groups
    return [
        (slice(g * inner, (g + 1) * inner), slice(g * outer, (g + 1) * outer))
        for g in range(groups)
    ]


def reference(x, weight, options):
    size, met = geometry(x.shape, weight.shape, options)
    y = np.zeros((x.shape[0], *size, weight.shape[-1]), np.result_type(x, weight))
    for (t, i, at), (c, o) in itertools.product(met, channels(options, weight.shape)):
        y[(slice(None), *at, o)] += x[(slice(None), *t, c)] @ weight[(*i, slice(None), o)]
    return y


def reference_gradients(x, weight, ct, options):
    _, met = geometry(x.shape, weight.shape, options)
    x_bar, weight_bar = np.zeros_like(x), np.zeros_like(weight)
    for (t, i, at), (c, o) in itertools.product(met, channels(options, weight.shape)):
        g = ct[(slice(None), *at, o)]
        x_bar[(slice(None), *t, c)] += g @ weight[(*i, slice(None), o)].T
        weight_bar[(*i, slice(None), o)] += x[(slice(None), *t, c)].T @ g
    return x_bar, weight_bar


# (shape of x, shape of weight, options)
CASES = [
    # one dimension
    ((2, 5, 3), (3, 3, 4), {}),
    ((2, 5, 3), (3, 3, 4), {"cross_correlation": True, "stride": 2}),
    ((1, 1, 1), (1, 1, 1), {}),
    ((2, 4, 2), (2, 2, 3), {"stride": 3, "output_padding": 1}),
    ((2, 4, 2), (3, 2, 3), {"stride": 2, "padding": 1, "dilation": 2, "output_padding": 1}),
    ((2, 4, 4), (3, 2, 6), {"groups": 2, "padding": ((2, 0),), "stride": 2}),
    ((2, 1, 2), (7, 2, 1), {"padding": 3}),
    ((2, 5, 2), (2, 2, 1), {"padding": ((3, 1),)}),
    ((0, 4, 2), (3, 2, 3), {"padding": 1, "stride": 2}),
    ((1, 3, 2), (5, 2, 2), {"stride": 2, "padding": "SAME"}),
    ((1, 3, 2), (2, 2, 2), {"stride": 5, "padding": "SAME", "output_padding": 2}),
    ((1, 3, 2), (2, 2, 2), {"padding": "VALID", "dilation": 3, "output_padding": 2}),
    # two
    ((2, 4, 3, 3), (4, 4, 3, 2), {"stride": 2, "padding": 1}),
    ((2, 4, 3, 3), (3, 3, 3, 2), {"stride": 2, "padding": 1, "output_padding": 1}),
    ((2, 3, 3, 2), (2, 2, 2, 5), {"stride": 2}),
    ((1, 3, 4, 2), (2, 3, 2, 2), {"stride": (1, 3), "padding": ((0, 1), (2, 0))}),
    ((2, 3, 3, 3), (1, 1, 3, 2), {}),
    ((2, 3, 3, 3), (1, 1, 3, 2), {"stride": 2, "output_padding": (1, 0)}),
    ((2, 3, 2, 4), (3, 3, 1, 4), {"groups": 4, "padding": 1}),
    ((2, 3, 2, 2), (3, 3, 1, 6), {"groups": 2, "stride": 2, "cross_correlation": True}),
    ((2, 3, 2, 6), (2, 2, 2, 3), {"groups": 3, "stride": 2, "padding": "SAME"}),
    ((1, 4, 1, 2), (3, 1, 2, 2), {"dilation": (2, 1), "padding": (2, 0)}),
    # three
    ((1, 2, 3, 2, 2), (2, 3, 2, 2, 3), {"stride": 2, "padding": (1, 1, 0)}),
    ((1, 2, 2, 2, 2), (2, 1, 2, 1, 4), {"groups": 2, "stride": (1, 2, 3), "dilation": 2}),
    ((1, 2, 2, 3, 2), (2, 2, 2, 2, 2), {}),
]
every = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}")


def with_gradients(f, x, weight, ct):
    y, pullback = jax.vjp(f, x, weight)
    return y, pullback(ct)


@every
def test_value_and_gradients(case):
    shape, kernel, options = case
    x, weight = normal(0, *shape), normal(1, *kernel)
    expected = reference(x, weight, options)
    ct = normal(2, *expected.shape)

    @jax.jit
    def both(x, weight, ct):
        return with_gradients(lambda x, w: conv_transpose(x, w, **options), x, weight, ct)

    with jax.enable_x64(True):
        y, (x_bar, weight_bar) = both(*map(jnp.asarray, (x, weight, ct)))
    assert y.shape == expected.shape
    assert y.dtype == x_bar.dtype == weight_bar.dtype == jnp.float64
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-12)
    expected_x, expected_weight = reference_gradients(x, weight, ct, options)
    np.testing.assert_allclose(x_bar, expected_x, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(weight_bar, expected_weight, rtol=1e-11, atol=1e-12)


def formulated(options, turned, form):
    """The function in one formulation."""

    def f(x, weight):
        where = room._geometry(
            "f",
            x,
            weight,
            *(
                options.get(name, default)
                for name, default in (
                    ("stride", 1),
                    ("padding", 0),
                    ("output_padding", 0),
                    ("dilation", 1),
                    ("groups", 1),
                )
            ),
        )
        form_ = room._Formulation(*(form,) * 3)
        return room._conv_transpose(
            x, weight, None, luxlib.identity, geometry=where, turned=turned, form=form_
        )

    return f


@pytest.mark.parametrize("dtype", ["float64", pytest.param("bfloat16", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", CASES[4::5], ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}")
def test_formulations_agree(case, dtype):
    """In value, reverse mode, forward mode and second order."""
    shape, kernel, options = case
    depthwise = kernel[-2] == 1 and options.get("groups", 1) > 1
    forms = ["xla", "product", *(["depthwise"] if depthwise else [])]
    with jax.enable_x64(True):
        arrays = [jnp.asarray(normal(i, *s), dtype) for i, s in enumerate([shape, kernel] * 2)]

        def derivatives(form, x, weight, x_dot, weight_dot):
            f = formulated(options, not options.get("cross_correlation"), form)

            def loss(x, weight):
                y = f(x, weight).astype("float64")
                return (jnp.sin(jnp.arange(y.size)).reshape(y.shape) * y**2).sum()

            point, direction = (x, weight), (x_dot, weight_dot)
            gradient = jax.grad(loss, (0, 1))
            second = jax.jvp(gradient, point, direction)[1]
            return f(*point), jax.jvp(f, point, direction)[1], gradient(*point), second

        program = jax.jit(lambda *arrays: [derivatives(form, *arrays) for form in forms])
        first, *others = program(*arrays)
    for other in others:
        for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(other), strict=True):
            assert a.dtype == b.dtype == dtype
            a, b = (np.asarray(c, "float64") for c in (a, b))
            limit = 16 * EPSILON[dtype] * (1 + np.abs(a).max(initial=0))
            np.testing.assert_allclose(a, b, rtol=0, atol=limit)


@pytest.mark.parametrize(
    ("shape", "kernel", "groups", "stride", "convolutions", "expected"),
    [
        ((1, 4, 4, 6), (3, 3, 1, 6), 6, 1, True, ("depthwise",) * 3),
        ((1, 4, 4, 1), (3, 3, 1, 6), 1, 2, True, ("depthwise", "xla", "depthwise")),
        ((1, 4, 4, 3), (3, 3, 3, 6), 1, 2, True, ("product", "xla", "xla")),
        ((1, 4, 4, 32), (3, 3, 16, 6), 2, 1, True, ("product", "xla", "product")),
        ((1, 4, 4, 4, 16), (3, 3, 3, 16, 6), 1, 1, True, ("product", "product", "xla")),
        ((1, 4, 4, 4, 32), (3, 3, 3, 32, 6), 1, 1, True, ("product", "product", "product")),
        ((1, 4, 4, 6), (1, 1, 6, 8), 1, 1, True, ("product",) * 3),
        ((1, 4, 4, 6), (3, 3, 6, 8), 1, 1, True, ("xla",) * 3),
        ((1, 4, 4, 8), (3, 3, 8, 8), 1, 2, True, ("product", "xla", "product")),
        ((1, 4, 4, 8), (3, 3, 8, 3), 1, 2, True, ("product",) * 3),
        ((1, 4, 4, 8), (3, 3, 8, 3), 1, 2, False, ("product", "xla", "product")),
        ((1, 4, 4, 4, 8), (3, 3, 3, 8, 6), 1, 2, True, ("product",) * 3),
    ],
)
def test_the_formulation_is_chosen_by_shape(shape, kernel, groups, stride, convolutions, expected):
    arrays = jnp.ones(shape), jnp.ones(kernel)
    geometry = room._geometry("f", *arrays, stride, 0, 0, 1, groups)
    options = {} if convolutions else luxlib.compiler_options("cpu")
    if convolutions:
        options = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_CONVOLUTION"}
    with luxlib.compiling_for(platform="cpu", compiler_options=options):
        assert room._formulation(geometry, arrays[1]) == expected
    with luxlib.compiling_for(platform="gpu"):
        assert room._formulation(geometry, arrays[1]) == ("xla",) * 3


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("case", CASES[4::7], ids=lambda case: f"{case[0]}-{case[1]}")
def test_dtypes(case, dtype):
    shape, kernel, options = case
    x, weight = jnp.asarray(normal(0, *shape), dtype), jnp.asarray(normal(1, *kernel), dtype)
    expected = reference(*(np.asarray(a, np.float64) for a in (x, weight)), options)
    ct = jnp.asarray(normal(2, *expected.shape), dtype)

    @jax.jit
    def both(x, weight, ct):
        return with_gradients(lambda x, w: conv_transpose(x, w, **options), x, weight, ct)

    y, bars = both(x, weight, ct)
    assert y.dtype == bars[0].dtype == bars[1].dtype == dtype
    assert not any(a.weak_type for a in (y, *bars))
    x, weight, ct, y, *bars = (np.asarray(a, np.float64) for a in (x, weight, ct, y, *bars))
    tolerance = 8 * EPSILON[dtype]
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)
    for bar, right in zip(bars, reference_gradients(x, weight, ct, options), strict=True):
        np.testing.assert_allclose(bar, right, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("batch", [(), (3,), (2, 1, 3), (2, 0)])
@pytest.mark.parametrize(("space", "axes"), [((4,), 1), ((3, 4), 2), ((2, 3, 2), 3)])
def test_any_number_of_leading_axes(batch, space, axes):
    x, weight = normal(0, *batch, *space, 2), normal(1, *(2,) * axes, 2, 3)
    y = conv_transpose(jnp.asarray(x, "float32"), jnp.asarray(weight, "float32"), stride=2)
    expected = reference(x.reshape(int(np.prod(batch)), *space, 2), weight, {"stride": 2})
    assert y.shape == (*batch, *expected.shape[1:])
    np.testing.assert_allclose(y.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(
    size=st.integers(1, 9),
    window=st.integers(1, 4),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    pair=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    cross=st.booleans(),
)
def test_it_is_the_transpose_of_a_convolution(size, window, stride, dilation, pair, cross):
    """`<conv(x), y> == <x, conv_transpose(y)>`, with what the stride left over added."""
    if size + sum(pair) < dilation * (window - 1) + 1:
        return
    options = {
        "stride": stride,
        "dilation": dilation,
        "padding": (pair,),
        "cross_correlation": cross,
    }
    x, weight = jnp.asarray(normal(0, size, 2)), jnp.asarray(normal(1, window, 2, 3))
    over = (size + sum(pair) - dilation * (window - 1) - 1) % stride
    y = jnp.asarray(normal(2, (size + sum(pair) - dilation * (window - 1) - 1) // stride + 1, 3))
    forward = conv(x, weight, **options)
    back = conv_transpose(y, weight.swapaxes(1, 2), output_padding=over, **options)
    assert back.shape == x.shape
    np.testing.assert_allclose((forward * y).sum(), (x * back).sum(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [1, 2, 4, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_multiplies_the_size_by_the_stride(stride, window, dilation):
    options = {"stride": stride, "dilation": dilation, "padding": "SAME"}
    x, weight = jnp.ones((1, 5, 2)), jnp.ones((window, 2, 3))
    y = jax.eval_shape(lambda: conv_transpose(x, weight, **options))
    assert y.shape == (1, 5 * stride, 3)
    back = jax.eval_shape(lambda: conv(jnp.ones(y.shape), weight.swapaxes(1, 2), **options))
    assert back.shape == x.shape


def test_the_kernel_is_turned_unless_it_is_a_cross_correlation():
    x, weight = jnp.zeros((5, 1)).at[2].set(1), jnp.array([1.0, 2.0, 3.0])[:, None, None]
    assert conv_transpose(x, weight, padding=1)[:, 0].tolist() == [0, 3, 2, 1, 0]
    turned = conv_transpose(x, weight, padding=1, cross_correlation=True)
    assert turned[:, 0].tolist() == [0, 1, 2, 3, 0]


@pytest.mark.parametrize(
    ("x", "weight", "result"),
    [
        ("float32", "bfloat16", "float32"),
        ("bfloat16", "float16", "float32"),
        ("uint8", "float16", "float16"),
        ("bool", "bfloat16", "bfloat16"),
        ("float32", "complex64", "complex64"),
    ],
)
def test_promotion(x, weight, result):
    y = conv_transpose(jnp.ones((1, 5, 2), x), jnp.ones((3, 2, 3), weight), stride=2)
    assert y.dtype == result


def test_complex():
    x, weight = normal(0, 2, 4, 4) + 1j * normal(1, 2, 4, 4), normal(2, 3, 2, 4) * (1 + 2j)
    given = jnp.asarray(x, "complex64"), jnp.asarray(weight, "complex64")
    options = {"groups": 2, "padding": 1, "stride": 2}
    expected = reference(x, weight, options)
    np.testing.assert_allclose(conv_transpose(*given, **options), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("groups", [1, 64])
def test_half_precision_is_summed_in_float32(dtype, groups):
    """A sum of ones in half precision would stop at 2048 or 256."""
    inner = 64 // groups
    x, weight = jnp.ones((1, 40, 64), dtype), jnp.ones((80, inner, 64), dtype)

    y = conv_transpose(x, weight, stride=2, groups=groups)
    assert y.max() == jnp.asarray(40 * inner, dtype)
    many = jnp.ones((1, 64, 64, inner), dtype)
    one = jnp.ones((2, 2, inner, inner), dtype)

    @jax.jit
    @jax.grad
    def gradient(weight):
        return conv_transpose(many, weight, stride=2).astype("float32").sum()

    assert (gradient(one) == jnp.asarray(64 * 64, dtype)).all()


def test_bias_and_activation():
    x, weight, bias = normal(0, 2, 3, 3, 2), normal(1, 3, 3, 2, 4), normal(2, 4)
    given = [jnp.asarray(a, "float32") for a in (x, weight, bias)]
    options = {"stride": 2, "padding": 1, "output_padding": 1, "cross_correlation": True}
    y = fused_conv_transpose_bias_activation(*given, luxlib.relu, **options)
    expected = reference(x, weight, options)
    np.testing.assert_allclose(y, np.maximum(expected + bias, 0), rtol=1e-5, atol=1e-5)
    without = fused_conv_transpose_bias_activation(*given[:2], **options)
    np.testing.assert_allclose(without, expected, rtol=1e-5, atol=1e-5)


IMAGE, KERNEL = jnp.ones((2, 8, 8, 4)), jnp.ones((3, 3, 4, 6))
MESSAGES = {
    "channels": (
        lambda: conv_transpose(jnp.ones((2, 8, 8, 3)), KERNEL),
        ValueError,
        "conv_transpose: x: expected shape (..., space, space, 4), got (2, 8, 8, 3). "
        "weight (3, 3, 4, 6) with groups=1 takes 4 input channels.",
    ),
    "rank": (
        lambda: conv_transpose(jnp.ones((8, 4)), KERNEL),
        ValueError,
        "conv_transpose: x: expected shape (..., space, space, 4), got (8, 4). "
        "weight (3, 3, 4, 6) with groups=1 takes 4 input channels.",
    ),
    "groups": (
        lambda: conv_transpose(IMAGE, KERNEL, groups=4),
        ValueError,
        "conv_transpose: groups: expected a divisor of the 6 output channels, got 4. "
        "It is the number of parts that the channels are split into.",
    ),
    "groups-fraction": (
        lambda: conv_transpose(IMAGE, KERNEL, groups=1.0),
        ValueError,
        "conv_transpose: groups: expected a divisor of the 6 output channels, got 1.0. "
        "It is the number of parts that the channels are split into.",
    ),
    "groups-zero": (
        lambda: conv_transpose(IMAGE, KERNEL, groups=0),
        ValueError,
        "conv_transpose: groups: expected a divisor of the 6 output channels, got 0. "
        "It is the number of parts that the channels are split into.",
    ),
    "weight-rank": (
        lambda: conv_transpose(IMAGE, jnp.ones((4, 6))),
        ValueError,
        "conv_transpose: weight: expected shape (*window, in / groups, out) with one to three "
        "spatial axes, got (4, 6). For one spatial axis of length k that is (k, in, out).",
    ),
    "weight-dtype": (
        lambda: conv_transpose(IMAGE, KERNEL.astype(int)),
        TypeError,
        "conv_transpose: weight: expected a floating or complex dtype, got int32. "
        "Convert it first, for example weight.astype(jax.numpy.float32).",
    ),
    "empty-window": (
        lambda: conv_transpose(IMAGE, jnp.ones((3, 0, 4, 6))),
        ValueError,
        "conv_transpose: weight: expected spatial axes that are not empty, got (3, 0). "
        "Each of them holds at least one element.",
    ),
    "empty-image": (
        lambda: conv_transpose(jnp.ones((2, 8, 0, 4)), KERNEL),
        ValueError,
        "conv_transpose: x: expected spatial axes that are not empty, got (8, 0). "
        "Each of them holds at least one element.",
    ),
    "stride": (
        lambda: conv_transpose(IMAGE, KERNEL, stride=0),
        ValueError,
        "conv_transpose: stride: expected an integer or 2 of them, each at least 1, got 0. "
        "Give one integer for every spatial axis, or one that holds for all.",
    ),
    "dilation": (
        lambda: conv_transpose(IMAGE, KERNEL, dilation=(1, 2, 3)),
        ValueError,
        "conv_transpose: dilation: expected an integer or 2 of them, each at least 1, "
        "got (1, 2, 3). Give one integer for every spatial axis, or one that holds for all.",
    ),
    "output-padding": (
        lambda: conv_transpose(IMAGE, KERNEL, stride=2, dilation=(1, 3), output_padding=2),
        ValueError,
        "conv_transpose: output_padding: expected less than the larger of stride and dilation, "
        "(2, 3), got (2, 2). It makes up for what the convolution's stride left over; "
        "to add more, pad the result.",
    ),
    "output-padding-negative": (
        lambda: conv_transpose(IMAGE, KERNEL, output_padding=-1),
        ValueError,
        "conv_transpose: output_padding: expected an integer or 2 of them, each at least 0, "
        "got -1. Give one integer for every spatial axis, or one that holds for all.",
    ),
    "padding-word": (
        lambda: conv_transpose(IMAGE, KERNEL, padding="CAUSAL"),
        ValueError,
        "conv_transpose: padding: expected an integer, 2 integers or pairs (before, after), "
        "or one of 'SAME', 'VALID', got 'CAUSAL'. "
        "Numbers must not be negative; to crop, slice the input.",
    ),
    "padding-negative": (
        lambda: conv_transpose(IMAGE, KERNEL, padding=-1),
        ValueError,
        "conv_transpose: padding: expected an integer, 2 integers or pairs (before, after), "
        "or one of 'SAME', 'VALID', got -1. "
        "Numbers must not be negative; to crop, slice the input.",
    ),
    "padding-large": (
        lambda: conv_transpose(IMAGE, KERNEL, stride=2, padding=9, output_padding=1),
        ValueError,
        "conv_transpose: padding: expected less than (18, 18) in all, the size of the result "
        "without it, got 9. Padding of a transposed convolution is cut off from its result.",
    ),
    "bias": (
        lambda: fused_conv_transpose_bias_activation(IMAGE, KERNEL, jnp.ones(4)),
        ValueError,
        "fused_conv_transpose_bias_activation: bias: expected shape (6,), got (4,). "
        "The bias has one number for each output feature: weight has shape (3, 3, 4, 6).",
    ),
    "activation": (
        lambda: fused_conv_transpose_bias_activation(IMAGE, KERNEL, None, "relu"),
        TypeError,
        "fused_conv_transpose_bias_activation: activation: expected a function of one array, "
        "got 'relu'. Pass luxlib.identity for none.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
