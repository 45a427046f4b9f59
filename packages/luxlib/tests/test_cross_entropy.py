"""Cross-entropy against formulas in float64; the linear head against its stored logits."""

from functools import partial
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import pallas

import luxlib
from luxlib._cross_entropy import _pallas

NAN = np.nan


def log_softmax(z):
    z = np.asarray(z, np.float64)
    below = z - z.max(-1, keepdims=True)
    return below - np.log(np.exp(below).sum(-1, keepdims=True))


def smooth(y, smoothing):
    return (1 - smoothing) * y + smoothing / y.shape[-1]


def losses(z, y):
    return -(np.asarray(y, np.float64) * log_softmax(z)).sum(-1)


def gradient(z, y):
    return np.exp(log_softmax(z)) * y.sum(-1, keepdims=True) - y


def one_hot(labels, classes):
    return np.eye(classes)[labels]


def case(batch=(5,), classes=4, seed=0):
    rng = np.random.default_rng(seed)
    logits = 3 * rng.normal(size=(*batch, classes))
    return logits, rng.integers(0, classes, batch), rng.dirichlet(np.ones(classes), batch)


@pytest.mark.parametrize("smoothing", [0.0, 0.15, 1.0])
@pytest.mark.parametrize(
    ("batch", "classes", "axis"),
    [((), 4, -1), ((5,), 4, -1), ((2, 3), 4, 1), ((2, 3), 1, 0), ((0,), 3, 0)],
)
def test_labels_and_distributions(batch, classes, axis, smoothing):
    logits, labels, y = case(batch, classes)
    ct = np.random.default_rng(3).normal(size=batch)
    for target, distribution in ((labels, one_hot(labels, classes)), (y, y)):
        moved = target if target is labels else np.moveaxis(target, -1, axis)
        with jax.enable_x64(True):

            @jax.jit
            def both(z, ct, moved=moved):
                loss = partial(luxlib.softmax_cross_entropy, axis=axis, label_smoothing=smoothing)
                value, pullback = jax.vjp(lambda z: loss(z, moved), z)
                return value, pullback(ct)[0]

            value, bar = both(np.moveaxis(logits, -1, axis), ct)
        smoothed = smooth(distribution, smoothing)
        np.testing.assert_allclose(value, losses(logits, smoothed), rtol=1e-12, atol=1e-14)
        expected = ct[..., None] * gradient(logits, smoothed)
        np.testing.assert_allclose(np.moveaxis(bar, axis, -1), expected, rtol=1e-11, atol=1e-14)


def test_the_gradient_of_a_distribution():
    logits, _, y = case()
    with jax.enable_x64(True):
        bar = jax.grad(lambda y: luxlib.softmax_cross_entropy(jnp.asarray(logits), y).sum())(y)
    np.testing.assert_allclose(bar, -log_softmax(logits), rtol=1e-13)


def test_ignored_and_wrong_labels():
    logits = jnp.asarray(case()[0], jnp.float32)
    labels = jnp.array([2, -100, -1, 4, 0])
    loss = partial(luxlib.softmax_cross_entropy, ignore_index=-100)
    value, pullback = jax.vjp(lambda z: loss(z, labels), logits)
    (bar,) = pullback(jnp.ones(5))
    expected = losses(logits, one_hot([2, 0, 0, 0, 0], 4))
    np.testing.assert_allclose(value, [expected[0], 0, NAN, NAN, expected[4]], rtol=1e-5)
    assert not bar[1].any()
    np.testing.assert_array_equal(jnp.isnan(bar).any(1), [False, False, True, True, False])
    plain = luxlib.softmax_cross_entropy(logits, labels)
    np.testing.assert_array_equal(jnp.isnan(plain), [False, True, True, True, False])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_labels_of_any_integer_dtype(dtype):
    logits = jnp.asarray(case((3,), 300)[0], jnp.float32)
    labels = np.array([0, 7, 127], dtype)
    expected = losses(logits, one_hot(labels.astype(int), 300))
    np.testing.assert_allclose(luxlib.softmax_cross_entropy(logits, labels), expected, rtol=1e-5)
    with jax.enable_x64(True):
        wide = luxlib.softmax_cross_entropy(logits[:1], jnp.array([2**32]))
    assert jnp.isnan(wide).all()


