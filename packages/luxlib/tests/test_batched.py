"""Many matrices at once against NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

from luxlib import batched_adjoint, batched_transpose, batched_vec


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("batch", [(), (4,), (2, 0), (2, 3)])
def test_transposed(batch):
    x = (normal(0, *batch, 3, 2) + 1j * normal(1, *batch, 3, 2)).astype("complex64")
    np.testing.assert_array_equal(batched_transpose(x), np.swapaxes(x, -1, -2))
    np.testing.assert_array_equal(batched_adjoint(x), np.swapaxes(x, -1, -2).conj())
    whole = np.arange(x.size).reshape(x.shape)
    np.testing.assert_array_equal(batched_adjoint(whole), np.swapaxes(whole, -1, -2))
    assert batched_adjoint(whole > 2).dtype == batched_transpose(whole > 2).dtype == bool


@pytest.mark.parametrize(
    ("of_x", "of_y"),
    [((), ()), ((4,), (4,)), ((), (4,)), ((4,), ()), ((2, 1), (3,)), ((0,), (0,))],
)
def test_vectors(of_x, of_y):
    x, y = normal(0, *of_x, 3, 2).astype("float32"), normal(1, *of_y, 2).astype("float32")
    expected = np.einsum("...ij,...j->...i", x.astype(float), y.astype(float))
    z = batched_vec(jnp.asarray(x), jnp.asarray(y))
    assert (z.shape, z.dtype) == (expected.shape, "float32")
    np.testing.assert_allclose(z, expected, rtol=1e-5, atol=1e-6)


def test_dtypes_of_vectors():
    x, y = jnp.ones((2, 3), int), jnp.ones(3, "bfloat16")
    assert batched_vec(x, y).dtype == jnp.bfloat16
    assert batched_vec(jnp.ones((2, 3)), y).dtype == jnp.float32


MESSAGES = {
    "transpose": (
        lambda: batched_transpose(jnp.ones(3)),
        ValueError,
        "batched_transpose: x: expected at least two axes, got shape (3,). "
        "A matrix lies in the last two.",
    ),
    "adjoint": (
        lambda: batched_adjoint(jnp.ones(3)),
        ValueError,
        "batched_adjoint: x: expected at least two axes, got shape (3,). "
        "A matrix lies in the last two.",
    ),
    "vec-matrix": (
        lambda: batched_vec(jnp.ones(3), jnp.ones(3)),
        ValueError,
        "batched_vec: x: expected at least two axes, got shape (3,). "
        "A matrix lies in the last two.",
    ),
    "vec-inner": (
        lambda: batched_vec(jnp.ones((2, 3)), jnp.ones(2)),
        ValueError,
        "batched_vec: y: expected shape (..., 3), got (2,). "
        "The last axis of x (2, 3) is summed with the last of y.",
    ),
    "vec-batch": (
        lambda: batched_vec(jnp.ones((4, 2, 3)), jnp.ones((5, 3))),
        ValueError,
        "batched_vec: y: expected leading axes that broadcast with (4,), got (5,). "
        "Each pair, counted from the right, must be equal or hold a 1.",
    ),
    "vec-integers": (
        lambda: batched_vec(jnp.ones((2, 3), int), jnp.ones(3, int)),
        TypeError,
        "batched_vec: x and y: expected one of a floating or complex dtype, "
        "got int32 and int32. For integers use jax.numpy.matvec.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
