"""A layer without layers inside, which knows its parameters and states by name.

Reading a field that is there and leaving out one that should not be would make a number, and a
wrong one: a model's parameters given to another. So a layer refuses other names than its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from luxcore import AbstractLuxLayer

Names = tuple[str, ...]


class Leaf(AbstractLuxLayer, abstract=True):
    """The base of the layers of this package that have no layers inside.

    **Arguments of the class**

    - `parameters`: the names of the parameters; `bias` is one only while `use_bias` holds.
    - `states`: the names of the states.
    """

    _parameters: ClassVar[Names] = ()
    _states: ClassVar[Names] = ()

    def __init_subclass__(
        cls, *, parameters: Names = (), states: Names = (), **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls._parameters, cls._states = parameters, states

    def _expected_fields(self) -> tuple[Names, Names]:
        unused = () if getattr(self, "use_bias", True) else ("bias",)
        return tuple(name for name in self._parameters if name not in unused), self._states

    def _text(self, *head: str, hide: Sequence[str] = ()) -> str:
        """The layer as it is written in a call: what `head` says, then the fields not in `hide`.

        A field that has its default is left out, and the activation needs no name.
        """
        texts = list(head)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name not in hide and value != field.default:
                text = getattr(value, "__name__", None) or repr(value)
                if field.name == "activation":
                    texts.insert(len(head), text)
                else:
                    texts.append(f"{field.name}={text}")
        return f"{type(self).__name__}({', '.join(texts)})"
