"""The rows of the table of transformations, a module for each family of functions.

A module has a `TABLE`: name → `(function of (x, parameter), x, parameter)`, small and smooth at
that point. Where a row differs from another only in options, `VARIANTS` names it, and it is slow.
"""

import importlib
import pkgutil

_families = [
    importlib.import_module(f"{__name__}.{family.name}")
    for family in pkgutil.iter_modules(__path__)
]
TABLE = {name: row for family in _families for name, row in getattr(family, "TABLE", {}).items()}
VARIANTS = {name for family in _families for name in getattr(family, "VARIANTS", ())}
assert len(TABLE) == sum(len(getattr(family, "TABLE", ())) for family in _families)
assert set(TABLE) >= VARIANTS
