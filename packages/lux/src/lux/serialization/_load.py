"""`load` and `load_metadata`: what a file holds, checked before any of it is used."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from lux._setup import setup
from luxcore import AbstractLuxLayer

from ._architecture import architecture, difference
from ._arrays import from_stored, needs_x64, outline
from ._description import Builder, Describer, Node, is_stored, leaves
from ._file import File, opened
from ._fit import Report

_ROOTS = ("parameters", "states")


def load(
    path: str | os.PathLike[str], model: AbstractLuxLayer | tuple[Any, Any] | None = None
) -> tuple[Any, Any]:
    """Reads the parameters and states that `save` has written.

    Either all that was saved comes back, or an error: a file that is damaged, or does not fit the
    model, is never read in part.

    **Arguments**

    - `path`: the file
    - `model`: the model they are for. What the file holds is compared with what `setup` would make,
      without making it, and with the architecture that was saved. Or a pair `(ps, st)` of the
      structure, shapes and dtypes that are wanted. With `None` the trees come as they were saved

    **Returns**

    `(ps, st)`: the same trees that were saved, with JAX arrays as arrays.

    **Raises**

    - `ValueError`: for a file that `save` has not written, that is damaged, or that does not fit
      the model: then one report names the paths of all that is missing, unexpected or different.
    - `OSError`: where the file cannot be opened.

    ```python
    >>> import pathlib, tempfile
    >>> import lux
    >>> ps, st = lux.setup(0, lux.Dense(3, 4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "dense.safetensors")
    ...     lux.save(path, ps, st)
    ...     ps, st = lux.load(path)
    ...     lux.load(path, lux.Dense(3, 5))
    Traceback (most recent call last):
    ...
    ValueError: ...dense.safetensors does not fit the model:
      different: parameters.weight: expected float32[3,5], got float32[3,4]
      different: parameters.bias: expected float32[5], got float32[4]

    ```
    """
    wanted = None if model is None else _wanted(model)
    with opened(Path(path)) as file:
        nodes = [file.description[root] for root in _ROOTS]
        if wanted is not None:
            _check_fit(file, nodes, wanted)
        else:
            _check_classes(file, nodes)
        _check_precision(file, nodes)
        _check_names(file, nodes)
        builder = Builder(lambda node: _array(file, node))
        templates = (None, None) if wanted is None else wanted.trees
        ps, st = (builder.build(*pair) for pair in zip(nodes, templates, strict=True))
    return ps, st


def load_metadata(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Reads what `save` was given as `metadata`, and nothing else of the file.

    **Arguments**

    - `path`: the file

    **Returns**

    The dict that was saved, or `None`.

    **Raises**

    - `ValueError`: for a file that `save` has not written, or whose header is damaged.
    - `OSError`: where the file cannot be opened.

    ```python
    >>> import pathlib, tempfile
    >>> import lux
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "dense.safetensors")
    ...     lux.save(path, *lux.setup(0, lux.Dense(3, 4)), {"epochs": 20})
    ...     lux.load_metadata(path)
    {'epochs': 20}

    ```
    """
    with opened(Path(path)) as file:
        metadata: dict[str, Any] | None = file.description["metadata"]
    return metadata


@dataclass(frozen=True)
class _Wanted:
    """What a file has to hold."""

    words: str
    nodes: list[Node]
    trees: tuple[Any, Any]
    architecture: dict[str, str] | None = None


def _wanted(model: Any) -> _Wanted:
    if isinstance(model, AbstractLuxLayer):
        nodes: list[Node] = []

        def make() -> Any:
            trees = setup(0, model)
            nodes[:] = _described(trees)
            return trees

        try:
            trees = jax.eval_shape(make)
        except Exception:  # what is initialised in NumPy cannot be traced
            trees = make()
        return _Wanted("the model", nodes, trees, architecture(model))
    if type(model) is not tuple or len(model) != 2:
        raise TypeError(f"model: expected a layer or a pair (ps, st), got {type(model).__name__}")
    return _Wanted("the trees", _described(model), model)


def _described(trees: tuple[Any, Any]) -> list[Node]:
    describer = Describer()
    return [describer.describe(tree, root) for tree, root in zip(trees, _ROOTS, strict=True)]


def _check_fit(file: File, nodes: list[Node], wanted: _Wanted) -> None:
    report = Report()
    for node, expected, root in zip(nodes, wanted.nodes, _ROOTS, strict=True):
        report.compare(node, expected, root)
    lines = report.lines()
    saved = file.description["model"]
    if saved and wanted.architecture:
        changes = difference(saved, wanted.architecture)
        if changes:
            lines += ["  the architecture (- as saved, + as given):", *changes]
            if not report.lines():
                lines.append("  Pass (ps, st) in place of the model to read it all the same.")
    if lines:
        raise ValueError("\n".join([f"{file.path} does not fit {wanted.words}:", *lines]))


def _check_classes(file: File, nodes: list[Node]) -> None:
    found = [
        f"  {path}: {node['class']}"
        for path, node in _leaves(nodes)
        if node is not None and "class" in node
    ]
    if found:
        file.refuse(
            "one that is only read into a model, load(path, model), as it holds objects of\n"
            + "\n".join(found)
        )


def _check_precision(file: File, nodes: list[Node]) -> None:
    wide = [
        f"  {path}: {outline(node['dtype'], node['shape'])}"
        for path, node in _leaves(nodes)
        if node is not None and "array" in node and needs_x64(node["dtype"])
    ]
    if wide:
        file.refuse(
            "one that JAX cannot hold in 32 bits, as it is configured: call "
            'jax.config.update("jax_enable_x64", True) first, since it has\n' + "\n".join(wide)
        )


def _check_names(file: File, nodes: list[Node]) -> None:
    described = [
        node.get("array", node.get("key")) for _, node in _leaves(nodes) if is_stored(node)
    ]
    if sorted(described) != sorted(file.names()):
        file.damaged("its arrays are not those of its description")


def _leaves(nodes: list[Node]) -> list[tuple[str, Node]]:
    pairs = zip(nodes, _ROOTS, strict=True)
    return [leaf for node, root in pairs for leaf in leaves(node, root)]


def _array(file: File, node: Node) -> jax.Array:
    if "array" in node:
        stored = file.array(node["array"], node["dtype"], node["shape"], node["crc32"])
        return from_stored(stored, node["dtype"])
    stored = file.array(node["key"], "uint32", node["data"], node["crc32"])
    try:
        return jax.random.wrap_key_data(from_stored(stored, "uint32"), impl=node["impl"])
    except (TypeError, ValueError) as error:
        file.refuse(f"one with random keys that this JAX does not know: {node['impl']} ({error})")
