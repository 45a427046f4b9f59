"""Training steps of networks for images, and the inference of one.

A step is the loss, its gradients, SGD with momentum and, where there is batch norm, the running
statistics. The images have 3 channels and, but for the U-Net, 32 × 32 pixels and one of ten classes
each; the U-Net tells a class for each pixel.
"""

from __future__ import annotations

import numpy as np

from . import _inference, _weights
from ._race import Case
from ._steps import BASELINE, CROSS_ENTROPY, OURS, PEERS, contestants, sgd
from .networks import mobilenet, resnet, unet, vgg


def case(name, network, batch, *, side=32, target=None, lean_target=1.0, **sizes):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, side, side, 3))
    shape = (batch, side, side) if network is unet else (batch,)
    classes = rng.integers(0, network.CLASSES, shape)
    return Case(
        f"{name}, a training step, {batch} × {side} × {side}",
        (x, classes, *_weights.made(network.of_lux(**sizes))),
        contestants(network, CROSS_ENTROPY, sgd(1e-3), images=True, **sizes),
        target=target,
        lean_target=lean_target,
        baseline=BASELINE,
        ours=OURS,
        peers=PEERS,
        guarded=False,
    )


def inference(name, network, batch, **sizes):
    rng = np.random.default_rng(0)
    return Case(
        f"{name}, inference, {batch} × 32 × 32",
        (rng.normal(size=(batch, 32, 32, 3)), *_weights.made(network.of_lux(**sizes))),
        _inference.contestants(network, images=True, **sizes),
        lean_target=1.0,
        baseline=BASELINE,
        ours=OURS,
        peers=PEERS,
        guarded=False,
    )


MOBILE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))  # channels and stride of each block
CASES = [
    case("ResNet-20", resnet, 64, target=0.7, lean_target=0.92, blocks=3),
    inference("ResNet-20", resnet, 64, blocks=3),
    case("VGG", vgg, 32, target=0.42, lean_target=0.5, widths=(64, 128, 256)),
    case("MobileNet", mobilenet, 32, target=0.15, blocks=MOBILE),
    case("U-Net", unet, 8, side=64, target=0.45, widths=(32, 64, 128)),
]
