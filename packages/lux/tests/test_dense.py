"""`Dense` against its formula in float64, its initial values, and what it refuses."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from luxcore import NamedTuple

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("batch", [(), (5,), (2, 3), (0,)])
def test_formula(batch, use_bias: bool):
    layer = lux.Dense(4, 3, lux.tanh, use_bias=use_bias)
    ps, st = lux.setup(0, layer)
    x = RNG.normal(size=(*batch, 4))
    y, new_st = layer(jnp.asarray(x, jnp.float32), ps, st)
    expected = x @ np.asarray(ps.weight, np.float64)
    if use_bias:
        expected = expected + np.asarray(ps.bias, np.float64)
    np.testing.assert_allclose(y, np.tanh(expected), rtol=1e-5, atol=1e-6)
    assert new_st is st
    assert ps._fields == (("weight", "bias") if use_bias else ("weight",))


def test_gradients_are_those_of_the_formula():
    layer = lux.Dense(4, 3)
    ps, st = lux.setup(0, layer)
    x, c = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 3))

    def loss(ps, x):
        return (layer(x, ps, st)[0] * jnp.asarray(c, jnp.float32)).sum()

    grads, dx = jax.grad(loss, argnums=(0, 1))(ps, jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(grads.weight, x.T @ c, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(grads.bias, c.sum(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(dx, c @ np.asarray(ps.weight, np.float64).T, rtol=1e-4, atol=1e-5)


def test_initial_values_are_uniform_within_one_over_the_root_of_the_inputs():
    ps, _ = lux.setup(0, lux.Dense(400, 200))
    for array, exact in ((ps.weight, 0.05), (ps.bias, 0.05)):
        assert 0.98 * exact < float(abs(array).max()) <= exact
    assert float(ps.weight.std()) == pytest.approx(0.05 / np.sqrt(3), rel=0.01)
    assert float(ps.bias.std()) == pytest.approx(0.05 / np.sqrt(3), rel=0.1)
    assert ps.weight.dtype == ps.bias.dtype == jnp.float32


def test_initializers_are_called_with_their_shapes():
    layer = lux.Dense(2, 3, init_weight=lux.initializers.ones, init_bias=lux.initializers.zeros)
    ps, st = lux.setup(0, layer)
    assert (layer(jnp.ones((1, 2)), ps, st)[0] == 2).all()


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_parameters_promote_to_the_input(dtype):
    layer = lux.Dense(2, 3)
    ps, st = lux.setup(0, layer)
    half = jax.tree.map(lambda p: p.astype(dtype), ps)
    assert layer(jnp.ones((1, 2), dtype), half, st)[0].dtype == dtype
    assert layer(jnp.ones((1, 2)), half, st)[0].dtype == jnp.float32


def test_parameters_may_be_any_object_with_their_names():
    class Parameters:
        weight = jnp.ones((2, 3))
        bias = jnp.zeros(3)

    y, _ = lux.Dense(2, 3)(jnp.ones((1, 2)), Parameters(), NamedTuple())
    assert (y == 2).all()


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.Dense(4, 2), "Dense(4 → 2)"),
        (lux.Dense(4, 2, lux.relu), "Dense(4 → 2, relu)"),
        (lux.Dense(4, 2, use_bias=False), "Dense(4 → 2, use_bias=False)"),
    ],
)
def test_text(layer, text: str):
    assert str(layer) == text
    assert repr(layer) == f"{text}  # {8 + 2 * layer.use_bias} parameters"


def test_equal_by_value_and_pickled_with_a_jitted_activation():
    assert lux.Dense(4, 2, lux.relu) == lux.Dense(np.int64(4), 2, lux.relu)
    assert lux.Dense(4, 2) != lux.Dense(4, 2, use_bias=False)
    layer = lux.Dense(4, 2, jax.nn.relu)
    assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lux.Dense(0, 2), "Dense: in_dims: expected an integer of at least 1, got 0"),
        (lambda: lux.Dense(2, -1), "Dense: out_dims: expected an integer of at least 1, got -1"),
        (lambda: lux.Dense(2.0, 1), "Dense: in_dims: expected an integer of at least 1, got 2.0"),
        (
            lambda: lux.Dense((2, 4), 3),
            "Dense: in_dims: expected an integer of at least 1, got (2, 4)",
        ),
        (lambda: lux.Dense(2, "4"), "Dense: out_dims: expected an integer of at least 1, got '4'"),
        (lambda: lux.Dense(2, 4, "relu"), "Dense: activation: expected a function, got 'relu'"),
        (
            lambda: lux.Dense(2, 4, init_weight=None),
            "Dense: init_weight: expected a function, got None",
        ),
        (lambda: lux.Dense(2, 4, init_bias=0), "Dense: init_bias: expected a function, got 0"),
    ],
)
def test_an_impossible_layer_is_refused(make, message: str):
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert str(caught.value) == message


def test_an_input_of_another_size_is_refused():
    layer = lux.Dense(4, 2)
    ps, st = lux.setup(0, layer)
    with pytest.raises(ValueError, match="expected shape") as caught:
        layer(jnp.ones((5, 3)), ps, st)
    assert caught.value.__notes__ == [
        "at the outermost layer: Dense(4 → 2)\n"
        "  parameters: NamedTuple(weight=float32[4,2], bias=float32[2])\n"
        "  input: float32[5,3]"
    ]
