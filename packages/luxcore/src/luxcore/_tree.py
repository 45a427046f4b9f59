"""Maps over trees: tuples, lists, dicts, named tuples and layers are nodes, all else is a leaf.

A path is a tuple of segments, joined by dots where people read it. Elements of a sequence of
layers are `layer_0`, `layer_1`, …; those of any other sequence are `0`, `1`, …. A wrapper adds no
segment for the layer it wraps, so the path of a layer is the path of its parameters. Arrays,
numbers, `Val` and `None` are leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from ._describe import describe
from ._val import Val

Path = tuple[str, ...]
Children = list[tuple[str | None, Any]]


class Node:
    """What can be descended into besides the builtin containers: a layer."""

    def _children(self) -> Children:
        """The parts by path segment; `None` for a part that adds no segment."""
        raise NotImplementedError

    def _with_children(self, values: Sequence[Any]) -> Self:
        """The same node with other parts, in the order of `_children`."""
        raise NotImplementedError


def children(tree: Any) -> Children | None:
    """The parts of a node by path segment, or `None` for a leaf."""
    if isinstance(tree, Node):
        return tree._children()
    if isinstance(tree, dict):
        return list(tree.items())
    if isinstance(tree, list | tuple) and not isinstance(tree, Val):
        names = getattr(tree, "_fields", None) or _sequence_names(tree)
        return list(zip(names, tree, strict=True))
    return None


def _sequence_names(values: Sequence[Any]) -> list[str]:
    """The path segments of the elements of a sequence, counted as Python indexes."""
    prefix = "layer_" if any(isinstance(value, Node) for value in values) else ""
    return [f"{prefix}{index}" for index in range(len(values))]


def with_children(tree: Any, values: Sequence[Any]) -> Any:
    """The same node with other parts, in the order of `children`."""
    if isinstance(tree, Node):
        return tree._with_children(values)
    if isinstance(tree, dict):
        return type(tree)(zip(tree, values, strict=True))
    if hasattr(tree, "_fields"):
        return type(tree)(*values)
    return type(tree)(values)


def join(path: Path, segment: str | None) -> Path:
    return path if segment is None else (*path, segment)


def walk(
    tree: Any, path: Path = (), exclude: Callable[[Any], bool] | None = None
) -> Iterator[tuple[Path, Any]]:
    """The leaves with their paths, in order."""
    parts = None if exclude is not None and exclude(tree) else children(tree)
    if parts is None:
        yield path, tree
        return
    for segment, part in parts:
        yield from walk(part, join(path, segment), exclude)


def fmap_with_path(
    function: Callable[..., Any],
    tree: Any,
    *rest: Any,
    exclude: Callable[[Any], bool] | None = None,
) -> Any:
    """The tree of the same structure whose leaves are `function(path, leaf, *others)`.

    **Arguments**

    - `function`: gets the path (a tuple of segments), the leaf, and the leaves of `rest` there.
    - `tree`: nested tuples, lists, dicts, named tuples and layers.
    - `*rest`: further trees of the same structure.
    - `exclude`: a predicate; where it holds a node is not descended into.

    **Raises**

    - `ValueError`: where a further tree has another structure, naming the path.

    ```python
    >>> from luxcore import NamedTuple, fmap_with_path
    >>> fmap_with_path(lambda path, leaf: ".".join(path), NamedTuple(a=(1, 2), b=3))
    NamedTuple(a=('a.0', 'a.1'), b='b')

    ```
    """
    return _map(function, (), tree, rest, exclude)


def fmap(
    function: Callable[..., Any],
    tree: Any,
    *rest: Any,
    exclude: Callable[[Any], bool] | None = None,
) -> Any:
    """The tree of the same structure whose leaves are `function(leaf, *others)`.

    As `fmap_with_path`, for a function that does not ask for the path.

    ```python
    >>> from luxcore import NamedTuple, fmap
    >>> fmap(lambda a, b: a + b, NamedTuple(a=1, b=(2,)), NamedTuple(a=10, b=(20,)))
    NamedTuple(a=11, b=(22,))

    ```
    """
    return _map(lambda path, *leaves: function(*leaves), (), tree, rest, exclude)


def _map(
    function: Callable[..., Any],
    path: Path,
    tree: Any,
    rest: tuple[Any, ...],
    exclude: Callable[[Any], bool] | None,
) -> Any:
    parts = None if exclude is not None and exclude(tree) else children(tree)
    if parts is None:
        return function(path, tree, *rest)
    others: list[list[Any]] = []
    for other in rest:
        other_parts = children(other)
        if other_parts is None or [name for name, _ in other_parts] != [name for name, _ in parts]:
            raise ValueError(
                f"the trees differ at {'.'.join(path) or 'the top level'}: "
                f"expected the structure of {describe(tree)}, got {describe(other)}"
            )
        others.append([part for _, part in other_parts])
    return with_children(
        tree,
        [
            _map(function, join(path, segment), part, tuple(o[i] for o in others), exclude)
            for i, (segment, part) in enumerate(parts)
        ],
    )


def fleaves(tree: Any, exclude: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves of a tree, in order.

    ```python
    >>> from luxcore import NamedTuple, fleaves
    >>> fleaves(NamedTuple(a=1, b=[2, {"c": 3}]))
    [1, 2, 3]

    ```
    """
    return [leaf for _, leaf in walk(tree, exclude=exclude)]


