"""How a layer prints: a leaf in one line, a container as a tree with its counts."""

from __future__ import annotations

from typing import Any

from ._call import layer_name
from ._describe import describe
from ._layer import AbstractLuxLayer, defaulted
from ._length import parameter_length, state_length
from ._setup import contains_lux_layer
from ._tree import Node, children

_COMMENT_COLUMN = 48


def display_name(layer: AbstractLuxLayer) -> str:
    """The printed name of a layer: its field `name` where it has one, else the name of its type.

    ```python
    >>> from luxcore import AbstractLuxLayer, display_name
    >>> class Double(AbstractLuxLayer):
    ...     name: str = ""
    ...
    ...     def __call__(self, x, ps, st):
    ...         return 2 * x, st
    >>> display_name(Double()), display_name(Double("twice"))
    ('Double', 'twice')

    ```
    """
    return layer_name(layer)


def show(layer: AbstractLuxLayer) -> str:
    """The text of a layer: the form of Lux.jl, with child names, parameter counts and totals."""
    if not _has_layers(layer):
        count = _counts(layer)
        return f"{layer}  # {count}" if count else str(layer)
    lines = _lines("", layer, 0)
    lines[-1] = lines[-1].rstrip(",").ljust(10)
    total = _count(parameter_length, layer)
    states = _count(state_length, layer)
    lines[-1] += f"# Total: {total} parameters,"
    lines.append(" " * 10 + f"#        plus {states} states.")
    return "\n".join(lines)


def _lines(label: str, tree: Any, depth: int) -> list[str]:
    """The lines of one part, and of the parts inside it."""
    indent = "    " * depth
    if not _has_layers(tree):
        text = f"{indent}{label}{tree if isinstance(tree, Node) else describe(tree)},"
        count = _counts(tree) if isinstance(tree, AbstractLuxLayer) else ""
        return [f"{text.ljust(_COMMENT_COLUMN)}# {count}" if count else text]
    name = display_name(tree) if isinstance(tree, AbstractLuxLayer) else ""
    lines = [f"{indent}{label}{name}("]
    for segment, part in _shown(tree):
        if segment is None and not isinstance(part, AbstractLuxLayer):
            for inner_segment, inner in children(part) or []:  # the named tuple inside a chain
                lines += _lines(f"{inner_segment} = ", inner, depth + 1)
        else:
            lines += _lines(f"{segment} = " if segment else "", part, depth + 1)
    return [*lines, f"{indent}),"]


def _has_layers(tree: Any) -> bool:
    return any(contains_lux_layer(part) for _, part in children(tree) or [])


def _shown(tree: Any) -> list[tuple[str | None, Any]]:
    """The parts of a node, without the fields of a layer that have their default."""
    parts = children(tree) or []
    if not isinstance(tree, AbstractLuxLayer):
        return list(parts)
    hidden = {"name", *defaulted(tree)}
    names = tree._field_names
    return [part for name, part in zip(names, parts, strict=True) if name not in hidden]


def _counts(layer: AbstractLuxLayer) -> str:
    """`12 parameters, plus 4 non-trainable`: what a leaf has."""
    parameters, states = _count(parameter_length, layer), _count(state_length, layer)
    texts = [f"{parameters} parameter{'s' * (parameters != '1')}"] if parameters != "0" else []
    if states != "0":
        texts.append(f"plus {states} non-trainable")
    return ", ".join(texts)


def _count(length: Any, layer: AbstractLuxLayer) -> str:
    try:
        return f"{length(layer):_}"
    except Exception:  # a layer prints, whatever its initialisers need that is not there
        return "?"
