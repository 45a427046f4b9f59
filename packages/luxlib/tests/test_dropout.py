"""Dropout: rate, scale, key, axes, and what its derivative keeps."""

import math
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luxlib import dropout

KEY = jax.random.key(0)


def kept(n, rate, key=KEY):
    return np.asarray(dropout(jnp.ones(n), rate, key) != 0)


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.3, 0.5, 0.9, 0.999])
def test_rate(rate):
    n = 1_000_000
    dropped = n - kept(n, rate).sum()
    assert abs(dropped - n * rate) < 4.5 * math.sqrt(n * rate * (1 - rate))


def test_elements_are_independent():
    """Also those that share a random word: `i` and `i + n / 2`."""
    n = 1_000_000
    for rate in (0.1, 0.5):
        mask = kept(n, rate) - (1 - rate)
        variance = rate * (1 - rate)
        for lag in (1, 2, 7, 64, n // 2 - 1, n // 2, n // 2 + 1):
            correlation = (mask[lag:] * mask[:-lag]).mean() / variance
            assert abs(correlation) < 4.5 / math.sqrt(n - lag), (rate, lag)


def test_keys_are_independent():
    n = 500_000
    masks = [kept(n, 0.5, key) - 0.5 for key in jax.random.split(KEY, 5)]
    for a, b in pairwise(masks):
        assert abs((a * b).mean() / 0.25) < 4.5 / math.sqrt(n)


def test_runs_have_the_lengths_of_chance():
    """A chi-square test of four neighbours' patterns, 15 degrees of freedom."""
    patterns = kept(800_000, 0.5).reshape(-1, 4) @ np.array([1, 2, 4, 8])
    counts = np.bincount(patterns, minlength=16)
    expected = patterns.size / 16
    assert ((counts - expected) ** 2 / expected).sum() < 44.3  # 1 in 10,000


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((), "float32"),
        ((1,), "float32"),
        ((7,), "bfloat16"),
        ((3, 1), "float32"),
        ((5, 3), "float16"),
        ((0, 4), "float32"),
        ((2, 3, 5), "complex64"),
    ],
)
def test_shape_dtype_and_scale(shape, dtype):
    x = (jnp.arange(math.prod(shape)) % 7 + 1).reshape(shape).astype(dtype)
    y = dropout(x, 0.2, KEY)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    wide = np.complex64 if dtype == "complex64" else np.float32
    whole = (np.asarray(x, wide) / wide(0.8)).astype(x.dtype)
    close = np.isclose(np.asarray(y, wide), whole.astype(wide), rtol=1e-6, atol=0)
    assert (close | (np.asarray(y) == 0)).all()


def test_float64():
    with jax.enable_x64(True):
        y = dropout(jnp.full(100, 3.0), 0.25, KEY)
        assert y.dtype == jnp.float64
        assert set(np.asarray(y)) == {0.0, 4.0}


def test_half_precision_keeps_the_expectation():
    """With 1 / (1 - rate) itself in bfloat16 the mean would be off by 0.2 %."""
    y = dropout(jnp.full(1_000_000, 1.5, "bfloat16"), 0.1, KEY).astype("float32")
    values = set(np.asarray(y))
    assert values == {0.0, np.float32(jnp.bfloat16(1.5 / 0.9))}


@pytest.mark.parametrize("rate", [0, 0.0, 1, 1.0])
def test_none_and_all(rate):
    x = jnp.array([1.0, -2.0, jnp.inf])
    y = dropout(x, rate, KEY)
    np.testing.assert_array_equal(y, x if rate == 0 else jnp.zeros(3))
    gradient = jax.grad(lambda x: dropout(x, rate, KEY).sum())(jnp.ones(3))
    np.testing.assert_array_equal(gradient, np.ones(3) if rate == 0 else np.zeros(3))


def test_what_is_dropped_is_zero_whatever_it_was():
    y = dropout(jnp.full(1000, jnp.nan), 0.5, KEY)
    assert (y == 0).sum() + jnp.isnan(y).sum() == 1000
    assert 400 < (y == 0).sum() < 600


def test_outside_training_nothing_happens():
    x = jnp.array([1.0, jnp.nan])
    y = dropout(x, 0.5, KEY, training=False)
    np.testing.assert_array_equal(y, x)
    assert isinstance(dropout(np.ones(3, np.float32), 0.5, KEY, training=False), jax.Array)


def test_typed_and_raw_keys():
    raw = jax.random.key_data(KEY)
    x = jnp.ones((5, 7))
    np.testing.assert_array_equal(dropout(x, 0.5, raw), dropout(x, 0.5, KEY))
    other = dropout(x, 0.5, jax.random.key(1))
    assert (np.asarray(other) != np.asarray(dropout(x, 0.5, KEY))).any()
    assert dropout(x, 0.5, jax.random.key(0, impl="rbg")).shape == x.shape


