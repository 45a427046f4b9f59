"""Neural networks with explicit parameters, on JAX.

A layer is an immutable description. Its parameters and states are trees outside of it, so a model
is an ordinary pure function of `(x, ps, st)`:

    model = lux.Chain(lux.Dense(784, 256, lux.relu), lux.Dense(256, 10))
    ps, st = lux.setup(0, model)
    y, st = model(x, ps, st)

Every public name of luxcore and of lux_losses is here too, and the activations of luxlib.
"""

from lux_losses import CrossEntropyLoss as CrossEntropyLoss
from luxcore import AbstractLuxContainerLayer as AbstractLuxContainerLayer
from luxcore import AbstractLuxLayer as AbstractLuxLayer
from luxcore import AbstractLuxWrapperLayer as AbstractLuxWrapperLayer
from luxcore import FieldError as FieldError
from luxcore import Frame as Frame
from luxcore import NamedTuple as NamedTuple
from luxcore import StatefulLuxLayer as StatefulLuxLayer
from luxcore import Val as Val
from luxcore import apply as apply
from luxcore import check_fmap_condition as check_fmap_condition
from luxcore import child as child
from luxcore import contains_lux_layer as contains_lux_layer
from luxcore import current_path as current_path
from luxcore import display_name as display_name
from luxcore import fleaves as fleaves
from luxcore import fmap as fmap
from luxcore import fmap_with_path as fmap_with_path
from luxcore import fork as fork
from luxcore import from_dict as from_dict
from luxcore import initial_parameters as initial_parameters
from luxcore import initial_states as initial_states
from luxcore import items as items
from luxcore import merge as merge
from luxcore import name_words as name_words
from luxcore import output_size as output_size
from luxcore import parameter_length as parameter_length
from luxcore import preserves_state_type as preserves_state_type
from luxcore import register_call_hook as register_call_hook
from luxcore import register_evaluation as register_evaluation
from luxcore import register_output_size as register_output_size
from luxcore import register_type_hook as register_type_hook
from luxcore import replace_at as replace_at
from luxcore import replicate as replicate
from luxcore import split as split
from luxcore import state_length as state_length
from luxcore import stateless_apply as stateless_apply
from luxcore import test_mode as test_mode
from luxcore import to_dict as to_dict
from luxcore import train_mode as train_mode
from luxcore import update_state as update_state
from luxlib import apply_rotary_embedding as apply_rotary_embedding
from luxlib import celu as celu
from luxlib import compute_rotary_embedding_params as compute_rotary_embedding_params
from luxlib import elu as elu
from luxlib import geglu as geglu
from luxlib import gelu as gelu
from luxlib import gelu_erf as gelu_erf
from luxlib import gelu_sigmoid as gelu_sigmoid
from luxlib import gelu_tanh as gelu_tanh
from luxlib import glu as glu
from luxlib import hardshrink as hardshrink
from luxlib import hardsigmoid as hardsigmoid
from luxlib import hardswish as hardswish
from luxlib import hardtanh as hardtanh
from luxlib import identity as identity
from luxlib import leakyrelu as leakyrelu
from luxlib import lisht as lisht
from luxlib import logcosh as logcosh
from luxlib import logsigmoid as logsigmoid
from luxlib import mish as mish
from luxlib import prelu as prelu
from luxlib import reglu as reglu
from luxlib import relu as relu
from luxlib import relu6 as relu6
from luxlib import rrelu as rrelu
from luxlib import selu as selu
from luxlib import sigmoid as sigmoid
from luxlib import softplus as softplus
from luxlib import softshrink as softshrink
from luxlib import softsign as softsign
from luxlib import sparse_plus as sparse_plus
from luxlib import sparse_sigmoid as sparse_sigmoid
from luxlib import squareplus as squareplus
from luxlib import swiglu as swiglu
from luxlib import swish as swish
from luxlib import tanh as tanh
from luxlib import tanhshrink as tanhshrink
from luxlib import threshold as threshold
from luxlib import trelu as trelu

