"""Products, bias and activation: rows of the table of transformations."""

import jax.numpy as jnp
import numpy as np

import luxlib

from .points import ignoring, normal

TABLE = {
    "dense": (
        lambda x, w: luxlib.fused_dense_bias_activation(x, w[:-1], w[-1], jnp.tanh),
        normal(0, 3, 2),
        normal(1, 3, 2),
    ),
    "dense_3d": (
        luxlib.fused_dense_bias_activation,
        normal(0, 2, 2, 2),
        normal(1, 2, 3),
    ),
    "bias_activation": (
        lambda x, b: luxlib.bias_activation(x, b, luxlib.gelu),
        normal(0, 2, 3),
        normal(1, 3),
    ),
    "scale_bias_activation": (
        lambda x, w: luxlib.scale_bias_activation(x, w[0], w[1], luxlib.tanh),
        normal(0, 2, 3),
        normal(1, 2, 3),
    ),
    "bilinear": (
        lambda x, w: luxlib.fused_bilinear_bias_activation(
            x[:, :2], x, w[:2], w[2, 0], luxlib.tanh
        ),
        normal(0, 2, 3),
        normal(1, 3, 3, 2),
    ),
    "einsum": (
        lambda x, w: luxlib.fused_einsum_bias_activation("...ab,abc->...c", x, w, w[0, 0]),
        normal(0, 2, 2, 2),
        normal(1, 2, 2, 2),
    ),
    "fast_activation": (
        ignoring(lambda x: luxlib.fast_activation(x, luxlib.mish)),
        normal(0, 4),
        np.zeros(1),
    ),
    "batched_matmul": (luxlib.batched_matmul, normal(0, 2, 2, 2), normal(1, 2, 2, 2)),
    "batched_matmul_shared": (luxlib.batched_matmul, normal(0, 2, 2, 2), normal(1, 2, 3)),
}
