"""Max pooling against loops over windows in float64."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luxlib import maxpool


def each(value, axes):
    return (value,) * axes if isinstance(value, int) else tuple(value)


def reference(x, window, *, stride=None, padding=0, dilation=1, ceil_mode=False, ct=None):
    """The largest element of each window, and where `ct` goes: to the first of the largest."""
    axes = len(window)
    stride = tuple(window) if stride is None else each(stride, axes)
    dilation, padding = each(dilation, axes), each(padding, axes)
    pairs = [each(p, 2) for p in padding]
    places = []
    for n, k, s, (before, after), d in zip(
        x.shape[1:-1], window, stride, pairs, dilation, strict=True
    ):
        steps = (n + before + after - d * (k - 1) - 1) / s
        count = int(np.ceil(steps) if ceil_mode else np.floor(steps)) + 1
        if ceil_mode and (count - 1) * s >= n + before:
            count -= 1  # a last window has to begin in the input or before it
        places.append(count)
    y, x_bar = np.zeros((x.shape[0], *places, x.shape[-1])), np.zeros(x.shape)
    for b, c in product(range(x.shape[0]), range(x.shape[-1])):
        for place in np.ndindex(*places):
            inside = []
            for tap in np.ndindex(*window):
                at = [
                    t * s + i * d - before
                    for t, s, i, d, (before, _) in zip(
                        place, stride, tap, dilation, pairs, strict=True
                    )
                ]
                if all(0 <= i < n for i, n in zip(at, x.shape[1:-1], strict=True)):
                    inside.append((b, *at, c))
            winner = max(inside, key=lambda at: x[at])  # the first of several
            y[(b, *place, c)] = x[winner]
            if ct is not None:
                x_bar[winner] += ct[(b, *place, c)]
    return y, x_bar


CASES = [
    # one dimension
    ((2, 7, 3), (2,), {}),
    ((2, 7, 3), (3,), {"stride": 1, "padding": 1}),
    ((1, 1, 1), (1,), {}),
    ((2, 9, 2), (2,), {"stride": 4}),
    ((2, 9, 2), (3,), {"dilation": 2, "stride": 2, "padding": 2}),
    ((2, 9, 2), (4,), {"ceil_mode": True}),
    ((2, 9, 2), (4,), {"ceil_mode": True, "padding": ((1, 0),), "stride": 3}),
    ((0, 9, 2), (2,), {}),
    ((1, 70, 2), (65,), {"stride": 2}),  # more positions than are compared one by one
    ((1, 70, 2), (66,), {"stride": 2, "padding": 3, "ceil_mode": True}),
    ((1, 300, 1), (66,), {"stride": 30, "dilation": 3}),
    # two
    ((2, 6, 4, 3), (2, 2), {}),
    ((2, 7, 5, 2), (2, 2), {}),
    ((2, 7, 6, 2), (3, 2), {"stride": (2, 1), "padding": (1, 0)}),
    ((2, 7, 7, 2), (3, 3), {"stride": 2, "padding": 1, "ceil_mode": True}),
    ((2, 8, 8, 2), (3, 3), {"stride": 2, "padding": ((0, 1), (2, 0))}),
    ((2, 9, 8, 2), (2, 3), {"dilation": (3, 2), "stride": 1}),
    ((2, 5, 1, 2), (5, 1), {}),
    ((1, 5, 5, 2), (1, 1), {"stride": 2}),
    ((0, 5, 4, 3), (2, 2), {"stride": 1}),
    ((1, 12, 9, 1), (9, 8), {"stride": (2, 1)}),
    # three
    ((1, 4, 5, 3, 2), (2, 2, 2), {"stride": 1}),
    ((2, 5, 4, 4, 1), (2, 3, 2), {"padding": (1, 1, 0), "ceil_mode": True}),
]
LARGE = ((1, 600, 1), (260,), {"stride": 30, "dilation": 2})  # a byte can't count its positions
every = pytest.mark.parametrize(
    "case",
    [*CASES, pytest.param(LARGE, marks=pytest.mark.slow)],
    ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}",
)


@partial(jax.jit, static_argnums=(2, 3))
def pooled(x, ct, window, options):
    y, pullback = jax.vjp(lambda x: maxpool(x, window, **dict(options)), x)
    return y, pullback(ct)[0]


def with_gradient(x, ct, window, options):
    return pooled(x, ct, window, tuple(options.items()))


@every
@pytest.mark.parametrize("ties", [False, True])
def test_value_and_gradient(case, ties):
    shape, window, options = case
    rng = np.random.default_rng(0)
    x = rng.integers(-1, 2, shape).astype(float) if ties else rng.normal(size=shape)
    expected, _ = reference(x, window, **options)
    ct = rng.normal(size=expected.shape)
    _, expected_bar = reference(x, window, **options, ct=ct)
    with jax.enable_x64(True):
        y, x_bar = with_gradient(jnp.asarray(x), jnp.asarray(ct), window, options)
    assert y.shape == expected.shape
    assert y.dtype == x_bar.dtype == np.float64
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(x_bar, expected_bar, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("case", [CASES[8], CASES[14]], ids=["many positions", "few"])
def test_floating_dtypes(case, dtype):
    shape, window, options = case
    x = jnp.asarray(np.random.default_rng(0).normal(size=shape), dtype)
    expected, _ = reference(np.asarray(x, np.float64), window, **options)
    ct = np.arange(expected.size).reshape(expected.shape) % 3 - 1.0
    _, expected_bar = reference(np.asarray(x, np.float64), window, **options, ct=ct)
    y, x_bar = with_gradient(x, jnp.asarray(ct, dtype), window, options)
    assert y.dtype == x_bar.dtype == dtype
    np.testing.assert_array_equal(np.asarray(y, np.float64), expected)
    np.testing.assert_array_equal(np.asarray(x_bar, np.float64), expected_bar)


@pytest.mark.parametrize("dtype", ["int32", "int8", "uint8", "bool"])
def test_integers_and_booleans(dtype):
    x = jnp.asarray(np.random.default_rng(0).integers(0, 100, (2, 5, 5, 3)) - 50, dtype)
    if dtype == "bool":
        x = x & (jnp.arange(5)[None, None, :, None] > 2)
    y = maxpool(x, (2, 2), padding=1)
    assert y.dtype == dtype
    expected, _ = reference(np.asarray(x, float), (2, 2), padding=1)
    np.testing.assert_array_equal(np.asarray(y, float), expected)


@pytest.mark.parametrize("window", [(2,), (65,)])
def test_minus_infinity_and_nan(window):
    low, nan = jnp.full((1, window[0], 1), -jnp.inf), jnp.full((1, window[0], 1), jnp.nan)
    assert maxpool(low, window, padding=1, stride=window).max() == -jnp.inf
    assert jnp.isnan(maxpool(nan, window)).all()
    assert jnp.isnan(maxpool(low.at[0, 1].set(jnp.nan), window)).all()


def test_the_gradient_of_a_window_with_nan_is_not_lost():
    x = jnp.array([1.0, jnp.nan, 3.0, 0.0])[:, None]
    gradient = jax.grad(lambda x: maxpool(x, (2,)).sum())(x)
    np.testing.assert_array_equal(gradient.reshape(2, 2).sum(1), [1, 1])


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (2, 0)])
@pytest.mark.parametrize(("space", "window"), [((6,), (2,)), ((5, 4), (2, 2))])
def test_any_number_of_leading_axes(batch, space, window):
    x = np.random.default_rng(0).normal(size=(*batch, *space, 2)).astype("float32")
    y = maxpool(jnp.asarray(x), window)
    expected, _ = reference(x.reshape(int(np.prod(batch)), *space, 2), window)
    np.testing.assert_array_equal(y, expected.astype("float32").reshape(y.shape))


def test_defaults_and_words():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(7, 8, 2)), "float32")
    np.testing.assert_array_equal(maxpool(x, (3, 2)), maxpool(x, (3, 2), stride=(3, 2)))
    np.testing.assert_array_equal(maxpool(x, (2, 2), padding="VALID"), maxpool(x, (2, 2)))
    same = maxpool(x, (3, 3), stride=2, padding="SAME")
    np.testing.assert_array_equal(same, maxpool(x, (3, 3), stride=2, padding=((1, 1), (0, 1))))
    assert same.shape == (4, 4, 2)
    np.testing.assert_array_equal(maxpool(np.asarray(x), [2, 2]), maxpool(x, (2, 2)))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6))
def test_commutes_with_increasing_functions_and_with_itself(seed):
    x = jnp.asarray(np.random.default_rng(seed).normal(size=(8, 8, 2)), "float32")
    np.testing.assert_array_equal(maxpool(jnp.exp(x), (2, 2)), jnp.exp(maxpool(x, (2, 2))))
    np.testing.assert_array_equal(maxpool(maxpool(x, (2, 2)), (2, 2)), maxpool(x, (4, 4)))


def test_the_reverse_mode_keeps_a_byte_for_each_output():
    x = jnp.ones((1, 8, 8, 2))
    _, pullback = jax.vjp(lambda x: maxpool(x, (2, 2)), x)
    kept = [leaf for leaf in jax.tree.leaves(pullback) if hasattr(leaf, "nbytes")]
    assert sum(leaf.nbytes for leaf in kept) <= 4 * 4 * 2


IMAGE = jnp.ones((2, 8, 8, 4))
MESSAGES = {
    "window-integer": (
        lambda: maxpool(IMAGE, 2),
        ValueError,
        "maxpool: window: expected one to three integers, one for each spatial axis, got 2. "
        "For two spatial axes that is (2, 2).",
    ),
    "window-many": (
        lambda: maxpool(IMAGE, (2, 2, 2, 2)),
        ValueError,
        "maxpool: window: expected one to three integers, one for each spatial axis, "
        "got (2, 2, 2, 2). For two spatial axes that is (2, 2).",
    ),
    "window-zero": (
        lambda: maxpool(IMAGE, (2, 0)),
        ValueError,
        "maxpool: window: expected an integer or 2 of them, each at least 1, got (2, 0). "
        "Give one integer for every spatial axis, or one that holds for all.",
    ),
    "rank": (
        lambda: maxpool(jnp.ones((8, 4)), (2, 2)),
        ValueError,
        "maxpool: x: expected shape (..., space, space, channels), got (8, 4). "
        "A window of 2 sizes pools 2 spatial axes before the channels.",
    ),
    "stride": (
        lambda: maxpool(IMAGE, (2, 2), stride=(1, 0)),
        ValueError,
        "maxpool: stride: expected an integer or 2 of them, each at least 1, got (1, 0). "
        "Give one integer for every spatial axis, or one that holds for all.",
    ),
    "causal": (
        lambda: maxpool(IMAGE, (2, 2), padding="CAUSAL"),
        ValueError,
        "maxpool: padding: expected an integer, 2 integers or pairs (before, after), or one of "
        "'SAME', 'VALID', got 'CAUSAL'. Numbers must not be negative; to crop, slice the input.",
    ),
    "padding": (
        lambda: maxpool(IMAGE, (2, 2), padding=(1, 2)),
        ValueError,
        "maxpool: padding: expected less than the window spans, (2, 2), got ((1, 1), (2, 2)). "
        "A window that lies in the padding has no element to take.",
    ),
    "too-small": (
        lambda: maxpool(IMAGE, (9, 2)),
        ValueError,
        "maxpool: x: expected spatial sizes of at least (9, 2), which the window spans, "
        "got (8, 8) (padding included). Use a smaller window or dilation, or more padding.",
    ),
    "complex": (
        lambda: maxpool(IMAGE.astype("complex64"), (2, 2)),
        TypeError,
        "maxpool: x: expected a real dtype, got complex64. "
        "Complex numbers have no order: pool jax.numpy.abs(x), for example.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
