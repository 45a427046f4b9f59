"""Upsampling and sampling of images, forward and backward."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function


def upsampling(batch, side, channels, larger, method):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, side, side, channels))
    bar = rng.normal(size=(batch, larger, larger, channels))

    def ours(x):
        if method == "nearest":
            return luxlib.upsample_nearest(x, size=(larger, larger))
        return luxlib.upsample_bilinear(x, size=(larger, larger), align_corners=False)

    def plain(x):
        shape = (batch, larger, larger, channels)
        return jax.image.resize(x, shape, method, antialias=False)

    def of_torch(x, bar):
        import torch

        leaf, given = x.permute(0, 3, 1, 2).requires_grad_(), bar.permute(0, 3, 1, 2)
        options = {} if method == "nearest" else {"align_corners": False}

        def run():
            y = torch.nn.functional.interpolate(leaf, size=(larger, larger), mode=method, **options)
            return y, *torch.autograd.grad(y, leaf, given)

        return run, lambda made: [a.permute(0, 2, 3, 1) for a in made]

    return Case(
        f"upsampling, {method}, forward and backward, {batch}×{side}×{side}×{channels} to {larger}",
        (x, bar),
        {
            "luxlib": jax_function(forward_and_backward(ours)),
            "plain JAX": jax_function(forward_and_backward(plain)),
            "PyTorch": torch_function(of_torch),
        },
    )


def sampling(batch, side, channels):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, side, side, channels))
    grid = rng.uniform(-1, 1, size=(batch, side, side, 2))
    bar = rng.normal(size=x.shape)

    def plain(x, grid):
        def one(image, grid):
            places = (grid[..., ::-1] + 1) * ((side - 1) / 2)
            return jax.vmap(
                lambda plane: map_coordinates(plane, jnp.moveaxis(places, -1, 0), order=1), -1, -1
            )(image)

        return jax.vmap(one)(x, grid)

    def of_torch(x, grid, bar):
        import torch

        leaves = [x.permute(0, 3, 1, 2).requires_grad_(), grid.requires_grad_()]
        given = bar.permute(0, 3, 1, 2)

        def run():
            y = torch.nn.functional.grid_sample(*leaves, align_corners=True)
            return y, *torch.autograd.grad(y, leaves, given)

        return run, lambda made: (
            made[0].permute(0, 2, 3, 1),
            made[1].permute(0, 2, 3, 1),
            made[2],
        )

    return Case(
        f"grid sample, forward and backward, {batch}×{side}×{side}×{channels}",
        (x, grid, bar),
        {
            "luxlib": jax_function(forward_and_backward(luxlib.grid_sample)),
            "plain JAX": jax_function(forward_and_backward(plain)),
            "PyTorch": torch_function(of_torch),
        },
    )


CASES = [
    upsampling(16, 32, 64, 64, "bilinear"),
    upsampling(16, 64, 3, 128, "bilinear"),
    upsampling(8, 32, 32, 48, "bilinear"),
    upsampling(16, 32, 64, 64, "nearest"),
    sampling(8, 32, 16),
    sampling(8, 64, 3),
]
