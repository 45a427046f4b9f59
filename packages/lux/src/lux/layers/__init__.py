"""The layers: descriptions that pick parameters and states and call one function of luxlib."""

from ._attention import DotProductAttention as DotProductAttention
from ._attention import LearnedPositionalEmbedding as LearnedPositionalEmbedding
from ._attention import MultiHeadAttention as MultiHeadAttention
from ._attention import RotaryPositionalEmbedding as RotaryPositionalEmbedding
from ._attention import SinusoidalPositionalEmbedding as SinusoidalPositionalEmbedding
from ._attention import init_cache as init_cache
from ._containers import AlternatePrecision as AlternatePrecision
from ._containers import BranchLayer as BranchLayer
from ._containers import Chain as Chain
from ._containers import Maxout as Maxout
from ._containers import PairwiseFusion as PairwiseFusion
from ._containers import Parallel as Parallel
from ._containers import RepeatedLayer as RepeatedLayer
from ._containers import SkipConnection as SkipConnection
from ._containers import stack_parameters as stack_parameters
from ._containers import unstack_parameters as unstack_parameters
from ._convolution import Conv as Conv
from ._convolution import ConvTranspose as ConvTranspose
from ._dropout import AlphaDropout as AlphaDropout
from ._dropout import Dropout as Dropout
from ._dropout import DropPath as DropPath
from ._dropout import VariationalHiddenDropout as VariationalHiddenDropout
from ._einsum import EinsumDense as EinsumDense
from ._embedding import Embedding as Embedding
from ._functions import NoOpLayer as NoOpLayer
from ._functions import WrappedFunction as WrappedFunction
from ._linear import Bilinear as Bilinear
from ._linear import Dense as Dense
from ._linear import Scale as Scale
from ._mlp import MLP as MLP
from ._normalization import BatchNorm as BatchNorm
from ._normalization import GroupNorm as GroupNorm
from ._normalization import InstanceNorm as InstanceNorm
from ._normalization import LayerNorm as LayerNorm
from ._normalization import RMSNorm as RMSNorm
from ._normalization import SpectralNorm as SpectralNorm
from ._normalization import WeightNorm as WeightNorm
from ._pooling import AdaptiveLPPool as AdaptiveLPPool
from ._pooling import AdaptiveMaxPool as AdaptiveMaxPool
from ._pooling import AdaptiveMeanPool as AdaptiveMeanPool
from ._pooling import GlobalLPPool as GlobalLPPool
from ._pooling import GlobalMaxPool as GlobalMaxPool
from ._pooling import GlobalMeanPool as GlobalMeanPool
from ._pooling import LPPool as LPPool
from ._pooling import MaxPool as MaxPool
from ._pooling import MeanPool as MeanPool
from ._recurrent import AbstractRecurrentCell as AbstractRecurrentCell
from ._recurrent import BidirectionalRNN as BidirectionalRNN
from ._recurrent import GRUCell as GRUCell
from ._recurrent import LSTMCell as LSTMCell
from ._recurrent import Recurrence as Recurrence
from ._recurrent import ReverseSequence as ReverseSequence
from ._recurrent import RNNCell as RNNCell
from ._recurrent import StatefulRecurrentCell as StatefulRecurrentCell
from ._resizing import PixelShuffle as PixelShuffle
from ._resizing import Upsample as Upsample
from ._shape import FlattenLayer as FlattenLayer
from ._shape import ReshapeLayer as ReshapeLayer
from ._shape import SelectDim as SelectDim
from ._transformer import GatedMLP as GatedMLP
from ._transformer import TransformerDecoderLayer as TransformerDecoderLayer
from ._transformer import TransformerEncoderLayer as TransformerEncoderLayer

__all__ = [
    "MLP",
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
    "Dense",
    "DotProductAttention",
    "DropPath",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "FlattenLayer",
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
    "StatefulRecurrentCell",
    "TransformerDecoderLayer",
    "TransformerEncoderLayer",
    "Upsample",
    "VariationalHiddenDropout",
    "WeightNorm",
    "WrappedFunction",
    "init_cache",
    "stack_parameters",
    "unstack_parameters",
]
