"""A network after U-Net: down by max pools, up by transposed convolutions, joined level by level.

Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation", 2015, with
group norm. `widths` are the channels from the top level to the bottom one; each level has two 3×3
convolutions on the way down and, but for the bottom, two on the way up. It returns the classes'
logits for each pixel.
"""

from __future__ import annotations

from itertools import pairwise

CLASSES, GROUPS = 4, 8


def of_lux(widths):
    import jax.numpy as jnp

    import lux

    def convs(a, b):
        layers = []
        for width in (a, b):
            layers += [
                lux.Conv((3, 3), width, b, padding=1, cross_correlation=True, use_bias=False),
                lux.GroupNorm(b, GROUPS, lux.relu),
            ]
        return lux.Chain(layers)

    def level(a, width, *deeper):
        """A level and those below it, from `a` channels to `width`."""
        if not deeper:
            return convs(a, width)
        below = lux.Chain(
            lux.MaxPool((2, 2)),
            level(width, *deeper),
            lux.ConvTranspose((2, 2), deeper[0], width, stride=2, cross_correlation=True),
        )

        def join(y, x):
            return jnp.concatenate([x, y], -1)

        return lux.Chain(convs(a, width), lux.SkipConnection(below, join), convs(2 * width, width))

    return lux.Chain(level(3, *widths), lux.Conv((1, 1), widths[0], CLASSES))


