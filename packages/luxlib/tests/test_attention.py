"""Attention against sums over keys in float64, in every formulation."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest


from luxlib import explain_attention, scaled_dot_product_attention
from luxlib._attention import _choice, _scaled_dot_product
from luxlib._attention._blocked import Blocks, in_blocks
from luxlib._attention._terms import keep_factor

KEY = jax.random.key(0)


def reference(
    query,
    key,
    value,
    y_bar,
    *,
    bias=0.0,
    mask=True,
    is_causal=False,
    query_offset=0,
    scale=None,
    sliding_window=(None, None),
    segment_ids=None,
    soft_cap=None,
    sinks=None,
    keep=1.0,
):
    """Value and gradients by the definition, one example, head and query after the other.

    `keep` is what dropout multiplies the weights `(*batch, heads, time, key_time)` with.
    """
    *batch, length, heads, size = query.shape
    key_length, key_heads = key.shape[-3:-1]
    shape = (*batch, heads, length, key_length)
    scale = size**-0.5 if scale is None else scale
    bias, mask, keep = (np.broadcast_to(a, shape) for a in (bias, mask, keep))
    offsets = np.broadcast_to(query_offset, batch)
    left, right = sliding_window
    y = np.zeros((*batch, length, heads, value.shape[-1]))
    bars = {
        "query": np.zeros(query.shape),
        "key": np.zeros(key.shape),
        "value": np.zeros(value.shape),
        "bias": np.zeros(shape),
        "sinks": np.zeros(heads),
    }
    for *b, h, i in np.ndindex(*batch, heads, length):
        b = tuple(b)
        seen = []
        for j in range(key_length):
            distance = i + offsets[b] - j
            sees = mask[(*b, h, i, j)]
            sees &= not is_causal or distance >= 0
            sees &= left is None or distance <= left
            sees &= right is None or -distance <= right
            if segment_ids is not None:
                sees &= segment_ids[0][(*b, i)] == segment_ids[1][(*b, j)]
            if sees:
                seen.append(j)
        if not seen:
            continue
        g = h * key_heads // heads
        keys, values = key[b][seen, g], value[b][seen, g]
        logits = scale * keys @ query[(*b, i, h)]
        slope = np.ones(len(seen))
        if soft_cap is not None:
            logits = soft_cap * np.tanh(logits / soft_cap)
            slope = 1 - (logits / soft_cap) ** 2
        logits = logits + bias[(*b, h, i)][seen]
        sink = 0.0 if sinks is None else np.exp(sinks[h])
        total = np.exp(logits).sum() + sink
        weights, factors = np.exp(logits) / total, keep[(*b, h, i)][seen]
        y[(*b, i, h)] = (weights * factors) @ values
        ct = y_bar[(*b, i, h)]
        weights_bar = factors * (values @ ct)
        mean = (weights * weights_bar).sum()
        logits_bar = weights * (weights_bar - mean)
        bars["sinks"][h] -= sink / total * mean
        bars["bias"][(*b, h, i)][seen] += logits_bar
        products_bar = scale * slope * logits_bar
        bars["query"][(*b, i, h)] = products_bar @ keys
        for n, j in enumerate(seen):
            bars["key"][(*b, j, g)] += products_bar[n] * query[(*b, i, h)]
            bars["value"][(*b, j, g)] += weights[n] * factors[n] * ct
    return y, bars


def sum_to(array, shape):
    """The gradient of broadcasting from `shape`."""
    array = array.sum(tuple(range(array.ndim - len(shape))))
    return array.sum(tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def segments(seed, batch, *lengths, count=2):
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, count, (*batch, n)) for n in lengths)


def boolean(seed, *shape):
    return np.random.default_rng(seed).random(shape) < 0.7


B = (2,)
# name: (batch, time, key_time, heads, key_heads, head_dim, value_dim), options
CASES = {
    "plain": ((B, 7, 9, 2, 2, 3, 5), {}),
    "no batch": (((), 4, 4, 1, 1, 2, 2), {"is_causal": True}),
    "two batch axes": (((2, 3), 4, 5, 2, 1, 3, 2), {"mask": boolean(0, 3, 1, 1, 5)}),
    "one query": ((B, 1, 9, 2, 2, 3, 3), {"is_causal": True, "query_offset": 6}),
    "one key": ((B, 7, 1, 2, 2, 3, 3), {"is_causal": True, "query_offset": -2}),
    "causal": ((B, 8, 8, 2, 2, 4, 4), {"is_causal": True}),
    "causal, more queries": ((B, 11, 5, 2, 2, 3, 3), {"is_causal": True}),
    "causal, more keys": ((B, 5, 11, 2, 2, 3, 3), {"is_causal": True}),
    "causal, ends aligned": ((B, 5, 11, 2, 2, 3, 3), {"is_causal": True, "query_offset": 6}),
    "offset of each example": (
        (B, 4, 9, 2, 1, 3, 3),
        {"is_causal": True, "query_offset": np.array([5, -2]), "sliding_window": (3, None)},
    ),
    "offset array": ((B, 4, 9, 2, 1, 3, 3), {"is_causal": True, "query_offset": np.array(3)}),
    "grouped": ((B, 8, 8, 6, 2, 3, 3), {"is_causal": True}),
    "one key head": ((B, 5, 7, 4, 1, 3, 3), {"scale": 0.3}),
    "window": ((B, 13, 13, 2, 1, 3, 3), {"sliding_window": (2, 1)}),
    "causal window": ((B, 14, 14, 2, 2, 3, 3), {"sliding_window": (3, 4), "is_causal": True}),
    "window of itself": ((B, 9, 9, 2, 2, 3, 3), {"sliding_window": (0, 0)}),
    "window to the left": ((B, 9, 12, 2, 2, 3, 3), {"sliding_window": (2, None)}),
    "window to the right": ((B, 9, 12, 2, 2, 3, 3), {"sliding_window": (None, 1)}),
    "shifted window": (
        (B, 12, 9, 2, 2, 3, 3),
        {"sliding_window": (1, 2), "query_offset": -3},
    ),
    "mask": ((B, 7, 9, 2, 2, 3, 3), {"mask": boolean(0, 2, 2, 7, 9)}),
    "mask of keys": ((B, 7, 9, 2, 1, 3, 3), {"mask": boolean(1, 2, 1, 1, 9), "is_causal": True}),
    "mask of queries": ((B, 7, 9, 2, 1, 3, 3), {"mask": boolean(1, 7, 1)}),
    "bias": ((B, 7, 9, 4, 2, 3, 3), {"bias": normal(1, 2, 4, 7, 9)}),
    "bias of heads": ((B, 8, 8, 4, 2, 3, 3), {"bias": normal(1, 4, 8, 8), "is_causal": True}),
    "bias of rows": ((B, 7, 9, 2, 2, 3, 3), {"bias": normal(1, 2, 1, 7, 1)}),
    "bias of one head": ((B, 7, 9, 4, 2, 3, 3), {"bias": normal(1, 2, 1, 1, 9)}),
    "bias in part": (((2, 3), 5, 6, 2, 2, 3, 3), {"bias": normal(1, 3, 1, 5, 6)}),
    "segments": ((B, 7, 9, 2, 2, 3, 3), {"segment_ids": segments(0, B, 7, 9)}),
    "segments, causal": (
        (B, 9, 9, 2, 1, 3, 3),
        {"segment_ids": segments(1, B, 9, 9), "is_causal": True},
    ),
    "sinks": ((B, 7, 9, 4, 2, 3, 3), {"sinks": normal(3, 4)}),
    "soft cap": ((B, 7, 9, 2, 2, 3, 3), {"soft_cap": 0.5, "is_causal": True}),
    "all": (
        (B, 10, 12, 4, 2, 3, 5),
        {
            "bias": normal(1, 2, 1, 10, 12),
            "mask": boolean(2, 2, 4, 1, 12),
            "is_causal": True,
            "query_offset": 1,
            "scale": 0.7,
            "sliding_window": (4, None),
            "segment_ids": segments(2, B, 10, 12, count=2),
            "soft_cap": 2.0,
            "sinks": normal(3, 4),
        },
    ),
}
FORMULATIONS = {
    "plain": _scaled_dot_product._IMPLEMENTATIONS["plain"],
    "saved": partial(in_blocks, blocks=Blocks(3, saved=True)),
    "made again": partial(in_blocks, blocks=Blocks(3, saved=False)),
    "single rows": partial(in_blocks, blocks=Blocks(1, saved=False)),
}


@pytest.fixture(autouse=True)
def formulations(monkeypatch):
    """Blocks of a few rows, so that small arrays have many."""
    for name, formulation in FORMULATIONS.items():
        monkeypatch.setitem(_scaled_dot_product._IMPLEMENTATIONS, name, formulation)
        monkeypatch.setitem(_choice._RULES, name, ())


def arguments(shape, dtype=np.float64):
    batch, length, key_length, heads, key_heads, size, value_size = shape
    arrays = (
        normal(10, *batch, length, heads, size),
        normal(11, *batch, key_length, key_heads, size),
        normal(12, *batch, key_length, key_heads, value_size),
        normal(13, *batch, length, heads, value_size),
    )
    return tuple(a.astype(dtype) for a in arrays)


def split(options):
    """The arrays that are differentiated, and the other options."""
    learned = {name: options[name] for name in ("bias", "sinks") if name in options}
    return learned, {name: value for name, value in options.items() if name not in learned}


def value_and_gradients(query, key, value, y_bar, options, implementation=None):
    learned, fixed = split(options)

    @jax.jit
    def both(query, key, value, y_bar, learned):
        def f(query, key, value, learned):
            return scaled_dot_product_attention(
                query, key, value, **learned, **fixed, implementation=implementation
            )

        y, pullback = jax.vjp(f, query, key, value, learned)
        return y, pullback(y_bar)

    y, (*bars, learned_bars) = both(query, key, value, y_bar, learned)
    return y, dict(zip(("query", "key", "value"), bars, strict=True)) | learned_bars


@pytest.mark.parametrize("implementation", FORMULATIONS)
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name, implementation):
    shape, options = CASES[name]
    with jax.enable_x64(True):
        arrays = arguments(shape)
        expected, expected_bars = reference(*arrays, **options)
        y, bars = value_and_gradients(*arrays, options, implementation)
    assert y.shape == expected.shape
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)
    for argument, bar in bars.items():
        expected_bar = sum_to(expected_bars[argument], bar.shape)
        np.testing.assert_allclose(bar, expected_bar, rtol=1e-11, atol=1e-12, err_msg=argument)
