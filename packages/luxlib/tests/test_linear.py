"""A linear map whose transpose is written by hand, against the same map left to JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from luxlib._linear import linear

RNG = np.random.default_rng(0)
W, A, B = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4)), RNG.normal(size=4)
COUNTS = np.arange(4)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def forward(residuals, tangents):
    """Linear in both tangents, of which the second is broadcast."""
    a, b = tangents
    weights = residuals["counts"].astype(a.dtype)[None]
    return {"sum": jnp.sin(residuals["w"]) * a + weights * b[None]}


def transpose(residuals, cotangents):
    bar = cotangents["sum"]
    weights = residuals["counts"].astype(bar.dtype)[None]
    return jnp.sin(residuals["w"]) * bar, (weights * bar).sum(0)


def ours(w, a, b):
    return linear(forward, transpose, {"w": w, "counts": jnp.asarray(COUNTS)}, (a, b))["sum"]


def plain(w, a, b):
    return forward({"w": w, "counts": jnp.asarray(COUNTS)}, (a, b))["sum"]


def loss(f):
    return lambda w, a, b: (jnp.sin(f(w, a, b)) ** 2).sum()


def scanned(f, w):
    body = lambda total, step: (total + loss(f)(step * w, A, B), None)  # noqa: E731
    return jax.lax.scan(body, 0.0, jnp.arange(3.0))[0]


EVERY = (0, 1, 2)
TRANSFORMATIONS = {
    "value": lambda f: f(W, A, B),
    "jit": lambda f: jax.jit(f)(W, A, B),
    "grad": lambda f: jax.grad(loss(f), EVERY)(W, A, B),
    "grad of the second tangent": lambda f: jax.jit(jax.grad(loss(f), 2))(W, A, B),
    "grad of residuals": lambda f: jax.grad(loss(f))(W, A, B),
    "jvp": lambda f: jax.jvp(loss(f), (W, A, B), (A, W, B)),
    "jvp of residuals": lambda f: jax.jvp(lambda w: f(w, A, B), (W,), (A,)),
    "hessian": lambda f: jax.hessian(loss(f), EVERY)(W, A, B),
    "reverse over reverse": lambda f: jax.jacrev(jax.jacrev(loss(f), EVERY), EVERY)(W, A, B),
    "forward over forward": lambda f: jax.jacfwd(jax.jacfwd(loss(f), EVERY), EVERY)(W, A, B),
    "transposed": lambda f: jax.linear_transpose(lambda a, b: f(W, a, b), A, B)(W),
    "vmap of residuals": lambda f: jax.vmap(jax.grad(loss(f), EVERY), (0, None, None))(
        np.stack([W, 2 * W]), A, B
    ),
    "vmap of a tangent": lambda f: jax.vmap(jax.grad(loss(f), EVERY), (None, None, 1))(
        W, A, np.stack([B, 2 * B], 1)
    ),
    "grad of vmap": lambda f: jax.grad(
        lambda b: jax.vmap(loss(f), (0, None, None))(np.stack([W, 2 * W]), A, b).sum()
    )(B),
    "vmap of vmap": lambda f: jax.vmap(jax.vmap(f, (0, None, None)), (None, 0, None))(
        np.stack([W, -W]), np.stack([A, 2 * A]), B
    ),
    "scan": lambda f: jax.grad(lambda w: scanned(f, w))(W),
    "checkpoint": lambda f: jax.grad(jax.checkpoint(loss(f)), EVERY)(W, A, B),
    "checkpoint with a policy": lambda f: jax.grad(
        jax.checkpoint(loss(f), policy=jax.checkpoint_policies.dots_saveable), EVERY
    )(W, A, B),
}


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_as_left_to_jax(name):
    transformed = TRANSFORMATIONS[name]
    jax.tree.map(
        lambda ours, plain: np.testing.assert_allclose(ours, plain, rtol=1e-12, atol=1e-12),
        transformed(ours),
        transformed(plain),
    )


def test_the_transpose_is_the_one_given():
    def negated(residuals, cotangents):
        return jax.tree.map(jnp.negative, transpose(residuals, cotangents))

    def turned(a, b):
        return linear(forward, negated, {"w": W, "counts": jnp.asarray(COUNTS)}, (a, b))[
            "sum"
        ].sum()

    wrong, right = (
        jax.grad(turned, (0, 1))(A, B),
        jax.grad(lambda a, b: plain(W, a, b).sum(), (0, 1))(A, B),
    )
    jax.tree.map(lambda x, y: np.testing.assert_array_equal(-x, y), wrong, right)
    # The transpose of the transpose is the function itself.
    directional = jax.grad(lambda a: (jax.grad(turned)(a, B) * A).sum())
    assert not directional(A).any()
