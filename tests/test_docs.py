"""Every public name has its entry in the reference, and the reference has no others."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import lux
import lux_losses
import luxcore
import luxlib

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def public_names(module: ModuleType, below: tuple[ModuleType, ...]) -> Iterator[str]:
    """The names a module offers, and its modules', without those that come from packages below."""
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            yield from public_names(value, below)
        elif not any(getattr(package, name, None) is value for package in below):
            yield f"{module.__name__}.{name}"


@pytest.mark.parametrize(
    ("page", "module", "below"),
    [
        pytest.param("luxcore", luxcore, (), id="luxcore"),
        pytest.param("luxlib", luxlib, (), id="luxlib"),
        pytest.param("lux-losses", lux_losses, (luxcore, luxlib), id="lux-losses"),
        pytest.param("lux", lux, (luxcore, luxlib, lux_losses), id="lux"),
    ],
)
def test_reference_is_complete(page: str, module: ModuleType, below: tuple[ModuleType, ...]):
    text = REFERENCE.joinpath(f"{page}.md").read_text(encoding="utf-8")
    documented = re.findall(r"^::: (\S+)$", text, re.M)
    assert sorted(documented) == sorted(public_names(module, below))