@pytest.mark.parametrize(
    ("axis", "drawn"),
    [(None, (0, 1, 2)), (0, (0,)), (-1, (2,)), ((0, -1), (0, 2)), ([1, 0], (0, 1)), ((), ())],
)
def test_along_other_axes_all_are_dropped_together(axis, drawn):
    mask = np.asarray(dropout(jnp.ones((20, 30, 40)), 0.5, KEY, axis=axis) != 0)
    for i in range(3):
        together = (mask == np.take(mask, [0], i)).all()
        assert together == (i not in drawn)


def test_rate_may_change_from_step_to_step():
    compiled = jax.jit(lambda x, rate: dropout(x, rate, KEY))
    for rate in (0.0, 0.25, 1.0):
        x = jnp.ones(50)
        np.testing.assert_array_equal(compiled(x, jnp.float32(rate)), dropout(x, rate, KEY))
    assert compiled._cache_size() == 1
    assert jax.grad(lambda rate: dropout(jnp.ones(5), rate, KEY).sum())(0.5) == 0


def test_derivatives_use_the_same_mask():
    x, t = jnp.arange(1.0, 101), jnp.linspace(-1, 1, 100)
    mask = dropout(jnp.ones(100), 0.3, KEY)
    y, y_dot = jax.jvp(lambda x: dropout(x, 0.3, KEY), (x,), (t,))
    np.testing.assert_allclose(y, x * mask, rtol=1e-6)
    np.testing.assert_allclose(y_dot, t * mask, rtol=1e-6)
    _, pullback = jax.vjp(lambda x: dropout(x, 0.3, KEY), x)
    np.testing.assert_allclose(pullback(t)[0], t * mask, rtol=1e-6)


def test_the_mask_is_not_kept_for_the_backward_pass():
    x = jnp.ones((100, 100))
    _, pullback = jax.vjp(lambda x: dropout(x, 0.3, KEY), x)
    kept = [leaf for leaf in jax.tree.leaves(pullback) if hasattr(leaf, "nbytes")]
    assert sum(leaf.size for leaf in kept) < 10


def test_vmap_over_keys_draws_for_each():
    keys, x = jax.random.split(KEY, 3), jnp.ones((3, 50))
    y = jax.vmap(lambda x, key: dropout(x, 0.5, key))(x, keys)
    np.testing.assert_array_equal(
        y, jnp.stack([dropout(a, 0.5, key) for a, key in zip(x, keys, strict=True)])
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.9375, width=32))
def test_every_element_is_zero_or_scaled(seed, rate):
    y = np.asarray(dropout(jnp.ones(64), rate, jax.random.key(seed)))
    scaled = np.isclose(y, 1 / (1 - rate), rtol=1e-6)
    assert (scaled | (y == 0)).all()


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_rate_over_many_draws(rate):
    """1e8 draws: the rate to 2e-4 of itself."""
    n, dropped = 10_000_000, 0
    for key in jax.random.split(KEY, 10):
        dropped += n - int(kept(n, rate, key).sum())
    total = 10 * n
    assert abs(dropped - total * rate) < 4.5 * math.sqrt(total * rate * (1 - rate))


MESSAGES = {
    "dtype": (
        lambda: dropout(jnp.ones(3, int), 0.5, KEY),
        TypeError,
        "dropout: x: expected a floating or complex dtype, got int32. "
        "Convert it first, for example x.astype(jax.numpy.float32).",
    ),
    "rate": (
        lambda: dropout(jnp.ones(3), 1.5, KEY),
        ValueError,
        "dropout: rate: expected a number from 0 to 1, got 1.5. It is the share that is dropped.",
    ),
    "rate-nan": (
        lambda: dropout(jnp.ones(3), math.nan, KEY),
        ValueError,
        "dropout: rate: expected a number from 0 to 1, got nan. It is the share that is dropped.",
    ),
    "rate-shape": (
        lambda: dropout(jnp.ones(3), jnp.ones(3), KEY),
        ValueError,
        "dropout: rate: expected one number, got shape (3,). Give a scalar.",
    ),
    "axis": (
        lambda: dropout(jnp.ones((3, 2)), 0.5, KEY, axis=2),
        ValueError,
        "dropout: axis: expected different axes of 2, got 2. Count them from -2 to 1.",
    ),
    "axis-twice": (
        lambda: dropout(jnp.ones((3, 2)), 0.5, KEY, axis=(1, -1)),
        ValueError,
        "dropout: axis: expected different axes of 2, got (1, -1). Count them from -2 to 1.",
    ),
    "axis-kind": (
        lambda: dropout(jnp.ones((3, 2)), 0.5, KEY, axis="channels"),
        ValueError,
        "dropout: axis: expected different axes of 2, got 'channels'. Count them from -2 to 1.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
