"""Attention under NNlib's names, against loops over heads and queries in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from luxlib import dot_product_attention, dot_product_attention_scores, make_causal_mask


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def reference(query, key, value, n_heads, bias, mask):
    """Weights and values by the definition."""
    *batch, length, features = query.shape
    key_length, size = key.shape[-2], features // n_heads
    shape = (*batch, n_heads, length, key_length)
    bias, mask = np.broadcast_to(bias, shape), np.broadcast_to(mask, shape)
    alpha, y = np.zeros(shape), np.zeros((*batch, length, value.shape[-1]))
    value_size = value.shape[-1] // n_heads
    for *b, h, i in np.ndindex(*batch, n_heads, length):
        b, own = tuple(b), slice(h * size, (h + 1) * size)
        logits = key[b][:, own] @ query[b][i, own] / np.sqrt(size) + bias[(*b, h, i)]
        weights = np.exp(logits) * mask[(*b, h, i)]
        if weights.sum() > 0:
            alpha[(*b, h, i)] = weights / weights.sum()
        own = slice(h * value_size, (h + 1) * value_size)
        y[b][i, own] = alpha[(*b, h, i)] @ value[b][:, own]
    return y, alpha


CASES = {
    "one head": ((2,), 5, 7, 4, 6, 1, 0.0, True),
    "no batch": ((), 5, 5, 4, 4, 2, 0.0, np.tri(5, dtype=bool)),
    "heads": ((2, 3), 4, 3, 6, 9, 3, normal(9, 3, 4, 3), True),
    "masked": ((2,), 4, 4, 4, 2, 2, normal(9, 4, 1), normal(8, 2, 2, 4, 4) > 0.5),
}


@pytest.mark.parametrize("name", CASES)
def test_value(name):
    batch, length, key_length, features, value_features, n_heads, bias, mask = CASES[name]
    arrays = (
        normal(0, *batch, length, features),
        normal(1, *batch, key_length, features),
        normal(2, *batch, key_length, value_features),
    )
    expected, expected_alpha = reference(*arrays, n_heads, bias, mask)
    with jax.enable_x64(True):
        options = {} if mask is True else {"mask": jnp.asarray(mask)}
        biases = () if isinstance(bias, float) else (jnp.asarray(bias),)
        y, alpha = dot_product_attention(
            *map(jnp.asarray, arrays), *biases, n_heads=n_heads, **options
        )
        split = [
            jnp.asarray(a).reshape(*a.shape[:-1], n_heads, features // n_heads) for a in arrays[:2]
        ]
        scores = dot_product_attention_scores(*split, *biases, **options)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(alpha, expected_alpha, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(scores, expected_alpha, rtol=1e-12, atol=1e-13)


def test_fdrop_sees_the_weights():
    x = jnp.asarray(normal(0, 2, 3, 4), jnp.float32)
    y, alpha = dot_product_attention(x, x, x, n_heads=2, fdrop=lambda alpha: 0.5 * alpha)
    plain, plain_alpha = dot_product_attention(x, x, x, n_heads=2)
    np.testing.assert_allclose(y, 0.5 * plain, rtol=1e-6)
    np.testing.assert_allclose(alpha, 0.5 * plain_alpha, rtol=1e-6)
    split = x.reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(
        dot_product_attention_scores(split, split, fdrop=jnp.zeros_like), jnp.zeros((2, 2, 3, 3))
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision(dtype):
    x = jnp.asarray(normal(0, 2, 6, 4), dtype)
    y, alpha = dot_product_attention(x, x, x, n_heads=2)
    assert y.dtype == alpha.dtype == dtype
    expected, _ = reference(*[np.asarray(x, np.float64)] * 3, 2, 0.0, True)
    np.testing.assert_allclose(np.asarray(y, float), expected, atol=4 * jnp.finfo(dtype).eps)


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4)])
def test_nothing(shape):
    x = jnp.ones(shape)
    y, alpha = dot_product_attention(x, x, x, n_heads=2)
    assert y.shape == shape
    assert alpha.shape == (shape[0], 2, shape[1], shape[1])


def test_make_causal_mask():
    expected = [[True, False, False], [True, True, False], [True, True, True]]
    np.testing.assert_array_equal(make_causal_mask(jnp.ones((5, 3, 2))), expected)
    np.testing.assert_array_equal(make_causal_mask(jnp.ones((3, 5, 2)), axis=0), expected)


X = jnp.ones((2, 3, 4))
MESSAGES = {
    "heads": (
        lambda: dot_product_attention(X, X, X, n_heads=0),
        "dot_product_attention: n_heads: expected an integer of at least 1, got 0. "
        "It is the number of parts that the features are split into.",
    ),
    "split": (
        lambda: dot_product_attention(X, X, X, n_heads=3),
        "dot_product_attention: query: expected shape (*batch, time, features) with a multiple of "
        "3 features, got (2, 3, 4). They are split into n_heads=3.",
    ),
    "groups": (
        lambda: dot_product_attention_scores(jnp.ones((3, 4, 2)), jnp.ones((3, 2, 2))),
        "dot_product_attention_scores: key: expected 4 heads, got 2. "
        "Groups of heads are for scaled_dot_product_attention.",
    ),
    "axis": (
        lambda: make_causal_mask(X, axis=3),
        "make_causal_mask: axis: expected one of the 3 axes, got 3. It is the axis of time.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, message = MESSAGES[name]
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message
