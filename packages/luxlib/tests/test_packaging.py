"""luxlib is tested as it is shipped: its wheel, installed by path."""

import importlib.metadata
import json
import sys
from pathlib import Path

import luxlib


def test_wheel_is_installed_by_path():
    distribution = importlib.metadata.distribution("luxlib")
    origin = json.loads(distribution.read_text("direct_url.json"))
    assert origin["url"].startswith("file://")


def test_imported_package_is_the_installed_one():
    assert Path(luxlib.__file__).is_relative_to(sys.prefix)


def test_typing_marker_is_shipped():
    assert Path(luxlib.__file__).with_name("py.typed").exists()
