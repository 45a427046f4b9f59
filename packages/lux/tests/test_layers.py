"""Every layer under the contract: a table of layers × the properties of `lux.testing`."""

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
