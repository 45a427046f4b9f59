"""From the trees of an unrolled model to those of a scanned one, and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import jax

from lux.layers._outline import outline, path_of
from luxcore import NamedTuple, Val, fmap_with_path, replace_at

from ._scan import FIELDS, Scanned, check_depth, stack

Path = tuple[str, ...]
Convert = Callable[[Scanned, Any, Path], NamedTuple]


def stack_parameters(model: Any, tree: Any) -> Any:
    """The parameters or states of a model whose chains are scanned, from those of an unrolled one.

    **Arguments**

    - `model`: the model with chains made with `scan=True`, at any depth, also inside of each other
    - `tree`: the parameters, the states, or a tree of the same structure such as the gradients, of
      the model in which the same chains are made without `scan`

    **Returns**

    The tree that `model` takes. Where no chain is scanned it is `tree`.

    **Raises**

    - `ValueError`: for a tree of another model, or layers whose arrays differ in shape or dtype,
      naming the path.

    ```python
    >>> import jax, lux
    >>> unrolled = lux.Chain([lux.Dense(4, 4)] * 3)
    >>> scanned = lux.Chain([lux.Dense(4, 4)] * 3, scan=True)
    >>> ps, st = lux.setup(0, unrolled)
    >>> stacked = lux.stack_parameters(scanned, ps)
    >>> stacked.layers.weight.shape
    (3, 4, 4)
    >>> bool((lux.unstack_parameters(scanned, stacked).layer_2.weight == ps.layer_2.weight).all())
    True

    ```
    """
    return _converted(model, tree, _stacked)


def unstack_parameters(model: Any, tree: Any) -> Any:
    """The parameters or states of an unrolled model, from those of one whose chains are scanned.

    The inverse of `lux.stack_parameters`.

    **Arguments**

    - `model`: the model with chains made with `scan=True`
    - `tree`: its parameters or states, or a tree of the same structure

    **Returns**

    The tree for the model in which the same chains are made without `scan`.

    **Raises**

    - `ValueError`: for a tree of another model, naming the path.

    ```python
    >>> import lux
    >>> model = lux.Chain(blocks=lux.Chain([lux.Dense(4, 4)] * 3, scan=True), head=lux.Dense(4, 2))
    >>> ps, st = lux.setup(0, model)
    >>> lux.unstack_parameters(model, ps).blocks.layer_2.weight.shape
    (4, 4)

    ```
    """
    return _converted(model, tree, _unstacked)


def _converted(model: Any, tree: Any, convert: Convert, place: Path = ()) -> Any:
    """The tree with the part of every chain that is scanned converted."""
    chains: list[tuple[Path, Scanned]] = []

    def visit(path: Path, leaf: Any) -> Any:
        if isinstance(leaf, Scanned):
            chains.append((path, leaf))
        return leaf

    fmap_with_path(visit, model, exclude=lambda node: isinstance(node, Scanned))
    for path, scanned in chains:
        part = convert(scanned, reduce(getattr, path, tree), place + path)
        tree = replace_at(tree, ".".join(path), part) if path else part
    return tree


def _stacked(scanned: Scanned, tree: Any, place: Path) -> NamedTuple:
    _check_fields(tree, scanned.names, "an unrolled chain", place)
    parts = [
        _converted(scanned.layers, getattr(tree, name), _stacked, (*place, name))
        for name in scanned.names
    ]
    first = _leaves(parts[0])
    for name, part in zip(scanned.names, parts, strict=True):
        leaves = _leaves(part)
        for path in first | leaves:
            expected, got = first.get(path, "nothing"), leaves.get(path, "nothing")
            if expected != got:
                where = ".".join((*place, name, *path))
                raise ValueError(f"{where}: expected {expected} as in layer_0, got {got}")
    return NamedTuple(layers=stack(parts))


def _unstacked(scanned: Scanned, tree: Any, place: Path) -> NamedTuple:
    _check_fields(tree, FIELDS, "a scanned chain", place)
    check_depth(".".join((*place, *FIELDS)), tree.layers, scanned.depth)
    parts = {
        name: jax.tree.map(lambda leaf, index=index: leaf[index], tree.layers)
        for index, name in enumerate(scanned.names)
    }
    return NamedTuple(
        **{
            name: _converted(scanned.layers, part, _unstacked, (*place, name))
            for name, part in parts.items()
        }
    )


def _check_fields(tree: Any, names: tuple[str, ...], whose: str, place: Path) -> None:
    fields = getattr(tree, "_fields", None)
    if fields != names:
        got = f"({', '.join(fields)})" if fields is not None else type(tree).__name__
        raise ValueError(
            f"{'.'.join(place) or 'the tree'}: expected that of {whose}, with the fields "
            f"({', '.join(names)}), got {got}"
        )


def _leaves(tree: Any) -> dict[Path, str]:
    """What stands in a tree, by path."""
    leaves = jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda node: isinstance(node, Val))
    return {path_of(path): outline(leaf) for path, leaf in leaves}
