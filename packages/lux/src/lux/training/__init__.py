"""Training: a state, gradients of an objective, and steps with any optimizer of optax."""

from ._differentiation import AutoReverse as AutoReverse
from ._differentiation import Differentiation as Differentiation
from ._state import TrainState as TrainState
from ._step import apply_gradients as apply_gradients
from ._step import compute_gradients as compute_gradients
from ._step import single_train_step as single_train_step

__all__ = [
    "AutoReverse",
    "Differentiation",
    "TrainState",
    "apply_gradients",
    "compute_gradients",
    "single_train_step",
]
