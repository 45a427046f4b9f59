"""A layer beside its torch counterpart: output, gradients, and what the state becomes."""

from operator import attrgetter

import jax
import jax.numpy as jnp
import numpy as np
import torch

import lux

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
DTYPES = ["float64", "float32"]


def same(array):
    """A parameter that torch has in the same layout."""
    return np.asarray(array)


def kernel(weight):
    """`(*window, in, out)` as torch has it, `(out, in, *window)`."""
    return np.moveaxis(np.asarray(weight), (-1, -2), (0, 1))


def transposed_kernel(groups):
    """`(*window, in / groups, out)` as torch's transposed convolution has it."""

    def convert(weight):
        weight = np.asarray(weight)
        parts = np.split(weight, groups, axis=-1)
        return np.concatenate([np.moveaxis(part, (-2, -1), (0, 1)) for part in parts])

    return convert


def channels_first(array):
    return np.moveaxis(np.asarray(array), -1, 1)


def tensor(array):
    return torch.tensor(np.array(array, order="C"))


def compare(
    layer, module, x, dtype, *, parameters=None, states=None, layout=channels_first, ps=None
):
    """Two calls in training, with gradients of the first, and one in test mode.

    `parameters` and `states` have, for each path of ours, torch's path and the change of layout.
    """
    rng = np.random.default_rng(7)
    parameters, states = parameters or {}, states or {}
    tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}

    def cast(tree):
        floating = lambda a: jnp.issubdtype(a.dtype, jnp.floating)  # noqa: E731
        return jax.tree.map(lambda a: a.astype(dtype) if floating(a) else a, tree)

    made, st = lux.setup(0, layer)
    if ps is None:
        ps = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)), made)
    ps, st, x = cast(ps), cast(st), x.astype(dtype)
    module = module.to(getattr(torch, dtype)).train()
    with torch.no_grad():
        for tree, names in ((ps, parameters), (st, states)):
            for ours, (theirs, convert) in names.items():
                attrgetter(theirs)(module).copy_(tensor(convert(attrgetter(ours)(tree))))

    def check_states(st):
        for ours, (theirs, convert) in states.items():
            expected = attrgetter(theirs)(module).detach()
            np.testing.assert_allclose(convert(attrgetter(ours)(st)), expected, **tolerance)

    theirs_x = tensor(layout(x)).requires_grad_()
    expected = module(theirs_x)
    bar = rng.normal(size=tuple(expected.shape)).astype(dtype)
    expected.backward(torch.tensor(bar))
    back = (lambda a: np.moveaxis(a, 1, -1)) if layout is channels_first else np.asarray

    y, vjp, st = jax.vjp(lambda ps, x: layer(x, ps, st), ps, jnp.asarray(x), has_aux=True)
    grads, x_bar = vjp(jnp.asarray(back(bar)))
    assert y.dtype == dtype
    np.testing.assert_allclose(layout(y), expected.detach(), **tolerance)
    np.testing.assert_allclose(layout(x_bar), theirs_x.grad, **tolerance)
    assert len(jax.tree.leaves(grads)) == len(parameters)
    for ours, (theirs, convert) in parameters.items():
        grad = convert(attrgetter(ours)(grads))
        np.testing.assert_allclose(grad, attrgetter(theirs)(module).grad, **tolerance)
    check_states(st)

    other = (2 * x + 1).astype(dtype)
    for mode, theirs_mode in ((lux.train_mode, module.train), (lux.test_mode, module.eval)):
        theirs_mode()
        y, st = layer(jnp.asarray(other), ps, mode(st))
        expected = module(tensor(layout(other)))
        np.testing.assert_allclose(layout(y), expected.detach(), **tolerance)
        check_states(st)
