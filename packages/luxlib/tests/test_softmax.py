"""The softmax family against its formulas in float64, masks, half precision and infinities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

import luxlib

INF, NAN = np.inf, np.nan


def shifted(x, axis, where):
    """Elements less the largest that counts, and 0 for the others; which count; the largest."""
    x = np.asarray(x, np.float64)
    counts = np.broadcast_to(True if where is None else where, x.shape)
    largest = np.where(counts, x, -INF).max(axis, keepdims=True, initial=-INF)
    largest = np.where(np.isfinite(largest), largest, 0)
    return np.where(counts, x, 0) - np.where(counts, largest, 0), counts, largest


def softmax(x, axis=-1, where=None):
    z, counts, _ = shifted(x, axis, where)
    e = np.where(counts, np.exp(z), 0)
    total = e.sum(axis, keepdims=True)
    return e / np.where(total == 0, 1, total)


def logsumexp(x, axis=-1, where=None):
    z, counts, largest = shifted(x, axis, where)
    with np.errstate(divide="ignore"):
        return np.log(np.where(counts, np.exp(z), 0).sum(axis, keepdims=True)) + largest


def logsoftmax(x, axis=-1, where=None):
    z, counts, _ = shifted(x, axis, where)
    total = np.where(counts, np.exp(z), 0).sum(axis, keepdims=True)
    return np.where(counts, z - np.log(np.where(total == 0, 1, total)), -INF)


FORMULAS = {
    "softmax": (luxlib.softmax, softmax),
    "softmin": (luxlib.softmin, lambda x, axis, where: softmax(-np.asarray(x), axis, where)),
    "logsoftmax": (luxlib.logsoftmax, logsoftmax),
    "logsumexp": (
        lambda x, **options: luxlib.logsumexp(x, keepdims=True, **options),
        logsumexp,
    ),
}
every = pytest.mark.parametrize("name", FORMULAS)


def pullback_of_formula(name, x, axis, where, ct):
    """The cotangent of `x`, from the derivatives on paper."""
    p = softmax(-np.asarray(x) if name == "softmin" else x, axis, where)
    if name in ("softmax", "softmin"):
        bar = p * (ct - (p * ct).sum(axis, keepdims=True))
        return -bar if name == "softmin" else bar
    if name == "logsumexp":
        return p * ct
    ct = np.where(np.broadcast_to(True if where is None else where, np.shape(x)), ct, 0)
    return ct - p * ct.sum(axis, keepdims=True)


def random_mask(shape, kind):
    rng = np.random.default_rng(7)
    if kind is None:
        return None
    mask = rng.random(shape) < 0.6
    mask[:1] = False  # whole rows
    return mask[..., :1] if len(shape) == 4 else mask


SHAPES = [
    ((5,), -1),
    ((2, 3, 4), (0, 2)),
    ((2, 300), -1),
    *(
        pytest.param(*case, marks=pytest.mark.slow)
        for case in [
            ((3, 4), -1),
            ((3, 4), 0),
            ((2, 3, 4), 1),
            ((2, 3, 4), None),
            ((3, 1), -1),
            ((300, 2), 0),
            ((0, 3), -1),
            ((2, 3, 1, 5), -1),
        ]
    ),
]


@every
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_value_gradient_and_second_order(name, shape, axis):
    function, formula = FORMULAS[name]
    rng = np.random.default_rng(1)
    x, direction = 5 * rng.normal(size=shape), rng.normal(size=shape)
    for kind in (None, "rows") if len(shape) > 1 else (None,):
        mask = random_mask(shape, kind)
        with jax.enable_x64(True):

            @jax.jit
            def everything(x, ct, direction, mask=mask):
                def f(x):
                    return function(x, axis=axis, where=mask)

                y, pullback = jax.vjp(f, x)

                def gradient(x):
                    return jax.vjp(f, x)[1](ct)[0]

                return (
                    y,
                    pullback(ct)[0],
                    jax.jvp(f, (x,), (direction,))[1],
                    jax.jvp(gradient, (x,), (direction,))[1],
                )

            abstract = jax.eval_shape(lambda x: function(x, axis=axis), jnp.asarray(x))
            ct = rng.normal(size=abstract.shape)
            y, bar, forward, second = everything(jnp.asarray(x), jnp.asarray(ct), direction)
        expected = formula(x, axis, mask)
        np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-14)
        finite = np.where(np.isfinite(expected), ct, 0)
        expected_bar = pullback_of_formula(name, x, axis, mask, finite)
        np.testing.assert_allclose(bar, expected_bar, rtol=1e-12, atol=1e-13)
        forward = np.where(np.isfinite(expected), forward, 0)
        np.testing.assert_allclose(
            (forward * ct).sum(), (expected_bar * direction).sum(), atol=1e-11
        )
        step = 1e-5
        after, before = (
            pullback_of_formula(name, x + s * direction, axis, mask, finite) for s in (step, -step)
        )
        np.testing.assert_allclose(second, (after - before) / (2 * step), atol=1e-7)


@settings(deadline=None, max_examples=60)
@given(
    st_numpy.arrays(
        np.float32,
        st.sampled_from([(4,), (2, 3), (1, 300)]),
        elements=st.floats(-(2.0**99), 2.0**99, width=32) | st.floats(-20, 20, width=32),
    )
)
def test_numbers_of_any_size(x):
    np.testing.assert_allclose(luxlib.softmax(x), softmax(x), rtol=3e-5, atol=1e-36)
    np.testing.assert_allclose(luxlib.logsumexp(x), logsumexp(x)[..., 0], rtol=1e-6, atol=1e-6)
    y = luxlib.logsoftmax(x)
    np.testing.assert_allclose(y, logsoftmax(x), rtol=1e-6, atol=2e-6)
    assert (np.asarray(y) <= 0).all()


@every
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(name, dtype):
    """A thousand terms, of which half precision could sum a few hundred."""
    function, formula = FORMULAS[name]
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 5000)), dtype)
    ct = jnp.asarray(np.random.default_rng(1).normal(size=(3, 5000)), dtype)
    y, pullback = jax.vjp(lambda x: function(x, axis=-1), x)
    ct = ct[:, : y.shape[1]]
    (bar,) = pullback(ct)
    assert y.dtype == bar.dtype == dtype
    eps = float(jnp.finfo(dtype).eps)
    exact = np.asarray(x, np.float64)
    expected = formula(exact, -1, None)
    np.testing.assert_allclose(np.float64(y), expected, rtol=eps / 1.9, atol=6e-8)
    expected = pullback_of_formula(name, exact, -1, None, np.float64(ct))
    np.testing.assert_allclose(np.float64(bar), expected, rtol=eps / 1.9, atol=1e-6)


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_integers_take_the_default_dtype(dtype):
    x = np.array([0, 1, 1], dtype)
    for function, formula in FORMULAS.values():
        y = function(x, axis=-1)
        assert y.dtype == jnp.float32
        np.testing.assert_allclose(y, formula(x.astype(float), -1, None), rtol=1e-6)


def gradient(function, x, **options):
    return jax.grad(lambda x: jnp.where(jnp.isfinite(y := function(x, **options)), y, 0).sum())(x)


def test_masked_rows_give_nothing_and_take_nothing():
    x = jnp.array([[1.0, 2.0, NAN], [INF, NAN, -INF]])
    where = jnp.array([[True, True, False], [False, False, False]])
    p = softmax([1.0, 2.0])
    y = luxlib.softmax(x, where=where)
    np.testing.assert_allclose(y, [[*p, 0], [0, 0, 0]], rtol=1e-6)
    log = luxlib.logsoftmax(x, where=where)
    np.testing.assert_allclose(log, [[*np.log(p), -INF], [-INF] * 3], rtol=1e-6)
    total = luxlib.logsumexp(x, where=where)
    np.testing.assert_allclose(total, [np.log(np.exp([1, 2]).sum()), -INF], rtol=1e-6)
    for function in (luxlib.softmax, luxlib.logsoftmax, luxlib.logsumexp):
        bar = gradient(function, x, where=where)
        assert jnp.isfinite(bar).all()
        assert not bar[~where].any()
    np.testing.assert_allclose(gradient(luxlib.logsumexp, x, where=where)[0], [*p, 0], rtol=1e-6)


def test_excluded_elements_by_infinity():
    x = jnp.array([1.0, -INF, 2.0])
    p = softmax([1.0, 2.0])
    np.testing.assert_allclose(luxlib.softmax(x), [p[0], 0, p[1]], rtol=1e-6)
    np.testing.assert_allclose(luxlib.logsoftmax(x), [np.log(p[0]), -INF, np.log(p[1])], rtol=1e-6)
    for function in (luxlib.softmax, luxlib.logsoftmax, luxlib.logsumexp):
        bar = gradient(function, x)
        assert bar[1] == 0 or function is luxlib.logsoftmax
        assert jnp.isfinite(bar).all()
    everything = jnp.full(3, -INF)
    assert luxlib.logsumexp(everything) == -INF
    assert not gradient(luxlib.logsumexp, everything).any()
    assert jnp.isnan(luxlib.softmax(everything)).all()
    assert luxlib.logsumexp(jnp.array([1.0, INF])) == INF
    assert jnp.isnan(luxlib.logsumexp(jnp.array([1.0, NAN])))
    assert jnp.isnan(luxlib.softmax(jnp.array([1.0, NAN]))).all()


def test_without_any_element():
    assert luxlib.softmax(jnp.ones((2, 0))).shape == (2, 0)
    assert luxlib.logsoftmax(jnp.ones((2, 0))).shape == (2, 0)
    np.testing.assert_array_equal(luxlib.logsumexp(jnp.ones((2, 0))), [-INF, -INF])
    assert luxlib.logsumexp(jnp.ones((0, 2))).shape == (0,)


def test_keepdims():
    x = jnp.ones((2, 3, 4))
    assert luxlib.logsumexp(x).shape == (2, 3)
    assert luxlib.logsumexp(x, axis=(0, 2)).shape == (3,)
    assert luxlib.logsumexp(x, axis=None).shape == ()
    assert luxlib.logsumexp(x, axis=1, keepdims=True).shape == (2, 1, 4)
    assert luxlib.softmax(jnp.float32(3), axis=None) == 1


@pytest.mark.parametrize("size", [256, 257])
def test_both_formulations_of_the_derivative(size):
    """Short and long rows have different ones: they agree to rounding."""
    x, ct = np.random.default_rng(0).normal(size=(2, 3, size))
    (bar,) = jax.jit(lambda x, ct: jax.vjp(luxlib.softmax, x)[1](ct))(
        x.astype(np.float32), ct.astype(np.float32)
    )
    expected = pullback_of_formula("softmax", x.astype(np.float32), -1, None, ct)
    np.testing.assert_allclose(bar, expected, rtol=1e-4, atol=1e-8)


MESSAGES = {
    "axis": (
        lambda: luxlib.softmax(jnp.ones((2, 3)), axis=2),
        ValueError,
        "softmax: axis: expected different axes of x (2, 3), got 2. Count them from -2 to 1.",
    ),
    "axis-twice": (
        lambda: luxlib.logsumexp(jnp.ones((2, 3)), axis=(1, -1)),
        ValueError,
        "logsumexp: axis: expected different axes of x (2, 3), got (1, -1). "
        "Count them from -2 to 1.",
    ),
    "axis-word": (
        lambda: luxlib.softmin(jnp.ones(2), axis="rows"),
        ValueError,
        "softmin: axis: expected different axes of x (2,), got 'rows'. Count them from -1 to 0.",
    ),
    "scalar": (
        lambda: luxlib.softmax(jnp.float32(1)),
        ValueError,
        "softmax: axis: expected different axes of x (), got -1. x has none.",
    ),
    "where-dtype": (
        lambda: luxlib.logsoftmax(jnp.ones(2), where=jnp.ones(2)),
        TypeError,
        "logsoftmax: where: expected booleans, got float32. It is true where an element counts.",
    ),
    "where-shape": (
        lambda: luxlib.softmax(jnp.ones((2, 3)), where=jnp.ones(2, bool)),
        ValueError,
        "softmax: where: expected a shape that broadcasts to (2, 3), got (2,). "
        "It has one element for each of x, or broadcasts to that.",
    ),
    "where-rank": (
        lambda: luxlib.softmax(jnp.ones(3), where=jnp.ones((1, 3), bool)),
        ValueError,
        "softmax: where: expected a shape that broadcasts to (3,), got (1, 3). "
        "It has one element for each of x, or broadcasts to that.",
    ),
    "complex": (
        lambda: luxlib.softmax(jnp.ones(3, complex)),
        TypeError,
        "softmax: x: expected a real dtype, got complex64. Complex numbers have no largest one.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
