"""A small network after VGG: for each of `widths` a 3×3 convolution, ReLU and a 2×2 max pool."""

from __future__ import annotations

from itertools import pairwise

CLASSES = 10


def channels(widths):
    return list(pairwise((3, *widths)))


def of_lux(widths):
    import lux

    stages = [
        lux.Chain(
            lux.Conv((3, 3), a, b, lux.relu, padding=1, cross_correlation=True),
            lux.MaxPool((2, 2)),
        )
        for a, b in channels(widths)
    ]
    head = lux.GlobalMeanPool(), lux.FlattenLayer(), lux.Dense(widths[-1], CLASSES)
    return lux.Chain(*stages, *head)


def of_linen(widths):
    from flax import linen as nn

    class VGG(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            for width in widths:
                x = nn.relu(nn.Conv(width, (3, 3), padding=1)(x))
                x = nn.max_pool(x, (2, 2), strides=(2, 2))
            return nn.Dense(CLASSES)(x.mean((1, 2)))

    return VGG()


def of_nnx(rngs, widths):
    from flax import nnx

    class VGG(nnx.Module):
        def __init__(self):
            self.convs = nnx.List(
                [nnx.Conv(a, b, (3, 3), padding=1, rngs=rngs) for a, b in channels(widths)]
            )
            self.head = nnx.Linear(widths[-1], CLASSES, rngs=rngs)

        def __call__(self, x):
            for conv in self.convs:
                x = nnx.max_pool(nnx.relu(conv(x)), (2, 2), strides=(2, 2))
            return self.head(x.mean((1, 2)))

    return VGG()


def of_equinox(key, widths):
    import equinox as eqx
    import jax

    keys = iter(jax.random.split(key, len(widths) + 1))

    class VGG(eqx.Module):
        convs: list
        pool: eqx.nn.MaxPool2d
        head: eqx.nn.Linear

        def __init__(self):
            self.convs = [
                eqx.nn.Conv2d(a, b, 3, padding=1, key=next(keys)) for a, b in channels(widths)
            ]
            self.pool = eqx.nn.MaxPool2d(2, 2)
            self.head = eqx.nn.Linear(widths[-1], CLASSES, key=next(keys))

        def __call__(self, x, state, key):
            for conv in self.convs:
                x = self.pool(jax.nn.relu(conv(x)))
            return self.head(x.mean((1, 2))), state

    return VGG()


def of_haiku(x, train, widths):
    import haiku as hk
    import jax

    for width in widths:
        x = jax.nn.relu(hk.Conv2D(width, 3)(x))
        x = hk.max_pool(x, 2, 2, "VALID")
    return hk.Linear(CLASSES)(x.mean((1, 2)))


def of_keras(shape, widths):
    from keras import Input, Sequential, layers

    model = Sequential([Input(shape)])
    for width in widths:
        model.add(layers.Conv2D(width, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(CLASSES))
    return model


def of_torch(widths):
    from torch import nn

    stages = [
        nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        for a, b in channels(widths)
    ]
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], CLASSES)
    return nn.Sequential(*stages, *head)
