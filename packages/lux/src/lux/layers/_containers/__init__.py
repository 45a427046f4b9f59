"""Layers made of layers.

- `_names`: layers under their names, from the forms in which a container takes them;
- `_chain`: layers in a row; `_branches`: side by side; `_pairwise`: both; `_around`: around one
  other;
- `_scan`: equal layers in a row by one program; `_stack`: their trees from those of others, and
  back;
- `_loop`: what a loop asks of a layer; `_remat`: what the backward pass makes again; `_outline`:
  arrays in words.
"""

from ._around import AlternatePrecision as AlternatePrecision
from ._around import RepeatedLayer as RepeatedLayer
from ._around import SkipConnection as SkipConnection
from ._branches import BranchLayer as BranchLayer
from ._branches import Maxout as Maxout
from ._branches import Parallel as Parallel
from ._chain import Chain as Chain
from ._pairwise import PairwiseFusion as PairwiseFusion
from ._stack import stack_parameters as stack_parameters
from ._stack import unstack_parameters as unstack_parameters

__all__ = [
    "AlternatePrecision",
    "BranchLayer",
    "Chain",
    "Maxout",
    "PairwiseFusion",
    "Parallel",
    "RepeatedLayer",
    "SkipConnection",
    "stack_parameters",
    "unstack_parameters",
]
