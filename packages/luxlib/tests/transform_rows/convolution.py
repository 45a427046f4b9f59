"""Convolution: rows of the table of transformations."""

from functools import partial

import luxlib
from luxlib._convolution._choice import Formulations
from luxlib._convolution._geometry import Geometry
from luxlib._convolution._operation import formulated

from .points import normal

FLAT = Geometry((4, 3), (3, 2), (1, 1), ((1, 1), (0, 1)), (1, 1), 1)
LINE = Geometry((3,), (1,), (2,), ((0, 0),), (1,), 1)


def formulation(*names, geometry=FLAT):
    return partial(formulated, geometry=geometry, chosen=Formulations(*names))


TABLE = {
    "conv_1d": (
        partial(luxlib.conv, padding="CAUSAL", dilation=2),
        normal(0, 5, 2),
        normal(1, 2, 2, 2),
    ),
    "conv_2d": (
        partial(luxlib.conv, stride=2, padding=1),
        normal(0, 1, 4, 3, 2),
        normal(1, 3, 3, 2, 1),
    ),
    "conv_groups": (
        partial(luxlib.conv, groups=2, padding="SAME", cross_correlation=True),
        normal(0, 3, 3, 2),
        normal(1, 2, 2, 1, 4),
    ),
    "conv_each_group": (
        partial(luxlib.conv, groups=2),
        normal(0, 3, 4),
        normal(1, 2, 2, 10),
    ),
    "conv_depthwise": (
        partial(luxlib.conv, groups=2, padding=1),
        normal(0, 3, 2, 2),
        normal(1, 2, 2, 1, 2),
    ),
    "conv_circular": (
        partial(luxlib.conv, padding=1, padding_mode="circular"),
        normal(0, 4, 2),
        normal(1, 3, 2, 1),
    ),
    "conv_reflect": (
        partial(luxlib.conv, padding=1, padding_mode="reflect"),
        normal(0, 4, 2),
        normal(1, 3, 2, 1),
    ),
    "conv_replicate": (
        partial(luxlib.conv, padding=1, padding_mode="replicate"),
        normal(0, 4, 2),
        normal(1, 3, 2, 1),
    ),
    "conv_3d": (luxlib.conv, normal(0, 2, 2, 3, 1), normal(1, 2, 1, 2, 1, 2)),
    "conv_larger": (
        formulation("larger", "larger", "lines"),
        normal(0, 2, 4, 3, 2),
        normal(1, 3, 2, 2, 2),
    ),
    "conv_columns": (
        formulation("plain", "columns", "columns"),
        normal(0, 2, 4, 3, 2),
        normal(1, 3, 2, 2, 2),
    ),
    "conv_taps": (
        formulation("plain", "taps", "taps"),
        normal(0, 2, 4, 3, 2),
        normal(1, 3, 2, 2, 2),
    ),
    "conv_cross": (luxlib.conv, normal(0, 2, 3, 4, 1), normal(1, 2, 2, 1, 2)),
    "conv_product": (
        formulation("product", "product", "product", geometry=LINE),
        normal(0, 2, 3, 2),
        normal(1, 1, 2, 2),
    ),
    "conv_fused": (
        lambda x, w: luxlib.fused_conv_bias_activation(x, w, w[0, 0], luxlib.swish),
        normal(0, 4, 2),
        normal(1, 2, 2, 2),
    ),
}
