"""luxlib knows nothing of layers."""

from collections.abc import Callable
from pathlib import Path

LAYERS = {"luxcore", "lux_losses", "lux"}


def test_import_loads_no_layers(modules_after: Callable[[str], set[str]]):
    modules = modules_after("import luxlib")
    assert {"luxlib", "jax"} <= modules
    assert modules & LAYERS == set()


def test_the_check_can_fail(modules_after: Callable[[str], set[str]], tmp_path: Path):
    tmp_path.joinpath("luxcore.py").touch()
    tmp_path.joinpath("careless.py").write_text("import luxcore")
    modules = modules_after(f"import sys; sys.path.append({str(tmp_path)!r}); import careless")
    assert modules & LAYERS == {"luxcore"}
