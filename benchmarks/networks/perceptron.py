"""A multilayer perceptron, `widths` from input to output."""

from __future__ import annotations

from itertools import pairwise


def of_lux(widths):
    import lux

    return lux.MLP(widths[0], widths[1:-1], widths[-1], lux.relu)


def of_linen(widths):
    from flax import linen as nn

    class Perceptron(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            for width in widths[1:-1]:
                x = nn.relu(nn.Dense(width)(x))
            return nn.Dense(widths[-1])(x)

    return Perceptron()


def of_nnx(rngs, widths):
    from flax import nnx

    class Perceptron(nnx.Module):
        def __init__(self, rngs):
            self.layers = nnx.List([nnx.Linear(*pair, rngs=rngs) for pair in pairwise(widths)])

        def __call__(self, x):
            for layer in self.layers[:-1]:
                x = nnx.relu(layer(x))
            return self.layers[-1](x)

    return Perceptron(rngs)


def of_equinox(key, widths):
    import equinox as eqx
    import jax

    class Perceptron(eqx.Module):
        layers: list

        def __init__(self, key):
            keys = jax.random.split(key, len(widths) - 1)
            pairs = zip(pairwise(widths), keys, strict=True)
            self.layers = [eqx.nn.Linear(*pair, key=key) for pair, key in pairs]

        def __call__(self, x, state, key):
            for layer in self.layers[:-1]:
                x = jax.nn.relu(layer(x))
            return self.layers[-1](x), state

    return Perceptron(key)


def of_haiku(x, train, widths):
    import haiku as hk

    return hk.nets.MLP(widths[1:])(x)


def of_keras(shape, widths):
    from keras import Input, Sequential, layers

    hidden = [layers.Dense(width, activation="relu") for width in widths[1:-1]]
    return Sequential([Input(shape), *hidden, layers.Dense(widths[-1])])


def of_torch(widths):
    from torch import nn

    pairs = list(pairwise(widths))
    hidden = [layer for pair in pairs[:-1] for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(*pairs[-1]))
