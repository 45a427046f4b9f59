"""The residual network for small images: 6 · `blocks` + 2 layers, batch norm, projected shortcuts.

He et al., "Deep residual learning for image recognition", 2015, section 4.2; with `blocks=3` it is
ResNet-20. A shortcut to other sizes is a 1×1 convolution with batch norm.
"""

from __future__ import annotations

import operator

WIDTHS = (16, 32, 64)
CLASSES = 10


def plan(blocks):
    """For each block its channels before and after, and its stride."""
    widths = [width for width in WIDTHS for _ in range(blocks)]
    before = [WIDTHS[0], *widths]
    return [(a, b, 1 if a == b else 2) for a, b in zip(before, widths, strict=False)]


def of_lux(blocks):
    import lux

    def conv(window, a, b, stride=1):
        same = window // 2
        options = {"stride": stride, "padding": same, "use_bias": False}
        return lux.Conv((window, window), a, b, cross_correlation=True, **options)

    def block(a, b, stride):
        layers = conv(3, a, b, stride), lux.BatchNorm(b, lux.relu), conv(3, b, b), lux.BatchNorm(b)
        if a == b:
            return lux.Chain(lux.SkipConnection(lux.Chain(layers), operator.add), lux.relu)
        shortcut = lux.Chain(conv(1, a, b, stride), lux.BatchNorm(b))
        return lux.Chain(lux.Parallel(operator.add, lux.Chain(layers), shortcut), lux.relu)

    return lux.Chain(
        stem=lux.Chain(conv(3, 3, WIDTHS[0]), lux.BatchNorm(WIDTHS[0], lux.relu)),
        blocks=lux.Chain([block(*sizes) for sizes in plan(blocks)]),
        head=lux.Chain(lux.GlobalMeanPool(), lux.FlattenLayer(), lux.Dense(WIDTHS[-1], CLASSES)),
    )


