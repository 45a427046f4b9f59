"""Dropout: rate, scale, key, axes, generators, and what its derivative keeps."""

import math
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luxlib import alpha_dropout, dropout
from luxlib._dropout import _masks

KEY = jax.random.key(0)
GENERATORS = ("jax", "counter")
both = pytest.mark.parametrize("generator", GENERATORS)


def kept(n, rate, key=KEY, generator="jax"):
    return np.asarray(dropout(jnp.ones(n), rate, key, generator=generator) != 0)


@both
@pytest.mark.parametrize("rate", [0.001, 0.1, 0.3, 0.5, 0.9, 0.999])
def test_rate(rate, generator):
    n = 1_000_000
    dropped = n - kept(n, rate, generator=generator).sum()
    assert abs(dropped - n * rate) < 4.5 * math.sqrt(n * rate * (1 - rate))


@pytest.mark.parametrize("rate", [0, 0.1, 0.3, 0.5, 0.9, 1, 1e-7])
@pytest.mark.parametrize(
    ("shape", "axis", "drawn"),
    [
        ((), None, ()),
        ((7,), None, (7,)),
        ((5, 3, 4), None, (5, 3, 4)),
        ((6, 2, 3), (0, 2), (6, 1, 3)),
    ],
)
def test_the_mask_is_that_of_jax(rate, shape, axis, drawn):
    for key in (KEY, jax.random.key(2**31 + 5), jax.random.key(7, impl="rbg")):
        mask = jax.random.bernoulli(key, jnp.float32(1 - rate), drawn)
        y = dropout(jnp.ones(shape), rate, key, axis=axis)
        np.testing.assert_array_equal(y != 0, jnp.broadcast_to(mask, shape))


def test_the_mask_is_that_of_jax_in_its_other_mode():
    with jax.threefry_partitionable(False):
        mask = jax.random.bernoulli(KEY, jnp.float32(0.6), (9, 5))
        np.testing.assert_array_equal(dropout(jnp.ones((9, 5)), 0.4, KEY) != 0, mask)
    assert (mask != (dropout(jnp.ones((9, 5)), 0.4, KEY) != 0)).any()


def test_words_are_those_of_jax():
    np.testing.assert_array_equal(
        _masks._threefry(KEY, (70, 50)), jax.random.bits(KEY, (70, 50), jnp.uint32)
    )


def test_more_elements_than_a_word_counts():
    """The last of 2³⁶ are hashed, of which no others are computed; JAX's own count in 64 bits."""
    shape = (2**4, 2**20, 2**12)
    seed = _masks.seed(KEY, "counter")
    parts = jax.jit(lambda seed: [(w := _masks._counter(seed, shape))[-2:, -1, -3:], w[:2, 0, :3]])
    assert len(np.unique(np.concatenate(parts(seed)))) == 12
    for size, primitive in ((2**32, "shift_left"), (2**32 + 1, "random_bits")):
        program = jax.make_jaxpr(lambda key: _masks._threefry(key, (size,)))(KEY)  # noqa: B023
        assert primitive in str(program)
        assert ("random_bits" in str(program)) == (primitive == "random_bits")


# What of the words of two keys is summed, chunk by chunk, and how large the sums may be by chance.
SIZE = 2**16
LAGS = (1, 2, 3, 4, 7, 8, 16, 64, 256, 1024, 4096)


