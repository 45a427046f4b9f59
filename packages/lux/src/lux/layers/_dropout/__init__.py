"""Layers that drop elements at random while a model is trained."""

from ._alpha_dropout import AlphaDropout as AlphaDropout
from ._dropout import Dropout as Dropout
from ._dropout import DropPath as DropPath
from ._variational import VariationalHiddenDropout as VariationalHiddenDropout

__all__ = ["AlphaDropout", "DropPath", "Dropout", "VariationalHiddenDropout"]
