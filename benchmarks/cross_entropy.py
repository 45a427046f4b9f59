"""Cross-entropy from logits and labels, and of a linear head whose logits are not stored."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function


def plain(logits, labels):
    """As optax writes it."""
    at_label = jnp.take_along_axis(logits, labels[:, None], 1)[:, 0]
    return jax.nn.logsumexp(logits, -1) - at_label


def of_labels(loss):
    def both(logits, labels, bar):
        return forward_and_backward(lambda logits: loss(logits, labels))(logits, bar)

    return both


def labels_of_torch(logits, labels, bar):
    import torch

    logits.requires_grad_()

    def run():
        losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        return losses, *torch.autograd.grad(losses, (logits,), bar)

    return run, lambda made: made


def of_labels_case(rows, classes):
    rng = np.random.default_rng(0)
    return Case(
        f"cross-entropy of labels, forward and backward, {rows} × {classes}",
        (
            3 * rng.normal(size=(rows, classes)),
            rng.integers(0, classes, rows),
            rng.normal(size=rows),
        ),
        {
            "luxlib": jax_function(of_labels(luxlib.softmax_cross_entropy)),
            "plain JAX": jax_function(of_labels(plain)),
            "PyTorch": torch_function(labels_of_torch),
        },
    )


def of_head(loss):
    def both(x, weight, labels, bar):
        both_of_arrays = forward_and_backward(lambda x, weight: loss(x, weight, labels))
        return both_of_arrays(x, weight, bar)

    return both


def head_of_torch(x, weight, labels, bar):
    import torch

    leaves = (x.requires_grad_(), weight.requires_grad_())

    def run():
        losses = torch.nn.functional.cross_entropy(x @ weight, labels, reduction="none")
        return losses, *torch.autograd.grad(losses, leaves, bar)

    return run, lambda made: made


def head_case(rows, features, classes):
    rng = np.random.default_rng(0)
    return Case(
        f"linear head and cross-entropy, forward and backward, {rows} × {features} → {classes}",
        (
            rng.normal(size=(rows, features)),
            rng.normal(size=(features, classes)) / features**0.5,
            rng.integers(0, classes, rows),
            rng.normal(size=rows),
        ),
        {
            "luxlib": jax_function(of_head(luxlib.linear_cross_entropy)),
            "luxlib, logits stored": jax_function(
                of_head(lambda x, w, labels: luxlib.softmax_cross_entropy(x @ w, labels))
            ),
            "plain JAX": jax_function(of_head(lambda x, w, labels: plain(x @ w, labels))),
            "PyTorch": torch_function(head_of_torch),
        },
        guarded=False,
    )


CASES = [
    of_labels_case(2048, 8192),
    of_labels_case(1024, 32000),
    of_labels_case(8192, 256),
    of_labels_case(65536, 10),
    head_case(2048, 256, 8192),
    head_case(2048, 256, 32000),
]
