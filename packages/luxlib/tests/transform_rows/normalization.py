"""Normalization: rows of the table of transformations."""

import jax.numpy as jnp

import luxlib

from .points import normal

VALID = jnp.array([[True, True, False], [True, True, True]])[..., None]


def batchnorm(x, w):
    return luxlib.batchnorm(x, w[0], w[1], activation=jnp.tanh)[0]


def inference(x, w):
    return luxlib.batchnorm(x, None, None, w[0], w[1] ** 2, training=False)[0]


def masked(x, w):
    return luxlib.batchnorm(x, w[0], w[1], mask=VALID)[0]


TABLE = {
    "batchnorm": (batchnorm, normal(0, 3, 2), normal(1, 2, 2)),
    "batchnorm_inference": (inference, normal(0, 3, 2), normal(1, 2, 2)),
    "batchnorm_masked": (masked, normal(0, 2, 3, 2), normal(1, 2, 2)),
    "groupnorm": (
        lambda x, w: luxlib.groupnorm(x, w[0], w[1], 2),
        normal(0, 1, 2, 4),
        normal(1, 2, 4),
    ),
    "instancenorm": (
        lambda x, w: luxlib.instancenorm(x, w)[0],
        normal(0, 2, 3, 1),
        normal(1, 1),
    ),
    "layernorm": (
        lambda x, w: luxlib.layernorm(x, w[0], w[1]),
        normal(0, 2, 3),
        normal(1, 2, 3),
    ),
    "layernorm_axis": (
        lambda x, w: luxlib.layernorm(x, w, axis=0),
        normal(0, 3, 2),
        normal(1, 3, 2),
    ),
    "rmsnorm": (
        lambda x, w: luxlib.rmsnorm(x, w, offset=1.0),
        normal(0, 2, 3),
        normal(1, 3),
    ),
}
