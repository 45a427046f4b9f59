"""A layer with its parameters and states inside."""

import random

import pytest
from sample_layers import Counter, Pair, Scale

from luxcore import AbstractLuxLayer, NamedTuple, StatefulLuxLayer, Val, setup
from luxcore import test_mode as in_test_mode


def test_calls_advance_the_state():
    model = Pair(Scale(), Counter())
    ps, st = setup(random.Random(0), model)
    layer = StatefulLuxLayer(model, ps, st)
    assert layer(3) == 3 * ps.first.factor
    assert layer(3) == 3 * ps.first.factor
    assert layer.st.second.count == 2
    layer.st = in_test_mode(layer.st)
    layer(3)
    assert layer.st.second == NamedTuple(count=2, training=Val(False))
    assert repr(layer) == "StatefulLuxLayer(Pair)"


def test_parameters_may_come_with_the_call():
    layer = StatefulLuxLayer(Scale(), None, NamedTuple())
    assert layer(3, NamedTuple(factor=2)) == 6
    with pytest.raises(TypeError) as error:
        layer(3)
    assert str(error.value) == (
        "StatefulLuxLayer(Scale) holds no parameters: give them in the call, layer(x, ps)"
    )


class Grows(AbstractLuxLayer):
    def __call__(self, x, ps, st):
        return x, NamedTuple(carry=x)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (None, 1.0, "at carry changes from None to float"),
        (1, 1.0, "at carry changes from int to float"),
        (Val(True), Val(False), "at carry changes from Val(True) to Val(False)"),
        (NamedTuple(a=1), NamedTuple(), "at carry.a changes from int to nothing"),
        (NamedTuple(), NamedTuple(a=1), "at carry changes from NamedTuple() to nothing"),
    ],
    ids=["set", "dtype", "value", "structure", "empty"],
)
def test_a_fixed_state_keeps_its_type(before, after, message):
    layer = StatefulLuxLayer(Grows(), NamedTuple(), NamedTuple(carry=before))
    with pytest.raises(TypeError) as error:
        layer(after)
    assert str(error.value) == (
        f"StatefulLuxLayer(Grows): the type of the state {message}: allow it with "
        "StatefulLuxLayer(model, ps, st, fixed_state_type=False)"
    )
    assert layer.st == NamedTuple(carry=before)
    free = StatefulLuxLayer(Grows(), NamedTuple(), NamedTuple(carry=before), fixed_state_type=False)
    free(after)
    assert free.st == NamedTuple(carry=after)


def test_flattens_and_unflattens():
    layer = StatefulLuxLayer(
        Counter(), NamedTuple(), NamedTuple(count=1, training=Val(True)), False
    )
    parts, static = layer.tree_flatten()
    assert parts == (layer.ps, layer.st)
    again = StatefulLuxLayer.tree_unflatten(static, parts)
    assert (again.model, again.ps, again.st, again.fixed_state_type) == (
        layer.model, layer.ps, layer.st, False,
    )  # fmt: skip


def test_holds_a_layer():
    with pytest.raises(TypeError) as error:
        StatefulLuxLayer(3, NamedTuple(), NamedTuple())
    assert str(error.value) == "StatefulLuxLayer holds a layer, got int"
