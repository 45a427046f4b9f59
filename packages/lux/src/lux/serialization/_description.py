"""A tree as a description, which is JSON, and a table of arrays by name; and back.

A description is made of nodes:

    {"fields": {name: node}}                        NamedTuple
    {"tuple": [node]}, {"list": [node]}             tuple, list
    {"dict": [[key, node]]}                         dict, with texts or integers as keys
    {"class": name, "parts": [[key, node]]}         a class registered with JAX
    null                                            None
    {"val": literal}                                Val
    {"number": literal}                             a Python number
    {"array": name, "dtype": …, "shape": […]}       an array, stored under that name
    {"key": name, "impl": …, "shape": […]}          typed random keys, stored as their data

In a file the last two have a `crc32`, and keys the shape of their `data`. A literal is JSON itself
for `None`, booleans, integers and texts, and `{"float": text}`, `{"complex": [text, text]}` or
`{"tuple": [literal]}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from luxcore import NamedTuple, Val, items

from ._arrays import is_key, is_known, key_impl

Node = Any
Part = tuple[str, Any]


class Describer:
    """Describes trees, and collects their arrays by name and what of them cannot be described."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.problems: list[str] = []

    def describe(self, tree: Any, path: str) -> Node:
        """The description of a tree; its arrays are named by their path."""
        if tree is None:
            return None
        if isinstance(tree, Val):
            return self._checked(path, tree, lambda: {"val": literal(tree.value)})
        if isinstance(tree, NamedTuple):
            return {"fields": dict(self._parts(items(tree), path))}
        if type(tree) in (tuple, list):
            return {type(tree).__name__: [node for _, node in self._parts(enumerate(tree), path)]}
        if type(tree) is dict:
            return {"dict": list(map(list, self._parts(tree.items(), path)))}
        if type(tree) in (bool, int, float, complex):
            return {"number": literal(tree)}
        if isinstance(tree, jax.Array | np.ndarray | np.generic | jax.ShapeDtypeStruct):
            return self._checked(path, tree, lambda: self._array(tree, path))
        parts = registered_parts(tree)
        if parts is None:
            return self._checked(path, tree, None)
        nodes = self._parts(parts, path)
        return {"class": class_name(tree), "parts": list(map(list, nodes))}

    def _parts(self, parts: Any, path: str) -> Iterator[tuple[Any, Node]]:
        for key, part in parts:
            if type(key) not in (str, int):
                self.problems.append(f"{path}: the key {key!r}, which is neither text nor integer")
            else:
                yield key, self.describe(part, f"{path}.{key}")

    def _array(self, array: Any, path: str) -> Node:
        name = path
        while name in self.arrays:  # keys of a dict may hold dots
            name += "~"
        self.arrays[name] = array
        shape = list(array.shape)
        if is_key(array):
            return {"key": name, "impl": key_impl(array), "shape": shape}
        if not is_known(array.dtype.name):
            raise TypeError
        return {"array": name, "dtype": array.dtype.name, "shape": shape}

    def _checked(self, path: str, leaf: Any, make: Callable[[], Node] | None) -> Node:
        try:
            if make is not None:
                return make()
        except TypeError:
            pass
        shown = repr(leaf) if isinstance(leaf, Val) else type(leaf).__name__
        dtype = f" of {leaf.dtype}" if isinstance(leaf, np.ndarray | np.generic) else ""
        self.problems.append(f"{path}: {shown}{dtype}")
        return None


class Builder:
    """Makes trees of their descriptions.

    - `array`: makes the array or the keys of a node.
    """

    def __init__(self, array: Callable[[Node], Any]) -> None:
        self._array = array

    def build(self, node: Node, template: Any = None) -> Any:
        """The tree; a template stands in for the classes that a description cannot make."""
        if node is None:
            return None
        kind = next(iter(node))
        if kind == "fields":
            parts = node["fields"]
            names = {name: getattr(template, name, None) for name in parts}
            return NamedTuple(**{name: self.build(parts[name], names[name]) for name in parts})
        if kind in ("tuple", "list"):
            templates = template if template is not None else [None] * len(node[kind])
            values = [self.build(*pair) for pair in zip(node[kind], templates, strict=True)]
            return tuple(values) if kind == "tuple" else values
        if kind == "dict":
            templates = template if template is not None else {}
            return {key: self.build(part, templates.get(key)) for key, part in node["dict"]}
        if kind == "class":
            templates = [part for _, part in registered_parts(template) or []]
            pairs = zip((part for _, part in node["parts"]), templates, strict=True)
            return one_level(template).unflatten([self.build(*pair) for pair in pairs])
        if kind == "val":
            return Val(from_literal(node["val"]))
        if kind == "number":
            return from_literal(node["number"])
        return self._array(node)


def leaves(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """The leaves of a description by path; of a class that it cannot make, the class itself too."""
    kind = next(iter(node), None) if node is not None else None
    if kind == "fields":
        parts = list(node["fields"].items())
    elif kind in ("tuple", "list"):
        parts = list(enumerate(node[kind]))
    elif kind == "dict":
        parts = node["dict"]
    elif kind == "class":
        yield path, node
        parts = node["parts"]
    else:
        yield path, node
        return
    for key, part in parts:
        yield from leaves(part, f"{path}.{key}")


def is_stored(node: Node) -> bool:
    """Whether a node is an array or keys."""
    return node is not None and ("array" in node or "key" in node)


def one_level(tree: Any) -> Any:
    """The structure of a node without that of its parts."""
    return jax.tree.structure(tree, is_leaf=lambda part: part is not tree)


def registered_parts(tree: Any) -> list[Part] | None:
    """The parts of an object of a class that is registered with JAX; `None` of any other."""
    if jax.tree_util.treedef_is_leaf(one_level(tree)):
        return None
    parts, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda part: part is not tree)
    return [(jax.tree_util.keystr(key, simple=True), part) for key, part in parts]


def class_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def literal(value: Any) -> Any:
    """A number, text, `None` or a tuple of such as JSON that `from_literal` reads exactly."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return {"float": repr(value)}
    if type(value) is complex:
        return {"complex": [repr(value.real), repr(value.imag)]}
    if type(value) is tuple:
        return {"tuple": [literal(part) for part in value]}
    raise TypeError(f"no literal: {value!r}")


def from_literal(node: Any) -> Any:
    """The inverse of `literal`."""
    if not isinstance(node, dict):
        return node
    if "float" in node:
        return float(node["float"])
    if "complex" in node:
        return complex(*map(float, node["complex"]))
    return tuple(map(from_literal, node["tuple"]))
