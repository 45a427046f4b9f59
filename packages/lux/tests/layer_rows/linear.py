"""Linear maps of the features."""

import numpy as np

import lux

from ._points import normal
from ._row import Row

# More terms than half precision could sum.
LONG = normal(9, 2, 600) + 1

ROWS = {
    "Dense": Row(lux.Dense(4, 3, lux.tanh), normal(0, 5, 4)),
    "Dense use_bias=False": Row(lux.Dense(4, 3, use_bias=False), normal(1, 2, 3, 4)),
    "Dense one example": Row(lux.Dense(4, 3, lux.gelu), normal(2, 4)),
    "Dense long": Row(lux.Dense(600, 1, init_weight=lux.initializers.ones), LONG),
    "Scale": Row(lux.Scale(3, lux.tanh), normal(0, 2, 3)),
    "Scale several": Row(
        lux.Scale((2, 3), use_bias=False, init_weight=lux.initializers.normal),
        normal(1, 4, 2, 3),
    ),
    "Bilinear": Row(lux.Bilinear((2, 3), 4, lux.tanh), (normal(0, 5, 2), normal(1, 5, 3))),
    "Bilinear one input": Row(lux.Bilinear(3, 2, use_bias=False), normal(2, 2, 2, 3)),
    "Bilinear long": Row(
        lux.Bilinear((1, 600), 1, init_weight=lux.initializers.ones), (LONG[:, :1], LONG)
    ),
    "EinsumDense": Row(
        lux.EinsumDense("...ab,abc->...c", (2, 3, 4), lux.tanh, bias_axes="c"),
        normal(0, 5, 2, 3),
    ),
    "EinsumDense heads": Row(
        lux.EinsumDense("...a,ahd->...hd", (3, 2, 2), bias_axes="h"), normal(1, 2, 2, 3)
    ),
    "EinsumDense batched": Row(lux.EinsumDense("bia,bac->bic", (2, 3, 2)), normal(2, 2, 4, 3)),
    "EinsumDense long": Row(
        lux.EinsumDense("ba,ac->cb", (600, 1), init_weight=lux.initializers.ones), LONG
    ),
    "Embedding": Row(lux.Embedding(5, 3), np.array([[4, 0, 4], [1, 2, 2]]), wrong=normal(0, 3)),
    "Embedding padding": Row(lux.Embedding(4, 2, padding_index=1), np.array(3), wrong=normal(0)),
    "Embedding two axes": Row(
        lux.Embedding((2, 3), 2), (np.array([1, 0]), np.array([2, 2])), wrong=np.array([1])
    ),
    "MLP": Row(lux.MLP(3, (4,), 2, lux.tanh), normal(0, 2, 3)),
    "MLP all": Row(
        lux.MLP(3, (4, 2), 1, lux.gelu, norm=lux.LayerNorm, dropout_rate=0.5, use_bias=False),
        normal(1, 2, 3),
        roundings=30,
    ),
}
