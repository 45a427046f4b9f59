"""Activation functions.

Each is a plain function with an importable name, so a layer that holds one can be pickled (JAX's
are jitted objects, which can't by themselves). Each takes a real array of any shape and returns one
of the same shape and floating dtype. Integers and booleans are converted to the default floating
dtype first, except by `identity`, which returns what it is given. Hyperparameters are keywords:
`functools.partial(luxlib.leakyrelu, negative_slope=0.2)` is an activation too.

In `float32` each is within two units in the last place of the exact value, or its docstring says by
how much it is not. Results nearer to 0 than 2e-36 may come as 0. Half precision is computed in
`float32` and rounded once. Values and derivatives are finite or have their limits at infinities.

Names are NNlib's, as in Lux.jl; functions that only JAX or PyTorch has are under theirs.
"""

from __future__ import annotations

from ._gates import hardswish, lisht, mish, swish
from ._gelu import gelu, gelu_erf, gelu_sigmoid, gelu_tanh
from ._rectified import identity, leakyrelu, prelu, relu, relu6, rrelu, threshold, trelu
from ._saturating import celu, elu, selu
from ._shrinkages import hardshrink, softshrink, tanhshrink
from ._sigmoids import hardsigmoid, hardtanh, sigmoid, softsign, sparse_sigmoid, tanh
from ._smooth import logcosh, logsigmoid, softplus, sparse_plus, squareplus

__all__ = [
    "celu",
    "elu",
    "gelu",
    "gelu_erf",
    "gelu_sigmoid",
    "gelu_tanh",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "identity",
    "leakyrelu",
    "lisht",
    "logcosh",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
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
    "trelu",
]
