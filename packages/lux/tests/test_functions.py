"""`WrappedFunction`, `NoOpLayer` and `FlattenLayer`."""

import pickle

import jax
import jax.numpy as jnp
import pytest

import lux
from luxcore import NamedTuple

NONE = NamedTuple()


def test_a_wrapped_function_is_applied():
    assert lux.WrappedFunction(lambda x: x + 1)(2, NONE, NONE) == (3, NONE)
    assert str(lux.WrappedFunction(jnp.square)) == "WrappedFunction(square)"
    layer = lux.WrappedFunction(jax.nn.relu)
    assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize("value", [3, None, "relu"])
def test_what_is_no_function_is_refused(value):
    with pytest.raises(TypeError) as caught:
        lux.WrappedFunction(value)
    assert str(caught.value) == f"WrappedFunction: function: expected a function, got {value!r}"


def test_a_layer_is_no_function_to_wrap():
    with pytest.raises(TypeError, match="expected a function, got Dense"):
        lux.WrappedFunction(lux.Dense(2, 3))


def test_no_op():
    x = object()
    assert lux.NoOpLayer()(x, NONE, NONE) == (x, NONE)
    assert lux.setup(0, lux.NoOpLayer()) == (NONE, NONE)
    assert repr(lux.NoOpLayer()) == "NoOpLayer()"


@pytest.mark.parametrize(
    ("n", "shape", "expected"),
    [
        (None, (4, 2, 3, 5), (4, 30)),
        (None, (4,), (4, 1)),
        (None, (0, 2, 3), (0, 6)),
        (2, (4, 2, 3, 5), (4, 2, 15)),
        (1, (4, 2), (4, 2)),
        (3, (4, 2, 3, 5), (4, 30)),
    ],
)
def test_flatten(n, shape, expected):
    x = jnp.arange(float(jnp.zeros(shape).size)).reshape(shape)
    y, _ = lux.FlattenLayer(n)(x, NONE, NONE)
    assert y.shape == expected
    assert (y.ravel() == x.ravel()).all()


def test_flatten_prints_and_refuses():
    assert str(lux.FlattenLayer()) == "FlattenLayer()"
    assert str(lux.FlattenLayer(2)) == "FlattenLayer(2)"
    with pytest.raises(ValueError, match="n: expected an integer of at least 1, got 0"):
        lux.FlattenLayer(0)
    with pytest.raises(ValueError, match="FlattenLayer: x") as caught:
        lux.FlattenLayer(2)(jnp.ones((3, 4)), NONE, NONE)
    assert str(caught.value) == (
        "FlattenLayer: x: expected a batch axis and 2 others at least, got shape (3, 4)"
    )
    with pytest.raises(ValueError, match="a batch axis at least, got shape"):
        lux.FlattenLayer()(jnp.ones(()), NONE, NONE)


@pytest.mark.parametrize("layer", [lux.NoOpLayer(), lux.FlattenLayer(), lux.MaxPool((1,))])
def test_parameters_of_another_layer_are_refused(layer):
    with pytest.raises(ValueError, match=r"expected the fields \(\), got \(weight\)"):
        layer(jnp.ones((2, 2, 2)), NamedTuple(weight=1), NONE)