def of_linen(blocks):
    from functools import partial

    from flax import linen as nn

    class ResNet(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            conv = partial(nn.Conv, use_bias=False)
            norm = partial(nn.BatchNorm, use_running_average=not train, momentum=0.9)
            x = nn.relu(norm()(conv(WIDTHS[0], (3, 3), padding=1)(x)))
            for a, b, stride in plan(blocks):
                y = nn.relu(norm()(conv(b, (3, 3), stride, padding=1)(x)))
                y = norm()(conv(b, (3, 3), padding=1)(y))
                if a != b:
                    x = norm()(conv(b, (1, 1), stride, padding=0)(x))
                x = nn.relu(x + y)
            return nn.Dense(CLASSES)(x.mean((1, 2)))

    return ResNet()


def of_nnx(rngs, blocks):
    from flax import nnx

    def conv(window, a, b, stride=1):
        options = {"strides": stride, "padding": window // 2, "use_bias": False}
        return nnx.Conv(a, b, (window, window), rngs=rngs, **options)

    def norm(channels):
        return nnx.BatchNorm(channels, momentum=0.9, rngs=rngs)

    class Block(nnx.Module):
        def __init__(self, a, b, stride):
            self.conv1, self.norm1 = conv(3, a, b, stride), norm(b)
            self.conv2, self.norm2 = conv(3, b, b), norm(b)
            if a == b:
                self.shortcut = None
            else:
                self.shortcut = nnx.Sequential(conv(1, a, b, stride), norm(b))

        def __call__(self, x):
            y = nnx.relu(self.norm1(self.conv1(x)))
            y = self.norm2(self.conv2(y))
            return nnx.relu(y + (self.shortcut(x) if self.shortcut else x))

    class ResNet(nnx.Module):
        def __init__(self):
            self.conv, self.norm = conv(3, 3, WIDTHS[0]), norm(WIDTHS[0])
            self.blocks = nnx.List([Block(*sizes) for sizes in plan(blocks)])
            self.head = nnx.Linear(WIDTHS[-1], CLASSES, rngs=rngs)

        def __call__(self, x):
            x = nnx.relu(self.norm(self.conv(x)))
            for block in self.blocks:
                x = block(x)
            return self.head(x.mean((1, 2)))

    return ResNet()


def of_equinox(key, blocks):
    import equinox as eqx
    import jax

    keys = iter(jax.random.split(key, 100))

    def conv(window, a, b, stride=1):
        options = {"stride": stride, "padding": window // 2, "use_bias": False}
        return eqx.nn.Conv2d(a, b, window, key=next(keys), **options)

    def norm(channels):
        return eqx.nn.BatchNorm(channels, "batch", momentum=0.9, mode="batch")

    class Block(eqx.Module):
        conv1: eqx.nn.Conv2d
        norm1: eqx.nn.BatchNorm
        conv2: eqx.nn.Conv2d
        norm2: eqx.nn.BatchNorm
        shortcut: eqx.nn.Sequential | None

        def __init__(self, a, b, stride):
            self.conv1, self.norm1 = conv(3, a, b, stride), norm(b)
            self.conv2, self.norm2 = conv(3, b, b), norm(b)
            self.shortcut = None
            if a != b:
                self.shortcut = eqx.nn.Sequential([conv(1, a, b, stride), norm(b)])

        def __call__(self, x, state):
            y, state = self.norm1(self.conv1(x), state)
            y, state = self.norm2(self.conv2(jax.nn.relu(y)), state)
            if self.shortcut is not None:
                x, state = self.shortcut(x, state)
            return jax.nn.relu(x + y), state

    class ResNet(eqx.Module):
        conv: eqx.nn.Conv2d
        norm: eqx.nn.BatchNorm
        blocks: list
        head: eqx.nn.Linear

        def __init__(self):
            self.conv, self.norm = conv(3, 3, WIDTHS[0]), norm(WIDTHS[0])
            self.blocks = [Block(*sizes) for sizes in plan(blocks)]
            self.head = eqx.nn.Linear(WIDTHS[-1], CLASSES, key=next(keys))

        def __call__(self, x, state, key):
            x, state = self.norm(self.conv(x), state)
            x = jax.nn.relu(x)
            for block in self.blocks:
                x, state = block(x, state)
            return self.head(x.mean((1, 2))), state

    return ResNet()


def of_haiku(x, train, blocks):
    import haiku as hk
    import jax

    def conv(x, window, channels, stride=1):
        same = window // 2, window // 2
        return hk.Conv2D(channels, window, stride, padding=(same, same), with_bias=False)(x)

    def norm(x):
        return hk.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.9)(x, train)

    x = jax.nn.relu(norm(conv(x, 3, WIDTHS[0])))
    for a, b, stride in plan(blocks):
        y = jax.nn.relu(norm(conv(x, 3, b, stride)))
        y = norm(conv(y, 3, b))
        if a != b:
            x = norm(conv(x, 1, b, stride))
        x = jax.nn.relu(x + y)
    return hk.Linear(CLASSES)(x.mean((1, 2)))


def of_keras(shape, blocks):
    from keras import Input, Sequential, layers, ops

    def conv(window, channels, stride=1):
        options = {"strides": stride, "use_bias": False}
        if stride == 1 or window == 1:
            return layers.Conv2D(channels, window, padding="same", **options)
        return Sequential(
            [layers.ZeroPadding2D(window // 2), layers.Conv2D(channels, window, **options)]
        )

    def norm():
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)

    class Block(layers.Layer):
        def __init__(self, a, b, stride):
            super().__init__()
            self.layers = Sequential(
                [conv(3, b, stride), norm(), layers.ReLU(), conv(3, b), norm()]
            )
            self.shortcut = Sequential([conv(1, b, stride), norm()]) if a != b else None

        def call(self, x, training=None):
            y = self.layers(x, training=training)
            if self.shortcut is not None:
                x = self.shortcut(x, training=training)
            return ops.relu(x + y)

    return Sequential(
        [
            Input(shape),
            conv(3, WIDTHS[0]),
            norm(),
            layers.ReLU(),
            *(Block(*sizes) for sizes in plan(blocks)),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES),
        ]
    )


def of_torch(blocks):
    from torch import nn

    def conv(window, a, b, stride=1):
        return nn.Conv2d(a, b, window, stride, padding=window // 2, bias=False)

    class Block(nn.Module):
        def __init__(self, a, b, stride):
            super().__init__()
            self.layers = nn.Sequential(
                conv(3, a, b, stride),
                nn.BatchNorm2d(b),
                nn.ReLU(inplace=True),
                conv(3, b, b),
                nn.BatchNorm2d(b),
            )
            projection = conv(1, a, b, stride), nn.BatchNorm2d(b)
            self.shortcut = nn.Sequential(*projection) if a != b else nn.Identity()
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            return self.relu(self.layers(x) + self.shortcut(x))

    return nn.Sequential(
        conv(3, 3, WIDTHS[0]),
        nn.BatchNorm2d(WIDTHS[0]),
        nn.ReLU(inplace=True),
        *(Block(*sizes) for sizes in plan(blocks)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(WIDTHS[-1], CLASSES),
    )
