"""Layers that drop elements against PyTorch's: the same elements dropped, the same numbers.

The masks are drawn by different generators, so torch's is made to use ours.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch_comparison import DTYPES, TOLERANCE, tensor

import lux

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def values_of(module, x, tries=200):
    """What each element becomes when it is kept and when it is dropped, as torch has it."""
    seen = torch.stack([module(x) for _ in range(tries)])
    return seen.amin(0), seen.amax(0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (lambda rate: lux.Dropout(rate), torch.nn.Dropout),
        (lambda rate: lux.VariationalHiddenDropout(rate), torch.nn.Dropout),
        (lambda rate: lux.Dropout(rate, axis=(0, -1)), torch.nn.Dropout1d),
        (lambda rate: lux.AlphaDropout(rate), torch.nn.AlphaDropout),
        (lambda rate: lux.AlphaDropout(rate, axis=(0, -1)), torch.nn.FeatureAlphaDropout),
    ],
    ids=["Dropout", "Variational", "channels", "Alpha", "alpha channels"],
)
def test_dropout(layer, module, rate, dtype):
    torch.manual_seed(0)
    layer, module = layer(rate), module(rate)
    x = np.abs(RNG.normal(size=(2, 3, 4)).astype(dtype)) + 0.1
    ps, st = lux.setup(0, layer)
    y, vjp = jax.vjp(lambda x: layer(x, ps, st)[0], jnp.asarray(x))
    (slope,) = vjp(jnp.ones_like(y))
    theirs_x = tensor(np.moveaxis(x, -1, 1)).requires_grad_()
    dropped, kept = (np.moveaxis(a.detach().numpy(), 1, -1) for a in values_of(module, theirs_x))
    keep = np.asarray(slope) != 0
    assert keep.any()
    tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(y, np.where(keep, kept, dropped), **tolerance)

    module.eval()
    assert (module(theirs_x) == theirs_x).all()
    assert (layer(jnp.asarray(x), ps, lux.test_mode(st))[0] == x).all()

    # The slope of what is kept is that of torch.
    module.train()
    theirs = module(theirs_x)
    theirs.sum().backward()
    slopes = np.unique(theirs_x.grad.numpy().round(12))
    np.testing.assert_allclose(
        np.unique(np.asarray(slope)), slopes[-len(np.unique(slope)) :], **tolerance
    )
