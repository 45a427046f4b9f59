"""Activation functions.

Each is a plain function with an importable name, so a layer that holds one can be pickled (JAX's
are jitted objects, which can't by themselves). Each takes a real array of any shape and returns one
of the same shape and floating dtype. Integers and booleans are converted to the default floating
dtype first, except by `identity`, which returns what it is given. Hyperparameters are keywords:
`functools.partial(luxlib.leaky_relu, negative_slope=0.2)` is an activation too.

In `float32` each is within two units in the last place of the exact value, or its docstring says by
how much it is not. Results nearer to 0 than 2e-36 may come as 0. Half precision is computed in
`float32` and rounded once. Values and derivatives are finite or have their limits at infinities.

Functions that JAX has are under JAX's names. Those that Lux.jl and PyTorch spell otherwise have
the second spelling beside the first (`hardsigmoid`, `hardswish`, `leakyrelu`, …): both names are
one function.
"""

from __future__ import annotations

from ._gates import hard_swish, lisht, mish, silu
from ._gelu import gelu, gelu_erf, gelu_sigmoid, gelu_tanh
from ._rectified import identity, leaky_relu, prelu, relu, relu6, rrelu, threshold, trelu
from ._saturating import celu, elu, selu
from ._shrinkages import hard_shrink, softshrink, tanhshrink
from ._sigmoids import hard_sigmoid, hard_tanh, sigmoid, soft_sign, sparse_sigmoid, tanh
from ._smooth import log_sigmoid, logcosh, softplus, sparse_plus, squareplus

__all__ = [
    "celu",
    "elu",
    "gelu",
    "gelu_erf",
    "gelu_sigmoid",
    "gelu_tanh",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "identity",
    "leaky_relu",
    "leakyrelu",
    "lisht",
    "log_sigmoid",
    "logcosh",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "soft_sign",
    "softplus",
    "softshrink",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "swish",
    "tanh",
    "tanhshrink",
    "threshold",
    "thresholdrelu",
    "trelu",
]

# Lux.jl's, PyTorch's and JAX's second spellings.
hard_silu = hard_swish
hardshrink = hard_shrink
hardsigmoid = hard_sigmoid
hardswish = hard_swish
hardtanh = hard_tanh
leakyrelu = leaky_relu
logsigmoid = log_sigmoid
softsign = soft_sign
swish = silu
thresholdrelu = trelu
