"""`Scale`, `Bilinear`, `EinsumDense` and `MLP`: formulas, initial values, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from lux import NamedTuple
from lux.initializers import ones

RNG = np.random.default_rng(0)
NONE = NamedTuple()


def single(*shape):
    return jnp.asarray(RNG.normal(size=shape), jnp.float32)


def test_scale():
    layer = lux.Scale((2, 3), lux.relu)
    x, weight, bias = single(4, 2, 3), single(2, 3), single(2, 3)
    y, st = layer(x, NamedTuple(weight=weight, bias=bias), NONE)
    np.testing.assert_allclose(y, np.maximum(x * weight[None] + bias[None], 0), rtol=1e-6)
    assert st is NONE
    y, _ = lux.Scale(3, use_bias=False)(x, NamedTuple(weight=weight[0]), NONE)
    np.testing.assert_allclose(y, x * weight[0].reshape(1, 1, 3), rtol=1e-6)


def test_a_new_scale_changes_nothing():
    ps, st = lux.setup(0, lux.Scale(3))
    x = single(2, 3)
    assert (lux.Scale(3)(x, ps, st)[0] == x).all()
    assert ps.bias.shape == (3,)
    drawn = lux.setup(0, lux.Scale(3, init_weight=lux.initializers.normal, use_bias=False))[0]
    assert drawn._fields == ("weight",)
    assert len(set(drawn.weight.tolist())) == 3


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_bilinear(batch):
    layer = lux.Bilinear((2, 3), 4, lux.tanh)
    ps, st = lux.setup(0, layer)
    x, y = single(*batch, 2), single(*batch, 3)
    a, b = np.asarray(x), np.asarray(y)
    weight, bias = (np.asarray(p, np.float64) for p in ps)
    expected = np.zeros((*batch, 4)) + bias
    for i, j in np.ndindex(2, 3):
        expected += (a[..., i] * b[..., j])[..., None] * weight[i, j]
    np.testing.assert_allclose(layer((x, y), ps, st)[0], np.tanh(expected), rtol=1e-5, atol=1e-6)


def test_bilinear_of_one_input_takes_it_twice():
    layer = lux.Bilinear(3, 2, use_bias=False)
    ps, st = lux.setup(0, layer)
    x = single(5, 3)
    np.testing.assert_array_equal(layer(x, ps, st)[0], layer((x, x), ps, st)[0])
    assert layer == lux.Bilinear((3, 3), 2, use_bias=False)
    assert ps._fields == ("weight",)


def test_bilinear_is_initialized_by_its_first_input():
    ps, _ = lux.setup(0, lux.Bilinear((100, 7), 50))
    for p in ps:
        assert 0.09 < float(abs(p).max()) <= 0.1
    assert ps.weight.shape == (100, 7, 50)
    assert lux.setup(0, lux.Bilinear(2, 3, init_weight=ones, init_bias=ones))[0].weight.min() == 1


def test_einsum_dense_adds_a_bias_along_its_axes():
    layer = lux.EinsumDense("...a,abc->...cb", (2, 3, 4), lux.relu, bias_axes="b")
    ps, st = lux.setup(0, layer)
    x = single(5, 2)
    expected = np.tensordot(x, ps.weight, 1).swapaxes(1, 2) + np.asarray(ps.bias)
    np.testing.assert_allclose(layer(x, ps, st)[0], np.maximum(expected, 0), rtol=1e-5, atol=1e-6)


def test_einsum_dense_orders_the_axes_of_its_bias_as_its_output():
    layer = lux.EinsumDense("...a,abc->...cb", (2, 3, 4), bias_axes="bc")
    ps, st = lux.setup(0, layer)
    assert ps.bias.shape == (4, 3)
    without = lux.EinsumDense("...a,abc->...cb", (2, 3, 4))
    x, weight = single(2), NamedTuple(weight=ps.weight)
    difference = layer(x, ps, st)[0] - without(x, weight, st)[0]
    np.testing.assert_allclose(difference, ps.bias, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"expected the fields \(weight\), got \(weight, bias\)"):
        without(x, ps, st)


def test_einsum_dense_is_initialized_by_what_it_sums():
    layer = lux.EinsumDense("...ab,abc->...c", (10, 10, 300), bias_axes="c")
    for p in lux.setup(0, layer)[0]:
        assert 0.099 < float(abs(p).max()) <= 0.1
    batched = lux.EinsumDense("...ab,abc->...ac", (10, 100, 3))
    assert 0.099 < float(abs(lux.setup(0, batched)[0].weight).max()) <= 0.1
    layer = lux.EinsumDense("a,ab->b", (2, 3), bias_axes="b", init_weight=ones, init_bias=ones)
    assert all((p == 1).all() for p in lux.setup(0, layer)[0])


def test_mlp_is_a_chain():
    mlp = lux.MLP(3, (4, 5), 2, lux.tanh)
    chain = lux.Chain(lux.Dense(3, 4, lux.tanh), lux.Dense(4, 5, lux.tanh), lux.Dense(5, 2))
    assert mlp.chain == chain
    ps, st = lux.setup(0, mlp)
    expected, _ = lux.setup(0, chain)
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), ps, expected))
    x = single(6, 3)
    np.testing.assert_array_equal(mlp(x, ps, st)[0], chain(x, ps, st)[0])


def test_mlp_of_all():
    mlp = lux.MLP(3, [4], 2, norm=lux.LayerNorm, dropout_rate=0.5, use_bias=False)
    assert mlp.chain == lux.Chain(
        lux.Dense(3, 4, use_bias=False),
        lux.LayerNorm(4),
        lux.relu,
        lux.Dropout(0.5),
        lux.Dense(4, 2, use_bias=False),
    )
    assert lux.MLP(3, (), 2).chain == lux.Chain(lux.Dense(3, 2))
    assert mlp != lux.MLP(3, [4], 2)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lux.Scale(3, lux.relu), "Scale((3,), relu)"),
        (lux.Bilinear((2, 3), 4), "Bilinear((2, 3) → 4)"),
        (
            lux.Bilinear(2, 4, lux.tanh, use_bias=False),
            "Bilinear((2, 2) → 4, tanh, use_bias=False)",
        ),
        (
            lux.EinsumDense("...a,ab->...b", [2, 3], bias_axes="b"),
            "EinsumDense('...a,ab->...b', (2, 3), bias_axes='b')",
        ),
    ],
)
def test_text(layer, text: str):
    assert str(layer) == text


SEVERAL = "expected an integer or several, each at least 1, got"
TWO = "expected an integer or two, one for each input, each at least 1, got"
ONE = "expected an integer of at least 1, got"
MADE = {
    "scale of nothing": (lambda: lux.Scale(()), f"Scale: shape: {SEVERAL} ()"),
    "scale": (lambda: lux.Scale((2, 0)), f"Scale: shape: {SEVERAL} (2, 0)"),
    "activation": (lambda: lux.Scale(2, 3), "Scale: activation: expected a function, got 3"),
    "three inputs": (
        lambda: lux.Bilinear((1, 2, 3), 2),
        f"Bilinear: in_dims: {TWO} (1, 2, 3)",
    ),
    "no input": (
        lambda: lux.Bilinear((), 2),
        f"Bilinear: in_dims: {TWO} ()",
    ),
    "empty input": (
        lambda: lux.Bilinear(0, 2),
        f"Bilinear: in_dims: {TWO} 0",
    ),
    "no output": (lambda: lux.Bilinear(2, 0), f"Bilinear: out_dims: {ONE} 0"),
    "equation": (
        lambda: lux.EinsumDense("ab->b", (2,)),
        "EinsumDense: equation: expected the form '...ab,abc->...c', got 'ab->b'",
    ),
    "no text": (
        lambda: lux.EinsumDense(3, (2,)),
        "EinsumDense: equation: expected the form '...ab,abc->...c', got 3",
    ),
    "dots on one side": (
        lambda: lux.EinsumDense("...a,ab->b", (2, 3)),
        "EinsumDense: equation: expected the form '...ab,abc->...c', got '...a,ab->b'",
    ),
    "a letter twice": (
        lambda: lux.EinsumDense("aa,ab->b", (2, 3)),
        "EinsumDense: equation: expected 'a' once in each term, got 'aa,ab->b'",
    ),
    "a letter in one term": (
        lambda: lux.EinsumDense("a,ab->bc", (2, 3)),
        "EinsumDense: equation: expected 'c' in two terms at least, got 'a,ab->bc'",
    ),
    "a size too few": (
        lambda: lux.EinsumDense("a,ab->b", (2,)),
        "EinsumDense: shape: expected a size for each of the axes 'ab', got (2,)",
    ),
    "a bias along what is summed": (
        lambda: lux.EinsumDense("a,ab->b", (2, 3), bias_axes="a"),
        "EinsumDense: bias_axes: expected axes of the output that the weight has, of 'ab', got 'a'",
    ),
    "a bias along a batch": (
        lambda: lux.EinsumDense("xa,ab->xb", (2, 3), bias_axes="x"),
        "EinsumDense: bias_axes: expected axes of the output that the weight has, of 'ab', got 'x'",
    ),
    "hidden sizes": (lambda: lux.MLP(2, 3, 4), "MLP: hidden_dims: expected integers, got 3"),
    "a hidden size": (lambda: lux.MLP(2, (0,), 4), f"Dense: out_dims: {ONE} 0"),
    "hidden words": (lambda: lux.MLP(2, "ab", 4), "MLP: hidden_dims: expected integers, got 'ab'"),
}


@pytest.mark.parametrize("name", MADE)
def test_an_impossible_layer_is_refused(name: str):
    make, message = MADE[name]
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("layer", "other", "message"),
    [
        (lux.Scale(2), lux.Scale(3), "weight: expected shape (2,), got (3,)"),
        (
            lux.Bilinear(2, 3),
            lux.Bilinear((2, 4), 3),
            "weight: expected shape (2, 2, 3), got (2, 4, 3)",
        ),
        (
            lux.EinsumDense("a,ab->b", (2, 3)),
            lux.EinsumDense("a,ab->b", (2, 4)),
            "weight: expected shape (2, 3), got (2, 4)",
        ),
        (
            lux.EinsumDense("a,ab->b", (2, 2), bias_axes="b"),
            lux.EinsumDense("a,abc->bc", (2, 2, 2), bias_axes="b"),
            "weight: expected shape (2, 2), got (2, 2, 2)",
        ),
        (lux.Embedding(3, 2), lux.Embedding(4, 2), "weight: expected shape (3, 2), got (4, 2)"),
    ],
)
def test_parameters_of_another_model_are_refused(layer, other, message: str):
    ps, st = lux.setup(0, other)
    with pytest.raises(ValueError, match="the parameters do not fit") as caught:
        layer(jnp.ones(2), ps, st)
    assert str(caught.value) == (
        f"the parameters do not fit: {message}: are these the parameters of another model?"
    )


@pytest.mark.parametrize(
    "layer", [lux.Scale(2), lux.EinsumDense("...a,ab->...b", (2, 2), bias_axes="b")]
)
def test_a_bias_of_another_model_is_refused(layer):
    ps = NamedTuple(weight=lux.setup(0, layer)[0].weight, bias=jnp.ones(3))
    with pytest.raises(ValueError, match="bias: expected shape"):
        layer(jnp.ones(2), ps, NONE)
