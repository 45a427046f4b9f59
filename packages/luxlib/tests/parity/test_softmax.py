"""The softmax family, embeddings and cross-entropy against PyTorch's, in value and gradient."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import luxlib


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def compare(ours, theirs, *arguments):
    """Hold value and gradients of functions of arrays to each other."""
    tensors = [torch.tensor(a, requires_grad=True) for a in arguments]
    expected = theirs(*tensors)
    y, pullback = jax.vjp(ours, *map(jnp.asarray, arguments))
    ct = normal(9, *y.shape)
    expected.backward(torch.tensor(ct))
    close = partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-13)
    close(y, expected.detach().numpy())
    for bar, tensor in zip(pullback(jnp.asarray(ct)), tensors, strict=True):
        close(bar, tensor.grad.numpy())


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (luxlib.softmax, F.softmax),
        (luxlib.softmin, F.softmin),
        (luxlib.logsoftmax, F.log_softmax),
        (luxlib.logsumexp, torch.logsumexp),
    ],
)
def test_softmax(ours, theirs, axis):
    compare(partial(ours, axis=axis), partial(theirs, dim=axis), 5 * normal(0, 3, 4, 300))


@pytest.mark.parametrize("padding", [None, 2])
def test_embedding(padding):
    ids = np.random.default_rng(0).integers(0, 5, (3, 4))
    compare(
        lambda table: luxlib.embedding_lookup(ids, table, padding_index=padding),
        lambda table: F.embedding(torch.tensor(ids), table, padding_idx=padding),
        normal(1, 5, 3),
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 5)])
def test_cross_entropy(shape, smoothing):
    labels = np.random.default_rng(0).integers(0, 5, shape[:-1])
    labels.flat[1] = -100

    def theirs(logits, target):
        classes_second = torch.movedim(logits, -1, 1)
        return F.cross_entropy(
            classes_second, target, reduction="none", label_smoothing=smoothing, ignore_index=-100
        )

    compare(
        lambda logits: luxlib.softmax_cross_entropy(
            logits, labels, label_smoothing=smoothing, ignore_index=-100
        ),
        lambda logits: theirs(logits, torch.tensor(labels)),
        3 * normal(1, *shape),
    )
    y = np.random.default_rng(2).dirichlet(np.ones(5), shape[:-1])
    compare(
        partial(luxlib.softmax_cross_entropy, label_smoothing=smoothing),
        lambda logits, y: theirs(logits, torch.movedim(y, -1, 1)),
        3 * normal(1, *shape),
        y,
    )


@pytest.mark.parametrize("chunk", [2, 7])
def test_linear_cross_entropy(chunk):
    labels = np.random.default_rng(0).integers(0, 5, 7)
    compare(
        lambda x, w, b: luxlib.linear_cross_entropy(x, w, labels, bias=b, chunk=chunk),
        lambda x, w, b: F.cross_entropy(x @ w + b, torch.tensor(labels), reduction="none"),
        normal(0, 7, 3),
        normal(1, 3, 5),
        normal(2, 5),
    )
