"""Whether what a file holds as its description is one: asked before anything is made of it."""

from __future__ import annotations

import keyword
from typing import Any

from ._arrays import is_known


def is_description(value: Any) -> bool:
    """Whether a value read from a file is what `save` writes."""
    match value:
        case {"parameters": ps, "states": st, "model": model, "metadata": metadata}:
            words = model is None or (
                isinstance(model, dict)
                and isinstance(model.get("text"), str)
                and isinstance(model.get("digest"), str)
            )
            trees = _is_node(ps) and _is_node(st)
            return words and trees and (metadata is None or isinstance(metadata, dict))
    return False


def _is_node(value: Any) -> bool:
    match value:
        case None:
            return True
        case {"fields": dict(parts)}:
            return all(map(_is_field, parts)) and all(map(_is_node, parts.values()))
        case {"tuple": list(parts)} | {"list": list(parts)}:
            return all(map(_is_node, parts))
        case {"dict": list(parts)} | {"class": str(), "parts": list(parts)}:
            return all(map(_is_pair, parts))
        case {"val": part} | {"number": part}:
            return _is_literal(part)
        case {"array": str(), "dtype": str(dtype), "shape": list(shape), "crc32": int()}:
            return is_known(dtype) and _is_shape(shape)
        case {"key": str(), "impl": str(), "shape": list(), "data": list(shape), "crc32": int()}:
            return _is_shape(shape)
    return False


def _is_field(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_") and not keyword.iskeyword(name)


def _is_pair(value: Any) -> bool:
    match value:
        case [str() | int(), part]:
            return _is_node(part)
    return False


def _is_shape(value: list[Any]) -> bool:
    return all(type(size) is int and size >= 0 for size in value)


def _is_literal(value: Any) -> bool:
    match value:
        case None | bool() | int() | str():
            return True
        case {"float": str(text)}:
            return _is_float(text)
        case {"complex": [str(real), str(imaginary)]}:
            return _is_float(real) and _is_float(imaginary)
        case {"tuple": list(parts)}:
            return all(map(_is_literal, parts))
    return False


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
