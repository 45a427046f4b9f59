"""A small network after MobileNet: a stem and depthwise-separable blocks, with batch norm.

Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications",
2017. A block is a 3×3 convolution of each channel by itself and a 1×1 convolution, each followed by
batch norm and ReLU. `blocks` has for each block its channels and its stride.
"""

from __future__ import annotations

STEM, CLASSES = 32, 10


def plan(blocks):
    """For each block its channels before and after, and its stride."""
    before = [STEM, *(channels for channels, _ in blocks)]
    return [(a, b, stride) for a, (b, stride) in zip(before, blocks, strict=False)]


def last(blocks):
    return blocks[-1][0]


def of_lux(blocks):
    import lux

    def conv(window, a, b, stride=1, groups=1):
        options = {"stride": stride, "padding": window // 2, "groups": groups, "use_bias": False}
        layer = lux.Conv((window, window), a, b, cross_correlation=True, **options)
        return lux.Chain(layer, lux.BatchNorm(b, lux.relu))

    def block(a, b, stride):
        return lux.Chain(conv(3, a, a, stride, groups=a), conv(1, a, b))

    head = lux.GlobalMeanPool(), lux.FlattenLayer(), lux.Dense(last(blocks), CLASSES)
    return lux.Chain(conv(3, 3, STEM), *(block(*sizes) for sizes in plan(blocks)), *head)


def of_linen(blocks):
    from functools import partial

    from flax import linen as nn

    class MobileNet(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            conv = partial(nn.Conv, use_bias=False)
            norm = partial(nn.BatchNorm, use_running_average=not train, momentum=0.9)
            x = nn.relu(norm()(conv(STEM, (3, 3))(x)))
            for a, b, stride in plan(blocks):
                depthwise = conv(a, (3, 3), stride, padding=1, feature_group_count=a)
                x = nn.relu(norm()(depthwise(x)))
                x = nn.relu(norm()(conv(b, (1, 1))(x)))
            return nn.Dense(CLASSES)(x.mean((1, 2)))

    return MobileNet()


def of_nnx(rngs, blocks):
    from flax import nnx

    def conv(window, a, b, stride=1, groups=1):
        options = {"strides": stride, "padding": window // 2, "use_bias": False}
        layer = nnx.Conv(a, b, (window, window), feature_group_count=groups, rngs=rngs, **options)
        return nnx.Sequential(layer, nnx.BatchNorm(b, momentum=0.9, rngs=rngs), nnx.relu)

    class MobileNet(nnx.Module):
        def __init__(self):
            self.stem = conv(3, 3, STEM)
            self.blocks = nnx.List(
                [
                    nnx.Sequential(conv(3, a, a, stride, groups=a), conv(1, a, b))
                    for a, b, stride in plan(blocks)
                ]
            )
            self.head = nnx.Linear(last(blocks), CLASSES, rngs=rngs)

        def __call__(self, x):
            x = self.stem(x)
            for block in self.blocks:
                x = block(x)
            return self.head(x.mean((1, 2)))

    return MobileNet()


def of_equinox(key, blocks):
    import equinox as eqx
    import jax

    keys = iter(jax.random.split(key, 100))

    def conv(window, a, b, stride=1, groups=1):
        options = {"stride": stride, "padding": window // 2, "groups": groups, "use_bias": False}
        norm = eqx.nn.BatchNorm(b, "batch", momentum=0.9, mode="batch")
        layer = eqx.nn.Conv2d(a, b, window, key=next(keys), **options)
        return eqx.nn.Sequential([layer, norm, eqx.nn.Lambda(jax.nn.relu)])

    class MobileNet(eqx.Module):
        layers: eqx.nn.Sequential
        head: eqx.nn.Linear

        def __init__(self):
            layers = [conv(3, 3, STEM)]
            for a, b, stride in plan(blocks):
                layers += [conv(3, a, a, stride, groups=a), conv(1, a, b)]
            self.layers = eqx.nn.Sequential(layers)
            self.head = eqx.nn.Linear(last(blocks), CLASSES, key=next(keys))

        def __call__(self, x, state, key):
            x, state = self.layers(x, state)
            return self.head(x.mean((1, 2))), state

    return MobileNet()


def of_haiku(x, train, blocks):
    import haiku as hk
    import jax

    def norm_relu(x):
        norm = hk.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.9)
        return jax.nn.relu(norm(x, train))

    x = norm_relu(hk.Conv2D(STEM, 3, with_bias=False)(x))
    for _, b, stride in plan(blocks):
        x = norm_relu(hk.DepthwiseConv2D(1, 3, stride, padding=[(1, 1)] * 2, with_bias=False)(x))
        x = norm_relu(hk.Conv2D(b, 1, with_bias=False)(x))
    return hk.Linear(CLASSES)(x.mean((1, 2)))


def of_keras(shape, blocks):
    from keras import Input, Sequential, layers

    def norm_relu():
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5), layers.ReLU()

    every = [layers.Conv2D(STEM, 3, padding="same", use_bias=False), *norm_relu()]
    for _, b, stride in plan(blocks):
        # "same" pads one side alone where the stride is 2.
        depthwise = layers.ZeroPadding2D(1), layers.DepthwiseConv2D(3, stride, use_bias=False)
        if stride == 1:
            depthwise = (layers.DepthwiseConv2D(3, padding="same", use_bias=False),)
        every += [*depthwise, *norm_relu(), layers.Conv2D(b, 1, use_bias=False), *norm_relu()]
    head = layers.GlobalAveragePooling2D(), layers.Dense(CLASSES)
    return Sequential([Input(shape), *every, *head])


def of_torch(blocks):
    from torch import nn

    def conv(window, a, b, stride=1, groups=1):
        options = {"stride": stride, "padding": window // 2, "groups": groups, "bias": False}
        layers = nn.Conv2d(a, b, window, **options), nn.BatchNorm2d(b), nn.ReLU(inplace=True)
        return nn.Sequential(*layers)

    layers = [conv(3, 3, STEM)]
    for a, b, stride in plan(blocks):
        layers += [conv(3, a, a, stride, groups=a), conv(1, a, b)]
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last(blocks), CLASSES)
    return nn.Sequential(*layers, *head)
