"""To nested dicts and back, for what speaks in dicts: JSON, other libraries, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._describe import describe
from ._named_tuple import NamedTuple, items, named_tuple_type
from ._tree import children, with_children


def to_dict(tree: Any) -> Any:
    """The same tree with a `dict` for every `NamedTuple`; leaves stay as they are.

    ```python
    >>> from luxcore import NamedTuple, to_dict
    >>> to_dict(NamedTuple(dense=NamedTuple(weight=1.0)))
    {'dense': {'weight': 1.0}}

    ```
    """
    if isinstance(tree, NamedTuple):
        return {name: to_dict(value) for name, value in items(tree)}
    parts = children(tree)
    return tree if parts is None else with_children(tree, [to_dict(part) for _, part in parts])


def from_dict(tree: Any, template: Any = None) -> Any:
    """The same tree with a `NamedTuple` for every mapping: the inverse of `to_dict`.

    **Arguments**

    - `tree`: nested mappings; lists and tuples are descended into, all else is a leaf.
    - `template`: a tree of the wanted structure, for example what `setup` gives. Then the fields
      come in its order, whatever their order in `tree`.

    **Raises**

    - `ValueError`: where the names are not those of the template; one report names every path.

    ```python
    >>> from luxcore import NamedTuple, from_dict
    >>> from_dict({"bias": 2, "weight": 1}, template=NamedTuple(weight=0, bias=0))
    NamedTuple(weight=1, bias=2)

    ```
    """
    if template is None:
        return _from_mappings(tree)
    problems: list[str] = []
    result = _fit(tree, template, "", problems)
    if problems:
        raise ValueError("the dict does not fit the template:\n" + "\n".join(problems))
    return result


def _from_mappings(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return named_tuple_type(tuple(tree))(*map(_from_mappings, tree.values()))
    parts = children(tree)
    if parts is None:
        return tree
    return with_children(tree, [_from_mappings(part) for _, part in parts])


def _fit(tree: Any, template: Any, path: str, problems: list[str]) -> Any:
    wanted, given = children(template), children(tree)
    if wanted is None and given is None:
        return tree
    if wanted is None or given is None:
        expected = "a leaf" if wanted is None else describe(template)
        problems.append(f"  {path or 'the top level'}: expected {expected}, got {describe(tree)}")
        return tree
    dot = f"{path}." if path else ""
    parts, names = dict(given), [name for name, _ in wanted]
    problems += [f"  {dot}{name}: missing" for name in names if name not in parts]
    problems += [f"  {dot}{name}: unexpected" for name in parts if name not in names]
    return with_children(
        template,
        [_fit(parts.get(name, part), part, f"{dot}{name}", problems) for name, part in wanted],
    )
