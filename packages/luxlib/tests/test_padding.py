"""Padding against index arithmetic: where every element of the result comes from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luxlib import (
    pad_circular,
    pad_constant,
    pad_reflect,
    pad_repeat,
    pad_symmetric,
    pad_zeros,
)


def repeat(i, n):
    return min(max(i, 0), n - 1)


def reflect(i, n):
    return -i if i < 0 else 2 * (n - 1) - i if i >= n else i


def symmetric(i, n):
    return -i - 1 if i < 0 else 2 * n - 1 - i if i >= n else i


def circular(i, n):
    return i % n


SOURCES = {
    pad_repeat: repeat,
    pad_reflect: reflect,
    pad_symmetric: symmetric,
    pad_circular: circular,
}
every = pytest.mark.parametrize("pad", SOURCES, ids=lambda pad: pad.__name__)


def expected(x, pairs, source):
    """`x` padded by `pairs`, one for each of its axes."""
    shape = [n + sum(pair) for n, pair in zip(x.shape, pairs, strict=True)]
    y = np.zeros(shape, x.dtype)
    for place in np.ndindex(*shape):
        at = tuple(source(i - pair[0], n) for i, n, pair in zip(place, x.shape, pairs, strict=True))
        y[place] = x[at]
    return y


# What `pad` and `axis` are, and the pairs that they mean for an array of four axes.
WAYS = [
    (1, None, ((0, 0), (1, 1), (1, 1), (0, 0))),
    ((1, 2), None, ((0, 0), (1, 1), (2, 2), (0, 0))),
    (((2, 0), (0, 1)), None, ((0, 0), (2, 0), (0, 1), (0, 0))),
    (((0, 2),), None, ((0, 0), (0, 0), (0, 2), (0, 0))),
    (((1, 0), 2, 1), None, ((1, 0), (2, 2), (1, 1), (0, 0))),
    (1, 0, ((1, 1), (0, 0), (0, 0), (0, 0))),
    ((1, 0), -1, ((0, 0), (0, 0), (0, 0), (1, 0))),
    (1, (0, 2), ((1, 1), (0, 0), (1, 1), (0, 0))),
    ((1, (0, 2)), (-1, 1), ((0, 0), (0, 2), (0, 0), (1, 1))),
    (0, (0, 1), ((0, 0),) * 4),
    ((), (), ((0, 0),) * 4),
]


@every
@pytest.mark.parametrize(("by", "axis", "pairs"), WAYS)
def test_every_element_comes_from_its_source(pad, by, axis, pairs):
    x = np.arange(108).reshape(3, 3, 4, 3)
    result = pad(jnp.asarray(x), by, axis=axis)
    np.testing.assert_array_equal(result, expected(x, pairs, SOURCES[pad]))


@pytest.mark.parametrize(("by", "axis", "pairs"), WAYS)
def test_constants(by, axis, pairs):
    x = np.arange(108).reshape(3, 3, 4, 3)
    filled = np.pad(x, pairs, constant_values=-5)
    np.testing.assert_array_equal(pad_constant(jnp.asarray(x), by, -5, axis=axis), filled)
    zeros = np.pad(x, pairs)
    np.testing.assert_array_equal(pad_zeros(jnp.asarray(x), by, axis=axis), zeros)
    np.testing.assert_array_equal(pad_constant(jnp.asarray(x), by, axis=axis), zeros)


@every
@settings(deadline=None, max_examples=20)
@given(st.integers(1, 5), st.data())
def test_as_much_as_there_is(pad, size, data):
    most = {"pad_repeat": 9, "pad_reflect": size - 1}.get(pad.__name__, size)
    pair = (data.draw(st.integers(0, most)), data.draw(st.integers(0, most)))
    x = np.arange(size)
    result = pad(jnp.asarray(x), pair, axis=0)
    np.testing.assert_array_equal(result, expected(x, (pair,), SOURCES[pad]))


@every
def test_the_gradient_adds_up_what_was_repeated(pad):
    x = np.random.default_rng(0).normal(size=(3, 4))
    pairs = ((2, 1), (0, 3))
    counts = np.zeros_like(x)
    weights = np.random.default_rng(1).normal(size=(6, 7))
    indices = expected(np.arange(12).reshape(3, 4), pairs, SOURCES[pad])
    np.add.at(counts.reshape(-1), indices, weights)

    def weighted(x):
        return (pad(x, pairs, axis=(0, 1)) * weights).sum()

    with jax.enable_x64(True):
        np.testing.assert_allclose(jax.grad(weighted)(jnp.asarray(x)), counts, rtol=1e-12)


def test_the_constant_has_a_gradient():
    gradient = jax.grad(lambda value: pad_constant(jnp.ones(3), (2, 1), value, axis=0).sum())
    assert gradient(2.0) == 3.0


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "bfloat16", "float16", "complex64"])
def test_the_dtype_stays(dtype):
    x = jnp.ones((1, 2, 1), dtype)
    for pad in (*SOURCES, pad_constant, pad_zeros):
        by = 0 if pad is pad_reflect else 1
        y = pad(x, by)
        assert (y.dtype, y.weak_type) == (dtype, False)
    assert pad_constant(x, 1, True).all()


def test_empty_arrays():
    assert pad_zeros(jnp.ones((0, 3, 2)), 1).shape == (0, 5, 2)
    assert pad_reflect(jnp.ones((0, 3, 2)), 1).shape == (0, 5, 2)
    assert pad_constant(jnp.ones((2, 0, 2)), 1, 3.0).tolist() == [[[3, 3], [3, 3]]] * 2
    assert pad_circular(jnp.ones((2, 0, 2)), 0).shape == (2, 0, 2)


IMAGE = jnp.ones((2, 3, 4, 1))
MESSAGES = {
    "entries": (
        lambda: pad_zeros(IMAGE, (1, 2), axis=(1, 2, 3)),
        ValueError,
        "pad_zeros: pad: expected an integer or a pair (before, after) for each of 3 axes, or one "
        "integer, got (1, 2). None of them is negative: to crop, slice the array.",
    ),
    "flat": (
        lambda: pad_zeros(IMAGE, (1, 2, 1, 2), axis=(1, 2)),
        ValueError,
        "pad_zeros: pad: expected an integer or a pair (before, after) for each of 2 axes, or one "
        "integer, got (1, 2, 1, 2). None of them is negative: to crop, slice the array.",
    ),
    "negative": (
        lambda: pad_constant(IMAGE, ((0, -1), 0)),
        ValueError,
        "pad_constant: pad: expected an integer or a pair (before, after) for each of 2 axes, or "
        "one integer, got ((0, -1), 0). None of them is negative: to crop, slice the array.",
    ),
    "fraction": (
        lambda: pad_repeat(IMAGE, 1.5, axis=1),
        ValueError,
        "pad_repeat: pad: expected an integer or a pair (before, after), got 1.5. "
        "None of them is negative: to crop, slice the array.",
    ),
    "triple": (
        lambda: pad_repeat(IMAGE, (1, 2, 3), axis=1),
        ValueError,
        "pad_repeat: pad: expected an integer or a pair (before, after), got (1, 2, 3). "
        "None of them is negative: to crop, slice the array.",
    ),
    "empty-pair": (
        lambda: pad_repeat(IMAGE, ((),)),
        ValueError,
        "pad_repeat: pad: expected an integer or a pair (before, after) for each of 1 axes, or one "
        "integer, got ((),). None of them is negative: to crop, slice the array.",
    ),
    "no-space": (
        lambda: pad_circular(jnp.ones((3, 2)), 1),
        ValueError,
        "pad_circular: x: expected at least 3 axes, the last of them channels, got shape (3, 2). "
        "Say with axis which ones to pad.",
    ),
    "few-axes": (
        lambda: pad_circular(jnp.ones((3, 2)), (1, 1)),
        ValueError,
        "pad_circular: x: expected at least 3 axes, the last of them channels, got shape (3, 2). "
        "Say with axis which ones to pad.",
    ),
    "axis": (
        lambda: pad_zeros(IMAGE, 1, axis=4),
        ValueError,
        "pad_zeros: axis: expected different axes of x, from -4 to 3, got 4. "
        "x has shape (2, 3, 4, 1).",
    ),
    "axis-twice": (
        lambda: pad_zeros(IMAGE, 1, axis=(1, -3)),
        ValueError,
        "pad_zeros: axis: expected different axes of x, from -4 to 3, got (1, -3). "
        "x has shape (2, 3, 4, 1).",
    ),
    "axis-word": (
        lambda: pad_zeros(IMAGE, 1, axis="width"),
        ValueError,
        "pad_zeros: axis: expected different axes of x, from -4 to 3, got 'width'. "
        "x has shape (2, 3, 4, 1).",
    ),
    "reflect": (
        lambda: pad_reflect(IMAGE, 3),
        ValueError,
        "pad_reflect: x: expected an axis 1 of size 4 or more, to pad it by (3, 3), "
        "got shape (2, 3, 4, 1). Pad less, or use pad_constant.",
    ),
    "symmetric": (
        lambda: pad_symmetric(IMAGE, ((0, 0), (0, 5))),
        ValueError,
        "pad_symmetric: x: expected an axis 2 of size 5 or more, to pad it by (0, 5), "
        "got shape (2, 3, 4, 1). Pad less, or use pad_constant.",
    ),
    "circular": (
        lambda: pad_circular(IMAGE, ((4, 0), 0)),
        ValueError,
        "pad_circular: x: expected an axis 1 of size 4 or more, to pad it by (4, 0), "
        "got shape (2, 3, 4, 1). Pad less, or use pad_constant.",
    ),
    "nothing-to-repeat": (
        lambda: pad_repeat(jnp.ones((2, 0, 1)), 1),
        ValueError,
        "pad_repeat: x: expected an axis 1 of size 1 or more, to pad it by (1, 1), "
        "got shape (2, 0, 1). Pad less, or use pad_constant.",
    ),
    "value-kind": (
        lambda: pad_constant(jnp.ones(3, int), 1, 0.5, axis=0),
        TypeError,
        "pad_constant: value: expected a number that int32 can hold, got 0.5. Convert x first.",
    ),
    "value-array-kind": (
        lambda: pad_constant(jnp.ones(3), 1, jnp.ones((), "complex64"), axis=0),
        TypeError,
        "pad_constant: value: expected a number that float32 can hold, got complex64. "
        "Convert x first.",
    ),
    "value-range": (
        lambda: pad_constant(jnp.ones(3, "uint8"), 1, 256, axis=0),
        ValueError,
        "pad_constant: value: expected a number from 0 to 255, which uint8 can hold, got 256. "
        "Convert x first.",
    ),
    "value-shape": (
        lambda: pad_constant(jnp.ones(3), 1, jnp.ones(2), axis=0),
        ValueError,
        "pad_constant: value: expected one number, got shape (2,). Pad parts one by one.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message


def test_the_module_says_what_each_does():
    x = jnp.array([1, 2, 3, 4])
    rows = {
        pad_repeat: [1, 1, 1, 2, 3, 4, 4, 4],
        pad_reflect: [3, 2, 1, 2, 3, 4, 3, 2],
        pad_symmetric: [2, 1, 1, 2, 3, 4, 4, 3],
        pad_circular: [3, 4, 1, 2, 3, 4, 1, 2],
    }
    for pad, row in rows.items():
        assert pad(x, 2, axis=0).tolist() == row
