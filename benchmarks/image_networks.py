"""Training steps of networks for images, and the inference of one.

A step is the loss, its gradients, SGD with momentum and, where there is batch norm, the running
statistics. The images are 32 × 32 with 3 channels, of ten classes.
"""

from __future__ import annotations

import numpy as np

from . import _weights
from ._race import Case
from ._steps import BASELINE, CROSS_ENTROPY, contestants, sgd
from .networks import mobilenet, resnet, vgg


def case(name, network, batch, *, target=None, **sizes):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, 32, 32, 3))
    classes = rng.integers(0, 10, batch)
    return Case(
        f"{name}, a training step, batch {batch}",
        (x, classes, *_weights.made(network.of_lux(**sizes))),
        contestants(network, CROSS_ENTROPY, sgd(0.01), images=True, **sizes),
        target=target,
        baseline=BASELINE,
        guarded=False,
    )


MOBILE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))  # channels and stride of each block
CASES = [
    case("ResNet-20", resnet, 64, target=0.7, blocks=3),
    case("VGG", vgg, 32, target=0.42, widths=(64, 128, 256)),
    case("MobileNet", mobilenet, 32, target=0.15, blocks=MOBILE),
]
