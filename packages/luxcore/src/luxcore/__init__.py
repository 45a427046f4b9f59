"""The interface of Lux: layers that are descriptions, parameters and states that are trees.

Depend on this package alone to define layers that work with Lux. It needs nothing but Python.
"""

from ._abstract import register_evaluation as register_evaluation
from ._abstract import register_output_size as register_output_size
from ._apply import apply as apply
from ._apply import stateless_apply as stateless_apply
from ._call import Frame as Frame
from ._call import current_path as current_path
from ._call import register_call_hook as register_call_hook
from ._container import AbstractLuxContainerLayer as AbstractLuxContainerLayer
from ._container import AbstractLuxWrapperLayer as AbstractLuxWrapperLayer
from ._conversion import from_dict as from_dict
from ._conversion import to_dict as to_dict
from ._display import display_name as display_name
from ._layer import AbstractLuxLayer as AbstractLuxLayer
from ._length import output_size as output_size
from ._length import parameter_length as parameter_length
from ._length import state_length as state_length
from ._named_tuple import FieldError as FieldError
from ._named_tuple import NamedTuple as NamedTuple
from ._named_tuple import items as items
from ._named_tuple import merge as merge
from ._random import child as child
from ._random import fork as fork
from ._random import name_words as name_words
from ._random import replicate as replicate
from ._random import split as split
from ._setup import contains_lux_layer as contains_lux_layer
from ._setup import initial_parameters as initial_parameters
from ._setup import initial_states as initial_states
from ._setup import preserves_state_type as preserves_state_type
from ._setup import setup as setup
from ._stateful import StatefulLuxLayer as StatefulLuxLayer
from ._states import test_mode as test_mode
from ._states import train_mode as train_mode
from ._states import update_state as update_state
from ._tree import check_fmap_condition as check_fmap_condition
from ._tree import fleaves as fleaves
from ._tree import fmap as fmap
from ._tree import fmap_with_path as fmap_with_path
from ._tree import replace_at as replace_at
from ._type_hooks import register_type_hook as register_type_hook
from ._val import Val as Val

__all__ = [
    "AbstractLuxContainerLayer",
    "AbstractLuxLayer",
    "AbstractLuxWrapperLayer",
    "FieldError",
    "Frame",
    "NamedTuple",
    "StatefulLuxLayer",
    "Val",
    "apply",
    "check_fmap_condition",
    "child",
    "contains_lux_layer",
    "current_path",
    "display_name",
    "fleaves",
    "fmap",
    "fmap_with_path",
    "fork",
    "from_dict",
    "initial_parameters",
    "initial_states",
    "items",
    "merge",
    "name_words",
    "output_size",
    "parameter_length",
    "preserves_state_type",
    "register_call_hook",
    "register_evaluation",
    "register_output_size",
    "register_type_hook",
    "replace_at",
    "replicate",
    "setup",
    "split",
    "state_length",
    "stateless_apply",
    "test_mode",
    "to_dict",
    "train_mode",
    "update_state",
]
