"""`Dropout`: the mask, the state, and what it refuses."""

import pickle
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from luxcore import NamedTuple, Val


def test_elements_are_dropped_and_the_rest_scaled():
    layer = lux.Dropout(0.25)
    ps, st = lux.setup(0, layer)
    y, _ = layer(jnp.ones((100, 100)), ps, st)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1) / np.float32(0.75)}
    assert float((y == 0).mean()) == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 10_000))


def test_every_call_has_a_mask_of_its_own_and_a_state_its_mask():
    layer = lux.Dropout(0.5)
    ps, st = lux.setup(0, layer)
    x = jnp.ones(100)
    first, new_st = layer(x, ps, st)
    second, _ = layer(x, ps, new_st)
    again, _ = layer(x, ps, st)
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()


def test_test_mode_changes_nothing():
    layer = lux.Dropout(0.5)
    ps, st = lux.setup(0, layer)
    x = jnp.ones(10)
    y, new_st = layer(x, ps, lux.test_mode(st))
    assert y is x
    assert new_st == NamedTuple(rng=st.rng, training=Val(False))


@pytest.mark.parametrize("key", [jax.random.key(0), jax.random.PRNGKey(0)])
@pytest.mark.parametrize("mode", [lux.train_mode, lux.test_mode])
def test_the_state_keeps_its_type(key, mode):
    layer = lux.Dropout(0.5)
    ps, st = lux.setup(key, layer)
    st = mode(st)

    def body(st, x):
        y, st = layer(x, ps, st)
        return st, y

    last, y = jax.lax.scan(body, st, jnp.ones((3, 4)))
    assert y.shape == (3, 4)
    assert jax.tree.structure(last) == jax.tree.structure(st)
    assert (last.rng.dtype, last.rng.shape) == (st.rng.dtype, st.rng.shape)


def test_two_layers_have_two_streams_and_neither_is_the_callers():
    key = jax.random.key(0)
    model = lux.Chain(lux.Dropout(0.5), lux.Dropout(0.5))
    _, st = lux.setup(key, model)
    assert st.layer_0.rng != st.layer_1.rng
    assert lux.setup(key, lux.Dropout(0.5))[1].rng != key


def test_luxcores_setup_with_another_generator_gives_a_key_too():
    import luxcore

    _, st = luxcore.setup(random.Random(0), lux.Dropout(0.5))
    assert jnp.issubdtype(st.rng.dtype, jax.dtypes.prng_key)


def test_along_other_axes_elements_are_dropped_together():
    layer = lux.Dropout(0.5, axis=(0, -1))
    y, _ = layer(jnp.ones((8, 5, 5, 16)), *lux.setup(0, layer))
    assert (y == y[:, :1, :1, :]).all()
    assert 0 < float((y == 0).mean()) < 1


def test_gradient_is_the_mask():
    layer = lux.Dropout(0.5)
    ps, st = lux.setup(0, layer)
    x = jnp.arange(1.0, 101)
    grad = jax.grad(lambda x: layer(x, ps, st)[0].sum())(x)
    np.testing.assert_allclose(grad * x, layer(x, ps, st)[0], rtol=1e-6)


def test_examples_in_a_vmap_may_have_keys_of_their_own():
    layer = lux.Dropout(0.5)
    keys = jax.random.split(jax.random.key(0), 3)
    y = jax.vmap(lambda key: layer(jnp.ones(50), *lux.setup(key, layer))[0])(keys)
    assert (y[0] != y[1]).any()


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.Dropout(0.5), "Dropout(0.5)"),
        (lux.Dropout(0, axis=[0, -1]), "Dropout(0.0, axis=(0, -1))"),
        (lux.Dropout(np.float64(0.1), axis=-1), "Dropout(0.1, axis=-1)"),
    ],
)
def test_text(layer, text: str):
    assert str(layer) == text
    assert repr(layer) == f"{text}  # plus 1 non-trainable"
    assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize(
    ("rate", "axis", "message"),
    [
        (-0.1, None, "rate: expected a number from 0 to 1, got -0.1"),
        (1.5, None, "rate: expected a number from 0 to 1, got 1.5"),
        (float("nan"), None, "rate: expected a number from 0 to 1, got nan"),
        ("0.5", None, "rate: expected a number from 0 to 1, got '0.5'"),
        (True, None, "rate: expected a number from 0 to 1, got True"),
        (0.5, (1, 1), "axis: expected different axes, as integers, got (1, 1)"),
        (0.5, (), "axis: expected different axes, as integers, got ()"),
        (0.5, 0.5, "axis: expected different axes, as integers, got 0.5"),
    ],
)
def test_an_impossible_layer_is_refused(rate, axis, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        lux.Dropout(rate, axis=axis)
    assert str(caught.value) == f"Dropout: {message}"


def test_a_state_of_another_layer_is_refused():
    with pytest.raises(ValueError, match="states do not fit") as caught:
        lux.Dropout(0.5)(jnp.ones(3), NamedTuple(), NamedTuple(rng=jax.random.key(0)))
    assert str(caught.value) == (
        "the states do not fit: expected the fields (rng, training), got (rng): are these the "
        "states of another model?"
    )
