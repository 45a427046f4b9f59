"""Functions on arrays for neural networks: kernels with their derivatives.

Every function takes and returns JAX arrays, knows nothing of layers, and works under every
transformation of JAX. Arrays are batch first and channels last.
"""

from __future__ import annotations

from ._activations import celu as celu
from ._activations import elu as elu
from ._activations import gelu as gelu
from ._activations import gelu_erf as gelu_erf
from ._activations import gelu_sigmoid as gelu_sigmoid
from ._activations import gelu_tanh as gelu_tanh
from ._activations import hardshrink as hardshrink
from ._activations import hardsigmoid as hardsigmoid
from ._activations import hardswish as hardswish
from ._activations import hardtanh as hardtanh
from ._activations import identity as identity
from ._activations import leakyrelu as leakyrelu
from ._activations import lisht as lisht
from ._activations import logcosh as logcosh
from ._activations import logsigmoid as logsigmoid
from ._activations import mish as mish
from ._activations import prelu as prelu
from ._activations import relu as relu
from ._activations import relu6 as relu6
from ._activations import rrelu as rrelu
from ._activations import selu as selu
from ._activations import sigmoid as sigmoid
from ._activations import softplus as softplus
from ._activations import softshrink as softshrink
from ._activations import softsign as softsign
from ._activations import sparse_plus as sparse_plus
from ._activations import sparse_sigmoid as sparse_sigmoid
from ._activations import squareplus as squareplus
from ._activations import swish as swish
from ._activations import tanh as tanh
from ._activations import tanhshrink as tanhshrink
from ._activations import threshold as threshold
from ._activations import trelu as trelu
from ._attention import AttentionChoice as AttentionChoice
from ._attention import dot_product_attention as dot_product_attention
from ._attention import dot_product_attention_scores as dot_product_attention_scores
from ._attention import explain_attention as explain_attention
from ._attention import make_causal_mask as make_causal_mask
from ._attention import scaled_dot_product_attention as scaled_dot_product_attention
from ._batched import batched_adjoint as batched_adjoint
from ._batched import batched_transpose as batched_transpose
from ._batched import batched_vec as batched_vec
from ._bias_activation import bias_activation as bias_activation
from ._bias_activation import fast_activation as fast_activation
from ._bias_activation import scale_bias_activation as scale_bias_activation
from ._checkpoint import products_saveable as products_saveable
from ._compilation import compiler_options as compiler_options
from ._compilation import compiling_for as compiling_for
from ._conv_transpose import conv_transpose as conv_transpose
from ._conv_transpose import (
    fused_conv_transpose_bias_activation as fused_conv_transpose_bias_activation,
)
from ._convolution import conv as conv
from ._convolution import fused_conv_bias_activation as fused_conv_bias_activation
from ._cross_entropy import linear_cross_entropy as linear_cross_entropy
from ._cross_entropy import softmax_cross_entropy as softmax_cross_entropy
from ._dense import fused_dense_bias_activation as fused_dense_bias_activation
from ._dropout import alpha_dropout as alpha_dropout
from ._dropout import dropout as dropout
from ._embedding import embedding_lookup as embedding_lookup
from ._glu import geglu as geglu
from ._glu import glu as glu
from ._glu import reglu as reglu
from ._glu import swiglu as swiglu
from ._image import grid_sample as grid_sample
from ._image import imrotate as imrotate
from ._image import pixel_shuffle as pixel_shuffle
from ._image import pixel_unshuffle as pixel_unshuffle
from ._image import upsample_bicubic as upsample_bicubic
from ._image import upsample_bilinear as upsample_bilinear
from ._image import upsample_linear as upsample_linear
from ._image import upsample_nearest as upsample_nearest
from ._image import upsample_trilinear as upsample_trilinear
from ._indexing import gather as gather
from ._indexing import scatter as scatter
from ._matmul import batched_matmul as batched_matmul
from ._multilinear import fused_bilinear_bias_activation as fused_bilinear_bias_activation
from ._multilinear import fused_einsum_bias_activation as fused_einsum_bias_activation
from ._normalization import batchnorm as batchnorm
from ._normalization import groupnorm as groupnorm
from ._normalization import instancenorm as instancenorm
from ._normalization import layernorm as layernorm
from ._normalization import rmsnorm as rmsnorm
from ._padding import pad_circular as pad_circular
from ._padding import pad_constant as pad_constant
from ._padding import pad_reflect as pad_reflect
from ._padding import pad_repeat as pad_repeat
from ._padding import pad_symmetric as pad_symmetric
from ._padding import pad_zeros as pad_zeros
from ._pooling import adaptive_lpnormpool as adaptive_lpnormpool
from ._pooling import adaptive_maxpool as adaptive_maxpool
from ._pooling import adaptive_meanpool as adaptive_meanpool
from ._pooling import lpnormpool as lpnormpool
from ._pooling import maxpool as maxpool
from ._pooling import meanpool as meanpool
from ._recurrence import gru as gru
from ._recurrence import gru_cell as gru_cell
from ._recurrence import lstm as lstm
from ._recurrence import lstm_cell as lstm_cell
from ._recurrence import rnn as rnn
from ._recurrence import rnn_cell as rnn_cell
from ._rotary import apply_rotary_embedding as apply_rotary_embedding
from ._rotary import compute_rotary_embedding_params as compute_rotary_embedding_params
from ._signal import db_to_power as db_to_power
from ._signal import hamming_window as hamming_window
from ._signal import hann_window as hann_window
from ._signal import istft as istft
from ._signal import melscale_filterbanks as melscale_filterbanks
from ._signal import power_to_db as power_to_db
from ._signal import spectrogram as spectrogram
from ._signal import stft as stft
from ._sinusoidal import sinusoidal_embedding as sinusoidal_embedding
from ._softmax import logsoftmax as logsoftmax
from ._softmax import logsumexp as logsumexp
from ._softmax import softmax as softmax
from ._softmax import softmin as softmin
from ._unfold import fold as fold
from ._unfold import unfold as unfold
from ._weight_norms import norm_except as norm_except
from ._weight_norms import spectral_norm as spectral_norm
from ._weight_norms import weight_norm as weight_norm

