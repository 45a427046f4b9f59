"""A model in words: as it is printed, and as a digest that tells whether two models are the same.

The digest covers the classes of the layers and their fields, functions by name. It leaves out what
does not change what a trained model computes, the initializers, the names for printing and what is
kept for the backward pass, and fields that have their default, so that a field that is new in a
later release changes no digest.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import hashlib
from typing import Any

from luxcore import AbstractLuxLayer, NamedTuple, items


def architecture(model: Any) -> dict[str, str]:
    """The text of a model and the digest of its structure."""
    digest = hashlib.sha256(structure(model).encode()).hexdigest()
    return {"text": repr(model), "digest": digest}


def structure(value: Any) -> str:
    """A layer, or the value of a field of one, in words that are the same in every process."""
    if isinstance(value, AbstractLuxLayer):
        fields = (
            f"{field.name}={structure(getattr(value, field.name))}"
            for field in dataclasses.fields(value)  # type: ignore[arg-type]
            if not _has_no_effect(field, getattr(value, field.name))
        )
        return f"{type(value).__qualname__}({', '.join(fields)})"
    if isinstance(value, NamedTuple):
        return f"({', '.join(f'{name}={structure(part)}' for name, part in items(value))})"
    if isinstance(value, tuple):
        return f"({', '.join(map(structure, value))})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(structure, value)))}}}"
    if isinstance(value, functools.partial):
        parts = [value.func, *value.args, *sorted(value.keywords.items())]
        return f"partial({', '.join(map(structure, parts))})"
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    # Functions by name; of other objects the type, as their texts may hold their address.
    return str(getattr(value, "__qualname__", None) or type(value).__qualname__)


def _has_no_effect(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.name in ("name", "remat") or field.name.startswith("init_"):
        return True
    if field.default is dataclasses.MISSING:
        return False
    return structure(value) == structure(field.default)


def difference(saved: dict[str, str], given: dict[str, str]) -> list[str]:
    """Where two models differ, line by line; empty where they are the same."""
    if saved["digest"] == given["digest"]:
        return []
    texts = saved["text"].splitlines(), given["text"].splitlines()
    lines = [line.rstrip() for line in difflib.ndiff(*texts) if not line.startswith("?")]
    if all(line.startswith(" ") for line in lines):
        return ["    they print alike, but differ in a field that is not printed"]
    return [f"    {line}" for line in lines]