def test_large_logits_and_excluded_classes():
    logits = jnp.array([[1e30, 0.0, -1e30], [1.0, 2.0, -jnp.inf]])
    labels = jnp.array([1, 0])
    value, pullback = jax.vjp(lambda z: luxlib.softmax_cross_entropy(z, labels), logits)
    np.testing.assert_allclose(value, [1e30, np.log1p(np.e)], rtol=1e-6)
    p = 1 / (1 + np.e)
    np.testing.assert_allclose(pullback(jnp.ones(2))[0], [[1, -1, 0], [p - 1, 1 - p, 0]], atol=1e-6)
    y = jnp.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    value, pullback = jax.vjp(lambda z: luxlib.softmax_cross_entropy(z, y), logits)
    np.testing.assert_allclose(value, [1e30, np.log1p(np.e)], rtol=1e-6)
    np.testing.assert_allclose(pullback(jnp.ones(2))[0], [[1, -1, 0], [p - 1, 1 - p, 0]], atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype):
    logits, labels, y = case()
    logits = jnp.asarray(logits, dtype)
    for target in (labels, jnp.asarray(y, jnp.float16)):
        value = luxlib.softmax_cross_entropy(logits, target)
        assert value.dtype == jnp.float32
        distribution = one_hot(labels, 4) if target is labels else np.float64(target)
        np.testing.assert_allclose(value, losses(logits, distribution), rtol=1e-5)
        bar = jax.grad(lambda z, y=target: luxlib.softmax_cross_entropy(z, y).sum())(logits)
        assert bar.dtype == dtype


def test_labels_are_never_stored_as_one_hot():
    logits, labels = jnp.zeros((512, 4096)), jnp.zeros(512, jnp.int32)
    loss = jax.jit(luxlib.softmax_cross_entropy)
    memory = loss.lower(logits, labels).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 0.05 * logits.nbytes


# --- the linear head ----------------------------------------------------------------------------


def head(rows=(7,), features=3, classes=5, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(*rows, features)),
        rng.normal(size=(features, classes)),
        rng.normal(size=classes),
        rng.integers(0, classes, rows),
    )


@pytest.mark.parametrize(
    ("rows", "chunk"), [((7,), 3), ((2, 4), 4), ((), None), ((0,), 2), ((7,), 100), ((3,), 1)]
)
def test_head_is_the_cross_entropy_of_its_logits(rows, chunk):
    x, weight, bias, labels = head(rows)
    loss = partial(luxlib.linear_cross_entropy, chunk=chunk, label_smoothing=0.1)
    ct = np.random.default_rng(1).normal(size=rows)
    with jax.enable_x64(True):

        @jax.jit
        def both(x, weight, bias):
            f = lambda x, weight, bias: loss(x, weight, labels, bias=bias)  # noqa: E731
            value, pullback = jax.vjp(f, x, weight, bias)
            return value, pullback(jnp.asarray(ct))

        value, (x_bar, weight_bar, bias_bar) = both(x, weight, bias)
    logits, y = x @ weight + bias, smooth(one_hot(labels, 5), 0.1)
    np.testing.assert_allclose(value, losses(logits, y), rtol=1e-12)
    logits_bar = ct[..., None] * gradient(logits, y)
    close = partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-13)
    close(x_bar, logits_bar @ weight.T)
    close(weight_bar, x.reshape(-1, 3).T @ logits_bar.reshape(-1, 5))
    close(bias_bar, logits_bar.reshape(-1, 5).sum(0))


def test_head_in_half_precision_sums_in_float32():
    """The weight's gradient over more chunks than bfloat16 could count."""
    rows = 600
    x, weight = jnp.ones((rows, 1), jnp.bfloat16), jnp.zeros((1, 2), jnp.bfloat16)
    labels = jnp.zeros(rows, jnp.int32)
    value, bar = jax.value_and_grad(
        lambda w: luxlib.linear_cross_entropy(x, w, labels, chunk=1).sum()
    )(weight)
    assert value.dtype == jnp.float32
    assert bar.dtype == jnp.bfloat16
    np.testing.assert_allclose(bar.astype(float), [[-300, 300]])