from . import _jax as _jax  # registers with luxcore
from . import initializers as initializers
from . import testing as testing
from . import training as training
from ._compilation import compile_apply as compile_apply
from ._setup import setup as setup
from .layers import MLP as MLP
from .layers import AbstractRecurrentCell as AbstractRecurrentCell
from .layers import AdaptiveLPPool as AdaptiveLPPool
from .layers import AdaptiveMaxPool as AdaptiveMaxPool
from .layers import AdaptiveMeanPool as AdaptiveMeanPool
from .layers import AlphaDropout as AlphaDropout
from .layers import AlternatePrecision as AlternatePrecision
from .layers import BatchNorm as BatchNorm
from .layers import BidirectionalRNN as BidirectionalRNN
from .layers import Bilinear as Bilinear
from .layers import BranchLayer as BranchLayer
from .layers import Chain as Chain
from .layers import Conv as Conv
from .layers import ConvTranspose as ConvTranspose
from .layers import Dense as Dense
from .layers import DotProductAttention as DotProductAttention
from .layers import Dropout as Dropout
from .layers import DropPath as DropPath
from .layers import EinsumDense as EinsumDense
from .layers import Embedding as Embedding
from .layers import FlattenLayer as FlattenLayer
from .layers import GatedMLP as GatedMLP
from .layers import GlobalLPPool as GlobalLPPool
from .layers import GlobalMaxPool as GlobalMaxPool
from .layers import GlobalMeanPool as GlobalMeanPool
from .layers import GroupNorm as GroupNorm
from .layers import GRUCell as GRUCell
from .layers import InstanceNorm as InstanceNorm
from .layers import LayerNorm as LayerNorm
from .layers import LearnedPositionalEmbedding as LearnedPositionalEmbedding
from .layers import LPPool as LPPool
from .layers import LSTMCell as LSTMCell
from .layers import Maxout as Maxout
from .layers import MaxPool as MaxPool
from .layers import MeanPool as MeanPool
from .layers import MultiHeadAttention as MultiHeadAttention
from .layers import NoOpLayer as NoOpLayer
from .layers import PairwiseFusion as PairwiseFusion
from .layers import Parallel as Parallel
from .layers import PixelShuffle as PixelShuffle
from .layers import Recurrence as Recurrence
from .layers import RepeatedLayer as RepeatedLayer
from .layers import ReshapeLayer as ReshapeLayer
from .layers import ReverseSequence as ReverseSequence
from .layers import RMSNorm as RMSNorm
from .layers import RNNCell as RNNCell
from .layers import RotaryPositionalEmbedding as RotaryPositionalEmbedding
from .layers import Scale as Scale
from .layers import SelectDim as SelectDim
from .layers import SinusoidalPositionalEmbedding as SinusoidalPositionalEmbedding
from .layers import SkipConnection as SkipConnection
from .layers import SpectralNorm as SpectralNorm
from .layers import StatefulRecurrentCell as StatefulRecurrentCell
from .layers import TransformerDecoderLayer as TransformerDecoderLayer
from .layers import TransformerEncoderLayer as TransformerEncoderLayer
from .layers import Upsample as Upsample
from .layers import VariationalHiddenDropout as VariationalHiddenDropout
from .layers import WeightNorm as WeightNorm
from .layers import WrappedFunction as WrappedFunction
from .layers import init_cache as init_cache
from .layers import stack_parameters as stack_parameters
from .layers import unstack_parameters as unstack_parameters
from .serialization import load as load
from .serialization import load_metadata as load_metadata
from .serialization import save as save

__all__ = [
    "MLP",
    "AbstractLuxContainerLayer",
    "AbstractLuxLayer",
    "AbstractLuxWrapperLayer",
    "AbstractRecurrentCell",
    "AdaptiveLPPool",
    "AdaptiveMaxPool",
    "AdaptiveMeanPool",
    "AlphaDropout",
    "AlternatePrecision",
    "BatchNorm",
    "BidirectionalRNN",
    "Bilinear",
    "BranchLayer",
    "Chain",
    "Conv",
    "ConvTranspose",
    "CrossEntropyLoss",
    "Dense",
    "DotProductAttention",
    "DropPath",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "FieldError",
    "FlattenLayer",
    "Frame",
    "GRUCell",
    "GatedMLP",
    "GlobalLPPool",
    "GlobalMaxPool",
    "GlobalMeanPool",
    "GroupNorm",
    "InstanceNorm",
    "LPPool",
    "LSTMCell",
    "LayerNorm",
    "LearnedPositionalEmbedding",
    "MaxPool",
    "Maxout",
    "MeanPool",
    "MultiHeadAttention",
    "NamedTuple",
    "NoOpLayer",
    "PairwiseFusion",
    "Parallel",
    "PixelShuffle",
    "RMSNorm",
    "RNNCell",
    "Recurrence",
    "RepeatedLayer",
    "ReshapeLayer",
    "ReverseSequence",
    "RotaryPositionalEmbedding",
    "Scale",
    "SelectDim",
    "SinusoidalPositionalEmbedding",
    "SkipConnection",
    "SpectralNorm",
    "StatefulLuxLayer",
    "StatefulRecurrentCell",
    "TransformerDecoderLayer",
    "TransformerEncoderLayer",
    "Upsample",
    "Val",
    "VariationalHiddenDropout",
    "WeightNorm",
    "WrappedFunction",
    "apply",
    "apply_rotary_embedding",
    "celu",
    "check_fmap_condition",
    "child",
    "compile_apply",
    "compute_rotary_embedding_params",
    "contains_lux_layer",
    "current_path",
    "display_name",
    "elu",
    "fleaves",
    "fmap",
    "fmap_with_path",
    "fork",
    "from_dict",
    "geglu",
    "gelu",
    "gelu_erf",
    "gelu_sigmoid",
    "gelu_tanh",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "identity",
    "init_cache",
    "initial_parameters",
    "initial_states",
    "initializers",
    "items",
    "leakyrelu",
    "lisht",
    "load",
    "load_metadata",
    "logcosh",
    "logsigmoid",
    "merge",
    "mish",
    "name_words",
    "output_size",
    "parameter_length",
    "prelu",
    "preserves_state_type",
    "register_call_hook",
    "register_evaluation",
    "register_output_size",
    "register_type_hook",
    "reglu",
    "relu",
    "relu6",
    "replace_at",
    "replicate",
    "rrelu",
    "save",
    "selu",
    "setup",
    "sigmoid",
    "softplus",
    "softshrink",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "split",
    "squareplus",
    "stack_parameters",
    "state_length",
    "stateless_apply",
    "swiglu",
    "swish",
    "tanh",
    "tanhshrink",
    "test_mode",
    "testing",
    "threshold",
    "to_dict",
    "train_mode",
    "training",
    "trelu",
    "unstack_parameters",
    "update_state",
]
