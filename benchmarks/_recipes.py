"""Losses and optimizers, each as every framework has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import optax

import lux


@dataclass(frozen=True)
class Loss:
    """A loss as each framework has it."""

    lux: Callable[..., Any]
    jax: Callable[[Any, Any], Any]  # of the output and the target
    keras: Callable[[Any], Any]  # of the package, since it may not be there
    torch: Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Optimizer:
    """An optimizer as each framework has it."""

    optax: Any
    keras: Callable[[Any], Any]
    torch: Callable[[Any], Any]


def mean_square(model: Any, ps: Any, st: Any, data: Any) -> Any:
    x, target = data
    y, st = model(x, ps, st)
    return jnp.mean((y - target) ** 2), st, lux.NamedTuple()


def cross_entropy_of_torch(y: Any, target: Any) -> Any:
    import torch

    if y.ndim != 4:  # images have the classes first, sequences last
        y, target = y.flatten(0, -2), target.flatten()
    return torch.nn.functional.cross_entropy(y, target)


CROSS_ENTROPY = Loss(
    lux.CrossEntropyLoss(logits=True),
    lambda y, target: optax.softmax_cross_entropy_with_integer_labels(y, target).mean(),
    lambda keras: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    cross_entropy_of_torch,
)
MEAN_SQUARE = Loss(
    mean_square,
    lambda y, target: jnp.mean((y - target) ** 2),
    lambda keras: keras.losses.MeanSquaredError(),
    lambda y, target: ((y - target) ** 2).mean(),
)


def sgd(rate: float, momentum: float = 0.9) -> Optimizer:
    return Optimizer(
        optax.sgd(rate, momentum),
        lambda keras: keras.optimizers.SGD(rate, momentum),
        lambda parameters: _torch().optim.SGD(parameters, rate, momentum, fused=True),
    )


def adam(rate: float) -> Optimizer:
    # Keras adds epsilon before the bias is corrected, the others after: it is small enough for that
    # to make no difference.
    epsilon = 1e-10
    return Optimizer(
        optax.adam(rate, eps=epsilon),
        lambda keras: keras.optimizers.Adam(rate, epsilon=epsilon),
        lambda parameters: _torch().optim.Adam(parameters, rate, eps=epsilon, fused=True),
    )


def _torch() -> Any:
    import torch

    return torch
