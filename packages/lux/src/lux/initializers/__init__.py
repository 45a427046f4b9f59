"""Initial values of parameters: functions `f(rng, shape, dtype=float32)` that make an array.

Called with options alone, `f(gain=2)`, each returns an initializer with those options, which is
hashable, equal by value and can be pickled, as a layer's field has to be.
"""

from ._constant import constant as constant
from ._constant import identity_init as identity_init
from ._constant import ones as ones
from ._constant import zeros as zeros
from ._initializer import Initializer as Initializer
from ._orthogonal import delta_orthogonal as delta_orthogonal
from ._orthogonal import orthogonal as orthogonal
from ._plain import normal as normal
from ._plain import sparse_init as sparse_init
from ._plain import truncated_normal as truncated_normal
from ._plain import uniform as uniform
from ._scaled import glorot_normal as glorot_normal
from ._scaled import glorot_uniform as glorot_uniform
from ._scaled import kaiming_normal as kaiming_normal
from ._scaled import kaiming_uniform as kaiming_uniform
from ._scaled import lecun_normal as lecun_normal
from ._scaled import lecun_uniform as lecun_uniform
from ._scaled import linear_bias as linear_bias
from ._scaled import variance_scaling as variance_scaling
from ._typed import ones16 as ones16
from ._typed import ones32 as ones32
from ._typed import ones64 as ones64
from ._typed import onesC32 as onesC32
from ._typed import onesC64 as onesC64
from ._typed import rand16 as rand16
from ._typed import rand32 as rand32
from ._typed import rand64 as rand64
from ._typed import randC32 as randC32
from ._typed import randC64 as randC64
from ._typed import randn16 as randn16
from ._typed import randn32 as randn32
from ._typed import randn64 as randn64
from ._typed import randnC32 as randnC32
from ._typed import randnC64 as randnC64
from ._typed import zeros16 as zeros16
from ._typed import zeros32 as zeros32
from ._typed import zeros64 as zeros64
from ._typed import zerosC32 as zerosC32
from ._typed import zerosC64 as zerosC64

__all__ = [
    "Initializer",
    "constant",
    "delta_orthogonal",
    "glorot_normal",
    "glorot_uniform",
    "identity_init",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "linear_bias",
    "normal",
    "ones",
    "ones16",
    "ones32",
    "ones64",
    "onesC32",
    "onesC64",
    "orthogonal",
    "rand16",
    "rand32",
    "rand64",
    "randC32",
    "randC64",
    "randn16",
    "randn32",
    "randn64",
    "randnC32",
    "randnC64",
    "sparse_init",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "zeros",
    "zeros16",
    "zeros32",
    "zeros64",
    "zerosC32",
    "zerosC64",
]
