"""Norms of weights against NumPy in float64, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import luxlib

RNG = np.random.default_rng(0)


def single(a):
    return jnp.asarray(a, jnp.float32)


AXES = [(-1, (0, 1)), (0, (1, 2)), ((0, -1), (1,)), (None, (0, 1, 2)), ((0, 1, 2), ())]


@pytest.mark.parametrize(("axis", "others"), AXES, ids=str)
def test_lengths(axis, others):
    v = RNG.normal(size=(2, 3, 4))
    norm = np.sqrt((v * v).sum(others, keepdims=True))
    np.testing.assert_allclose(luxlib.norm_except(single(v), axis=axis), norm, rtol=1e-6)
    g = RNG.normal(size=norm.shape)
    w = luxlib.weight_norm(single(v), single(g), axis=axis)
    np.testing.assert_allclose(w, g * v / norm, rtol=1e-5)


def test_zeros_give_zeros_and_finite_gradients():
    zeros, ones = jnp.zeros((2, 3)), jnp.ones((1, 3))
    assert (luxlib.weight_norm(zeros, ones) == 0).all()
    for f in (luxlib.norm_except, lambda v: luxlib.weight_norm(v, ones)):
        assert jnp.isfinite(jax.grad(lambda v, f=f: f(v).sum())(zeros)).all()


def test_half_precision_is_computed_in_float32():
    v = jnp.full((300, 2), 300, jnp.float16)  # whose square is beyond float16
    assert luxlib.norm_except(v).dtype == jnp.float16
    np.testing.assert_allclose(luxlib.norm_except(v), 300 * np.sqrt(300), rtol=1e-3)
    w = luxlib.weight_norm(v, jnp.ones((1, 2), jnp.float16))
    assert w.dtype == jnp.float16
    np.testing.assert_allclose(w, 1 / np.sqrt(300), rtol=1e-3)
    y, (u, _) = luxlib.spectral_norm(v, jnp.ones(2), jnp.ones(300))
    assert (y.dtype, u.dtype) == (jnp.float16, jnp.float32)
    np.testing.assert_allclose(y, 1 / np.sqrt(600), rtol=1e-3)


def test_mixed_dtypes_meet_in_the_larger():
    v, g = jnp.ones((2, 3), jnp.bfloat16), jnp.ones((1, 3))
    assert luxlib.weight_norm(v, g).dtype == jnp.float32


@pytest.mark.parametrize(("shape", "axis"), [((4, 3), -1), ((3, 4), 0), ((2, 3, 3), 1), ((5,), 0)])
def test_the_largest_singular_value_is_found(shape, axis):
    weight = RNG.normal(size=shape)
    matrix = np.moveaxis(weight, axis, 0).reshape(shape[axis], -1)
    u, v = np.ones(matrix.shape[0]), np.ones(matrix.shape[1])
    y, (u, v) = luxlib.spectral_norm(single(weight), single(u), single(v), axis=axis, iterations=99)
    largest = np.linalg.svd(matrix)[1][0]
    np.testing.assert_allclose(y, weight / largest, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(u), 1, rtol=1e-5)
    np.testing.assert_allclose(matrix @ np.asarray(v), largest * np.asarray(u), atol=1e-3)


def test_an_iteration_is_that_of_the_formula():
    weight, u, v = (RNG.normal(size=s) for s in ((4, 3), 3, 4))
    for iterations in (0, 1, 2):
        y, (new_u, new_v) = luxlib.spectral_norm(
            single(weight), single(u), single(v), iterations=iterations
        )
        left, right = u, v
        for _ in range(iterations):
            left = weight.T @ right / np.linalg.norm(weight.T @ right)
            right = weight @ left / np.linalg.norm(weight @ left)
        np.testing.assert_allclose(y, weight / (left @ weight.T @ right), rtol=1e-4)
        np.testing.assert_allclose(new_u, left, rtol=1e-4)
        np.testing.assert_allclose(new_v, right, rtol=1e-4)


def test_vectors_carry_no_gradient_and_the_weight_that_of_fixed_vectors():
    weight, u, v = (single(RNG.normal(size=s)) for s in ((4, 3), 3, 4))
    bar = single(RNG.normal(size=(4, 3)))

    def loss(weight, u, v, iterations):
        return (luxlib.spectral_norm(weight, u, v, iterations=iterations)[0] * bar).sum()

    d_weight, d_u, d_v = jax.grad(loss, argnums=(0, 1, 2))(weight, u, v, 1)
    assert not d_u.any()
    assert not d_v.any()
    _, (left, right) = luxlib.spectral_norm(weight, u, v)
    sigma = left @ weight.T @ right
    expected = bar / sigma - (bar * weight).sum() / sigma**2 * jnp.outer(right, left)
    np.testing.assert_allclose(d_weight, expected, rtol=1e-4, atol=1e-5)


AXIS = "Count them from -2 to 1."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda w: luxlib.norm_except(w, axis=2),
            f"norm_except: axis: expected different axes of 2, or None, got 2. {AXIS}",
        ),
        (
            lambda w: luxlib.norm_except(w, axis=(0, -2)),
            f"norm_except: axis: expected different axes of 2, or None, got (0, -2). {AXIS}",
        ),
        (
            lambda w: luxlib.norm_except(w.astype(int)),
            "norm_except: x: expected a floating or complex dtype, got int32. Convert it first, "
            "for example x.astype(jax.numpy.float32).",
        ),
        (
            lambda w: luxlib.weight_norm(w, jnp.ones(3)),
            "weight_norm: g: expected shape (1, 3), got (3,). It has the lengths in v (2, 3).",
        ),
        (
            lambda w: luxlib.weight_norm(w.astype(complex), w),
            "weight_norm: v: expected a real floating dtype, got complex64. Normalize its real and "
            "imaginary parts, for example.",
        ),
        (
            lambda w: luxlib.spectral_norm(w, jnp.ones(2), jnp.ones(3)),
            "spectral_norm: u: expected shape (3,), got (2,). weight has shape (2, 3), and the "
            "outputs along axis -1.",
        ),
        (
            lambda w: luxlib.spectral_norm(w, jnp.ones(3), jnp.ones(3)),
            "spectral_norm: v: expected shape (2,), got (3,). weight has shape (2, 3), and the "
            "outputs along axis -1.",
        ),
        (
            lambda w: luxlib.spectral_norm(w, w, w, axis=(0, 1)),
            "spectral_norm: axis: expected one axis, got (0, 1). It is that of the outputs.",
        ),
        (
            lambda w: luxlib.spectral_norm(w, jnp.ones(3), jnp.ones(2), iterations=-1),
            "spectral_norm: iterations: expected an integer of at least 0, got -1. Each is two "
            "products of a matrix and a vector.",
        ),
        (
            lambda w: luxlib.spectral_norm(w, jnp.ones(3), jnp.ones(2), iterations=True),
            "spectral_norm: iterations: expected an integer of at least 0, got True. Each is two "
            "products of a matrix and a vector.",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        call(jnp.ones((2, 3)))
    assert str(caught.value) == message
