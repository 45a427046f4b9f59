"""luxcore is tested as it is shipped: its wheel, installed by path."""

import importlib.metadata
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

import luxcore

# The array libraries of the three environments: JAX brings NumPy.
ARRAYS = {"none": set(), "numpy": {"numpy"}, "jax": {"numpy", "jax"}}


def test_wheel_is_installed_by_path():
    distribution = importlib.metadata.distribution("luxcore")
    origin = json.loads(distribution.read_text("direct_url.json"))
    assert origin["url"].startswith("file://")


def test_imported_package_is_the_installed_one():
    assert Path(luxcore.__file__).is_relative_to(sys.prefix)


def test_typing_marker_is_shipped():
    assert Path(luxcore.__file__).with_name("py.typed").exists()


def test_nothing_else_is_needed():
    assert not importlib.metadata.requires("luxcore")


def test_environment_has_the_array_libraries_it_says():
    beside = os.environ.get("LUXCORE_TESTED_BESIDE")
    if beside is None:
        pytest.skip("only the sessions `tests(luxcore-…)` promise which there are")
    assert {name for name in ("numpy", "jax") if importlib.util.find_spec(name)} == ARRAYS[beside]
