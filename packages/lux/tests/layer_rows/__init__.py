"""The table of layers, a module for each family.

A module has `ROWS`: name → `Row`. What stands before the first space of a name is the public name
of the layer. The first row of a layer is fast, the others run in the session `slow`.
"""

import importlib
import pkgutil

_families = [
    importlib.import_module(f"{__name__}.{family.name}")
    for family in pkgutil.iter_modules(__path__)
]
ROWS = {name: row for family in _families for name, row in getattr(family, "ROWS", {}).items()}
assert len(ROWS) == sum(len(getattr(family, "ROWS", {})) for family in _families)


def layer_name(row: str) -> str:
    """The public name of the layer that a row is about."""
    return row.partition(" ")[0]


FIRST = {layer_name(name): name for name in reversed(ROWS)}.values()
