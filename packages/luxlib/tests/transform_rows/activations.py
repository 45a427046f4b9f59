"""Activations and gated linear units: rows of the table of transformations."""

import numpy as np

import luxlib

from .points import ignoring, normal

SMOOTH = (
    "gelu_erf",
    "gelu_tanh",
    "swish",
    "mish",
    "sigmoid",
    "softplus",
    "elu",
    "logcosh",
    "tanhshrink",
    "lisht",
    "softsign",
    "gelu_sigmoid",
    "logsigmoid",
    "selu",
    "celu",
    "tanh",
)
TABLE = {
    **{name: (ignoring(getattr(luxlib, name)), normal(2, 4), np.zeros(1)) for name in SMOOTH},
    "squareplus": (lambda x, b: luxlib.squareplus(x, b=1 + b * b), normal(0, 4), normal(1, 4)),
    "prelu": (luxlib.prelu, normal(0, 2, 3), normal(1, 3)),
    "swiglu": (ignoring(luxlib.swiglu), normal(0, 2, 4), np.zeros(1)),
    "geglu": (ignoring(lambda x: luxlib.geglu(x, axis=0)), normal(0, 4, 2), np.zeros(1)),
}
