"""lux-losses is tested as it is shipped: its wheel and those of its siblings, installed by path."""

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

import lux_losses


@pytest.mark.parametrize("package", ["luxcore", "luxlib", "lux-losses"])
def test_wheel_is_installed_by_path(package: str):
    distribution = importlib.metadata.distribution(package)
    origin = json.loads(distribution.read_text("direct_url.json"))
    assert origin["url"].startswith("file://")


def test_imported_package_is_the_installed_one():
    assert Path(lux_losses.__file__).is_relative_to(sys.prefix)


def test_typing_marker_is_shipped():
    assert Path(lux_losses.__file__).with_name("py.typed").exists()
