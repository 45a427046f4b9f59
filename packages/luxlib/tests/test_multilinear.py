"""Bilinear maps and maps along named axes against sums that are written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import luxlib
from luxlib import fused_bilinear_bias_activation as bilinear
from luxlib import fused_einsum_bias_activation as einsum

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("batch", [(), (5,), (2, 3), (0,)])
def test_bilinear(batch):
    x, y = RNG.normal(size=(*batch, 2)), RNG.normal(size=(*batch, 3))
    weight, bias = RNG.normal(size=(2, 3, 4)), RNG.normal(size=4)
    expected = np.zeros((*batch, 4)) + bias
    for i, j in np.ndindex(2, 3):
        expected += (x[..., i] * y[..., j])[..., None] * weight[i, j]
    with jax.enable_x64(True):
        z = bilinear(*map(jnp.asarray, (x, y, weight, bias)), luxlib.tanh)
        without = bilinear(*map(jnp.asarray, (x, y, weight)))
    np.testing.assert_allclose(z, np.tanh(expected), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(without, expected - bias, rtol=1e-12, atol=1e-12)


# equation: the shapes of x, weight and bias, and the same as a sum over places
EQUATIONS = {
    "...a,ab->...b": ((2, 5, 3), (3, 4), (4,), lambda x, w: np.tensordot(x, w, 1)),
    "...ab,abc->...c": ((5, 3, 2), (3, 2, 4), (1,), lambda x, w: np.tensordot(x, w, 2)),
    "...a,abc->...bc": ((3,), (3, 4, 2), (4, 1), lambda x, w: np.tensordot(x, w, 1)),
    "ba,ac->cb": ((5, 3), (3, 4), (4, 5), lambda x, w: (x @ w).T),
    "bia,bac->bic": ((2, 5, 3), (2, 3, 4), (2, 1, 4), lambda x, w: x @ w),
    "...ab,b->...ab": ((2, 3, 4), (4,), (3, 4), lambda x, w: x * w),
    "ab,ab->": ((3, 4), (3, 4), (), lambda x, w: (x * w).sum()),
}  # fmt: skip


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation):
    *shapes, formula = EQUATIONS[equation]
    x, weight, bias = (RNG.normal(size=shape) for shape in shapes)
    with jax.enable_x64(True):
        arrays = tuple(map(jnp.asarray, (x, weight, bias)))
        y = einsum(equation, *arrays, luxlib.tanh)
        without = einsum(equation, *arrays[:2])
    np.testing.assert_allclose(y, np.tanh(formula(x, weight) + bias), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(without, formula(x, weight), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "weight", "result"),
    [
        ("float32", "bfloat16", "float32"),
        ("float16", "bfloat16", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("int8", "float16", "float16"),
        ("float32", "complex64", "complex64"),
    ],
)
def test_promotion(x, weight, result):
    one = jnp.ones((2, 3), x)
    assert bilinear(one, one, jnp.ones((3, 3, 1), weight)).dtype == result
    assert einsum("ba,ac->bc", one, jnp.ones((3, 1), weight)).dtype == result


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_single(dtype):
    n = 3000  # ones that half precision would stop to count
    one = jnp.ones((1, n), dtype)
    y = bilinear(one[:, :1], one, jnp.full((1, n, 1), 1 / 1024, dtype))
    assert float(y[0, 0]) == pytest.approx(n / 1024, rel=4e-3)
    y = bilinear(one, one[:, :1], jnp.full((n, 1, 1), 1 / 1024, dtype))
    assert float(y[0, 0]) == pytest.approx(n / 1024, rel=4e-3)
    y = einsum("ba,ac->bc", one, jnp.full((n, 1), 1 / 1024, dtype))
    assert float(y[0, 0]) == pytest.approx(n / 1024, rel=4e-3)


def test_half_precision_is_rounded_once():
    """After the bias: `1 + 2⁻¹²` would be 1."""
    x, minus = jnp.array([[1, 2**-6]], jnp.float16), jnp.full(1, -1, jnp.float16)
    one = jnp.ones((1, 1), jnp.float16)
    exact = [[2**-12]]
    np.testing.assert_array_equal(bilinear(x, one, x.reshape(2, 1, 1), minus), exact)
    np.testing.assert_array_equal(bilinear(one, x, x.reshape(1, 2, 1), minus), exact)
    np.testing.assert_array_equal(einsum("ba,ac->bc", x, x.T, minus[None]), exact)


X, W = jnp.ones((5, 2)), jnp.ones((2, 3, 4))
BILINEAR, EINSUM = "fused_bilinear_bias_activation: ", "fused_einsum_bias_activation: "
MESSAGES = {
    "axes": (
        lambda: bilinear(X, X, jnp.ones((2, 3))),
        ValueError,
        BILINEAR + "weight: expected shape (in1, in2, out), got (2, 3). Reshape it to three axes.",
    ),
    "x": (
        lambda: bilinear(jnp.ones((5, 3)), X, W),
        ValueError,
        BILINEAR + "x: expected shape (..., 2), got (5, 3). The last axis of x must have the size "
        "of the first of weight (2, 3, 4).",
    ),
    "y": (
        lambda: bilinear(X, X, W),
        ValueError,
        BILINEAR + "y: expected shape (..., 3), got (5, 2). The last axis of y must have the size "
        "of the second of weight (2, 3, 4).",
    ),
    "scalar": (
        lambda: bilinear(X, jnp.ones(()), W),
        ValueError,
        BILINEAR + "y: expected shape (..., 3), got (). The last axis of y must have the size of "
        "the second of weight (2, 3, 4).",
    ),
    "batch": (
        lambda: bilinear(X, jnp.ones((4, 3)), W),
        ValueError,
        BILINEAR + "y: expected shape (5, 3), got (4, 3). The leading axes of y are those of x "
        "(5, 2).",
    ),
    "bias": (
        lambda: bilinear(X, jnp.ones((5, 3)), W, jnp.ones(3)),
        ValueError,
        BILINEAR + "bias: expected shape (4,), got (3,). The bias has one number for each output "
        "feature: weight has shape (2, 3, 4).",
    ),
    "dtype": (
        lambda: bilinear(X, X, W.astype(int)),
        TypeError,
        BILINEAR + "weight: expected a floating or complex dtype, got int32. Convert it first, for "
        "example weight.astype(jax.numpy.float32).",
    ),
    "activation": (
        lambda: bilinear(X, X, W, None, "relu"),
        TypeError,
        BILINEAR + "activation: expected a function of one array, got 'relu'. Pass luxlib.identity "
        "for none.",
    ),
    "equation": (
        lambda: einsum("ab,bc", X, W),
        ValueError,
        EINSUM + "equation: expected the form '...ab,abc->...c', got 'ab,bc'. It has a letter for "
        "each axis of x, of weight and of the result; '...' may stand before those of x and of the "
        "result.",
    ),
    "dots": (
        lambda: einsum("...a,abc->bc", X, W),
        ValueError,
        EINSUM + "equation: expected the form '...ab,abc->...c', got '...a,abc->bc'. It has a "
        "letter for each axis of x, of weight and of the result; '...' may stand before those of x "
        "and of the result.",
    ),
    "einsum x": (
        lambda: einsum("...b,abc->...ac", X, W),
        ValueError,
        EINSUM + "x: expected shape (..., 3), got (5, 2). So says the equation '...b,abc->...ac'.",
    ),
    "einsum axes of x": (
        lambda: einsum("a,abc->bc", X, W),
        ValueError,
        EINSUM + "x: expected shape (2), got (5, 2). So says the equation 'a,abc->bc'.",
    ),
    "einsum few axes of x": (
        lambda: einsum("...xya,abc->...xybc", X, W),
        ValueError,
        EINSUM + "x: expected shape (..., x, y, 2), got (5, 2). So says the equation "
        "'...xya,abc->...xybc'.",
    ),
    "einsum weight": (
        lambda: einsum("...a,ab->...b", X, W),
        ValueError,
        EINSUM + "weight: expected shape (a, b), got (2, 3, 4). So says the equation "
        "'...a,ab->...b'.",
    ),
    "einsum bias": (
        lambda: einsum("...a,abc->...bc", X, W, jnp.ones((3, 3))),
        ValueError,
        EINSUM
        + "bias: expected shape (3, 4), or 1 for any of its sizes, got (3, 3). Those are the "
        "last axes of the result of '...a,abc->...bc'.",
    ),
    "einsum axes of bias": (
        lambda: einsum("...a,abc->...bc", X, W, jnp.ones(4)),
        ValueError,
        EINSUM + "bias: expected shape (3, 4), or 1 for any of its sizes, got (4,). Those are the "
        "last axes of the result of '...a,abc->...bc'.",
    ),
    "einsum dtype of bias": (
        lambda: einsum("...a,abc->...bc", X, W, jnp.ones((3, 4), int)),
        TypeError,
        EINSUM + "bias: expected a floating or complex dtype, got int32. Convert it first, for "
        "example bias.astype(jax.numpy.float32).",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_wrong_is_said(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