@jax.jit
def sums(a, b):
    """Sums over chunks of words that would each be near zero, and counts that would be even."""

    def signs(words):
        bits = words[:, None] >> jnp.arange(32, dtype=jnp.uint32)[None] & 1
        return bits.astype(jnp.float32) * 2 - 1

    signs_a, signs_b = signs(a), signs(b)
    mask = jnp.where(a >> 9 < jnp.uint32(0.9 * 2**23), 1 / 3, -3.0)  # mean 0 and variance 1
    other = jnp.where(b >> 9 < jnp.uint32(0.9 * 2**23), 1 / 3, -3.0)
    swapped = signs_b.reshape(-1, 2, 32)[:, ::-1].reshape(-1, 32)
    near_zero = {
        "balance of each bit": signs_a.sum(0),
        "neighbours, bit by bit": signs_a.T @ jnp.roll(signs_a, 1, 0),
        "keys, bit by bit": signs_a.T @ signs_b,
        "keys, neighbours swapped": signs_a.T @ swapped,
        "keys, neighbours": signs_a.T @ jnp.roll(signs_b, 1, 0),
        "lags of the mask": jnp.stack([mask @ jnp.roll(mask, lag) for lag in LAGS]),
        "masks of the keys": jnp.stack([mask @ jnp.roll(other, lag) for lag in (0, *LAGS)]),
    }
    pairs = (a >> 28) * 16 + (jnp.roll(a, 1) >> 28)
    even = {
        name: jnp.bincount(values.astype(jnp.int32), length=256)
        for name, values in {"first byte": a >> 24, "last byte": a & 255, "pairs": pairs}.items()
    }
    return near_zero, even


def check_chance(seeds, chunks):
    """Hold the hash of `chunks` × SIZE indices, for each pair of seeds, to chance."""
    words = jax.jit(_masks._counter, static_argnums=(1,))
    total, draws = None, 0
    for a, b in seeds:
        for of_a, of_b in zip(words(a, (chunks, SIZE)), words(b, (chunks, SIZE)), strict=True):
            one = jax.tree.map(lambda s: np.asarray(s, np.float64), sums(of_a, of_b))
            total = one if total is None else jax.tree.map(np.add, total, one)
            draws += SIZE
    near_zero, even = total
    for name, value in near_zero.items():
        assert np.abs(value).max() < 5.5 * math.sqrt(draws), name
    for name, counts in even.items():
        chi_square = ((counts - draws / 256) ** 2 / (draws / 256)).sum()
        assert 255 - 5 * 22.6 < chi_square < 255 + 6 * 22.6, name  # 255 degrees of freedom


def seeds_of_keys_that_differ_in_one_bit(pairs):
    for i in range(pairs):
        data, word, bit = jax.random.key_data(jax.random.key(i)), i % 2, 5 * i % 32
        other = data.at[word].set(data[word] ^ jnp.uint32(2**bit))
        yield _masks.seed(data, "counter"), _masks.seed(other, "counter")


def test_the_hash_is_as_good_as_chance():
    check_chance(seeds_of_keys_that_differ_in_one_bit(3), 4)


@pytest.mark.slow
def test_the_hash_is_as_good_as_chance_over_many_draws():
    """134 million draws."""
    check_chance(seeds_of_keys_that_differ_in_one_bit(16), 128)


def test_no_index_has_the_word_of_another():
    """The hash is one to one, as its steps are."""
    words = np.asarray(_masks._counter(_masks.seed(KEY, "counter"), (2**20,)))
    assert len(np.unique(words)) == 2**20


@both
def test_keys_are_independent(generator):
    n = 500_000
    masks = [kept(n, 0.5, key, generator) - 0.5 for key in jax.random.split(KEY, 5)]
    for a, b in pairwise(masks):
        assert abs((a * b).mean() / 0.25) < 4.5 / math.sqrt(n)


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


@both
def test_derivatives_use_the_same_mask(generator):
    def drop(x):
        return dropout(x, 0.3, KEY, generator=generator)

    x, t = jnp.arange(1.0, 101), jnp.linspace(-1, 1, 100)
    mask = drop(jnp.ones(100))
    y, y_dot = jax.jvp(drop, (x,), (t,))
    np.testing.assert_allclose(y, x * mask, rtol=1e-6)
    np.testing.assert_allclose(y_dot, t * mask, rtol=1e-6)
    _, pullback = jax.vjp(drop, x)
    np.testing.assert_allclose(pullback(t)[0], t * mask, rtol=1e-6)