def test_head_ignores_and_marks_labels():
    x, weight, _, _ = (jnp.asarray(a) for a in head())
    labels = jnp.array([0, 1, -1, 5, 2, -100, 0])
    value = luxlib.linear_cross_entropy(x, weight, labels, ignore_index=-100, chunk=2)
    stored = luxlib.softmax_cross_entropy(x @ weight, labels, ignore_index=-100)
    np.testing.assert_allclose(value, stored, rtol=1e-5)
    assert value[5] == 0


def test_head_does_not_store_its_logits():
    rows, features, classes = 2048, 16, 32000
    x, weight, labels = (
        jax.ShapeDtypeStruct(shape, dtype)
        for shape, dtype in (
            ((rows, features), "float32"),
            ((features, classes), "float32"),
            ((rows,), "int32"),
        )
    )

    def memory(loss):
        program = jax.jit(jax.grad(lambda x, w, labels: loss(x, w, labels).sum(), (0, 1)))
        return program.lower(x, weight, labels).compile().memory_analysis().temp_size_in_bytes

    chunked = memory(luxlib.linear_cross_entropy)
    stored = memory(lambda x, w, labels: luxlib.softmax_cross_entropy(x @ w, labels))
    assert stored >= 4 * rows * classes
    assert chunked < 40 * 2**20


# --- the kernel for GPU, interpreted ------------------------------------------------------------


@pytest.fixture
def interpreted():
    """Counts the kernels that were run by the interpreter."""
    count = []
    call = pallas.pallas_call

    def counted(*arguments, **options):
        assert options["interpret"]
        count.append(1)
        return call(*arguments, **options)

    with mock.patch.object(_pallas.pl, "pallas_call", counted):
        yield count


@pytest.mark.parametrize(
    ("rows", "features", "classes", "dtype"),
    [
        (7, 3, 5, "float32"),
        (130, 40, 300, "bfloat16"),
        pytest.param(64, 32, 128, "float32", marks=pytest.mark.slow),
        pytest.param(130, 40, 300, "float32", marks=pytest.mark.slow),
        pytest.param(1, 1, 1, "float16", marks=pytest.mark.slow),
    ],
)
def test_kernel(interpreted, rows, features, classes, dtype):
    x, weight, bias, labels = head((rows,), features, classes)
    x, weight, bias = (jnp.asarray(a, dtype) for a in (x, weight, bias))
    labels[0] = -100
    if rows > 1:
        labels[1] = classes
    for some_bias in (None, bias):
        value = _pallas.fused_losses(
            -100, x, weight, some_bias, jnp.asarray(labels), interpret=True
        )
        plain = luxlib.linear_cross_entropy(
            x, weight, jnp.asarray(labels), bias=some_bias, ignore_index=-100
        )
        assert value.dtype == plain.dtype == jnp.float32
        np.testing.assert_allclose(value, plain, rtol=2e-5, atol=2e-5)
    assert len(interpreted) == 2


def test_kernel_of_one_confident_prediction(interpreted):
    x, weight = jnp.ones((1, 1)), jnp.array([[0.0, 30.0]])
    value = _pallas.fused_losses(None, x, weight, None, jnp.array([1]), interpret=True)
    np.testing.assert_allclose(value, np.log1p(np.exp(-30.0)), rtol=1e-6)
    assert interpreted


def test_on_gpu_the_derivative_is_that_of_the_chunks():
    x, weight, bias, labels = head()

    def both():
        return jax.value_and_grad(
            lambda *a: luxlib.linear_cross_entropy(a[0], a[1], labels, bias=a[2]).sum(), (0, 1, 2)
        )(*(jnp.asarray(a, jnp.float32) for a in (x, weight, bias)))

    expected = both()
    with luxlib.compiling_for(platform="gpu"):
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), both(), expected)


