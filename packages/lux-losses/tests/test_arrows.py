"""lux_losses stands below lux."""

from collections.abc import Callable
from pathlib import Path


def test_import_does_not_load_lux(modules_after: Callable[[str], set[str]]):
    modules = modules_after("import lux_losses")
    assert "lux_losses" in modules
    assert "lux" not in modules


def test_the_check_can_fail(modules_after: Callable[[str], set[str]], tmp_path: Path):
    tmp_path.joinpath("lux.py").touch()
    tmp_path.joinpath("careless.py").write_text("import lux")
    modules = modules_after(f"import sys; sys.path.append({str(tmp_path)!r}); import careless")
    assert "lux" in modules
