"""Functions as layers."""

import jax.numpy as jnp

import lux

from ._points import normal
from ._row import Row

ROWS = {
    "WrappedFunction": Row(lux.WrappedFunction(jnp.square), normal(0, 2, 3), wrong=None),
    "NoOpLayer": Row(lux.NoOpLayer(), {"a": normal(1, 2), "b": normal(2, 3, 1)}, wrong=None),
}
