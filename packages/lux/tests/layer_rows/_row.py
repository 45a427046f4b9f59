"""A row of the table of layers."""

from collections.abc import Mapping
from typing import Any

from lux import AbstractLuxLayer


class Row:
    """A layer, an input to check it with, and the options of `lux.testing.check_layer`.

    Inputs are small NumPy arrays of `float64` or integers, or trees of them: each row compiles a
    few programs. Those of `float64` are cast to every dtype that is checked.
    """

    layer: AbstractLuxLayer
    x: Any
    options: Mapping[str, Any]

    def __init__(self, layer: AbstractLuxLayer, x: Any, **options: Any) -> None:
        self.layer, self.x, self.options = layer, x, options