__all__ = [
    "AttentionChoice",
    "adaptive_lpnormpool",
    "adaptive_maxpool",
    "adaptive_meanpool",
    "alpha_dropout",
    "apply_rotary_embedding",
    "batched_adjoint",
    "batched_matmul",
    "batched_transpose",
    "batched_vec",
    "batchnorm",
    "bias_activation",
    "celu",
    "compiler_options",
    "compiling_for",
    "compute_rotary_embedding_params",
    "conv",
    "conv_transpose",
    "db_to_power",
    "dot_product_attention",
    "dot_product_attention_scores",
    "dropout",
    "elu",
    "embedding_lookup",
    "explain_attention",
    "fast_activation",
    "fold",
    "fused_bilinear_bias_activation",
    "fused_conv_bias_activation",
    "fused_conv_transpose_bias_activation",
    "fused_dense_bias_activation",
    "fused_einsum_bias_activation",
    "gather",
    "geglu",
    "gelu",
    "gelu_erf",
    "gelu_sigmoid",
    "gelu_tanh",
    "glu",
    "grid_sample",
    "groupnorm",
    "gru",
    "gru_cell",
    "hamming_window",
    "hann_window",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "identity",
    "imrotate",
    "instancenorm",
    "istft",
    "layernorm",
    "leakyrelu",
    "linear_cross_entropy",
    "lisht",
    "logcosh",
    "logsigmoid",
    "logsoftmax",
    "logsumexp",
    "lpnormpool",
    "lstm",
    "lstm_cell",
    "make_causal_mask",
    "maxpool",
    "meanpool",
    "melscale_filterbanks",
    "mish",
    "norm_except",
    "pad_circular",
    "pad_constant",
    "pad_reflect",
    "pad_repeat",
    "pad_symmetric",
    "pad_zeros",
    "pixel_shuffle",
    "pixel_unshuffle",
    "power_to_db",
    "prelu",
    "products_saveable",
    "reglu",
    "relu",
    "relu6",
    "rmsnorm",
    "rnn",
    "rnn_cell",
    "rrelu",
    "scale_bias_activation",
    "scaled_dot_product_attention",
    "scatter",
    "selu",
    "sigmoid",
    "sinusoidal_embedding",
    "softmax",
    "softmax_cross_entropy",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "spectral_norm",
    "spectrogram",
    "squareplus",
    "stft",
    "swiglu",
    "swish",
    "tanh",
    "tanhshrink",
    "threshold",
    "trelu",
    "unfold",
    "upsample_bicubic",
    "upsample_bilinear",
    "upsample_linear",
    "upsample_nearest",
    "upsample_trilinear",
    "weight_norm",
]

# The name by which a function is found again, in a pickle too, is its public one.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