@both
@pytest.mark.parametrize("drop", [dropout, alpha_dropout])
def test_the_mask_is_not_kept_for_the_backward_pass(drop, generator):
    x = jnp.ones((100, 100))
    _, pullback = jax.vjp(lambda x: drop(x, 0.3, KEY, generator=generator), x)
    kept = [leaf for leaf in jax.tree.leaves(pullback) if hasattr(leaf, "nbytes")]
    assert sum(leaf.size for leaf in kept) < 10


@both
def test_vmap_over_keys_draws_for_each(generator):
    def drop(x, key):
        return dropout(x, 0.5, key, generator=generator)

    keys, x = jax.random.split(KEY, 3), jnp.ones((3, 50))
    y = jax.vmap(drop)(x, keys)
    np.testing.assert_array_equal(
        y, jnp.stack([drop(a, key) for a, key in zip(x, keys, strict=True)])
    )
    assert len(np.unique(y != 0, axis=0)) == 3
    raw = jax.vmap(drop)(x, jax.random.key_data(keys))
    np.testing.assert_array_equal(raw, y)


@both
@pytest.mark.parametrize("rate", [0.05, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(rate, generator):
    n = 1_000_000
    x = jax.random.normal(jax.random.key(1), (n,))
    y = np.asarray(alpha_dropout(x, rate, KEY, generator=generator), np.float64)
    assert abs(y.mean()) < 5 / math.sqrt(n)
    spread = ((y**2 - 1) ** 2).mean()  # the variance of the variance's estimate, times n
    assert abs(y.var() - 1) < 5 * math.sqrt(spread / n)


def test_alpha_dropout_is_its_formula():
    with jax.enable_x64(True):
        x, t = jnp.linspace(-2, 2, 60).reshape(3, 20), jnp.cos(jnp.arange(60.0)).reshape(3, 20)
        for rate, axis in ((0.3, None), (0.6, 0)):
            mask = np.asarray(dropout(jnp.ones_like(x), rate, KEY, axis=axis) != 0)
            saturated = -1.7580993408473766
            a = ((1 - rate) * (1 + rate * saturated**2)) ** -0.5
            expected = a * np.where(mask, x, saturated) - a * rate * saturated
            y, pullback = jax.vjp(lambda x: alpha_dropout(x, rate, KEY, axis=axis), x)  # noqa: B023
            np.testing.assert_allclose(y, expected, rtol=1e-12)
            np.testing.assert_allclose(pullback(t)[0], a * mask * np.asarray(t), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_alpha_dropout_of_nothing_of_all_and_outside_training(dtype):
    x = jnp.array([1.0, -2.0, 0.5], dtype)
    np.testing.assert_array_equal(alpha_dropout(x, 0, KEY), x)
    np.testing.assert_array_equal(alpha_dropout(x, 1, KEY), jnp.zeros(3))
    np.testing.assert_array_equal(alpha_dropout(x, 0.5, KEY, training=False), x)
    gradient = jax.grad(lambda x: alpha_dropout(x, 1.0, KEY).sum())(x)
    np.testing.assert_array_equal(gradient, jnp.zeros(3))
    assert alpha_dropout(x, jnp.float32(0.5), KEY).dtype == dtype


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
    "keys": (
        lambda: dropout(jnp.ones(3), 0.5, jax.random.split(KEY, 3)),
        ValueError,
        "dropout: key: expected one JAX random key, got keys of shape (3,). "
        "For a key for each example, map over them with jax.vmap.",
    ),
    "generator": (
        lambda: alpha_dropout(jnp.ones(3), 0.5, KEY, generator="hash"),
        ValueError,
        "alpha_dropout: generator: expected one of 'jax', 'counter', got 'hash'. "
        "Choose one of these words.",
    ),
    "alpha-dtype": (
        lambda: alpha_dropout(jnp.ones(3, "complex64"), 0.5, KEY),
        TypeError,
        "alpha_dropout: x: expected a floating dtype, got complex64. "
        "Convert it first, for example x.astype(jax.numpy.float32).",
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
