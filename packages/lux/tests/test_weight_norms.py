"""`WeightNorm` and `SpectralNorm`: the layers inside, the states, and what they refuse."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from luxcore import NamedTuple

RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.normal(size=(5, 3)), jnp.float32)


def test_at_first_a_weight_norm_changes_nothing():
    inner = lux.Dense(3, 4, lux.tanh, init_bias=lux.initializers.ones)
    for names, axis in (("weight", -1), (("weight", "bias"), None), (["bias"], 0)):
        layer = lux.WeightNorm(inner, names, axis)
        ps, st = lux.setup(0, layer)
        plain, _ = lux.setup(0, inner)
        assert ps._fields == ("weight", "bias")
        np.testing.assert_allclose(layer(X, ps, st)[0], inner(X, plain, st)[0], rtol=1e-5)


def test_lengths_are_parameters():
    layer = lux.WeightNorm(lux.Dense(3, 2, use_bias=False))
    ps, st = lux.setup(0, layer)
    v = RNG.normal(size=(3, 2))
    ps = NamedTuple(weight=NamedTuple(g=jnp.array([[2.0, -1.0]]), v=jnp.asarray(v, jnp.float32)))
    y, new_st = layer(X, ps, st)
    weight = v / np.sqrt((v * v).sum(0)) * [2.0, -1.0]
    np.testing.assert_allclose(y, np.asarray(X, np.float64) @ weight, rtol=1e-5)
    assert new_st is st
    assert lux.parameter_length(layer) == 8


def test_parameters_of_layers_inside_are_found_by_their_paths():
    inner = lux.Chain(lux.Dense(3, 2), lux.Chain(last=lux.Dense(2, 2)))
    layer = lux.WeightNorm(inner, ("layer_0.weight", "layer_1.last.weight"))
    ps, st = lux.setup(0, layer)
    assert ps.layer_0.weight._fields == ps.layer_1.last.weight._fields == ("g", "v")
    plain, _ = lux.setup(0, inner)
    np.testing.assert_allclose(layer(X, ps, st)[0], inner(X, plain, st)[0], rtol=1e-5)
    doubled = lux.replace_at(ps, "layer_1.last.weight.g", 2 * ps.layer_1.last.weight.g)
    expected = lux.replace_at(plain, "layer_1.last.weight", 2 * plain.layer_1.last.weight)
    np.testing.assert_allclose(layer(X, doubled, st)[0], inner(X, expected, st)[0], rtol=1e-5)


def test_the_layer_inside_keeps_its_state():
    layer = lux.WeightNorm(lux.BatchNorm(3), "scale")
    ps, st = lux.setup(0, layer)
    _, new_st = layer(X, ps, st)
    np.testing.assert_allclose(new_st.running_mean, 0.1 * X.mean(0), rtol=1e-5)


def test_parameters_may_be_any_object_with_their_names():
    class Parts:
        g, v = jnp.full((1, 2), np.sqrt(3)), jnp.ones((3, 2))

    class Parameters:
        weight = Parts()
        bias = jnp.zeros(2)

    y, _ = lux.WeightNorm(lux.Dense(3, 2))(jnp.ones((1, 3)), Parameters(), NamedTuple())
    np.testing.assert_allclose(y, [[3, 3]], rtol=1e-6)


def largest(weight, axis=-1):
    matrix = np.moveaxis(np.asarray(weight, np.float64), axis, 0)
    return np.linalg.svd(matrix.reshape(len(matrix), -1))[1][0]


@pytest.mark.parametrize(
    ("inner", "x", "axis"),
    [
        (lux.Dense(3, 4, use_bias=False), X, -1),
        (lux.Dense(3, 4, use_bias=False), X, 0),
        (lux.Conv((2,), 3, 4, use_bias=False), X, -1),
    ],
    ids=str,
)
def test_the_largest_singular_value_becomes_one(inner, x, axis):
    layer = lux.SpectralNorm(inner, axis=axis)
    ps, st = lux.setup(0, layer)
    for _ in range(20):
        y, st = layer(x, ps, st)
    expected, _ = inner(x, NamedTuple(weight=ps.weight / largest(ps.weight, axis)), st.layer)
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-4)


def test_vectors_know_the_first_weight_and_stay_in_test_mode():
    layer = lux.SpectralNorm(lux.Dense(3, 4))
    ps, st = lux.setup(0, layer)
    assert st._fields == ("layer", "vectors", "training")
    assert (st.vectors.weight.u.shape, st.vectors.weight.v.shape) == ((4,), (3,))
    u, v = st.vectors.weight
    assert float(u @ ps.weight.T @ v) == pytest.approx(largest(ps.weight), rel=1e-2)
    y, new_st = layer(X, ps, lux.test_mode(st))
    weight = ps.weight / (u @ ps.weight.T @ v)
    np.testing.assert_allclose(y, X @ weight + ps.bias[None], rtol=1e-4, atol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, new_st, lux.test_mode(st))
    _, new_st = layer(X, ps, st)
    assert (new_st.vectors.weight.u != u).any()
    assert lux.state_length(layer) == 7


def test_a_step_does_as_many_iterations_as_it_is_told():
    inner = lux.Dense(3, 4)
    one, three = (lux.SpectralNorm(inner, iterations=n) for n in (1, 3))
    ps, st = lux.setup(0, one)
    ps = lux.replace_at(ps, "weight", jnp.asarray(RNG.normal(size=(3, 4)), jnp.float32))
    _, at_once = three(X, ps, st)
    for _ in range(3):
        _, st = one(X, ps, st)
    np.testing.assert_allclose(at_once.vectors.weight.u, st.vectors.weight.u, rtol=1e-5)


def test_vectors_lie_by_the_paths_of_their_parameters():
    inner = lux.Chain(lux.Dense(3, 2), lux.BatchNorm(2), lux.Dense(2, 2))
    layer = lux.SpectralNorm(inner, ("layer_0.weight", "layer_2.weight"))
    ps, st = lux.setup(0, layer)
    assert st.vectors.layer_0.weight.u.shape == (2,)
    assert st.vectors.layer_2.weight.v.shape == (2,)
    _, new_st = layer(X, ps, st)
    assert (new_st.layer.layer_1.running_mean != 0).any()
    assert jax.tree.structure(new_st) == jax.tree.structure(st)


def test_each_parameter_has_a_start_of_its_own():
    # Steps with the identity leave the vectors where they began.
    square = lux.Dense(3, 3, init_weight=lux.initializers.identity_init)
    names = ("layer_0.weight", "layer_1.weight")
    _, st = lux.setup(0, lux.SpectralNorm(lux.Chain(square, square), names))
    assert (st.vectors.layer_0.weight.u != st.vectors.layer_1.weight.u).any()


def test_no_step_divides_by_less_than_epsilon():
    layer = lux.SpectralNorm(lux.Dense(3, 2), epsilon=100.0)
    ps, st = lux.setup(0, layer)
    _, new_st = layer(X, ps, st)
    expected = ps.weight.T @ st.vectors.weight.v / 100
    np.testing.assert_allclose(new_st.vectors.weight.u, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.WeightNorm(lux.Dense(3, 2)), "WeightNorm(Dense(3 → 2), ('weight',))"),
        (
            lux.WeightNorm(lux.Dense(3, 2), ["weight"], None),
            "WeightNorm(Dense(3 → 2), ('weight',), None)",
        ),
        (
            lux.SpectralNorm(lux.Dense(3, 2), iterations=2),
            "SpectralNorm(Dense(3 → 2), ('weight',), iterations=2)",
        ),
    ],
)
def test_text(layer, text: str):
    assert str(layer) == text
    assert pickle.loads(pickle.dumps(layer)) == layer


DENSE = lux.Dense(3, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lux.WeightNorm("Dense"), "WeightNorm: layer: expected a layer, got 'Dense'"),
        (
            lambda: lux.WeightNorm(DENSE, "scale"),
            "WeightNorm: which_params: expected one or several of 'weight', 'bias', got 'scale'",
        ),
        (
            lambda: lux.WeightNorm(DENSE, ()),
            "WeightNorm: which_params: expected one or several of 'weight', 'bias', got ()",
        ),
        (
            lambda: lux.WeightNorm(DENSE, ("bias", "bias")),
            "WeightNorm: which_params: expected one or several of 'weight', 'bias', got "
            "('bias', 'bias')",
        ),
        (
            lambda: lux.WeightNorm(lux.Dropout(0.5)),
            "WeightNorm: which_params: expected one or several of its parameters, of which it has "
            "none, got 'weight'",
        ),
        (
            lambda: lux.WeightNorm(DENSE, axis=2),
            "WeightNorm: axis: expected axes of 'weight', which has 2, got 2",
        ),
        (
            lambda: lux.WeightNorm(DENSE, ("weight", "bias"), axis=(0, 1)),
            "WeightNorm: axis: expected axes of 'bias', which has 1, got (0, 1)",
        ),
        (
            lambda: lux.WeightNorm(DENSE, axis=0.5),
            "WeightNorm: axis: expected different axes, as integers, got 0.5",
        ),
        (
            lambda: lux.setup(0, lux.WeightNorm(lux.BatchNorm(2), "bias")),
            "WeightNorm: which_params: expected parameters without zeros alone where a length is "
            "taken at first, got 'bias'",
        ),
        (
            lambda: lux.SpectralNorm(DENSE, "kernel"),
            "SpectralNorm: which_params: expected one or several of 'weight', 'bias', got 'kernel'",
        ),
        (
            lambda: lux.SpectralNorm(DENSE, axis=-3),
            "SpectralNorm: axis: expected axes of 'weight', which has 2, got -3",
        ),
        (
            lambda: lux.SpectralNorm(DENSE, axis=None),
            "SpectralNorm: axis: expected an integer, got None",
        ),
        (
            lambda: lux.SpectralNorm(DENSE, iterations=0),
            "SpectralNorm: iterations: expected an integer of at least 1, got 0",
        ),
        (
            lambda: lux.SpectralNorm(DENSE, epsilon=0),
            "SpectralNorm: epsilon: expected a positive number, got 0",
        ),
    ],
)
def test_an_impossible_layer_is_refused(make, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        make()
    assert str(caught.value) == message


MODEL = "are these the parameters of another model?"


@pytest.mark.parametrize(
    ("layer", "ps", "message"),
    [
        (
            lux.WeightNorm(DENSE),
            NamedTuple(weight=jnp.ones((3, 2)), bias=jnp.ones(2)),
            f"the parameters do not fit: weight: expected the fields (g, v): {MODEL}",
        ),
        (
            lux.WeightNorm(DENSE),
            NamedTuple(weight=NamedTuple(g=jnp.ones((1, 4)), v=jnp.ones((3, 4))), bias=jnp.ones(2)),
            f"the parameters do not fit: weight.v: expected shape (3, 2), got (3, 4): {MODEL}",
        ),
        (
            lux.WeightNorm(DENSE),
            NamedTuple(weight=NamedTuple(g=jnp.ones((1, 1)), v=jnp.ones((3, 2))), bias=jnp.ones(2)),
            "weight_norm: g: expected shape (1, 2), got (1, 1). It has the lengths in v (3, 2).",
        ),
        (
            lux.WeightNorm(DENSE),
            NamedTuple(weight=jnp.ones((3, 2))),
            f"the parameters do not fit: expected the fields (weight, bias), got (weight): {MODEL}",
        ),
        (
            lux.SpectralNorm(DENSE),
            NamedTuple(weight=jnp.ones((3, 2))),
            f"the parameters do not fit: expected the fields (weight, bias), got (weight): {MODEL}",
        ),
    ],
)
def test_parameters_of_another_model_are_refused(layer, ps, message: str):
    _, st = lux.setup(0, layer)
    with pytest.raises(ValueError, match="expected") as caught:
        layer(X, ps, st)
    assert str(caught.value) == message


def test_vectors_of_another_model_are_refused():
    layer = lux.SpectralNorm(DENSE)
    ps, _ = lux.setup(0, layer)
    _, st = lux.setup(0, lux.SpectralNorm(lux.Dense(3, 4)))
    with pytest.raises(ValueError, match="expected") as caught:
        layer(X, ps, st)
    assert str(caught.value) == (
        "spectral_norm: u: expected shape (2,), got (4,). weight has shape (3, 2), and the "
        "outputs along axis -1."
    )