LOGITS = jnp.ones((4, 3))
LABELS = jnp.zeros(4, int)
MESSAGES = {
    "logits": (
        lambda: luxlib.softmax_cross_entropy(LOGITS.astype(int), LABELS),
        TypeError,
        "softmax_cross_entropy: logits: expected a floating dtype, got int32. "
        "Convert it first, for example logits.astype(jax.numpy.float32).",
    ),
    "axis": (
        lambda: luxlib.softmax_cross_entropy(LOGITS, LABELS, axis=2),
        ValueError,
        "softmax_cross_entropy: axis: expected different axes of x (4, 3), got (2,). "
        "Count them from -2 to 1.",
    ),
    "classes": (
        lambda: luxlib.softmax_cross_entropy(jnp.ones((4, 0)), LABELS),
        ValueError,
        "softmax_cross_entropy: logits: expected classes on axis -1, got shape (4, 0). "
        "Choose another.",
    ),
    "labels": (
        lambda: luxlib.softmax_cross_entropy(LOGITS, LABELS[:3]),
        ValueError,
        "softmax_cross_entropy: target: expected shape (4,), got (3,). "
        "It has one label for each sample; nothing is broadcast.",
    ),
    "distribution": (
        lambda: luxlib.softmax_cross_entropy(LOGITS, jnp.ones(4)),
        ValueError,
        "softmax_cross_entropy: target: expected the shape of logits (4, 3), got (4,). "
        "A target that is not integer is a distribution; labels have shape (4,).",
    ),
    "boolean": (
        lambda: luxlib.softmax_cross_entropy(LOGITS, jnp.ones((4, 3), bool)),
        TypeError,
        "softmax_cross_entropy: target: expected a floating dtype, got bool. "
        "Convert it first, for example target.astype(jax.numpy.float32).",
    ),
    "smoothing": (
        lambda: luxlib.softmax_cross_entropy(LOGITS, LABELS, label_smoothing=1.5),
        ValueError,
        "softmax_cross_entropy: label_smoothing: expected a number from 0 to 1, got 1.5. "
        "It is a share.",
    ),
    "ignored": (
        lambda: luxlib.softmax_cross_entropy(LOGITS, LOGITS, ignore_index=0),
        ValueError,
        "softmax_cross_entropy: ignore_index: expected None with a distribution as target, got 0. "
        "It is a label.",
    ),
    "head-x": (
        lambda: luxlib.linear_cross_entropy(LOGITS, jnp.ones((2, 5)), LABELS),
        ValueError,
        "linear_cross_entropy: x: expected shape (..., 2), got (4, 3). "
        "The last axis of x must have the size of the first of weight (2, 5).",
    ),
    "head-x-dtype": (
        lambda: luxlib.linear_cross_entropy(LOGITS.astype(int), jnp.ones((3, 5)), LABELS),
        TypeError,
        "linear_cross_entropy: x: expected a floating dtype, got int32. "
        "Convert it first, for example x.astype(jax.numpy.float32).",
    ),
    "head-weight": (
        lambda: luxlib.linear_cross_entropy(LOGITS, jnp.ones(3), LABELS),
        ValueError,
        "linear_cross_entropy: weight: expected shape (in, classes), got (3,). "
        "It has a column for each class.",
    ),
    "head-bias": (
        lambda: luxlib.linear_cross_entropy(LOGITS, jnp.ones((3, 5)), LABELS, bias=jnp.ones(4)),
        ValueError,
        "linear_cross_entropy: bias: expected shape (5,), got (4,). "
        "It has one number for each class: weight has shape (3, 5).",
    ),
    "head-labels": (
        lambda: luxlib.linear_cross_entropy(LOGITS, jnp.ones((3, 5)), jnp.ones(4)),
        TypeError,
        "linear_cross_entropy: labels: expected an integer dtype, got float32. "
        "labels.astype(jax.numpy.int32) makes indices of whole numbers.",
    ),
    "head-chunk": (
        lambda: luxlib.linear_cross_entropy(LOGITS, jnp.ones((3, 5)), LABELS, chunk=0),
        ValueError,
        "linear_cross_entropy: chunk: expected an integer of at least 1, or None, got 0. "
        "It is a number of rows.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
