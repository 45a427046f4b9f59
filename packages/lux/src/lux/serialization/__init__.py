"""Saving parameters and states to a file, and reading them back.

A file is in the safetensors format, which holds arrays by name, and nothing that could run when it
is read. What the arrays are parts of, the description, is JSON in the file's header:

- `_description`: a tree as a description and a table of arrays, and back
- `_validity`: whether what is read is a description
- `_arrays`: an array in the form in which it is stored, with a checksum
- `_architecture`: a model in words, to tell whether two are the same
- `_file`: the file itself, written at once or not at all
- `_save`, `_load`: the public functions
- `_fit`: what does not fit between a file and a model, in one report
"""

from ._load import load as load
from ._load import load_metadata as load_metadata
from ._save import save as save

__all__ = ["load", "load_metadata", "save"]
