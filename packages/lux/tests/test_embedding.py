"""`Embedding`: rows of a table, the tied head, padding, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from lux import NamedTuple

NONE = NamedTuple()


def test_rows_of_the_table():
    layer = lux.Embedding(5, 3)
    ps, st = lux.setup(0, layer)
    x = np.array([[0, 4], [2, 2]])
    y, new = layer(jnp.asarray(x), ps, st)
    np.testing.assert_array_equal(y, np.asarray(ps.weight)[x])
    assert new is st
    assert jnp.isnan(layer(jnp.array([5, -1]), ps, st)[0]).all()


def test_a_table_of_two_axes():
    layer = lux.Embedding((4, 3), 2)
    ps, st = lux.setup(0, layer)
    assert ps.weight.shape == (4, 3, 2)
    x = (jnp.array([0, 3]), jnp.array([2, 1]))
    np.testing.assert_array_equal(layer(x, ps, st)[0], [ps.weight[0, 2], ps.weight[3, 1]])


def test_initial_values_are_uniform_from_zero_to_one():
    weight = lux.setup(0, lux.Embedding(100, 50))[0].weight
    assert 0 <= float(weight.min()) < 0.01
    assert 0.99 < float(weight.max()) < 1
    ones = lux.Embedding(3, 2, init_weight=lux.initializers.ones)
    assert (lux.setup(0, ones)[0].weight == 1).all()


def test_padding_begins_as_zero_and_stays():
    layer = lux.Embedding(4, 3, padding_index=1)
    ps, st = lux.setup(0, layer)
    assert (ps.weight[1] == 0).all()
    assert ps.weight[jnp.array([0, 2, 3])].all()
    x = jnp.array([0, 1, 1, 3])
    bar = jax.grad(lambda ps: layer(x, ps, st)[0].sum())(ps).weight
    np.testing.assert_array_equal(bar[:, 0], [1, 0, 0, 1])


def test_attend_is_the_product_with_the_table():
    layer = lux.Embedding(5, 3)
    ps, st = lux.setup(0, layer)
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    y, new = layer.attend(jnp.asarray(x, jnp.float32), ps, st)
    expected = np.einsum("bti,vi->btv", x, np.asarray(ps.weight, np.float64))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    assert new is st


class Language(lux.AbstractLuxContainerLayer, layers=("embedding", "body")):
    """A model whose head is tied to its embedding."""

    embedding: lux.Embedding
    body: lux.Dense

    def __call__(self, x, ps, st):
        y, st_embedding = self.embedding(x, ps.embedding, st.embedding)
        y, st_body = self.body(y, ps.body, st.body)
        y, _ = self.embedding.attend(y, ps.embedding, st.embedding)
        return y, NamedTuple(embedding=st_embedding, body=st_body)


def test_a_tied_head_adds_both_gradients():
    model = Language(lux.Embedding(5, 3), lux.Dense(3, 3, lux.tanh))
    ps, st = lux.setup(0, model)
    x = jnp.array([0, 4])

    def loss(first, last):
        table = lambda weight: NamedTuple(weight=weight)  # noqa: E731
        y = model.body(model.embedding(x, table(first), NONE)[0], ps.body, NONE)[0]
        return (model.embedding.attend(y, table(last), NONE)[0] ** 2).sum()

    weight = ps.embedding.weight
    tied = jax.grad(lambda ps: (model(x, ps, st)[0] ** 2).sum())(ps).embedding.weight
    np.testing.assert_allclose(tied, sum(jax.grad(loss, (0, 1))(weight, weight)), rtol=1e-5)


def test_text():
    assert repr(lux.Embedding(5, 3)) == "Embedding(5 → 3)  # 15 parameters"
    assert str(lux.Embedding([5, 2], 3)) == "Embedding((5, 2) → 3)"
    assert str(lux.Embedding(5, 3, padding_index=0)) == "Embedding(5 → 3, padding_index=0)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lux.Embedding(0, 2), "in_dims: expected an integer of at least 1, got 0"),
        (
            lambda: lux.Embedding((3, 0), 2),
            "in_dims: expected an integer or several, each at least 1, got (3, 0)",
        ),
        (lambda: lux.Embedding(2, 0), "out_dims: expected an integer of at least 1, got 0"),
        (
            lambda: lux.Embedding(3, 2, padding_index=3),
            "padding_index: expected an integer from 0 to 2, or None, got 3",
        ),
        (
            lambda: lux.Embedding(3, 2, padding_index=-1),
            "padding_index: expected an integer from 0 to 2, or None, got -1",
        ),
        (
            lambda: lux.Embedding(3, 2, padding_index=1.0),
            "padding_index: expected an integer from 0 to 2, or None, got 1.0",
        ),
        (
            lambda: lux.Embedding((3, 2), 2, padding_index=0),
            "padding_index: expected None for a table of several axes, got 0",
        ),
        (lambda: lux.Embedding(3, 2, init_weight=1), "init_weight: expected a function, got 1"),
    ],
)
def test_an_impossible_layer_is_refused(make, message: str):
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert str(caught.value) == f"Embedding: {message}"


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (
            lux.Embedding(3, 2),
            (jnp.array(0), jnp.array(0)),
            "Embedding: x: expected an array of integers, got a tuple of 2",
        ),
        (
            lux.Embedding((3, 2), 2),
            jnp.array(0),
            "Embedding: x: expected a tuple of 2 arrays, got an array",
        ),
        (
            lux.Embedding((3, 2), 2),
            (jnp.array(0),),
            "Embedding: x: expected a tuple of 2 arrays, got a tuple of 1",
        ),
        (
            lux.Embedding(3, 2),
            jnp.ones(2),
            "embedding_lookup: ids: expected an integer dtype, got float32. "
            "ids.astype(jax.numpy.int32) makes indices of whole numbers.",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_refused(layer, x, message: str):
    ps, st = lux.setup(0, layer)
    with pytest.raises((ValueError, TypeError)) as caught:
        layer(x, ps, st)
    assert str(caught.value) == message
    assert caught.value.__notes__[0].startswith(f"at the outermost layer: {layer}")


def test_attend_refuses_a_table_of_several_axes():
    layer = lux.Embedding((3, 2), 2)
    with pytest.raises(ValueError, match="attend") as caught:
        layer.attend(jnp.ones(2), *lux.setup(0, layer))
    assert str(caught.value) == (
        "Embedding: attend: expected a table of one axis, got in_dims=(3, 2)"
    )
