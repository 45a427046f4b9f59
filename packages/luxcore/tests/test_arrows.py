"""luxcore knows the standard library and nothing else."""

import sys
from collections.abc import Callable


def outside(modules: set[str]) -> set[str]:
    return modules - sys.stdlib_module_names - {"luxcore"}


def test_import_loads_the_standard_library_only(modules_after: Callable[[str], set[str]]):
    modules = modules_after("import luxcore")
    assert "luxcore" in modules
    assert outside(modules) == set()


def test_the_check_can_fail(modules_after: Callable[[str], set[str]]):
    assert "pytest" in outside(modules_after("import luxcore, pytest"))
