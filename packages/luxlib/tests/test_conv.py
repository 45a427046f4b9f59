"""Convolution against loops over places, window and channels in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luxlib
from luxlib import conv, fused_conv_bias_activation

EPSILON = {"float64": 2e-16, "float32": 1.2e-7, "float16": 1e-3, "bfloat16": 8e-3}


def source(index, size, mode):
    """Where the value at `index` comes from; `None` where it is zero."""
    if 0 <= index < size:
        return index
    if mode == "circular":
        return index % size
    if mode == "replicate":
        return min(max(index, 0), size - 1)
    if mode == "reflect":
        return -index if index < 0 else 2 * (size - 1) - index
    return None


def terms(places, space, window, stride, pairs, dilation, mode, cross_correlation):
    """Every (place, source, tap) that meet."""
    for place in np.ndindex(*places):
        for tap in np.ndindex(*window):
            at = tuple(
                source(t * s + i * d - pair[0], n, mode)
                for t, i, s, d, pair, n in zip(
                    place, tap, stride, dilation, pairs, space, strict=True
                )
            )
            turned = tuple(k - 1 - i for k, i in zip(window, tap, strict=True))
            if None not in at:
                yield place, at, tap if cross_correlation else turned


def each(value, axes):
    return (value,) * axes if isinstance(value, int) else tuple(value)


def geometry(x, weight, *, stride=1, padding=0, dilation=1, groups=1, mode="zeros", cross=False):
    axes = weight.ndim - 2
    stride, dilation, padding = (each(value, axes) for value in (stride, dilation, padding))
    pairs = tuple(each(p, 2) for p in padding)
    space, window = x.shape[1:-1], weight.shape[:axes]
    places = tuple(
        (n + sum(pair) - d * (k - 1) - 1) // s + 1
        for n, k, s, pair, d in zip(space, window, stride, pairs, dilation, strict=True)
    )
    return places, list(terms(places, space, window, stride, pairs, dilation, mode, cross))


def split(groups, channels):
    """The channels of each group."""
    size = channels // groups
    return [slice(g * size, (g + 1) * size) for g in range(groups)]


def reference(x, weight, **options):
    places, met = geometry(x, weight, **options)
    groups = options.get("groups", 1)
    ins, outs = split(groups, x.shape[-1]), split(groups, weight.shape[-1])
    y = np.zeros((x.shape[0], *places, weight.shape[-1]), np.result_type(x, weight))
    for place, at, tap in met:
        for i, o in zip(ins, outs, strict=True):
            y[(slice(None), *place, o)] += x[(slice(None), *at, i)] @ weight[(*tap, slice(None), o)]
    return y


def reference_gradients(x, weight, ct, **options):
    _, met = geometry(x, weight, **options)
    groups = options.get("groups", 1)
    ins, outs = split(groups, x.shape[-1]), split(groups, weight.shape[-1])
    x_bar, weight_bar = np.zeros_like(x), np.zeros_like(weight)
    for place, at, tap in met:
        for i, o in zip(ins, outs, strict=True):
            g = ct[(slice(None), *place, o)]
            x_bar[(slice(None), *at, i)] += g @ weight[(*tap, slice(None), o)].T
            weight_bar[(*tap, slice(None), o)] += x[(slice(None), *at, i)].T @ g
    return x_bar, weight_bar


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def with_gradients(options, x, weight, ct):
    @jax.jit
    def both(x, weight, ct):
        y, pullback = jax.vjp(lambda x, weight: conv(x, weight, **public(options)), x, weight)
        return y, pullback(ct)

    return both(x, weight, ct)


def public(options):
    """The options as the public functions call them."""
    names = {"mode": "padding_mode", "cross": "cross_correlation"}
    return {names.get(name, name): value for name, value in options.items()}


# (shape of x, shape of weight, options)
CASES = [
    # one dimension
    ((2, 7, 3), (3, 3, 4), {}),
    ((2, 7, 3), (3, 3, 4), {"cross": True}),
    ((1, 1, 1), (1, 1, 1), {}),
    ((2, 9, 2), (2, 2, 3), {"stride": 4}),
    ((2, 9, 2), (3, 2, 3), {"stride": 2, "padding": 1, "dilation": 2}),
    ((2, 9, 4), (3, 2, 6), {"groups": 2, "padding": ((2, 0),)}),
    ((0, 9, 2), (3, 2, 3), {"padding": 1}),
    # two
    ((2, 6, 5, 3), (3, 3, 3, 4), {"padding": 1}),
    ((2, 6, 5, 3), (3, 3, 3, 4), {"padding": 1, "cross": True}),
    ((2, 7, 6, 3), (2, 3, 3, 2), {"stride": (2, 1), "padding": (0, 1)}),
    ((1, 7, 8, 2), (3, 2, 2, 2), {"stride": 3, "padding": ((1, 2), (0, 3))}),
    ((2, 7, 7, 2), (3, 3, 2, 3), {"dilation": (2, 3), "padding": 2}),
    ((2, 5, 5, 4), (3, 3, 1, 4), {"groups": 4, "padding": 1}),
    ((2, 5, 5, 2), (3, 3, 1, 6), {"groups": 2, "stride": 2, "cross": True}),
    ((2, 5, 5, 6), (1, 1, 2, 3), {"groups": 3}),
    ((2, 5, 5, 3), (1, 1, 3, 2), {"stride": 2}),
    ((2, 5, 1, 3), (5, 1, 3, 2), {}),
    ((0, 5, 4, 3), (3, 3, 3, 2), {"padding": 1}),
    ((2, 5, 4, 2), (3, 2, 2, 2), {"padding": (2, 1), "mode": "circular"}),
    ((2, 5, 4, 2), (3, 2, 2, 2), {"padding": ((1, 2), (3, 0)), "mode": "reflect"}),
    ((2, 5, 4, 2), (3, 2, 2, 2), {"padding": (2, 1), "mode": "replicate", "cross": True}),
    ((2, 2, 3, 4), (5, 5, 2, 2), {"padding": 2, "mode": "circular", "groups": 2}),
    ((1, 1, 2, 2), (3, 3, 2, 2), {"padding": 4, "mode": "replicate", "stride": 2}),
    # three
    ((1, 4, 3, 5, 2), (2, 3, 2, 2, 3), {"padding": (1, 1, 0)}),
    ((2, 4, 4, 4, 2), (2, 2, 3, 1, 4), {"groups": 2, "stride": (1, 2, 3), "cross": True}),
    ((1, 5, 5, 5, 1), (2, 2, 2, 1, 2), {"dilation": (1, 2, 3), "padding": 1, "mode": "reflect"}),
]
every = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}")


@every
def test_value_and_gradients(case):
    shape, kernel, options = case
    x, weight = normal(0, *shape), normal(1, *kernel)
    expected = reference(x, weight, **options)
    ct = normal(2, *expected.shape)
    with jax.enable_x64(True):
        y, (x_bar, weight_bar) = with_gradients(options, *map(jnp.asarray, (x, weight, ct)))
    assert y.shape == expected.shape
    assert y.dtype == x_bar.dtype == weight_bar.dtype == jnp.float64
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-12)
    expected_x, expected_weight = reference_gradients(x, weight, ct, **options)
    np.testing.assert_allclose(x_bar, expected_x, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(weight_bar, expected_weight, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("case", CASES[2:25:6], ids=lambda case: f"{case[0]}-{case[1]}")
def test_dtypes(case, dtype):
    shape, kernel, options = case
    x, weight = jnp.asarray(normal(0, *shape), dtype), jnp.asarray(normal(1, *kernel), dtype)
    expected = reference(*(np.asarray(a, np.float64) for a in (x, weight)), **options)
    ct = jnp.asarray(normal(2, *expected.shape), dtype)
    y, bars = with_gradients(options, x, weight, ct)
    assert y.dtype == bars[0].dtype == bars[1].dtype == dtype
    x, weight, ct, y, *bars = (np.asarray(a, np.float64) for a in (x, weight, ct, y, *bars))
    tolerance = 8 * EPSILON[dtype]
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)
    for bar, right in zip(bars, reference_gradients(x, weight, ct, **options), strict=True):
        np.testing.assert_allclose(bar, right, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (2, 1, 3), (2, 0)])
@pytest.mark.parametrize(("space", "axes"), [((6,), 1), ((5, 4), 2), ((3, 4, 2), 3)])
def test_any_number_of_leading_axes(batch, space, axes):
    x, weight = normal(0, *batch, *space, 2), normal(1, *(2,) * axes, 2, 3)
    y = conv(jnp.asarray(x, "float32"), jnp.asarray(weight, "float32"), padding=1)
    expected = reference(x.reshape(int(np.prod(batch)), *space, 2), weight, padding=1)
    assert y.shape == (*batch, *expected.shape[1:])
    np.testing.assert_allclose(y.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [1, 7, 8])
@pytest.mark.parametrize(
    ("window", "stride", "dilation"),
    [(1, 1, 1), (1, 3, 1), (2, 1, 1), (3, 2, 1), (2, 2, 1), (4, 1, 2), (3, 3, 2)],
)
def test_same_has_a_place_for_every_stride(size, window, stride, dilation):
    x, weight = normal(0, 1, size, 1), normal(1, window, 1, 1)
    places = -(-size // stride)
    total = max((places - 1) * stride + dilation * (window - 1) + 1 - size, 0)
    options = {"stride": stride, "dilation": dilation}
    y = conv(jnp.asarray(x, "float32"), jnp.asarray(weight, "float32"), padding="SAME", **options)
    assert y.shape == (1, places, 1)
    pairs = ((total // 2, total - total // 2),)
    expected = reference(x, weight, padding=pairs, **options)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_valid_is_no_padding():
    x, weight = jnp.ones((1, 5, 6, 2)), jnp.ones((2, 3, 2, 1))
    np.testing.assert_array_equal(conv(x, weight, padding="VALID"), conv(x, weight))


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("mode", ["zeros", "replicate"])
def test_causal_sees_nothing_later(dilation, mode):
    x, weight = jnp.asarray(normal(0, 8, 2)), jnp.asarray(normal(1, 3, 2, 1))
    jacobian = jax.jacobian(
        lambda x: conv(x, weight, padding="CAUSAL", dilation=dilation, padding_mode=mode)[:, 0]
    )(x)
    depends = np.abs(jacobian).sum(-1) > 0
    assert depends.shape == (8, 8)
    assert not np.triu(depends, 1).any()
    assert depends.diagonal().all()
    assert not depends.all()


def test_the_kernel_is_turned_unless_it_is_a_cross_correlation():
    x, weight = normal(0, 9), normal(1, 3)
    given = (jnp.asarray(x, "float32")[:, None], jnp.asarray(weight, "float32")[:, None, None])
    y, z = conv(*given), conv(*given, cross_correlation=True)
    np.testing.assert_allclose(y[:, 0], np.convolve(x, weight, "valid"), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(z[:, 0], np.correlate(x, weight, "valid"), rtol=1e-5, atol=1e-6)


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
    assert conv(jnp.ones((1, 5, 2), x), jnp.ones((3, 2, 3), weight)).dtype == result


def test_complex():
    x, weight = normal(0, 2, 7, 4) + 1j * normal(1, 2, 7, 4), normal(2, 3, 2, 4) * (1 + 2j)
    given = jnp.asarray(x, "complex64"), jnp.asarray(weight, "complex64")
    expected = reference(x, weight, groups=2, padding=1)
    np.testing.assert_allclose(conv(*given, groups=2, padding=1), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(dtype):
    x, weight = jnp.ones((1, 12, 12, 64), dtype), jnp.ones((12, 12, 64, 1), dtype)
    expected = jnp.asarray(12 * 12 * 64, dtype)
    assert conv(x, weight).item() == expected
    weight_bar = jax.grad(lambda w: conv(x.reshape(1, 96, 96, 1), w).astype("float32").sum())(
        jnp.ones((1, 1, 1, 1), dtype)
    )
    assert weight_bar.item() == expected


def test_bias_and_activation():
    x, weight, bias = normal(0, 2, 5, 5, 2), normal(1, 3, 3, 2, 4), normal(2, 4)
    given = [jnp.asarray(a, "float32") for a in (x, weight, bias)]
    y = fused_conv_bias_activation(*given, luxlib.relu, padding=1)
    expected = np.maximum(reference(x, weight, padding=1) + bias, 0)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        fused_conv_bias_activation(*given[:2], padding=1),
        reference(x, weight, padding=1),
        rtol=1e-5,
        atol=1e-5,
    )
    gradient = jax.grad(lambda b: fused_conv_bias_activation(*given[:2], b).sum())(given[2])
    np.testing.assert_allclose(gradient, np.full(4, 2 * 3 * 3), rtol=1e-6)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(0, 7))
def test_circular_convolution_commutes_with_shifts(seed, shift):
    x, weight = (
        jnp.asarray(normal(seed + i, *s), "float32") for i, s in [(0, (8, 2)), (1, (3, 2, 2))]
    )

    def f(x):
        return conv(x, weight, padding=1, padding_mode="circular")

    np.testing.assert_allclose(f(jnp.roll(x, shift, 0)), jnp.roll(f(x), shift, 0), atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.floats(-2, 2), st.floats(-2, 2))
def test_bilinear(seed, a, b):
    x, x2, w, w2 = (
        jnp.asarray(normal(seed + i, *s), "float32")
        for i, s in enumerate([(4, 4, 2), (4, 4, 2), (3, 3, 2, 2), (3, 3, 2, 2)])
    )
    a, b = jnp.float32(a), jnp.float32(b)
    np.testing.assert_allclose(conv(a * x + b * x2, w), a * conv(x, w) + b * conv(x2, w), atol=1e-4)
    np.testing.assert_allclose(conv(x, a * w + b * w2), a * conv(x, w) + b * conv(x, w2), atol=1e-4)


def test_a_window_of_one_is_a_dense_layer():
    x, weight = jnp.asarray(normal(0, 2, 5, 4, 3)), jnp.asarray(normal(1, 3, 2))
    np.testing.assert_allclose(
        conv(x, weight[None, None]),
        luxlib.fused_dense_bias_activation(x, weight),
        rtol=1e-5,
        atol=1e-6,
    )


IMAGE, KERNEL = jnp.ones((2, 8, 8, 4)), jnp.ones((3, 3, 4, 6))
MESSAGES = {
    "channels": (
        lambda: conv(jnp.ones((2, 8, 8, 3)), KERNEL),
        ValueError,
        "conv: x: expected shape (..., space, space, 4), got (2, 8, 8, 3). "
        "weight (3, 3, 4, 6) with groups=1 takes 4 input channels.",
    ),
    "rank": (
        lambda: conv(jnp.ones((8, 4)), KERNEL),
        ValueError,
        "conv: x: expected shape (..., space, space, 4), got (8, 4). "
        "weight (3, 3, 4, 6) with groups=1 takes 4 input channels.",
    ),
    "channels-groups": (
        lambda: conv(IMAGE, KERNEL, groups=2),
        ValueError,
        "conv: x: expected shape (..., space, space, 8), got (2, 8, 8, 4). "
        "weight (3, 3, 4, 6) with groups=2 takes 8 input channels.",
    ),
    "groups": (
        lambda: conv(IMAGE, KERNEL, groups=4),
        ValueError,
        "conv: groups: expected a divisor of the 6 output channels, got 4. "
        "weight has shape (3, 3, 4, 6).",
    ),
    "groups-zero": (
        lambda: conv(IMAGE, KERNEL, groups=0),
        ValueError,
        "conv: groups: expected an integer of at least 1, got 0. "
        "It is the number of parts that the channels are split into.",
    ),
    "weight-rank": (
        lambda: conv(IMAGE, jnp.ones((4, 6))),
        ValueError,
        "conv: weight: expected shape (*window, in / groups, out) with one to three spatial axes, "
        "got (4, 6). For one spatial axis of length k that is (k, in, out).",
    ),
    "weight-dtype": (
        lambda: conv(IMAGE, KERNEL.astype(int)),
        TypeError,
        "conv: weight: expected a floating or complex dtype, got int32. "
        "Convert it first, for example weight.astype(jax.numpy.float32).",
    ),
    "empty-window": (
        lambda: conv(IMAGE, jnp.ones((3, 0, 4, 6))),
        ValueError,
        "conv: weight: expected a window without empty axes, got (3, 0). "
        "Each of its axes holds at least one element.",
    ),
    "stride": (
        lambda: conv(IMAGE, KERNEL, stride=0),
        ValueError,
        "conv: stride: expected an integer or 2 of them, each at least 1, got 0. "
        "Give one integer for every spatial axis, or one that holds for all.",
    ),
    "stride-count": (
        lambda: conv(IMAGE, KERNEL, stride=(1, 2, 3)),
        ValueError,
        "conv: stride: expected an integer or 2 of them, each at least 1, got (1, 2, 3). "
        "Give one integer for every spatial axis, or one that holds for all.",
    ),
    "dilation": (
        lambda: conv(IMAGE, KERNEL, dilation=1.5),
        ValueError,
        "conv: dilation: expected an integer or 2 of them, each at least 1, got 1.5. "
        "Give one integer for every spatial axis, or one that holds for all.",
    ),
    "padding-word": (
        lambda: conv(IMAGE, KERNEL, padding="same"),
        ValueError,
        "conv: padding: expected an integer, 2 integers or pairs (before, after), or one of "
        "'SAME', 'VALID', 'CAUSAL', got 'same'. "
        "Numbers must not be negative; to crop, slice the input.",
    ),
    "padding-negative": (
        lambda: conv(IMAGE, KERNEL, padding=((0, 0), (0, -1))),
        ValueError,
        "conv: padding: expected an integer, 2 integers or pairs (before, after), or one of "
        "'SAME', 'VALID', 'CAUSAL', got ((0, 0), (0, -1)). "
        "Numbers must not be negative; to crop, slice the input.",
    ),
    "padding-four": (
        lambda: conv(IMAGE, KERNEL, padding=(1, 1, 1, 1)),
        ValueError,
        "conv: padding: expected an integer, 2 integers or pairs (before, after), or one of "
        "'SAME', 'VALID', 'CAUSAL', got (1, 1, 1, 1). "
        "Numbers must not be negative; to crop, slice the input.",
    ),
    "causal-axes": (
        lambda: conv(IMAGE, KERNEL, padding="CAUSAL"),
        ValueError,
        "conv: padding: expected one spatial axis for 'CAUSAL', got 2 of them. "
        "Give a pair (before, after) for each axis instead.",
    ),
    "causal-mode": (
        lambda: conv(
            jnp.ones((8, 4)), jnp.ones((3, 4, 6)), padding="CAUSAL", padding_mode="circular"
        ),
        ValueError,
        "conv: padding_mode: expected 'zeros' or 'replicate' with padding 'CAUSAL', "
        "got 'circular'. Circular and reflected padding show the past what comes later.",
    ),
    "mode": (
        lambda: conv(IMAGE, KERNEL, padding_mode="mirror"),
        ValueError,
        "conv: padding_mode: expected one of 'zeros', 'circular', 'reflect', 'replicate', "
        "got 'mirror'. Choose one of these words.",
    ),
    "reflect": (
        lambda: conv(jnp.ones((2, 3, 8, 4)), KERNEL, padding=3, padding_mode="reflect"),
        ValueError,
        "conv: padding: expected at most 2 on a spatial axis of size 3 with padding_mode "
        "'reflect', got (3, 3). Use less padding or padding_mode 'replicate'.",
    ),
    "circular": (
        lambda: conv(jnp.ones((2, 3, 8, 4)), KERNEL, padding=4, padding_mode="circular"),
        ValueError,
        "conv: padding: expected at most 3 on a spatial axis of size 3 with padding_mode "
        "'circular', got (4, 4). Use less padding or padding_mode 'replicate'.",
    ),
    "replicate-nothing": (
        lambda: conv(jnp.ones((2, 0, 8, 4)), KERNEL, padding=2, padding_mode="replicate"),
        ValueError,
        "conv: x: expected spatial axes with elements to pad with, got (0, 8). "
        "Use padding_mode 'zeros'.",
    ),
    "too-small": (
        lambda: conv(jnp.ones((2, 4, 8, 4)), KERNEL, dilation=2),
        ValueError,
        "conv: x: expected spatial sizes of at least (5, 5), which the window spans, "
        "got (4, 8) (padding included). Use a smaller window or dilation, or more padding.",
    ),
    "bias": (
        lambda: fused_conv_bias_activation(IMAGE, KERNEL, jnp.ones(4)),
        ValueError,
        "fused_conv_bias_activation: bias: expected shape (6,), got (4,). "
        "The bias has one number for each output feature: weight has shape (3, 3, 4, 6).",
    ),
    "activation": (
        lambda: fused_conv_bias_activation(IMAGE, KERNEL, None, "relu"),
        TypeError,
        "fused_conv_bias_activation: activation: expected a function of one array, got 'relu'. "
        "Pass luxlib.identity for none.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
