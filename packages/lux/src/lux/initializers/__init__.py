"""Initial values of parameters: functions `f(rng, shape, dtype=float32)` that make an array.

Called with options alone, `f(gain=2)`, each returns an initializer with those options, which is
hashable, equal by value and can be pickled, as a layer's field has to be.
"""

from ._constant import ones as ones
from ._constant import zeros as zeros
from ._initializer import Initializer as Initializer
from ._scaled import glorot_normal as glorot_normal
from ._scaled import glorot_uniform as glorot_uniform
from ._scaled import kaiming_normal as kaiming_normal
from ._scaled import kaiming_uniform as kaiming_uniform
from ._scaled import linear_bias as linear_bias
from ._scaled import truncated_normal as truncated_normal

__all__ = [
    "Initializer",
    "glorot_normal",
    "glorot_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "linear_bias",
    "ones",
    "truncated_normal",
    "zeros",
]
