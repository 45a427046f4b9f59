"""Importing lux loads nothing that only some users need."""

import importlib.metadata
import re
from collections.abc import Callable

# Dependencies that are imported when they are used.
LATE = {"rich", "safetensors", "tqdm"}
# The import name of each distribution that an extra brings.
EXTRAS = {"matplotlib": "matplotlib"}


def test_import_loads_no_late_dependency_and_no_extra(modules_after: Callable[[str], set[str]]):
    modules = modules_after("import lux")
    assert {"lux", "luxcore", "luxlib", "lux_losses", "jax"} <= modules
    assert modules & (LATE | set(EXTRAS.values())) == set()


def test_every_extra_is_checked():
    requirements = importlib.metadata.requires("lux") or []
    extras = {re.split(r"[^\w-]", r)[0] for r in requirements if "extra ==" in r}
    assert extras == set(EXTRAS)


def test_the_check_can_fail(modules_after: Callable[[str], set[str]]):
    assert modules_after("import lux, tqdm, safetensors") & LATE == {"tqdm", "safetensors"}
