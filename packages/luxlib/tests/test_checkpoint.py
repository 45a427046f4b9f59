"""What the policy for `jax.checkpoint` keeps, seen in the gradient's program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import luxlib

PRODUCTS = ("dot_general", "conv_general_dilated")
POLICIES = jax.checkpoint_policies


def products(jaxpr):
    """Count the products of a program, each once wherever it stands."""
    count = 0
    for equation in jaxpr.eqns:
        count += equation.primitive.name in PRODUCTS
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                count += products(inner) if hasattr(inner, "eqns") else 0
    return count


def twice(layer):
    """Two layers, each followed by what needs its result for a derivative."""
    return lambda weight, x: jnp.sin(layer(luxlib.tanh(layer(x, weight)), weight)).sum()


def dense(x, weight):
    return luxlib.fused_dense_bias_activation(x, weight, None, luxlib.gelu)


def dense_in_half_precision(x, weight):
    y = dense(x.astype(jnp.bfloat16), weight.astype(jnp.bfloat16))
    return y.astype(jnp.float32)


def attention(x, weight):
    x = jnp.sin(x[None, :, None] * weight)
    return luxlib.scaled_dot_product_attention(x, x, x)[0, :, 0]


def conv(x, weight):
    return luxlib.conv(x, weight, padding=1)


LAYERS = {
    "dense": (dense, (8, 4), (4, 4)),
    "dense in half precision": (dense_in_half_precision, (8, 4), (4, 4)),
    "batched matmul": (luxlib.batched_matmul, (3, 2, 4), (3, 4, 4)),
    "conv": (conv, (2, 6, 6, 4), (3, 3, 4, 4)),
    "depthwise transposed conv": (
        lambda x, w: luxlib.conv_transpose(x, w, padding=1, groups=4),
        (2, 6, 6, 4),
        (3, 3, 1, 4),
    ),
    "attention": (attention, (1024, 4), (1, 1, 1, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_no_product_is_made_twice(name):
    layer, *shapes = LAYERS[name]
    x, weight = (jnp.ones(shape, jnp.float32) for shape in shapes)
    loss = twice(layer)

    def count(loss):
        return products(jax.make_jaxpr(jax.grad(loss, (0, 1)))(weight, x).jaxpr)

    whole, kept, nothing = (
        count(f)
        for f in (
            loss,
            jax.checkpoint(loss, policy=luxlib.products_saveable),
            jax.checkpoint(loss),
        )
    )
    assert kept == whole
    # Without a policy a product, at least, is made again. (Depthwise has none.)
    assert nothing > whole or name == "depthwise transposed conv"


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_kept_is_the_results(name):
    layer, *shapes = LAYERS[name]
    x, weight = (jnp.ones(shape, jnp.float32) for shape in shapes)
    loss = twice(layer)

    def kept(policy):
        _, pull = jax.vjp(jax.checkpoint(loss, policy=policy), weight, x)
        return sum(leaf.size for leaf in jax.tree.leaves(pull))

    arguments = x.size + weight.size
    nothing, results = kept(POLICIES.nothing_saveable), kept(luxlib.products_saveable)
    assert nothing <= arguments
    # Two results, with the sums of the rows of attention; never its logits.
    assert 0 < results - nothing <= 3 * x.size


def test_gradients_are_those_without_a_policy():
    layer, *shapes = LAYERS["conv"]
    rng = np.random.default_rng(0)
    x, weight = (jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes)
    loss = twice(layer)
    expected = jax.grad(loss, (0, 1))(weight, x)
    got = jax.grad(jax.checkpoint(loss, policy=luxlib.products_saveable), (0, 1))(weight, x)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
