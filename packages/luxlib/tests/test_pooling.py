"""Pooling against loops over windows in float64."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luxlib
from luxlib import (
    adaptive_lpnormpool,
    adaptive_maxpool,
    adaptive_meanpool,
    lpnormpool,
    maxpool,
    meanpool,
)


def each(value, axes):
    return (value,) * axes if isinstance(value, int) else tuple(value)


def windows(shape, window, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    """The numbers of places, and for each place which elements its window holds.

    With the elements come those of the padding, which NaN stands for in `sizes`.
    """
    axes = len(window)
    stride = tuple(window) if stride is None else each(stride, axes)
    dilation, padding = each(dilation, axes), each(padding, axes)
    pairs = [each(p, 2) for p in padding]
    along = []
    for n, k, s, (before, after), d in zip(
        shape[1:-1], window, stride, pairs, dilation, strict=True
    ):
        steps = (n + before + after - d * (k - 1) - 1) / s
        count = int(np.ceil(steps) if ceil_mode else np.floor(steps)) + 1
        if ceil_mode and (count - 1) * s >= n + before:
            count -= 1  # a last window has to begin in the input or before it
        reached = [[t * s + i * d - before for i in range(k)] for t in range(count)]
        along.append([[i for i in at if i < n + after] for at in reached])
    places = [len(axis) for axis in along]
    held = {}
    for place in np.ndindex(*places):
        padded = list(product(*(axis[t] for axis, t in zip(along, place, strict=True))))
        inside = [
            at for at in padded if all(0 <= i < n for i, n in zip(at, shape[1:-1], strict=True))
        ]
        held[place] = inside, len(padded)
    return places, held


def reference(x, window, ct=None, **options):
    """The largest element of each window, and where `ct` goes: to the first of the largest."""
    places, held = windows(x.shape, window, **options)
    y, x_bar = np.zeros((x.shape[0], *places, x.shape[-1])), np.zeros(x.shape)
    for b, c, place in product(range(x.shape[0]), range(x.shape[-1]), held):
        inside, _ = held[place]
        winner = max(inside, key=lambda at: x[(b, *at, c)])  # the first of several
        y[(b, *place, c)] = x[(b, *winner, c)]
        if ct is not None:
            x_bar[(b, *winner, c)] += ct[(b, *place, c)]
    return y, x_bar


def mean_reference(x, window, ct, *, count_include_pad=True, **options):
    """The mean of each window, and what comes back of `ct`."""
    places, held = windows(x.shape, window, **options)
    y, x_bar = np.zeros((x.shape[0], *places, x.shape[-1])), np.zeros(x.shape)
    for place, (inside, padded) in held.items():
        count = padded if count_include_pad else len(inside)
        for at in inside:
            y[:, *place] += x[:, *at] / count
            x_bar[:, *at] += ct[:, *place] / count
    return y, x_bar


def norm_reference(x, p, window, ct, **options):
    """The norm of each window, and what comes back of `ct`: nothing to elements that are zero."""
    places, held = windows(x.shape, window, **options)
    y, x_bar = np.zeros((x.shape[0], *places, x.shape[-1])), np.zeros(x.shape)
    for b, c, place in product(range(x.shape[0]), range(x.shape[-1]), held):
        inside = [(b, *at, c) for at in held[place][0]]
        y[(b, *place, c)] = norm = sum(abs(x[at]) ** p for at in inside) ** (1 / p)
        for at in inside:
            if x[at] != 0:
                slope = np.sign(x[at]) * (abs(x[at]) / norm) ** (p - 1)
                x_bar[at] += slope * ct[(b, *place, c)]
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


@pytest.mark.parametrize("options", [{}, {"stride": 2, "window": (3, 3), "padding": 1}])
def test_the_reverse_mode_keeps_a_byte_for_each_window_of_each_axis(options):
    x = jnp.ones((1, 8, 8, 2))
    _, pullback = jax.vjp(lambda x: maxpool(x, **{"window": (2, 2), **options}), x)
    kept = [leaf for leaf in jax.tree.leaves(pullback) if hasattr(leaf, "nbytes")]
    assert sum(leaf.nbytes for leaf in kept) <= (8 * 4 + 4 * 4) * 2


@pytest.mark.parametrize("case", [CASES[1], CASES[14], CASES[16], CASES[22]], ids=str)
def test_the_platforms_agree(case):
    """XLA's own reduction over all axes at once, which other platforms take."""
    shape, window, options = case
    x = jnp.asarray(np.random.default_rng(0).normal(size=shape), "float32")

    def value_and_gradients(x):
        for pool in (maxpool, meanpool):
            y, pullback = jax.vjp(partial(pool, window=window, **options), x)
            yield y, pullback(jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    here = jax.jit(lambda x: list(value_and_gradients(x)))(x)
    with luxlib.compiling_for(platform="gpu"):
        there = jax.jit(lambda x: list(value_and_gradients(x)))(x)
    for a, b in zip(jax.tree.leaves(here), jax.tree.leaves(there), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@partial(jax.jit, static_argnums=(2, 3, 4))
def mean_pooled(x, ct, window, options, p):
    """Value and pullback of meanpool, or of lpnormpool where `p` is a number."""
    pool = meanpool if p is None else partial(lpnormpool, p=p)
    y, pullback = jax.vjp(lambda x: pool(x, window=window, **dict(options)), x)
    return y, pullback(ct)[0]


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}")
def test_mean(case, include):
    shape, window, options = case
    options = {**options, "count_include_pad": include}
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    places, _ = windows(shape, window, **case[2])
    ct = rng.normal(size=(shape[0], *places, shape[-1]))
    expected, expected_bar = mean_reference(x, window, ct, **options)
    with jax.enable_x64(True):
        y, x_bar = mean_pooled(
            jnp.asarray(x), jnp.asarray(ct), window, tuple(options.items()), None
        )
    assert y.dtype == x_bar.dtype == np.float64
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(x_bar, expected_bar, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("p", [1, 2.0, 3, 0.5, 1.7])
@pytest.mark.parametrize(
    "case",
    [CASES[1], CASES[13], CASES[14], CASES[16], CASES[20]],
    ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}",
)
def test_norm(case, p):
    shape, window, options = case
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape) * (rng.random(shape) < 0.7)
    x[:, :2] = 0  # windows of zeros
    places, _ = windows(shape, window, **options)
    ct = rng.normal(size=(shape[0], *places, shape[-1]))
    expected, expected_bar = norm_reference(x, p, window, ct, **options)
    with jax.enable_x64(True):
        y, x_bar = mean_pooled(jnp.asarray(x), jnp.asarray(ct), window, tuple(options.items()), p)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(x_bar, expected_bar, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 0.5])
