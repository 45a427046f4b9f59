"""Rotary embeddings against a turn of complex numbers, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import luxlib

RNG = np.random.default_rng(0)


def turned(x, positions, head_dim, base=10000.0, *, interleaved):
    """The first `head_dim` features of `x` as complex numbers, multiplied by unit ones."""
    head, rest = x[..., :head_dim], x[..., head_dim:]
    if interleaved:
        z = head[..., ::2] + 1j * head[..., 1::2]
    else:
        z = head[..., : head_dim // 2] + 1j * head[..., head_dim // 2 :]
    frequencies = base ** (-2 * np.arange(head_dim // 2) / head_dim)
    angles = np.broadcast_to(positions, x.shape[:-2])[..., None, None] * frequencies
    z = z * np.exp(1j * angles)
    if interleaved:
        y = np.stack([z.real, z.imag], -1).reshape(head.shape)
    else:
        y = np.concatenate([z.real, z.imag], -1)
    return np.concatenate([y, rest], -1)


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("base", [10000.0, 500])
@pytest.mark.parametrize(("head_dim", "turned_dim"), [(2, 2), (8, 8), (10, 6), (7, 4)])
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_value(interleaved, base, head_dim, turned_dim, batch):
    x = RNG.normal(size=(*batch, 5, 2, head_dim))
    positions = RNG.integers(0, 40, size=(*batch, 5))
    with jax.enable_x64(True):
        cos, sin = luxlib.compute_rotary_embedding_params(
            turned_dim, 40, base=base, dtype=jnp.float64
        )
        for given in (None, positions, positions.reshape(-1, 5)[0]):
            y = luxlib.apply_rotary_embedding(
                jnp.asarray(x),
                cos,
                sin,
                None if given is None else jnp.asarray(given),
                interleaved=interleaved,
            )
            expected = turned(
                x,
                np.arange(5) if given is None else given,
                turned_dim,
                base,
                interleaved=interleaved,
            )
            np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


def test_products_depend_on_the_difference_of_positions_alone():
    query, key = RNG.normal(size=(2, 1, 1, 8))
    caches = luxlib.compute_rotary_embedding_params(8, 200)

    def product(i, j):
        rows = (
            luxlib.apply_rotary_embedding(jnp.asarray(a, jnp.float32), *caches, jnp.array([p]))
            for a, p in ((query, i), (key, j))
        )
        return float(jnp.vdot(*rows))

    assert product(3, 10) == pytest.approx(product(120, 127), abs=1e-5)
    assert product(3, 10) != pytest.approx(product(3, 11), abs=1e-3)


def test_far_positions_are_exact():
    cos, sin = luxlib.compute_rotary_embedding_params(4, 100_001)
    angle = 100_000 * 10000**-0.5
    np.testing.assert_allclose(cos[-1], [np.cos(1e5), np.cos(angle)], atol=1e-7)
    np.testing.assert_allclose(sin[-1], [np.sin(1e5), np.sin(angle)], atol=1e-7)
    assert cos.dtype == sin.dtype == jnp.float32


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_once(dtype):
    x = jnp.asarray(RNG.normal(size=(50, 2, 8)), dtype)
    y = luxlib.apply_rotary_embedding(x, *luxlib.compute_rotary_embedding_params(8, 50))
    assert y.dtype == dtype
    expected = turned(np.float64(x), np.arange(50), 8, interleaved=False)
    eps = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(np.float64(y), expected, rtol=eps / 1.9, atol=1e-6)


def test_a_position_out_of_range_gives_nan():
    caches = luxlib.compute_rotary_embedding_params(2, 4)
    y = luxlib.apply_rotary_embedding(jnp.ones((3, 1, 4)), *caches, jnp.array([3, 4, -1]))
    np.testing.assert_array_equal(jnp.isnan(y[:, 0]).sum(-1), [0, 2, 2])


COS, SIN = luxlib.compute_rotary_embedding_params(4, 8)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: luxlib.compute_rotary_embedding_params(3),
            ValueError,
            "compute_rotary_embedding_params: head_dim: expected an even number, at least 2, got "
            "3. Features are turned in pairs.",
        ),
        (
            lambda: luxlib.compute_rotary_embedding_params(0),
            ValueError,
            "compute_rotary_embedding_params: head_dim: expected an even number, at least 2, got "
            "0. Features are turned in pairs.",
        ),
        (
            lambda: luxlib.compute_rotary_embedding_params(4, 2.0),
            ValueError,
            "compute_rotary_embedding_params: max_sequence_length: expected an integer of at least "
            "1, got 2.0. It is the number of positions.",
        ),
        (
            lambda: luxlib.compute_rotary_embedding_params(4, base=0),
            ValueError,
            "compute_rotary_embedding_params: base: expected a positive number, got 0. The "
            "frequencies are powers of it.",
        ),
        (
            lambda: luxlib.apply_rotary_embedding(jnp.ones((9, 1, 4)), COS, SIN),
            ValueError,
            "apply_rotary_embedding: x: expected a time of at most 8, got 9. cos_cache and "
            "sin_cache have no more positions: make them for longer sequences.",
        ),
        (
            lambda: luxlib.apply_rotary_embedding(jnp.ones((2, 1, 3)), COS, SIN),
            ValueError,
            "apply_rotary_embedding: x: expected shape (*batch, time, heads, head_dim) with a "
            "head_dim of at least 4, got (2, 1, 3). cos_cache (8, 2) turns 2 pairs of features.",
        ),
        (
            lambda: luxlib.apply_rotary_embedding(jnp.ones((2, 1, 4), int), COS, SIN),
            TypeError,
            "apply_rotary_embedding: x: expected a floating dtype, got int32. Convert it first, "
            "for example x.astype(jax.numpy.float32).",
        ),
        (
            lambda: luxlib.apply_rotary_embedding(jnp.ones((2, 1, 4)), COS, SIN[:2]),
            ValueError,
            "apply_rotary_embedding: cos_cache and sin_cache: expected one shape (positions, "
            "pairs), got (8, 2) and (2, 2). compute_rotary_embedding_params makes both.",
        ),
        (
            lambda: luxlib.apply_rotary_embedding(jnp.ones((2, 1, 4)), COS, SIN, jnp.zeros(2)),
            TypeError,
            "apply_rotary_embedding: positions: expected an integer dtype, got float32. They are "
            "rows of cos_cache and sin_cache.",
        ),
        (
            lambda: luxlib.apply_rotary_embedding(
                jnp.ones((5, 2, 1, 4)), COS, SIN, jnp.zeros((4, 2), int)
            ),
            ValueError,
            "apply_rotary_embedding: positions: expected shape (5, 2) or (2,), got (4, 2). There "
            "is one position for each time, the same for all examples or each its own.",
        ),
    ],
)
def test_a_mistake_is_named(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
