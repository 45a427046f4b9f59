"""The file: arrays by name and a description, in the safetensors format.

The header's metadata are `format` ("lux"), `version` (of this layout), `description` (JSON) and its
`checksum`. Every array has its checksum in the description, so it can be read and checked by
itself. A file that is not whole is recognised, and none of it is used.
"""

from __future__ import annotations

import json
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ._arrays import checksum, stored_type
from ._validity import is_description

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1

Stored = np.ndarray[Any, Any]


def write(path: Path, arrays: Mapping[str, Stored], description: Any) -> None:
    """Writes a file at once: whoever opens the path finds the old file or the whole new one."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    text = json.dumps(description, separators=(",", ":"))
    metadata = {
        "format": "lux",
        "version": str(VERSION),
        "description": text,
        "checksum": str(zlib.crc32(text.encode())),
    }
    target = Path(os.path.realpath(path))  # what a link points to is written, not the link
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder: expected the path of a file")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    temporary.touch(exist_ok=False)
    mode = temporary.stat().st_mode
    try:
        try:
            save_file(dict(arrays), temporary, metadata)
        except SafetensorError as error:  # for example a full disk
            raise OSError(f"{path} could not be written: {error}") from error
        temporary.chmod(mode)  # safetensors makes a file of its own, for its owner alone
        _flush(temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush(target.parent)


def _flush(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class File:
    """A file that is open for reading: its description, and its arrays on demand."""

    def __init__(self, path: Path, handle: Any) -> None:
        self.path = path
        self._handle = handle
        self.description = self._read_description(handle.metadata() or {})

    def _read_description(self, metadata: dict[str, str]) -> Any:
        if metadata.get("format") != "lux":
            self.refuse(
                "a safetensors file that lux.save has not written: "
                "safetensors.numpy.load_file reads its arrays"
            )
        version = metadata.get("version", "")
        if version.isdecimal() and int(version) > VERSION:
            self.refuse(
                f"written by a later release of lux: its format is {version}, and this release "
                f"reads up to {VERSION}"
            )
        text = metadata.get("description", "")
        if version != str(VERSION) or metadata.get("checksum") != str(zlib.crc32(text.encode())):
            self.damaged("the checksum of its description is wrong")
        try:
            description = json.loads(text)
            whole = is_description(description)
        except (ValueError, RecursionError):
            whole = False
        if not whole:
            self.damaged("its description is none")
        return description

    def names(self) -> set[str]:
        """The names of the arrays."""
        return set(self._handle.keys())

    def array(self, name: str, dtype: str, shape: Iterable[int], crc32: int) -> Stored:
        """A stored array, checked."""
        stored_dtype, stored_shape = stored_type(dtype, tuple(shape))
        stored: Stored = self._handle.get_tensor(name)
        if (stored.dtype.name, stored.shape) != (stored_dtype, stored_shape):
            self.damaged(f"{name} is {stored.dtype}{list(stored.shape)}")
        if checksum(stored) != crc32:
            self.damaged(f"the checksum of {name} is wrong")
        return stored

    def damaged(self, what: str) -> NoReturn:
        self.refuse(f"damaged: {what}")

    def refuse(self, what: str) -> NoReturn:
        raise ValueError(f"{self.path}: this file is {what}")


@contextmanager
def opened(path: Path) -> Iterator[File]:
    """A file open for reading; what is wrong with it is a `ValueError` that names the path."""
    from safetensors import SafetensorError, safe_open

    path.open("rb").close()  # what the system refuses, it says itself
    try:
        with safe_open(path, framework="numpy") as handle:
            yield File(path, handle)
    except SafetensorError as error:
        raise ValueError(
            f"{path}: this file is damaged, or none that lux.save has written: {error}"
        ) from error