def test_every_derivative_of_the_norm_of_zeros_is_zero(p):
    x = jnp.zeros((4, 1))

    @jax.jit
    def derivatives(x):
        def f(x):
            return lpnormpool(x, p, (2,)).sum()

        return jax.grad(f)(x), jax.hessian(f)(x), jax.jvp(f, (x,), (x + 1,))[1]

    assert all((d == 0).all() for d in derivatives(x))
    assert jnp.isnan(lpnormpool(x.at[0].set(jnp.nan), p, (2,))[0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32_and_rounded_once(dtype):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 90, 90, 1)) + 4, dtype)
    wide = np.asarray(x, np.float64)[0, ..., 0]
    tiles = wide.reshape(3, 30, 3, 30).transpose(0, 2, 1, 3).reshape(9, 900)
    norms = np.sqrt((tiles**2).sum(1))
    overlapping = np.array([wide[i : i + 30].mean() for i in range(0, 61, 20)])
    for y, expected in (
        (meanpool(x, (30, 30)), tiles.mean(1)),
        (adaptive_meanpool(x, (3, 3)), tiles.mean(1)),
        (meanpool(x, (30, 90), stride=20), overlapping),
        (lpnormpool(x, 2, (30, 30)), norms),
    ):
        assert y.dtype == dtype
        unit = float(jnp.finfo(dtype).eps) / 2 * 1.05
        np.testing.assert_allclose(np.asarray(y, np.float64).ravel(), expected, rtol=unit)


