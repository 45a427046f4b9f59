"""Layers made of layers."""

import jax.numpy as jnp

import lux

from ._points import normal
from ._row import Row

ROWS = {
    "Chain": Row(lux.Chain(lux.Dense(3, 4, lux.tanh), lux.Dropout(0.5)), normal(0, 2, 3)),
    "Chain named": Row(lux.Chain(first=lux.Dense(3, 2), second=jnp.square), normal(1, 2, 3)),
    "Chain empty": Row(lux.Chain(), normal(2, 2, 3), wrong=None),
}
