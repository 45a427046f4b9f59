"""`ReshapeLayer` and `SelectDim`: what comes out, and what they refuse."""

import jax.numpy as jnp
import numpy as np
import pytest

import lux
from lux import NamedTuple

NONE = NamedTuple()


@pytest.mark.parametrize(
    ("shape", "given", "expected"),
    [
        ((2, 3), (4, 6), (4, 2, 3)),
        ([6], (4, 2, 3), (4, 6)),
        ((2, -1), (4, 2, 3), (4, 2, 3)),
        ((-1,), (4,), (4, 1)),
        ((), (4, 1), (4,)),
        ((3, -1), (0, 6), (0, 3, 2)),
        ((3, -1), (4, 0), (4, 3, 0)),
    ],
)
def test_reshape(shape, given, expected):
    x = jnp.arange(np.prod(given)).reshape(given)
    y, st = lux.ReshapeLayer(shape)(x, NONE, NONE)
    assert y.shape == expected
    assert (y.ravel() == x.ravel()).all()
    assert st is NONE


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("index", [0, 1, -1, (1,), (0, -2, 1), [1, 1], range(1, 2)])
def test_select(axis: int, index):
    x = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    y, _ = lux.SelectDim(axis, index)(jnp.asarray(x), NONE, NONE)
    places = index if isinstance(index, int) else list(index)
    np.testing.assert_array_equal(y, np.take(x, places, axis))


def test_text_and_equality():
    assert str(lux.ReshapeLayer([2, 3])) == "ReshapeLayer((2, 3))"
    assert str(lux.SelectDim(1, -1)) == "SelectDim(1, -1)"
    assert lux.SelectDim(1, range(2)) == lux.SelectDim(np.int64(1), [0, 1])
    assert lux.SelectDim(1, 0) != lux.SelectDim(1, (0,))


SHAPE = "ReshapeLayer: shape: expected integers of at least 1, one of them maybe -1, got"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lux.ReshapeLayer((2, 0)), f"{SHAPE} (2, 0)"),
        (lambda: lux.ReshapeLayer((-1, -1)), f"{SHAPE} (-1, -1)"),
        (lambda: lux.ReshapeLayer((-2,)), f"{SHAPE} (-2,)"),
        (lambda: lux.ReshapeLayer(3), f"{SHAPE} 3"),
        (lambda: lux.ReshapeLayer((2.0,)), f"{SHAPE} (2.0,)"),
        (lambda: lux.SelectDim((1,), 0), "SelectDim: axis: expected an integer, got (1,)"),
        (lambda: lux.SelectDim(0.5, 0), "SelectDim: axis: expected an integer, got 0.5"),
        (
            lambda: lux.SelectDim(0, 0.5),
            "SelectDim: index: expected an integer or several, got 0.5",
        ),
        (lambda: lux.SelectDim(0, ()), "SelectDim: index: expected an integer or several, got ()"),
    ],
)
def test_an_impossible_layer_is_refused(make, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        make()
    assert str(caught.value) == message


BATCH = "ReshapeLayer: x: expected a batch axis and"


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            lux.ReshapeLayer((2, 3)),
            (4, 5),
            f"{BATCH} 6 elements in each example, got shape (4, 5)",
        ),
        (
            lux.ReshapeLayer((2, -1)),
            (4, 3),
            f"{BATCH} a multiple of 2 elements in each example, got shape (4, 3)",
        ),
        (lux.ReshapeLayer((1,)), (), f"{BATCH} 1 elements in each example, got shape ()"),
        (lux.SelectDim(2, 0), (3, 4), "SelectDim: x: expected an axis 2, got shape (3, 4)"),
        (lux.SelectDim(-3, 0), (3, 4), "SelectDim: x: expected an axis -3, got shape (3, 4)"),
        (lux.SelectDim(1, 4), (3, 4), "SelectDim: x: expected 4 on axis 1, got shape (3, 4)"),
        (lux.SelectDim(1, -5), (3, 4), "SelectDim: x: expected -5 on axis 1, got shape (3, 4)"),
        (
            lux.SelectDim(0, (0, 3)),
            (3, 4),
            "SelectDim: x: expected (0, 3) on axis 0, got shape (3, 4)",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_refused(layer, shape, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        layer(jnp.ones(shape), NONE, NONE)
    assert str(caught.value) == message
