"""Every layer under the contract: a table of layers × the properties of `lux.testing`."""

import inspect
from functools import partial

import pytest
from layer_rows import FIRST, ROWS, layer_name

import lux
from lux.testing import check_layer


@pytest.mark.parametrize(
    "name", [n if n in FIRST else pytest.param(n, marks=pytest.mark.slow) for n in ROWS]
)
def test_contract(name: str):
    row = ROWS[name]
    check_layer(row.layer, row.x, 0, **row.options)


def test_a_row_is_about_the_layer_of_its_name():
    for name, row in ROWS.items():
        assert type(row.layer) is getattr(lux, layer_name(name)), name


def test_every_public_layer_has_a_row():
    public = {
        name
        for name in lux.__all__
        if isinstance(layer := getattr(lux, name), type)
        and issubclass(layer, lux.AbstractLuxLayer)
        and not layer._is_abstract
    }
    assert public == {layer_name(name) for name in ROWS}


# How to make the layers whose arguments are not their fields.
MAKERS = {
    "BidirectionalRNN": partial(lux.BidirectionalRNN, lux.RNNCell(2, 3)),
    "Chain": partial(lux.Chain, lux.Dense(2, 3)),
    "GatedMLP": partial(lux.GatedMLP, 2, 3),
    "MLP": partial(lux.MLP, 2, (3,), 1),
    "MultiHeadAttention": partial(lux.MultiHeadAttention, 4, 2),
    "TransformerDecoderLayer": partial(lux.TransformerDecoderLayer, 4, 2, 8),
    "TransformerEncoderLayer": partial(lux.TransformerEncoderLayer, 4, 2, 8),
}


def maker(row):
    """A function that makes the layer of a row, of which it gets what is to be otherwise."""
    layer = ROWS[row].layer
    fields = {name: getattr(layer, name) for name in layer._field_names}
    return MAKERS.get(layer_name(row)) or partial(type(layer), **fields)


SWITCHES = [
    (row, parameter.name)
    for row in FIRST
    for parameter in inspect.signature(type(ROWS[row].layer)).parameters.values()
    if parameter.annotation in (bool, "bool")
]


@pytest.mark.parametrize(("row", "switch"), SWITCHES)
def test_a_switch_is_true_or_false(row, switch):
    """A text is true, whatever it says, and the layer would be another than was meant."""
    with pytest.raises(TypeError) as error:
        maker(row)(**{switch: "False"})
    assert str(error.value).endswith(f": {switch}: expected True or False, got 'False'")