def replace_at(tree: Any, path: str, value: Any) -> Any:
    """A copy of a tree with another value at one path.

    **Arguments**

    - `tree`: parameters, states, a layer, or any tree of nodes.
    - `path`: the segments joined by dots, such as `"encoder.attention.query.weight"`.
    - `value`: what stands there in the copy.

    **Raises**

    - `ValueError`: for a path that is not in the tree, naming what is there.

    ```python
    >>> from luxcore import NamedTuple, replace_at
    >>> replace_at(NamedTuple(dense=NamedTuple(weight=1, bias=2)), "dense.bias", 0)
    NamedTuple(dense=NamedTuple(weight=1, bias=0))

    ```
    """
    return _replace(tree, tuple(path.split(".")), value, path)


def _replace(tree: Any, segments: Path, value: Any, path: str) -> Any:
    if not segments:
        return value
    parts = children(tree) or []
    done = False
    values = []
    for segment, part in parts:
        here = segments[0] in _names([(segment, part)]) and not done
        rest = segments if segment is None else segments[1:]
        values.append(_replace(part, rest, value, path) if here else part)
        done = done or here
    if not done:
        depth = len(path.split(".")) - len(segments)
        where = ".".join(path.split(".")[:depth]) or "the top level"
        names = ", ".join(_names(parts)) or "no fields"
        raise ValueError(f"no {path!r} in the tree: {where} has {names}, not {segments[0]!r}")
    return with_children(tree, values)


def _names(parts: Children) -> list[str]:
    """The segments that can follow, those inside parts without a segment of their own included."""
    return [
        name
        for segment, part in parts
        for name in ([segment] if segment is not None else _names(children(part) or []))
    ]


def check_fmap_condition(condition: Callable[[Any], bool], kind: type | None, tree: Any) -> bool:
    """Whether `condition` holds for a leaf of the tree.

    **Arguments**

    - `condition`: a predicate.
    - `kind`: a shortcut: where the tree itself, or a node in it, is of this type, the answer is
      yes. `None` for no shortcut.
    - `tree`: the tree.

    ```python
    >>> from luxcore import check_fmap_condition
    >>> check_fmap_condition(lambda leaf: leaf > 2, None, {"a": 1, "b": (2, 3)})
    True

    ```
    """
    if kind is not None and isinstance(tree, kind):
        return True
    parts = children(tree)
    if parts is None:
        return condition(tree)
    return any(check_fmap_condition(condition, kind, part) for _, part in parts)