def test_integers_have_a_mean_in_the_default_dtype():
    x = jnp.arange(6)[:, None]
    np.testing.assert_array_equal(meanpool(x, (2,))[:, 0], [0.5, 2.5, 4.5])
    assert meanpool(x, (2,)).dtype == lpnormpool(x, 2, (2,)).dtype == jnp.float32
    assert adaptive_meanpool(x > 2, (2,)).dtype == jnp.float32
    z = meanpool(jnp.array([1 + 2j, 3 - 4j])[:, None], (2,))
    np.testing.assert_allclose(z, [[2 - 1j]])


ADAPTIVE = [
    ((2, 7, 3), (3,)),
    ((2, 3, 2), (5,)),  # more windows than elements
    ((1, 9, 2), (9,)),
    ((0, 9, 2), (4,)),
    ((2, 6, 8, 2), (3, 2)),
    ((2, 7, 8, 3), (3, 2)),
    ((2, 10, 11, 1), (7, 4)),
    ((1, 5, 1, 2), (1, 1)),
    ((1, 4, 5, 7, 2), (3, 2, 4)),
]


def uneven(n, m):
    """The elements of each window: from floor(i n / m) to ceil((i + 1) n / m)."""
    return [range(int(np.floor(i * n / m)), int(np.ceil((i + 1) * n / m - 1e-9))) for i in range(m)]


@partial(jax.jit, static_argnums=(2,))
def adaptive(x, cts, output_size):
    pools = (adaptive_maxpool, adaptive_meanpool, partial(adaptive_lpnormpool, p=2))
    results = []
    for pool, ct in zip(pools, cts, strict=True):
        y, pullback = jax.vjp(partial(pool, output_size=output_size), x)
        results.append((y, pullback(ct)[0]))
    return results


