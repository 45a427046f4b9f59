"""What does not fit between what a file holds and what a model wants, all of it in one report."""

from __future__ import annotations

import json
from typing import Any

from ._arrays import outline
from ._description import Node, leaves


class Report:
    """What is missing, unexpected and different, by path."""

    def __init__(self) -> None:
        self._missing: list[str] = []
        self._unexpected: list[str] = []
        self._different: list[str] = []

    def compare(self, got: Node, expected: Node, path: str) -> None:
        """Adds how a description differs from the one that is expected."""
        got_parts, expected_parts = _parts(got), _parts(expected)
        if got_parts is None or expected_parts is None or _kind(got) != _kind(expected):
            if not _leaves_fit(got, expected):
                self._different.append(f"{path}: expected {_words(expected)}, got {_words(got)}")
            return
        for key, part in expected_parts.items():
            if key in got_parts:
                self.compare(got_parts[key], part, f"{path}.{key}")
            else:
                self._missing += _lines(part, f"{path}.{key}")
        for key, part in got_parts.items():
            if key not in expected_parts:
                self._unexpected += _lines(part, f"{path}.{key}")
        if got_parts.keys() == expected_parts.keys() and list(got_parts) != list(expected_parts):
            self._different.append(
                f"{path}: expected the order {_listed(expected_parts)}, got {_listed(got_parts)}"
            )

    def lines(self) -> list[str]:
        """The report, line by line; empty where everything fits."""
        parts = {
            "missing": self._missing,
            "unexpected": self._unexpected,
            "different": self._different,
        }
        return [f"  {name}: {line}" for name, found in parts.items() for line in found]


def _kind(node: Node) -> tuple[str | None, str | None]:
    if node is None:
        return None, None
    return next(iter(node)), node.get("class")


def _parts(node: Node) -> dict[Any, Node] | None:
    """The parts of a node by key; `None` of a leaf."""
    kind, _ = _kind(node)
    if kind == "fields":
        return dict(node["fields"])
    if kind in ("tuple", "list"):
        return dict(enumerate(node[kind]))
    if kind == "dict":
        return dict(node["dict"])
    return dict(node["parts"]) if kind == "class" else None


def _leaves_fit(got: Node, expected: Node) -> bool:
    """Whether a leaf can stand where another is expected; values may differ, types may not."""
    kinds = _kind(got)[0], _kind(expected)[0]
    if kinds == ("val", "val") or kinds == (None, None):
        return True
    if kinds == ("number", "number"):
        return _number_type(got) == _number_type(expected)
    if kinds == ("array", "array"):
        return (got["dtype"], got["shape"]) == (expected["dtype"], expected["shape"])
    if kinds == ("key", "key"):  # of any generator
        return bool(got["shape"] == expected["shape"])
    if kinds == ("array", "key"):  # raw keys, of any generator
        raw = got["dtype"] == "uint32" and len(got["shape"]) == len(expected["shape"]) + 1
        return bool(raw and got["shape"][:-1] == expected["shape"])
    return False


def _number_type(node: Node) -> str:
    value = node["number"]
    return str(next(iter(value))) if isinstance(value, dict) else type(value).__name__


def _words(node: Node) -> str:
    """A node in words."""
    kind, name = _kind(node)
    if kind is None:
        return "None"
    if kind == "array":
        return outline(node["dtype"], node["shape"])
    if kind == "key":
        return outline(f"key<{node['impl']}>", node["shape"])
    if kind == "val":
        return f"Val({json.dumps(node['val'])})"
    if kind == "number":
        return f"a Python {_number_type(node)}"
    parts = _parts(node) or {}
    if kind == "fields":
        return f"NamedTuple({', '.join(parts)})"
    return f"a {name or kind} of {len(parts)}"


def _lines(node: Node, path: str) -> list[str]:
    """The leaves under a path, or the node itself where it has none."""
    lines = [f"{place}: {_words(leaf)}" for place, leaf in leaves(node, path) if _is_leaf(leaf)]
    return lines or [f"{path}: {_words(node)}"]


def _is_leaf(node: Node) -> bool:
    return _parts(node) is None


def _listed(parts: dict[Any, Node]) -> str:
    return f"({', '.join(map(str, parts))})"
