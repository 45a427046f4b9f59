"""The cross-entropy against formulas in float64, written here in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as some_numpy

from lux_losses import CrossEntropyLoss

EACH = CrossEntropyLoss(logits=True, agg=None)


def log_softmax(logits):
    """In float64, exact to its last bits also where a probability is 1 but for 1e-300."""
    z = np.asarray(logits, np.float64)
    below = z - z.max(-1, keepdims=True)
    first = np.arange(z.shape[-1]) == z.argmax(-1)[..., None]
    return below - np.log1p(np.where(first, 0, np.exp(below)).sum(-1, keepdims=True))


def one_hot(labels, classes: int):
    return np.eye(classes)[np.asarray(labels)]


def smooth(y, smoothing: float):
    return (1 - smoothing) * y + smoothing / y.shape[-1]


def from_logits(logits, y):
    y = np.asarray(y, np.float64)
    return -np.where(y == 0, 0, y * log_softmax(logits)).sum(-1)


def gradient_from_logits(logits, y):
    """`Σ_k y_k (p_j - [j = k])`, with `p_j - 1` summed from the other classes."""
    p = np.exp(log_softmax(logits))
    classes = p.shape[-1]
    terms = np.repeat(p[..., None, :], classes, -2)
    for k in range(classes):
        terms[..., k, k] = -np.delete(p, k, -1).sum(-1)
    return (np.asarray(y, np.float64)[..., None] * terms).sum(-2)


def from_probabilities(p, y, epsilon: float):
    return -(np.asarray(y, np.float64) * np.log(np.asarray(p, np.float64) + epsilon)).sum(-1)


def random_case(batch=(5,), classes=4, scale=3.0, seed=0):
    rng = np.random.default_rng(seed)
    logits = scale * rng.standard_normal((*batch, classes)).astype(np.float32)
    return logits, rng.integers(0, classes, batch), rng.dirichlet(np.ones(classes), batch)


# --- the page -----------------------------------------------------------------------------------

# "Loss Functions", CrossEntropyLoss, of the documentation of Lux.jl; there the class axis is first.
PAGE_Y = np.array([[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0]]).T
PAGE_Y_MODEL = jax.nn.softmax(jnp.arange(-7.0, 8.0).reshape(5, 3))


@pytest.mark.parametrize("y", [PAGE_Y, PAGE_Y.argmax(-1), PAGE_Y.astype(bool)])
def test_numbers_of_the_page(y):
    np.testing.assert_allclose(CrossEntropyLoss()(PAGE_Y_MODEL, y), 1.6076053, rtol=1e-6)
    loss = CrossEntropyLoss(agg=jnp.sum)(PAGE_Y_MODEL, y)
    np.testing.assert_allclose(loss, 5 * 1.6076053, rtol=1e-6)
    loss = CrossEntropyLoss(label_smoothing=0.15)(PAGE_Y_MODEL, y)
    np.testing.assert_allclose(loss, 1.5776052, rtol=1e-6)


def test_number_of_the_page_with_its_own_axis():
    loss = CrossEntropyLoss(axis=0)(PAGE_Y_MODEL.T, PAGE_Y.T)
    np.testing.assert_allclose(loss, 1.6076053, rtol=1e-6)


# --- values and gradients -----------------------------------------------------------------------

FLOATS = some.floats(-1e4, 1e4, width=32)
SHAPES = some.sampled_from([(1,), (4,), (3, 2), (2, 3, 5)])


@given(
    logits=some_numpy.arrays(np.float32, SHAPES, elements=FLOATS), seed=some.integers(0, 2**32 - 1)
)
@settings(max_examples=60, deadline=None)
def test_logits_of_any_size_have_an_exact_loss_and_gradient(logits, seed: int):
    rng = np.random.default_rng(seed)
    classes = logits.shape[-1]
    labels = rng.integers(0, classes, logits.shape[:-1])
    dirichlet = rng.dirichlet(np.ones(classes), logits.shape[:-1])
    for target, y in (
        (jnp.asarray(labels), one_hot(labels, classes)),
        (jnp.asarray(dirichlet, jnp.float32), np.float32(dirichlet)),
    ):
        loss, pullback = jax.vjp(lambda z, y=target: EACH(z, y), jnp.asarray(logits))
        np.testing.assert_allclose(loss, from_logits(logits, y), rtol=1e-5, atol=1e-35)
        (gradient,) = pullback(jnp.ones_like(loss))
        expected = gradient_from_logits(logits, y)
        if target.ndim < logits.ndim:
            np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-35)
        else:  # the gradient of a mixture is a difference of its parts
            np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=5e-7)


def test_a_confident_prediction_has_its_small_loss():
    logits = jnp.array([[0.0, 30.0, 1.0]])
    for y in (jnp.array([1]), jnp.array([[0.0, 1.0, 0.0]])):
        loss, pullback = jax.vjp(lambda z, y=y: EACH(z, y), logits)
        np.testing.assert_allclose(loss, from_logits(logits, [[0, 1, 0]]), rtol=1e-6)
        (gradient,) = pullback(jnp.ones(1))
        np.testing.assert_allclose(gradient, gradient_from_logits(logits, [[0, 1, 0]]), rtol=1e-6)


@pytest.mark.parametrize("smoothing", [None, 0.15, 1])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_labels_and_distributions_with_smoothing(batch, smoothing):
    logits, labels, y = random_case(batch)
    p = np.exp(log_softmax(logits)).astype(np.float32)
    eps = np.finfo(np.float32).eps
    loss = CrossEntropyLoss(agg=None, label_smoothing=smoothing)
    loss_of_logits = CrossEntropyLoss(agg=None, logits=True, label_smoothing=smoothing)
    for target, distribution in ((labels, one_hot(labels, 4)), (np.float32(y), np.float32(y))):
        smoothed = smooth(distribution, smoothing or 0)
        target = jnp.asarray(target)
        np.testing.assert_allclose(
            loss_of_logits(logits, target), from_logits(logits, smoothed), rtol=1e-5
        )
        np.testing.assert_allclose(
            loss(p, target), from_probabilities(p, smoothed, eps), rtol=1e-5, atol=1e-7
        )
        gradient = jax.grad(lambda z, y=target: loss_of_logits(z, y).sum())(logits)
        np.testing.assert_allclose(gradient, gradient_from_logits(logits, smoothed), atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("logits", [True, False])
def test_axis(axis: int, logits: bool):
    y_hat, labels, y = random_case((2, 3))
    y_hat = y_hat if logits else jax.nn.softmax(y_hat)
    loss = CrossEntropyLoss(agg=None, logits=logits)
    moved = CrossEntropyLoss(agg=None, logits=logits, axis=axis)
    y = jnp.asarray(y, jnp.float32)
    expected = loss(y_hat, y)
    np.testing.assert_allclose(
        moved(jnp.moveaxis(y_hat, -1, axis), jnp.moveaxis(y, -1, axis)), expected, rtol=1e-6
    )
    np.testing.assert_allclose(
        moved(jnp.moveaxis(y_hat, -1, axis), labels), loss(y_hat, labels), rtol=1e-6
    )


def differences(function, x, step=1e-4):
    """The derivative of a function by central differences of fourth order."""

    def along(direction):
        return sum(
            weight * function(x + step * multiple * direction)
            for multiple, weight in ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))
        )

    directions = jnp.eye(x.size, dtype=x.dtype).reshape(-1, *x.shape)
    rows = jnp.stack([along(direction) / step for direction in directions], -1)
    return rows.reshape(*rows.shape[:-1], *x.shape)


@pytest.mark.parametrize("target", ["labels", "distribution"])
@pytest.mark.parametrize("logits", [True, False])
def test_derivatives_by_finite_differences(logits: bool, target: str):
    y_hat, labels, y = random_case((2,), classes=3, scale=1.0)
    loss = CrossEntropyLoss(logits=logits, label_smoothing=0.1)
    with jax.enable_x64(True):
        y_hat = jnp.asarray(y_hat, jnp.float64) if logits else jax.nn.softmax(jnp.float64(y_hat))
        y = jnp.asarray(labels) if target == "labels" else jnp.asarray(y)
        function = jax.jit(lambda y_hat: loss(y_hat, y))
        for _ in range(3):
            by_jax = jax.jit(jax.jacrev(function))
            np.testing.assert_allclose(by_jax(y_hat), differences(function, y_hat), 1e-7, 1e-7)
            np.testing.assert_allclose(jax.jacfwd(function)(y_hat), by_jax(y_hat), atol=1e-12)
            function = by_jax


@pytest.mark.parametrize("logits", [True, False])
def test_gradients_of_the_target(logits: bool):
    y_hat, _, y = random_case((2,), classes=3, scale=1.0)
    with jax.enable_x64(True):
        y_hat = jnp.asarray(y_hat, jnp.float64) if logits else jax.nn.softmax(jnp.float64(y_hat))
        y = jnp.asarray(y)
        assert not jax.grad(CrossEntropyLoss(logits=logits), argnums=1)(y_hat, y).any()
        loss = CrossEntropyLoss(logits=logits, label_smoothing=0.1, target_gradients=True)
        gradient = jax.jit(jax.grad(loss, argnums=1))
        expected = differences(lambda y: loss(y_hat, y), y)
        np.testing.assert_allclose(gradient(y_hat, y), expected, 1e-7, 1e-7)
        for argument in (0, 1):  # the gradient of the prediction moves with the target, and back
            mixed = jax.jacrev(jax.grad(loss, argument), 1 - argument)(y_hat, y)
            arguments = [y_hat, y]

            def moved(value, argument=argument, arguments=arguments):
                arguments[1 - argument] = value
                return jax.grad(loss, argument)(*arguments)

            expected = differences(moved, (y_hat, y)[1 - argument])
            np.testing.assert_allclose(mixed, expected, 1e-7, 1e-7)


def test_second_derivatives_without_target_gradients_see_a_constant_target():
    logits, _, y = random_case((2,))
    y = jnp.asarray(y, jnp.float32)
    loss = CrossEntropyLoss(logits=True)
    assert not jax.jacobian(jax.grad(loss), argnums=1)(jnp.asarray(logits), y).any()


@pytest.mark.parametrize("y", [jnp.array(1), jnp.array([0.0, 1.0, 0.0])])
def test_transformations_agree(y):
    loss = CrossEntropyLoss(logits=True)
    logits = jnp.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]])
    expected = jnp.stack([loss(z, y) for z in logits])
    np.testing.assert_allclose(jax.vmap(loss, (0, None))(logits, y), expected, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(jax.vmap(loss, (0, None)))(logits, y), expected, rtol=1e-6)
    _, scanned = jax.lax.scan(lambda c, z: (c, loss(z, y)), None, logits)
    np.testing.assert_allclose(scanned, expected, rtol=1e-6)
    reverse = jax.vmap(jax.jacrev(loss), (0, None))(logits, y)
    forward = jax.vmap(jax.jacfwd(loss), (0, None))(logits, y)
    rematerialised = jax.vmap(jax.grad(jax.checkpoint(loss)), (0, None))(logits, y)
    np.testing.assert_allclose(forward, reverse, rtol=1e-6)
    np.testing.assert_allclose(rematerialised, reverse, rtol=1e-6)


# --- edges --------------------------------------------------------------------------------------


def test_an_excluded_class_has_no_part():
    logits = jnp.array([[1.0, -jnp.inf, 2.0]])
    expected = from_logits([[1.0, 2.0]], [[1, 0]])
    for y in (jnp.array([0]), jnp.array([[1.0, 0.0, 0.0]])):
        loss, pullback = jax.vjp(lambda z, y=y: EACH(z, y), logits)
        np.testing.assert_allclose(loss, expected, rtol=1e-6)
        (gradient,) = pullback(jnp.ones(1))
        assert gradient[0, 1] == 0
        assert np.isfinite(gradient).all()
    assert EACH(logits, jnp.array([1]))[0] == jnp.inf


def test_equal_logits_are_told_apart_by_nothing():
    for y in (jnp.array([0]), jnp.array([[1.0, 0.0, 0.0, 0.0]])):
        np.testing.assert_allclose(EACH(jnp.full((1, 4), 7.0), y), [np.log(4)], rtol=1e-6)


@pytest.mark.parametrize("y", [jnp.array([0, 1]), jnp.array([[1.0, 0.0], [0.0, 1.0]])])
def test_probabilities_of_zero_and_one_are_finite(y):
    eps = np.finfo(np.float32).eps
    p = jnp.array([[1.0, 0.0], [1.0, 0.0]])
    loss = CrossEntropyLoss(agg=None)
    value, pullback = jax.vjp(lambda p: loss(p, y), p)
    np.testing.assert_allclose(value, [-np.log1p(np.float64(eps)), -np.log(eps)], rtol=1e-6)
    (gradient,) = pullback(jnp.ones(2))
    np.testing.assert_allclose(gradient, [[-1 / (1 + eps), 0], [0, -1 / eps]], rtol=1e-6)


def test_epsilon_zero():
    loss = CrossEntropyLoss(agg=None, epsilon=0)
    p = jnp.array([[1.0, 0.0], [1.0, 0.0]])
    for y in (jnp.array([0, 1]), jnp.array([[1.0, 0.0], [0.0, 1.0]])):
        np.testing.assert_array_equal(loss(p, y), [0, np.inf])
    gradient = jax.grad(lambda p: loss(p, jnp.array([[1.0, 0.0], [1.0, 0.0]])).sum())(p)
    np.testing.assert_array_equal(gradient, [[-1, 0], [-1, 0]])


@pytest.mark.parametrize("probability", [0.5, 0.75, 0.999, 1 - 2**-20, 1 - 2**-24])
def test_a_probability_near_one_keeps_its_last_bits(probability: float):
    loss = CrossEntropyLoss(epsilon=1e-8)(jnp.float32([probability]), jnp.array(0))
    expected = -np.log1p((np.float64(np.float32(probability)) - 1) + 1e-8)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize("logits", [True, False])
def test_half_precision_is_computed_in_float32(dtype, logits: bool):
    y_hat, labels, y = random_case((6,), scale=1.0)
    y_hat = jnp.asarray(y_hat if logits else jax.nn.softmax(y_hat), dtype)
    loss = CrossEntropyLoss(logits=logits)
    for target in (jnp.asarray(labels), jnp.asarray(y, dtype)):
        value, gradient = jax.value_and_grad(loss)(y_hat, target)
        wide = target if target.dtype == jnp.int32 else target.astype(jnp.float32)
        expected, expected_gradient = jax.value_and_grad(loss)(y_hat.astype(jnp.float32), wide)
        assert value.dtype == jnp.float32
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        assert gradient.dtype == dtype
        np.testing.assert_allclose(
            gradient.astype(jnp.float32), expected_gradient, rtol=1e-2, atol=1e-6
        )


def test_dtypes_meet_in_the_promoted_one():
    with jax.enable_x64(True):
        loss = CrossEntropyLoss(logits=True)
        logits = jnp.array([[1.0, 2.0]], jnp.float32)
        assert loss(logits, jnp.array([[0.5, 0.5]], jnp.float64)).dtype == jnp.float64
        assert loss(logits, jnp.array([[0.5, 0.5]], jnp.float16)).dtype == jnp.float32
        assert loss(logits, jnp.array([0], jnp.int64)).dtype == jnp.float32
        assert loss(logits.astype(jnp.float16), jnp.array([[1, 0]])).dtype == jnp.float32
        gradient = jax.grad(loss)(logits, jnp.array([[0.5, 0.5]], jnp.float64))
        assert gradient.dtype == jnp.float32


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint16, np.int32, np.int64])
def test_labels_of_any_integer_dtype(dtype):
    logits, labels, _ = random_case((5,), classes=100)
    expected = EACH(logits, jnp.asarray(labels))
    np.testing.assert_array_equal(EACH(logits, labels.astype(dtype)), expected)
    np.testing.assert_array_equal(EACH(logits, jnp.asarray(labels.astype(dtype))), expected)


def test_more_classes_than_the_labels_can_count():
    logits, _, _ = random_case((2,), classes=300)
    labels = np.array([0, 255])
    np.testing.assert_array_equal(EACH(logits, labels.astype(np.uint8)), EACH(logits, labels))


def test_labels_are_never_stored_as_one_hot():
    logits, labels = jnp.zeros((512, 4096)), jnp.zeros(512, jnp.int32)
    loss = CrossEntropyLoss(logits=True)
    # The reductions of older versions of XLA store their terms; seen to be gone in jax 0.10.2.
    limit = logits.nbytes * (0.02 if jax.__version_info__ >= (0, 10, 2) else 1.1)
    for function in (loss, jax.value_and_grad(loss)):
        compiled = jax.jit(lambda z, y, f=function: f(z, y)).lower(logits, labels).compile()
        assert compiled.memory_analysis().temp_size_in_bytes < limit


# --- strictness ---------------------------------------------------------------------------------

LOGITS = jnp.zeros((4, 3))
EXPECTED = (
    "y: expected shape (4,) of class indices or shape (4, 3) of distributions for y_hat (4, 3) "
    "with the classes on axis -1"
)


@pytest.mark.parametrize(
    ("y_hat", "y", "kind", "message"),
    [
        (
            LOGITS,
            jnp.array([0, 1, 2, 3]),
            ValueError,
            "y: expected class indices from 0 to 2, got 3 at (3,). "
            "y_hat has 3 classes on axis -1; indices never wrap around.",
        ),
        (
            LOGITS,
            np.array([0, -1, 2, -100]),
            ValueError,
            "y: expected class indices from 0 to 2, got -1 at (1,). "
            "y_hat has 3 classes on axis -1; indices never wrap around.",
        ),
        (
            LOGITS,
            np.array([0, 1, 2**32, 1]),  # in 32 bits, this is class 0
            ValueError,
            "y: expected class indices from 0 to 2, got 4294967296 at (2,). "
            "y_hat has 3 classes on axis -1; indices never wrap around.",
        ),
        (
            LOGITS[0],
            jnp.array(5),
            ValueError,
            "y: expected class indices from 0 to 2, got 5. "
            "y_hat has 3 classes on axis -1; indices never wrap around.",
        ),
        (
            LOGITS,
            jnp.zeros((4, 1), jnp.int32),
            ValueError,
            f"{EXPECTED}, got shape (4, 1). Perhaps y[:, 0] is meant.",
        ),
        (
            LOGITS,
            jnp.zeros((3, 4)),
            ValueError,
            f"{EXPECTED}, got shape (3, 4). Perhaps y.T is meant.",
        ),
        (
            LOGITS,
            jnp.zeros(5, jnp.int32),
            ValueError,
            f"{EXPECTED}, got shape (5,). Nothing is broadcast.",
        ),
        (
            LOGITS,
            jnp.zeros((1, 3)),
            ValueError,
            f"{EXPECTED}, got shape (1, 3). Nothing is broadcast.",
        ),
        (
            jnp.zeros((4, 1)),
            jnp.zeros(4),
            TypeError,
            "y: expected an integer dtype, as its shape is that of class indices, got float32. "
            "y.astype(jax.numpy.int32) makes indices of whole numbers.",
        ),
        (
            jnp.zeros((4, 3, 5)),
            jnp.zeros((4, 5), jnp.int32),
            ValueError,
            "y: expected shape (4, 3) of class indices or shape (4, 3, 5) of distributions for "
            "y_hat (4, 3, 5) with the classes on axis -1, got shape (4, 5). "
            "If the classes are on axis 1, pass axis=1.",
        ),
        (
            jnp.zeros((4, 3, 1)),
            jnp.zeros((4, 3, 1, 1)),
            ValueError,
            "y: expected shape (4, 3) of class indices or shape (4, 3, 1) of distributions for "
            "y_hat (4, 3, 1) with the classes on axis -1, got shape (4, 3, 1, 1). "
            "Perhaps y[:, :, 0] is meant.",
        ),
        (
            jnp.zeros((4, 3, 1)),
            jnp.zeros((4, 3)),
            TypeError,
            "y: expected an integer dtype, as its shape is that of class indices, got float32. "
            "y.astype(jax.numpy.int32) makes indices of whole numbers.",
        ),
        (
            jnp.zeros((1, 4, 3)),
            jnp.zeros((4, 3)),
            ValueError,
            "y: expected shape (1, 4) of class indices or shape (1, 4, 3) of distributions for "
            "y_hat (1, 4, 3) with the classes on axis -1, got shape (4, 3). "
            "Perhaps y[None] is meant.",
        ),
        (
            LOGITS,
            jnp.array([True, False, True, False]),
            TypeError,
            "y: expected an integer dtype, as its shape is that of class indices, got bool. "
            "y.astype(jax.numpy.int32) makes indices of whole numbers.",
        ),
        (
            LOGITS,
            jnp.zeros((4, 3), jnp.complex64),
            TypeError,
            "y: expected a real dtype, got complex64. Pass indices or distributions.",
        ),
        (
            LOGITS.astype(jnp.int32),
            jnp.zeros(4, jnp.int32),
            TypeError,
            "y_hat: expected a floating dtype, got int32. "
            "It holds a probability or a logit for every class.",
        ),
        (
            jnp.float32(1),
            jnp.int32(0),
            ValueError,
            "y_hat: expected an axis -1 of classes, got shape (). Choose another axis=.",
        ),
        (
            jnp.zeros((4, 0)),
            jnp.zeros(4, jnp.int32),
            ValueError,
            "y_hat: expected at least one class on axis -1, got shape (4, 0). "
            "Choose another axis=.",
        ),
    ],
)
def test_message_of_what_does_not_fit(y_hat, y, kind: type, message: str):
    with pytest.raises(kind) as caught:
        CrossEntropyLoss(logits=True)(y_hat, y)
    assert str(caught.value) == f"CrossEntropyLoss: {message}"


@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("smoothing", [None, 0.1])
def test_an_index_out_of_range_is_nan_inside_jit(smoothing, logits: bool):
    loss = CrossEntropyLoss(logits=logits, agg=None, label_smoothing=smoothing)
    y_hat = jnp.full((5, 3), 1 / 3)
    y = jnp.array([1, -1, 3, -100, 2**31 - 1])
    values, pullback = jax.vjp(lambda p: jax.jit(loss)(p, y), y_hat)
    np.testing.assert_array_equal(np.isnan(values), [False, True, True, True, True])
    (gradient,) = pullback(jnp.ones(5))
    np.testing.assert_array_equal(np.isnan(gradient).any(-1), [False, True, True, True, True])


def test_a_wide_index_does_not_wrap_inside_jit():
    with jax.enable_x64(True):
        assert np.isnan(jax.jit(EACH)(LOGITS[:1], jnp.array([2**32])))[0]


def test_labels_are_checked_under_grad_as_well():
    with pytest.raises(ValueError, match="class indices from 0 to 2, got 3"):
        jax.grad(CrossEntropyLoss(logits=True))(LOGITS, jnp.array([0, 1, 2, 3]))
