"""`save`: parameters and states to a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jax

from luxcore import AbstractLuxLayer

from ._architecture import architecture
from ._arrays import checksum, is_key, to_stored
from ._description import Describer, is_stored, leaves
from ._file import write


def save(
    path: str | os.PathLike[str],
    ps: Any,
    st: Any,
    metadata: dict[str, Any] | None = None,
    *,
    model: AbstractLuxLayer | None = None,
) -> None:
    """Writes parameters and states to a file.

    The file is in the safetensors format, with each array under its path
    (`parameters.layer_1.weight`), and a description in JSON from which `load` makes the same trees
    again. It is written at once or not at all: when writing fails, or the machine does, the old
    file is still there.

    **Arguments**

    - `path`: where to write; a file that is there is replaced
    - `ps`, `st`: the parameters and the states. Trees of named tuples, tuples, lists, dicts, `Val`
      and `None` are written with all they are; objects of a class of your own, if it is registered
      with JAX, are made again only into a model. Leaves are arrays of any dtype, random keys, raw
      or typed, and Python's numbers
    - `metadata`: what you want to know about the file, as `load_metadata` reads it: a dict with
      texts as keys, of texts, numbers, booleans, `None`, lists and dicts
    - `model`: the model that they are of. Its architecture is written in words, and `load` refuses
      the file for a model of another one

    **Raises**

    - `TypeError`: for what cannot be written, naming every path, before anything is written.
    - `ValueError`: for arrays that were donated, or are spread over several processes.
    - `OSError`: where the file cannot be written.

    ```python
    >>> import pathlib, tempfile
    >>> import jax.numpy as jnp, lux
    >>> model = lux.Chain(lux.Dense(784, 32, lux.relu), lux.Dropout(0.2), lux.Dense(32, 10))
    >>> ps, st = lux.setup(0, model)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "digits.safetensors")
    ...     lux.save(path, ps, st, {"accuracy": 0.98}, model=model)
    ...     ps_read, st_read = lux.load(path, model)
    >>> bool(jnp.all(ps_read.layer_2.weight == ps.layer_2.weight))
    True

    ```
    """
    describer = Describer()
    description = {
        "parameters": describer.describe(ps, "parameters"),
        "states": describer.describe(st, "states"),
        "model": None if model is None else architecture(_layer(model)),
        "metadata": _checked_metadata(metadata),
    }
    if describer.problems:
        raise TypeError(
            "lux.save writes arrays, random keys, numbers and Val in named tuples, tuples, lists, "
            "dicts and classes registered with JAX, but found\n"
            + "\n".join(f"  {problem}" for problem in describer.problems)
        )
    arrays = {name: to_stored(_values(name, array)) for name, array in describer.arrays.items()}
    for root in ("parameters", "states"):
        for _, node in leaves(description[root], root):
            if is_stored(node):
                stored = arrays[node.get("array", node.get("key"))]
                node["crc32"] = checksum(stored)
                if "key" in node:
                    node["data"] = list(stored.shape)
    write(Path(path), arrays, description)


def _layer(model: Any) -> AbstractLuxLayer:
    if not isinstance(model, AbstractLuxLayer):
        raise TypeError(f"model: expected a layer, got {type(model).__name__}")
    return model


def _values(name: str, array: Any) -> Any:
    """An array whose values can be read here and now; keys as their data."""
    if isinstance(array, jax.ShapeDtypeStruct):
        raise TypeError(f"{name} is a shape without values")
    if isinstance(array, jax.core.Tracer):
        raise TypeError(f"{name} is being traced: lux.save is called outside of jax.jit")
    if isinstance(array, jax.Array):
        if array.is_deleted():
            raise ValueError(
                f"{name} was donated, so its values are gone: save what the step returned"
            )
        if not array.is_fully_addressable:
            raise ValueError(
                f"{name} is spread over several processes: gather it first "
                "(jax.experimental.multihost_utils.process_allgather)"
            )
    return jax.random.key_data(array) if is_key(array) else array


def _checked_metadata(metadata: Any) -> Any:
    if metadata is not None and type(metadata) is not dict:
        raise TypeError(f"metadata: expected a dict, got {type(metadata).__name__}")
    _check_json(metadata, "metadata")
    return metadata


def _check_json(value: Any, path: str) -> None:
    if type(value) is dict:
        for key, part in value.items():
            if type(key) is not str:
                raise TypeError(f"{path}: expected texts as keys, got {key!r}")
            _check_json(part, f"{path}[{json.dumps(key)}]")
    elif type(value) is list:
        for index, part in enumerate(value):
            _check_json(part, f"{path}[{index}]")
    elif value is not None and type(value) not in (str, int, float, bool):
        advice = ": float(...) makes a number of it" if hasattr(value, "__float__") else ""
        raise TypeError(f"{path}: expected what JSON can hold, got {type(value).__name__}{advice}")
