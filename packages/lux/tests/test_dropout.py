"""Layers that drop elements: the masks, the states, and what they refuse."""

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
    "layer",
    [lux.Dropout(0), lux.AlphaDropout(0), lux.DropPath(0), lux.VariationalHiddenDropout(0)],
    ids=str,
)
def test_a_rate_of_zero_draws_nothing(layer):
    ps, st = lux.setup(0, layer)
    x = jnp.ones((3, 2))
    y, new_st = layer(x, ps, st)
    assert y is x
    assert new_st is st


def test_alpha_dropout_has_two_values_and_keeps_mean_and_variance():
    layer = lux.AlphaDropout(0.3)
    ps, st = lux.setup(0, layer)
    s = -1.7580993408473766
    a = ((1 - 0.3) * (1 + 0.3 * s**2)) ** -0.5
    b = -a * 0.3 * s
    y, new_st = layer(jnp.full(1000, 0.5), ps, st)
    np.testing.assert_allclose(np.unique(y), sorted([a * s + b, a * 0.5 + b]), rtol=1e-5)
    share = float((y < 0).mean())
    assert share == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / 1000))
    assert (layer(jnp.full(1000, 0.5), ps, new_st)[0] != y).any()
    x = jax.random.normal(jax.random.key(1), (100_000,))
    y, _ = layer(x, ps, st)
    assert float(y.mean()) == pytest.approx(0, abs=0.02)
    assert float(y.var()) == pytest.approx(1, abs=0.03)
    assert layer(x, ps, lux.test_mode(st))[0] is x


def test_alpha_dropout_of_whole_channels():
    layer = lux.AlphaDropout(0.5, axis=(0, -1))
    y, _ = layer(jnp.ones((8, 5, 16)), *lux.setup(0, layer))
    assert (y == y[:, :1]).all()
    assert (y == y.min()).any()
    assert (y == y.max()).any()


def test_whole_examples_are_dropped_from_a_path():
    layer = lux.DropPath(0.25)
    ps, st = lux.setup(0, layer)
    x = 1 + jnp.arange(2000.0 * 3).reshape(2000, 3, 1)
    y, new_st = layer(x, ps, st)
    ratio = np.asarray(y / x)[..., 0].round(4)
    assert (ratio == ratio[:, :1]).all()
    np.testing.assert_allclose(np.unique(ratio), [0, 1.3333])
    share = float((ratio[:, 0] == 0).mean())
    assert share == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 2000))
    assert (layer(x, ps, new_st)[0] != y).any()
    assert layer(x, ps, lux.test_mode(st))[0] is x


@pytest.mark.parametrize("ask", [True, Val(True), jnp.array(True)], ids=repr)
@pytest.mark.parametrize("key", [jax.random.key(0), jax.random.PRNGKey(0)], ids=["key", "raw"])
def test_a_variational_mask_stays_until_another_is_asked_for(key, ask):
    layer = lux.VariationalHiddenDropout(0.25)
    ps, st = lux.setup(key, layer)
    x = jnp.ones((50, 40))
    masks = []
    for turn in range(5):
        y, st = layer(x, ps, st if turn % 2 else lux.update_state(st, "update_mask", ask))
        masks.append(y)
    assert (masks[0] == masks[1]).all()
    assert (masks[2] == masks[3]).all()
    assert (masks[0] != masks[2]).any()
    assert (masks[2] != masks[4]).any()
    assert set(np.unique(masks[0])) == {np.float32(0), np.float32(1) / np.float32(0.75)}
    assert float((masks[0] == 0).mean()) == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 2000))


def test_a_variational_mask_is_one_for_all_steps_of_a_scan():
    layer = lux.VariationalHiddenDropout(0.5, axis=-1)
    ps, st = lux.setup(0, layer)
    last, y = jax.lax.scan(lambda st, x: layer(x, ps, st)[::-1], st, jnp.ones((4, 3, 100)))
    assert (y == y[:1, :1]).all()
    assert 0 < float((y == 0).mean()) < 1
    assert not last.update_mask
    assert jax.tree.structure(last) == jax.tree.structure(st)
    x = jnp.ones(3)
    y, new_st = layer(x, ps, lux.test_mode(st))
    assert y is x
    assert new_st.update_mask


@pytest.mark.parametrize(
    ("layer", "text", "count"),
    [
        (lux.AlphaDropout(0.1, axis=[0]), "AlphaDropout(0.1, axis=(0,))", 1),
        (lux.DropPath(1), "DropPath(1.0)", 1),
        (lux.VariationalHiddenDropout(0.5), "VariationalHiddenDropout(0.5)", 3),
    ],
)
def test_texts_of_the_others(layer, text: str, count: int):
    assert str(layer) == text
    assert repr(layer) == f"{text}  # plus {count} non-trainable"
    assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize("make", [lux.AlphaDropout, lux.DropPath, lux.VariationalHiddenDropout])
def test_impossible_rates_are_refused_by_all(make):
    with pytest.raises(ValueError, match="rate") as caught:
        make(-1)
    assert str(caught.value) == f"{make.__name__}: rate: expected a number from 0 to 1, got -1"


@pytest.mark.parametrize("make", [lux.AlphaDropout, lux.VariationalHiddenDropout])
def test_impossible_axes_are_refused_by_all(make):
    with pytest.raises(ValueError, match="axis") as caught:
        make(0.5, axis=(1, 1))
    assert str(caught.value) == (
        f"{make.__name__}: axis: expected different axes, as integers, got (1, 1)"
    )


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