@pytest.mark.parametrize(("shape", "output_size"), ADAPTIVE)
def test_adaptive(shape, output_size):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, shape).astype(float)
    cts = rng.normal(size=(3, shape[0], *output_size, shape[-1]))
    held = [uneven(n, m) for n, m in zip(shape[1:-1], output_size, strict=True)]
    expected = [(np.zeros(ct.shape), np.zeros(shape)) for ct in cts]
    for place in np.ndindex(*output_size):
        inside = list(product(*(axis[t] for axis, t in zip(held, place, strict=True))))
        for b, c in product(range(shape[0]), range(shape[-1])):
            values = np.array([x[(b, *at, c)] for at in inside])
            norm, winner = np.sqrt((values**2).sum()), values.argmax()
            for (y, x_bar), ct, value, slopes in zip(
                expected,
                cts,
                (values.max(), values.mean(), norm),
                (
                    np.arange(len(values)) == winner,
                    np.full(len(values), 1 / len(values)),
                    values / norm if norm else values,
                ),
                strict=True,
            ):
                y[(b, *place, c)] = value
                for at, slope in zip(inside, slopes, strict=True):
                    x_bar[(b, *at, c)] += slope * ct[(b, *place, c)]
    with jax.enable_x64(True):
        results = adaptive(jnp.asarray(x), jnp.asarray(cts), output_size)
    for (y, x_bar), (value, bar) in zip(results, expected, strict=True):
        assert y.dtype == x_bar.dtype == np.float64
        np.testing.assert_allclose(y, value, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(x_bar, bar, rtol=1e-12, atol=1e-13)


def test_adaptive_takes_integers_nan_and_half_precision():
    x = jnp.array([3, -1, 7, 2, 5])[:, None]
    np.testing.assert_array_equal(adaptive_maxpool(x, (2,))[:, 0], [7, 7])
    assert adaptive_maxpool(x > 0, (2,)).dtype == bool
    assert jnp.isnan(adaptive_maxpool(x.astype("float32").at[0].set(jnp.nan), (2,))[0]).all()
    assert adaptive_maxpool(x.astype("bfloat16"), (3,)).dtype == jnp.bfloat16
    low = jnp.full((5, 1), -jnp.inf)
    assert (adaptive_maxpool(low, (2,)) == -jnp.inf).all()


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
        "With 2 numbers in window, 2 spatial axes lie before the channels.",
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
        "maxpool: padding: expected an element of x in every window, got ((1, 1), (2, 2)). "
        "A window that lies in the padding has nothing to pool: use less of it.",
    ),
    "too-small": (
        lambda: maxpool(IMAGE, (9, 2)),
        ValueError,
        "maxpool: x: expected spatial sizes of at least (9, 2), which the window spans, "
        "got (8, 8) (padding included). Use a smaller window or dilation, or more padding.",
    ),
    "padding-dilated": (
        lambda: meanpool(jnp.ones((1, 1, 1)), (2,), padding=1, dilation=2),
        ValueError,
        "meanpool: padding: expected an element of x in every window, got ((1, 1),). "
        "A window that lies in the padding has nothing to pool: use less of it.",
    ),
    "mean-rank": (
        lambda: meanpool(jnp.ones((8, 4)), (2, 2)),
        ValueError,
        "meanpool: x: expected shape (..., space, space, channels), got (8, 4). "
        "With 2 numbers in window, 2 spatial axes lie before the channels.",
    ),
    "norm-exponent": (
        lambda: lpnormpool(IMAGE, 0, (2, 2)),
        ValueError,
        "lpnormpool: p: expected a positive number, got 0. "
        "For the infinite norm use maxpool(jax.numpy.abs(x), ...).",
    ),
    "norm-infinite": (
        lambda: adaptive_lpnormpool(IMAGE, float("inf"), (2, 2)),
        ValueError,
        "adaptive_lpnormpool: p: expected a positive number, got inf. "
        "For the infinite norm use maxpool(jax.numpy.abs(x), ...).",
    ),
    "norm-array": (
        lambda: lpnormpool(IMAGE, "2", (2, 2)),
        ValueError,
        "lpnormpool: p: expected a positive number, got '2'. "
        "For the infinite norm use maxpool(jax.numpy.abs(x), ...).",
    ),
    "norm-complex": (
        lambda: lpnormpool(IMAGE.astype("complex64"), 2, (2, 2)),
        TypeError,
        "lpnormpool: x: expected a real dtype, got complex64. "
        "The norm of complex numbers is that of jax.numpy.abs(x).",
    ),
    "adaptive-size": (
        lambda: adaptive_maxpool(IMAGE, 2),
        ValueError,
        "adaptive_maxpool: output_size: expected one to three integers, one for each spatial "
        "axis, got 2. For two spatial axes that is (2, 2).",
    ),
    "adaptive-zero": (
        lambda: adaptive_meanpool(IMAGE, (2, 0)),
        ValueError,
        "adaptive_meanpool: output_size: expected an integer or 2 of them, each at least 1, "
        "got (2, 0). Give one integer for every spatial axis, or one that holds for all.",
    ),
    "adaptive-rank": (
        lambda: adaptive_maxpool(jnp.ones((8, 4)), (2, 2)),
        ValueError,
        "adaptive_maxpool: x: expected shape (..., space, space, channels), got (8, 4). "
        "With 2 numbers in output_size, 2 spatial axes lie before the channels.",
    ),
    "adaptive-empty": (
        lambda: adaptive_maxpool(jnp.ones((2, 0, 4)), (2,)),
        ValueError,
        "adaptive_maxpool: x: expected spatial axes with elements, got (0,). "
        "A window without an element has nothing to pool.",
    ),
    "adaptive-complex": (
        lambda: adaptive_maxpool(IMAGE.astype("complex64"), (2, 2)),
        TypeError,
        "adaptive_maxpool: x: expected a real dtype, got complex64. "
        "Complex numbers have no order: pool jax.numpy.abs(x), for example.",
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
