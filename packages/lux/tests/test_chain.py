"""`Chain`: layers in a row, by position or by name."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import lux
from luxcore import NamedTuple, StatefulLuxLayer

A, B, C = lux.Dense(2, 3, lux.tanh), lux.Dense(3, 3, lux.relu), lux.Dense(3, 1)
X = jnp.linspace(-1, 1, 8).reshape(4, 2)


def dense(x, ps):
    return x @ np.asarray(ps.weight, np.float64) + np.asarray(ps.bias, np.float64)


def test_it_is_the_composition_of_its_layers():
    model = lux.Chain(A, B, jnp.square, C)
    ps, st = lux.setup(0, model)
    y, new_st = model(X, ps, st)
    hidden = np.maximum(dense(np.tanh(dense(np.asarray(X), ps.layer_0)), ps.layer_1), 0)
    np.testing.assert_allclose(y, dense(hidden**2, ps.layer_3), rtol=1e-5)
    assert new_st == st
    assert ps._fields == st._fields == ("layer_0", "layer_1", "layer_2", "layer_3")


@pytest.mark.parametrize(
    "model",
    [
        lux.Chain(a=A, b=B),
        lux.Chain({"a": A, "b": B}),
        lux.Chain(NamedTuple(a=A, b=B)),
    ],
)
def test_named(model):
    assert model == lux.Chain(a=A, b=B)
    ps, st = lux.setup(0, model)
    assert ps._fields == ("a", "b")
    np.testing.assert_array_equal(model(X, ps, st)[0], B(A(X, ps.a, st.a)[0], ps.b, st.b)[0])


def test_forms_of_the_same_chain_are_equal():
    assert lux.Chain([A, B]) == lux.Chain((A, B)) == lux.Chain(A, B)
    assert hash(lux.Chain([A, B])) == hash(lux.Chain(A, B))
    assert lux.Chain(A, B) != lux.Chain(a=A, b=B)
    assert lux.Chain(A, B) != lux.Chain(A, B, name="encoder")
    assert lux.Chain(A, jnp.tanh) == lux.Chain(A, lux.WrappedFunction(jnp.tanh))


def test_indexing_slicing_and_iterating():
    model = lux.Chain(A, B, C)
    assert (model[0], model[-1], model["layer_1"]) == (A, C, B)
    assert len(model) == 3
    assert list(model) == [A, B, C]
    assert model[1:] == lux.Chain(layer_1=B, layer_2=C)
    assert model[:] == model
    assert model[::-1] == lux.Chain(layer_2=C, layer_1=B, layer_0=A)
    ps, st = lux.setup(0, model)
    part = NamedTuple(layer_1=ps.layer_1, layer_2=ps.layer_2)
    hidden, _ = model[:1](X, NamedTuple(layer_0=ps.layer_0), NamedTuple(layer_0=st.layer_0))
    y, _ = model[1:](hidden, part, NamedTuple(layer_1=st.layer_1, layer_2=st.layer_2))
    np.testing.assert_allclose(y, model(X, ps, st)[0], rtol=1e-6)
    with pytest.raises(IndexError):
        model[3]
    with pytest.raises(AttributeError, match="no field 'layer_3'"):
        model["layer_3"]


def test_an_empty_chain_returns_its_input():
    model = lux.Chain()
    ps, st = lux.setup(0, model)
    assert model(3.0, ps, st) == (3.0, NamedTuple())
    assert len(model) == 0
    assert lux.Chain(A)[1:] == model


def test_nested_chains_keep_their_trees():
    model = lux.Chain(encoder=lux.Chain(A, B), head=C)
    ps, st = lux.setup(0, model)
    assert ps.encoder._fields == ("layer_0", "layer_1")
    assert model(X, ps, st)[0].shape == (4, 1)


def test_the_same_layer_twice_has_two_sets_of_parameters():
    square = lux.Dense(2, 2)
    model = lux.Chain(square, square)
    ps, st = lux.setup(0, model)
    assert not (ps.layer_0.weight == ps.layer_1.weight).any()
    with pytest.raises(ValueError, match="in") as caught:
        model(X, ps._replace(layer_1=ps.layer_1._replace(weight=jnp.ones((3, 2)))), st)
    assert caught.value.__notes__[0].startswith("at layer_1: Dense(2 → 2)")


def test_states_go_through_in_train_and_test_mode():
    model = lux.Chain(A, lux.Chain(lux.Dropout(0.5)), C)
    ps, st = lux.setup(0, model)
    for mode in (lux.train_mode, lux.test_mode):
        _, new_st = model(X, ps, mode(st))
        assert jax.tree.structure(new_st) == jax.tree.structure(mode(st))
        types = [jax.tree.map(lambda a: (a.shape, a.dtype), tree) for tree in (st, new_st)]
        assert jax.tree.leaves(types[0]) == jax.tree.leaves(types[1])
    _, new_st = model(X, ps, st)
    assert new_st.layer_1.layer_0.rng != st.layer_1.layer_0.rng
    _, same = model(X, ps, lux.test_mode(st))
    assert same.layer_1.layer_0.rng == st.layer_1.layer_0.rng


def test_transformations():
    model = lux.Chain(A, lux.Dropout(0.2), C)
    ps, st = lux.setup(0, model)

    def loss(ps, x, st):
        y, st = model(x, ps, st)
        return (y**2).mean(), st

    (value, new_st), grads = jax.jit(jax.value_and_grad(loss, has_aux=True))(ps, X, st)
    eager, eager_st = loss(ps, X, st)
    np.testing.assert_allclose(value, eager, rtol=1e-5)
    assert new_st.layer_1.rng == eager_st.layer_1.rng
    assert jax.tree.structure(grads) == jax.tree.structure(ps)
    rows = jax.vmap(lambda x: model(x, ps, lux.test_mode(st))[0])(X)
    np.testing.assert_allclose(rows, model(X, ps, lux.test_mode(st))[0], rtol=1e-5)

    def body(carry, x):
        ps, st = carry
        grads, st = jax.grad(loss, has_aux=True)(ps, x, st)
        return (jax.tree.map(lambda p, g: p - 0.1 * g, ps, grads), st), None

    (last_ps, last_st), _ = jax.lax.scan(body, (ps, st), jnp.stack([X, X, X]))
    assert jax.tree.structure((last_ps, last_st)) == jax.tree.structure((ps, st))


def test_a_static_model_compiles_once_for_equal_descriptions():
    traces = 0

    def call(model, x, ps, st):
        nonlocal traces
        traces += 1
        return model(x, ps, st)

    jitted = jax.jit(call, static_argnums=0)
    ps, st = lux.setup(0, lux.Chain(A, C))
    for _ in range(3):
        jitted(lux.Chain(lux.Dense(2, 3, lux.tanh), lux.Dense(3, 1)), X, ps, st)
    assert traces == 1
    jitted(lux.Chain(lux.Dense(2, 3, lux.relu), lux.Dense(3, 1)), X, ps, st)
    assert traces == 2


def test_repr():
    model = lux.Chain(lux.Conv((3, 3), 1, 8, lux.relu), jnp.square, lux.Dropout(0.5))
    assert repr(model) == (
        "Chain(\n"
        "    layer_0 = Conv((3, 3), 1 → 8, relu),        # 80 parameters\n"
        "    layer_1 = WrappedFunction(square),\n"
        "    layer_2 = Dropout(0.5),                     # plus 1 non-trainable\n"
        ")         # Total: 80 parameters,\n"
        "          #        plus 1 states."
    )
    assert repr(lux.Chain(A, name="encoder")).startswith("encoder(\n    layer_0 = Dense(2 → 3")


def test_pickle():
    model = lux.Chain(a=A, f=jax.nn.relu, b=C, name="model")
    assert pickle.loads(pickle.dumps(model)) == model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: lux.Chain(A, b=B),
            "Chain: give all layers by position or all by name, got both",
        ),
        (
            lambda: lux.Chain(A, lux.Dense),
            "Chain: layer_1: expected a layer or a function, got Dense: make an object of the "
            "class, Dense(…)",
        ),
        (
            lambda: lux.Chain(A, [B, C]),
            "Chain: layer_1: expected a layer or a function, got list: unpack it, "
            "Chain(*layers), or make it a Chain",
        ),
        (
            lambda: lux.Chain(A for _ in range(3)),
            "Chain: layer_0: expected a layer or a function, got generator: unpack it, "
            "Chain(*layers), or make it a Chain",
        ),
        (
            lambda: lux.Chain(A, "relu"),
            "Chain: layer_1: expected a layer or a function, got str",
        ),
        (
            lambda: lux.Chain(encoder=None),
            "Chain: encoder: expected a layer or a function, got NoneType",
        ),
        (
            lambda: lux.Chain(A, StatefulLuxLayer(B, None, NamedTuple())),
            "Chain: layer_1: expected a layer or a function, got StatefulLuxLayer: a "
            "StatefulLuxLayer holds its parameters, so they would not be trained",
        ),
        (
            lambda: lux.Chain(A, name=B),
            "Chain: name: expected a text, got Dense: for a layer of that name, "
            "Chain({'name': layer})",
        ),
    ],
)
def test_what_is_no_layer_is_refused(make, message: str):
    with pytest.raises(TypeError) as caught:
        make()
    assert str(caught.value) == message


def test_parameters_of_another_model_are_refused():
    model = lux.Chain(lux.Dense(2, 3, use_bias=False))
    _, st = lux.setup(0, model)
    ps, _ = lux.setup(0, lux.Chain(lux.Dense(2, 3)))
    with pytest.raises(ValueError, match="parameters do not fit") as caught:
        model(X, ps, st)
    assert str(caught.value) == (
        "the parameters do not fit: expected the fields (weight), got (weight, bias): are these "
        "the parameters of another model?"
    )
    assert caught.value.__notes__ == [
        "at layer_0: Dense(2 → 3, use_bias=False)\n"
        "  parameters: NamedTuple(weight=float32[2,3], bias=float32[3])\n"
        "  input: float32[4,2]"
    ]


@settings(max_examples=20, deadline=None)
@given(some.lists(some.sampled_from([A, B, C, jnp.tanh, lux.NoOpLayer()]), max_size=6), some.data())
def test_a_slice_is_the_slice_of_the_layers(layers, data):
    model = lux.Chain(*layers)
    start, stop = (data.draw(some.none() | some.integers(-7, 7)) for _ in range(2))
    part = model[start:stop]
    assert list(part) == list(model)[start:stop]
    assert part.layers._fields == model.layers._fields[start:stop]