def of_linen(widths):
    import jax.numpy as jnp
    from flax import linen as nn

    class UNet(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            def convs(x, width):
                for _ in range(2):
                    x = nn.Conv(width, (3, 3), use_bias=False)(x)
                    x = nn.relu(nn.GroupNorm(GROUPS, epsilon=1e-5)(x))
                return x

            skips = []
            for width in widths[:-1]:
                x = convs(x, width)
                skips.append(x)
                x = nn.max_pool(x, (2, 2), strides=(2, 2))
            x = convs(x, widths[-1])
            for width in reversed(widths[:-1]):
                x = nn.ConvTranspose(width, (2, 2), strides=(2, 2))(x)
                x = convs(jnp.concatenate([skips.pop(), x], -1), width)
            return nn.Conv(CLASSES, (1, 1))(x)

    return UNet()


def of_nnx(rngs, widths):
    import jax.numpy as jnp
    from flax import nnx

    def convs(a, b):
        layers = []
        for width in (a, b):
            conv = nnx.Conv(width, b, (3, 3), use_bias=False, rngs=rngs)
            layers += [conv, nnx.GroupNorm(b, GROUPS, epsilon=1e-5, rngs=rngs), nnx.relu]
        return nnx.Sequential(*layers)

    class UNet(nnx.Module):
        def __init__(self):
            upward = list(pairwise(reversed(widths)))
            self.down = nnx.List([convs(a, b) for a, b in pairwise((3, *widths))])
            self.up = nnx.List()
            for a, b in upward:
                larger = nnx.ConvTranspose(a, b, (2, 2), strides=(2, 2), rngs=rngs)
                self.up.append(nnx.List([larger, convs(2 * b, b)]))
            self.head = nnx.Conv(widths[0], CLASSES, (1, 1), rngs=rngs)

        def __call__(self, x):
            skips = []
            for block in self.down[:-1]:
                x = block(x)
                skips.append(x)
                x = nnx.max_pool(x, (2, 2), strides=(2, 2))
            x = self.down[-1](x)
            for larger, block in self.up:
                x = block(jnp.concatenate([skips.pop(), larger(x)], -1))
            return self.head(x)

    return UNet()


def of_equinox(key, widths):
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    keys = iter(jax.random.split(key, 100))

    def convs(a, b):
        layers = []
        for width in (a, b):
            conv = eqx.nn.Conv2d(width, b, 3, padding=1, use_bias=False, key=next(keys))
            layers += [conv, eqx.nn.GroupNorm(GROUPS, b), eqx.nn.Lambda(jax.nn.relu)]
        return eqx.nn.Sequential(layers)

    class UNet(eqx.Module):
        down: list
        up: list
        head: eqx.nn.Conv2d
        pool: eqx.nn.MaxPool2d

        def __init__(self):
            upward = list(pairwise(reversed(widths)))
            self.down = [convs(a, b) for a, b in pairwise((3, *widths))]
            self.up = [
                (eqx.nn.ConvTranspose2d(a, b, 2, 2, key=next(keys)), convs(2 * b, b))
                for a, b in upward
            ]
            self.head = eqx.nn.Conv2d(widths[0], CLASSES, 1, key=next(keys))
            self.pool = eqx.nn.MaxPool2d(2, 2)

        def __call__(self, x, state, key):
            skips = []
            for block in self.down[:-1]:
                x = block(x)
                skips.append(x)
                x = self.pool(x)
            x = self.down[-1](x)
            for larger, block in self.up:
                x = block(jnp.concatenate([skips.pop(), larger(x)]))
            return jnp.moveaxis(self.head(x), 0, -1), state

    return UNet()


def of_haiku(x, train, widths):
    import haiku as hk
    import jax
    import jax.numpy as jnp

    def convs(x, width):
        for _ in range(2):
            x = hk.Conv2D(width, 3, with_bias=False)(x)
            x = jax.nn.relu(hk.GroupNorm(GROUPS)(x))
        return x

    skips = []
    for width in widths[:-1]:
        x = convs(x, width)
        skips.append(x)
        x = hk.max_pool(x, 2, 2, "VALID")
    x = convs(x, widths[-1])
    for width in reversed(widths[:-1]):
        x = hk.Conv2DTranspose(width, 2, 2)(x)
        x = convs(jnp.concatenate([skips.pop(), x], -1), width)
    return hk.Conv2D(CLASSES, 1)(x)


def of_keras(shape, widths):
    from keras import Input, Model, layers

    def convs(x, width):
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.GroupNormalization(GROUPS, epsilon=1e-5)(x)
            x = layers.ReLU()(x)
        return x

    x = inputs = Input(shape)
    skips = []
    for width in widths[:-1]:
        x = convs(x, width)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = convs(x, widths[-1])
    for width in reversed(widths[:-1]):
        x = layers.Conv2DTranspose(width, 2, 2)(x)
        x = convs(layers.Concatenate()([skips.pop(), x]), width)
    return Model(inputs, layers.Conv2D(CLASSES, 1)(x))


def of_torch(widths):
    import torch
    from torch import nn

    def convs(a, b):
        layers = []
        for width in (a, b):
            conv = nn.Conv2d(width, b, 3, padding=1, bias=False)
            layers += [conv, nn.GroupNorm(GROUPS, b), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers)

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            upward = list(pairwise(reversed(widths)))
            self.down = nn.ModuleList([convs(a, b) for a, b in pairwise((3, *widths))])
            self.up = nn.ModuleList(
                [
                    nn.ModuleList([nn.ConvTranspose2d(a, b, 2, 2), convs(2 * b, b)])
                    for a, b in upward
                ]
            )
            self.head = nn.Conv2d(widths[0], CLASSES, 1)
            self.pool = nn.MaxPool2d(2)

        def forward(self, x):
            skips = []
            for block in self.down[:-1]:
                x = block(x)
                skips.append(x)
                x = self.pool(x)
            x = self.down[-1](x)
            for larger, block in self.up:
                x = block(torch.cat([skips.pop(), larger(x)], 1))
            return self.head(x)

    return UNet()


def changed(weights, change):
    """With another order of elements in the kernels of the transposed convolutions."""
    return [change(w) if w.ndim == 4 and w.shape[0] == 2 else w for w in weights]


def weights_of_linen(weights):
    """`lax.conv_transpose`, which JAX's frameworks call, turns the kernel around."""
    return changed(weights, lambda w: w[::-1, ::-1])


weights_of_nnx = weights_of_equinox = weights_of_linen


def weights_of_haiku(weights):
    return changed(weights, lambda w: w[::-1, ::-1].swapaxes(-1, -2))


def weights_of_keras(weights):
    return changed(weights, lambda w: w.swapaxes(-1, -2))
