"""Positions: sines against their formula, learned ones, and rotations."""

import jax.numpy as jnp
import numpy as np
import pytest

import lux

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_sines_and_cosines(shape):
    layer = lux.SinusoidalPositionalEmbedding(6, min_freq=0.01, max_freq=1.0)
    ps, st = lux.setup(0, layer)
    np.testing.assert_allclose(st.sigmas, [1, 0.1, 0.01], rtol=1e-6)
    x = RNG.normal(size=shape)
    angles = x[..., None] * np.array([1, 0.1, 0.01])
    expected = np.sqrt(2 / 6) * np.concatenate([np.sin(angles), np.cos(angles)], -1)
    y, new = layer(jnp.asarray(x, jnp.float32), ps, st)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose((y**2).sum(-1), 1, rtol=1e-5)
    assert new is st


def test_options_of_sines():
    layer = lux.SinusoidalPositionalEmbedding(2, max_freq=0.25, scale=3.0, full_turns=True)
    ps, st = lux.setup(0, layer)
    y, _ = layer(jnp.array([0, 1, 2]), ps, st)
    np.testing.assert_allclose(y, [[0, 3], [3, 0], [0, -3]], atol=1e-5)
    assert y.dtype == jnp.float32
    assert layer(jnp.ones(3, jnp.bfloat16), ps, st)[0].dtype == jnp.bfloat16


@pytest.mark.parametrize("batch", [(), (2,)])
def test_learned_positions(batch):
    layer = lux.LearnedPositionalEmbedding(7, 3)
    ps, st = lux.setup(0, layer)
    assert 0.01 < float(lux.setup(0, lux.LearnedPositionalEmbedding(90, 9))[0].weight.std()) < 0.03
    x = jnp.asarray(RNG.normal(size=(*batch, 4, 3)), jnp.float32)
    y, new = layer(x, ps, st)
    np.testing.assert_allclose(y, np.asarray(x) + np.asarray(ps.weight[:4]), rtol=1e-6)
    assert new.cache.position is st.cache.position
    places = RNG.integers(0, 7, size=(*batch, 4))
    y, _ = layer((x, jnp.asarray(places)), ps, st)
    np.testing.assert_allclose(y, np.asarray(x) + np.asarray(ps.weight)[places], rtol=1e-6)
    y, _ = layer((x, jnp.array([0, 6, 7, -1])), ps, st)
    np.testing.assert_array_equal(jnp.isnan(y[..., 0]).sum(-1), jnp.full(batch, 2))


def test_learned_positions_count_after_init_cache():
    layer = lux.LearnedPositionalEmbedding(9, 2)
    ps, st = lux.setup(0, layer)
    x = jnp.zeros((2, 3, 2))
    st = lux.init_cache(st, 2, 9, prompt_lengths=jnp.array([1, 3]))
    y, st = layer(x, ps, st)
    np.testing.assert_array_equal(y[0], ps.weight[:3])
    y, st = layer(x[:, :2], ps, st)
    np.testing.assert_array_equal(y[0], ps.weight[1:3])
    np.testing.assert_array_equal(y[1], ps.weight[3:5])
    np.testing.assert_array_equal(st.cache.position, [3, 5])


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotations(interleaved: bool):
    layer = lux.RotaryPositionalEmbedding(4, max_sequence_length=6, base=9, interleaved=interleaved)
    ps, st = lux.setup(0, layer)
    x = RNG.normal(size=(2, 3, 2, 5))
    places = np.array([[0, 1, 2], [5, 3, 3]])
    pairs = [(0, 1), (2, 3)] if interleaved else [(0, 2), (1, 3)]
    for given in (None, places[0], places):
        at = np.arange(3) if given is None else given
        expected = x.copy()
        for i, (a, b) in enumerate(pairs):
            angle = np.broadcast_to(at * 9 ** (-i / 2), (2, 3))[..., None]
            cos, sin = np.cos(angle), np.sin(angle)
            expected[..., a] = x[..., a] * cos - x[..., b] * sin
            expected[..., b] = x[..., b] * cos + x[..., a] * sin
        given = None if given is None else jnp.asarray(given)
        y, new = layer((jnp.asarray(x, jnp.float32), given), ps, st)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
        assert new is st
    alone, _ = layer(jnp.asarray(x, jnp.float32), ps, st)
    np.testing.assert_array_equal(alone, layer((jnp.asarray(x, jnp.float32), None), ps, st)[0])


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            lux.SinusoidalPositionalEmbedding(4, scale=1),
            "SinusoidalPositionalEmbedding(4, scale=1.0)",
        ),
        (lux.LearnedPositionalEmbedding(9, 4), "LearnedPositionalEmbedding(9, 4)"),
        (lux.RotaryPositionalEmbedding(4, base=5), "RotaryPositionalEmbedding(4, base=5.0)"),
    ],
)
def test_text(layer, text: str):
    assert str(layer) == text


SINES, ROTARY = lux.SinusoidalPositionalEmbedding, lux.RotaryPositionalEmbedding


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SINES(3), "SinusoidalPositionalEmbedding: dims: expected an even number, got 3"),
        (
            lambda: SINES(4, min_freq=0),
            "SinusoidalPositionalEmbedding: min_freq: expected a positive number, got 0",
        ),
        (
            lambda: SINES(4, scale="big"),
            "SinusoidalPositionalEmbedding: scale: expected a positive number, got 'big'",
        ),
        (lambda: ROTARY(5), "RotaryPositionalEmbedding: dim: expected an even number, got 5"),
        (
            lambda: ROTARY(4, max_sequence_length=0),
            "RotaryPositionalEmbedding: max_sequence_length: expected an integer of at least 1, "
            "got 0",
        ),
        (
            lambda: ROTARY(4, base=-1),
            "RotaryPositionalEmbedding: base: expected a positive number, got -1",
        ),
        (
            lambda: lux.LearnedPositionalEmbedding(0, 4),
            "LearnedPositionalEmbedding: max_sequence_length: expected an integer of at least 1, "
            "got 0",
        ),
    ],
)
def test_an_impossible_layer_is_refused(make, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        make()
    assert str(caught.value) == message


LEARNED = lux.LearnedPositionalEmbedding(9, 2)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            jnp.ones((3, 4)),
            "LearnedPositionalEmbedding: x: expected shape (..., time, 2), got (3, 4)",
        ),
        (
            jnp.ones((2, 10, 2)),
            "LearnedPositionalEmbedding: x: expected at most 9 tokens, got 10",
        ),
        (jnp.ones(2), "LearnedPositionalEmbedding: x: expected shape (..., time, 2), got (2,)"),
        (
            (jnp.ones((2, 3, 2)), jnp.zeros((1, 3), int)),
            "LearnedPositionalEmbedding: positions: expected shape (2, 3) or (3,), got (1, 3)",
        ),
        (
            (jnp.ones((3, 2)),) * 3,
            "LearnedPositionalEmbedding: x: expected up to 2 of (x, positions), or a NamedTuple "
            "with fields of (x, positions), got 3 of them",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_refused(x, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        LEARNED(x, *lux.setup(0, LEARNED))
    assert str(caught.value) == message


def test_parameters_of_another_layer_are_refused():
    ps, st = lux.setup(0, lux.LearnedPositionalEmbedding(8, 2))
    with pytest.raises(ValueError, match="do not fit: weight: expected shape"):
        LEARNED(jnp.ones((3, 2)), ps, st)
