"""Normalization against groups of elements taken one by one in float64, and its laws."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

import luxlib
from luxlib import batchnorm, groupnorm, instancenorm, layernorm, rmsnorm


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def reference(x, labels, mask=None, *, centred=True, epsilon=1e-5):
    """Normalize elements of equal label, one label after the other; zero where `mask` is false."""
    x = np.asarray(x, np.float64)
    valid = np.broadcast_to(True if mask is None else mask, x.shape).ravel()
    y = np.zeros(x.size)
    for members in members_of(labels, x.shape):
        members = members[valid[members]]
        values = x.ravel()[members]
        if values.size:
            shifted = values - values.mean() if centred else values
            y[members] = shifted / np.sqrt((shifted**2).mean() + epsilon)
    return y.reshape(x.shape)


def members_of(labels, shape):
    """The places, in an array of that shape made flat, of each label."""
    flat = np.broadcast_to(labels, shape).ravel()
    order = np.argsort(flat, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(flat[order])) + 1)


def floats(*arrays):
    """The arrays in float32."""
    return [jnp.asarray(a, jnp.float32) for a in arrays]


def labels_of(shape, kept, channel_groups=None):
    """A number for each place on the axes `kept`; of the last axis, for each group of channels."""
    sizes = [n if i in kept else 1 for i, n in enumerate(shape)]
    labels = np.arange(np.prod(sizes)).reshape(sizes)
    if channel_groups is not None:
        labels = labels * channel_groups + np.arange(shape[-1]) // (shape[-1] // channel_groups)
    return labels


def by_plain(x, scale, bias, axes, *, groups=None, centred=True):
    """What one would write in JAX."""
    z = x if groups is None else x.reshape(*x.shape[:-1], groups, -1)
    mean = z.mean(axes, keepdims=True) if centred else 0.0
    square = ((z - mean) ** 2).mean(axes, keepdims=True)
    y = ((z - mean) / jnp.sqrt(square + 1e-5)).reshape(x.shape)
    last = (1,) * (x.ndim - scale.ndim) + scale.shape
    return y * scale.reshape(last) + bias.reshape(last)


def case(function, shape, kept, plain, parameters=None, channel_groups=None, centred=True):
    labels = labels_of(shape, kept, channel_groups)
    return function, shape, labels, plain, parameters or shape[-1:], centred


def batch(x, scale, bias, **options):
    return batchnorm(x, scale, bias, **options)[0]


def instance(x, scale, bias, **options):
    return instancenorm(x, scale, bias, **options)[0]


def group(groups):
    return lambda x, scale, bias, **options: groupnorm(x, scale, bias, groups, **options)


def rms(x, scale, bias, **options):
    """`rmsnorm` has no bias."""
    return rmsnorm(x, scale, **options) + jnp.broadcast_to(bias, x.shape)


def along(*axes):
    return partial(layernorm, axis=axes)


CASES = {
    "batch": case(batch, (4, 3, 5, 6), (3,), lambda *a: by_plain(*a, (0, 1, 2))),
    "batch-features": case(batch, (7, 3), (1,), lambda *a: by_plain(*a, 0)),
    "batch-one-channel": case(batch, (9, 5, 1), (2,), lambda *a: by_plain(*a, (0, 1))),
    "batch-one-row": case(batch, (1, 4), (1,), lambda *a: by_plain(*a, 0)),
    "instance": case(instance, (3, 5, 7, 2), (0, 3), lambda *a: by_plain(*a, (1, 2))),
    "instance-1d": case(instance, (2, 3, 1), (0, 2), lambda *a: by_plain(*a, 1)),
    "group": case(
        group(2), (3, 5, 3, 6), (0,), lambda *a: by_plain(*a, (1, 2, 4), groups=2), None, 2
    ),
    "group-no-space": case(group(3), (4, 6), (0,), lambda *a: by_plain(*a, 2, groups=3), None, 3),
    "layer": case(layernorm, (3, 5, 7), (0, 1), lambda *a: by_plain(*a, -1)),
    "layer-vector": case(layernorm, (9,), (), lambda *a: by_plain(*a, -1)),
    "layer-images": case(
        along(-3, -2, -1), (2, 3, 5, 2), (0,), lambda *a: by_plain(*a, (1, 2, 3)), (3, 5, 2)
    ),
    "layer-channels": case(along(1, 2), (2, 15, 3), (0,), lambda *a: by_plain(*a, (1, 2))),
    "layer-middle": case(along(1), (3, 5, 7), (0, 2), lambda *a: by_plain(*a, 1)),
    "layer-wide-scale": case(layernorm, (3, 5, 7), (0, 1), lambda *a: by_plain(*a, -1), (5, 7)),
    "rms": case(rms, (3, 5, 7), (0, 1), lambda *a: by_plain(*a, -1, centred=False), centred=False),
    "rms-axes": case(
        partial(rms, axis=(0, 2)),
        (3, 5, 7),
        (1,),
        lambda *a: by_plain(*a, (0, 2), centred=False),
        centred=False,
    ),
}
QUICK = {"batch", "instance-1d", "group", "layer", "layer-wide-scale", "rms"}
every = pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)


@every
def test_value_and_derivatives(name):
    """Against groups taken one by one, and the derivatives of the plain formula in two orders."""
    function, shape, labels, plain, parameters, centred = CASES[name]
    with jax.enable_x64(True):
        arguments = [
            jnp.asarray(a)
            for a in (normal(0, *shape), normal(1, *parameters), normal(2, *parameters))
        ]
        ways = [jnp.asarray(normal(3 + i, *a.shape)) for i, a in enumerate(arguments)]
        bar = jnp.asarray(normal(9, *shape))

        def all_of(f):
            def pull_back(*arguments):
                return jax.vjp(f, *arguments)[1](bar)

            return f(*arguments), *(jax.jvp(g, arguments, ways) for g in (f, pull_back))

        ours, theirs = jax.jit(lambda: (all_of(function), all_of(plain)))()
    x, scale, bias = map(np.asarray, arguments)
    y = reference(x, labels, centred=centred) * scale + bias
    np.testing.assert_allclose(ours[0], y, rtol=1e-10, atol=1e-10)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-7, atol=1e-7), ours, theirs)


ODD = [(3, 5, 6, 6), (7, 11, 1, 4)]  # sizes by which a division is not exact
MORE = [(2, 3, 3, 2), (5, 28, 28, 6), (64, 3, 5, 100), (1, 1, 1, 2)]


@pytest.mark.parametrize(
    "shape", [*ODD, *(pytest.param(shape, marks=pytest.mark.slow) for shape in MORE)], ids=str
)
def test_accuracy_far_from_zero(shape):
    """Mean 10,000 and deviation 1 in float32: within 1e-5 of float64, values and gradients."""
    functions = {
        "batch": (batch, labels_of(shape, (3,))),
        "instance": (instance, labels_of(shape, (0, 3))),
        "group": (group(2), labels_of(shape, (0,), 2)),
        "layer": (layernorm, labels_of(shape, (0, 1, 2))),
        "layer-middle": (along(1), labels_of(shape, (0, 2, 3))),
        "layer-images": (along(1, 2, 3), labels_of(shape, (0,))),
    }
    x = jnp.asarray(normal(1, *shape) + 1e4, jnp.float32)
    bar = jnp.asarray(normal(2, *shape), jnp.float32)
    one, zero = jnp.ones(shape[-1]), jnp.zeros(shape[-1])

    @jax.jit
    def both(x, bar):
        made = [jax.vjp(lambda x, f=f: f(x, one, zero), x) for f, _ in functions.values()]
        return [(y, pull_back(bar)[0]) for y, pull_back in made]

    for (y, x_bar), (function, labels) in zip(both(x, bar), functions.values(), strict=True):
        expected = reference(x, labels)
        np.testing.assert_allclose(y, expected, atol=1e-5, rtol=0)
        np.testing.assert_allclose(function(x, one, zero), expected, atol=1e-5, rtol=0)
        # The derivative in float64: r (ȳ - mean(ȳ) - y mean(ȳ y)), with the group's 1/deviation r.
        bars, inverses = np.zeros(x.size), np.zeros(x.size)
        for members in members_of(labels, shape):
            v, b = np.asarray(x, float).ravel()[members], np.asarray(bar, float).ravel()[members]
            r, h = 1 / np.sqrt(v.var() + 1e-5), expected.ravel()[members]
            inverses[members], bars[members] = r, r * (b - b.mean() - h * (b * h).mean())
        error = np.abs(np.asarray(x_bar).ravel() - bars) / (1 + inverses)
        assert error.max() < 1e-5


def test_accuracy_of_rmsnorm_far_from_zero():
    x = jnp.asarray(normal(1, 64, 300) + 1e4, jnp.float32)
    y = jax.jit(rmsnorm)(x)
    expected = reference(x, labels_of(x.shape, (0,)), centred=False)
    np.testing.assert_allclose(y, expected, atol=1e-6, rtol=0)


def test_accuracy_with_an_outlier_first():
    """No element is special: the first may be far from the others."""
    x = jnp.asarray(normal(1, 64, 300) + 1e4, jnp.float32).at[:, 0].set(9e3).at[0].set(9e3)
    np.testing.assert_allclose(
        layernorm(x), reference(x, labels_of(x.shape, (0,))), atol=1e-5, rtol=0
    )
    np.testing.assert_allclose(
        batchnorm(x)[0], reference(x, labels_of(x.shape, (1,))), atol=1e-5, rtol=0
    )


def test_many_rows_are_summed_accurately():
    x = jnp.asarray(normal(0, 300_000, 1) + 100, jnp.float32)
    y, (mean, var) = batchnorm(x, None, None, jnp.zeros(1), jnp.zeros(1), momentum=1.0)
    wide = np.asarray(x, np.float64)
    np.testing.assert_allclose(y, (wide - wide.mean()) / wide.std(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mean, wide.mean(0), rtol=1e-6)
    np.testing.assert_allclose(var, wide.var(0, ddof=1), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32_and_rounded_once(dtype):
    x = jnp.asarray(normal(0, 4, 500, 6) * 3 + 50, dtype)
    scale, bias = jnp.asarray(normal(1, 6), dtype), jnp.asarray(normal(2, 6), dtype)
    half_ulp = float(jnp.finfo(dtype).eps) / 2
    for function, labels, centred in (
        (batch, labels_of(x.shape, (2,)), True),
        (instance, labels_of(x.shape, (0, 2)), True),
        (group(3), labels_of(x.shape, (0,), 3), True),
        (layernorm, labels_of(x.shape, (0, 1)), True),
        (lambda x, scale, bias: rmsnorm(x, scale), labels_of(x.shape, (0, 1)), False),
    ):
        y, x_bar = jax.jit(
            lambda x, f=function: (
                f(x, scale, bias),
                jax.grad(lambda x: f(x, scale, bias).sum())(x),
            )
        )(x)
        assert y.dtype == x_bar.dtype == dtype
        expected = reference(x, labels, centred=centred) * np.asarray(scale, float)
        if centred:
            expected = expected + np.asarray(bias, float)
        error = np.abs(np.asarray(y, float) - expected)
        assert (error <= 1.01 * half_ulp * np.abs(expected) + 1e-5).all()


def test_the_activation_comes_after_the_one_rounding():
    x, scale = jnp.asarray(normal(0, 6, 4), jnp.bfloat16), jnp.ones(4, jnp.bfloat16)
    plain, zero = layernorm(x, scale), jnp.zeros(4, jnp.bfloat16)
    np.testing.assert_array_equal(layernorm(x, scale, zero, luxlib.gelu), luxlib.gelu(plain))
    np.testing.assert_array_equal(rmsnorm(x, scale, luxlib.gelu), luxlib.gelu(rmsnorm(x, scale)))
    np.testing.assert_array_equal(
        groupnorm(x, scale, zero, 2, luxlib.gelu), luxlib.gelu(groupnorm(x, scale, groups=2))
    )
    for training in (True, False):
        running = {"running_mean": jnp.zeros(4), "running_var": jnp.ones(4), "training": training}
        np.testing.assert_array_equal(
            batchnorm(x, scale, zero, activation=luxlib.gelu, **running)[0],
            luxlib.gelu(batchnorm(x, scale, **running)[0]),
        )


def test_dtypes():
    x, scale = jnp.arange(12).reshape(3, 4), jnp.ones(4, jnp.float16)
    assert layernorm(x).dtype == jnp.float32
    assert layernorm(x, scale).dtype == jnp.float16
    assert layernorm(x.astype("bfloat16"), jnp.ones(4)).dtype == jnp.float32
    assert not layernorm(x).weak_type
    y, (mean, var) = batchnorm(
        x.astype("bfloat16"), None, None, jnp.zeros(4), jnp.ones(4, "float16")
    )
    assert (y.dtype, mean.dtype, var.dtype) == (jnp.bfloat16, jnp.float32, jnp.float16)
    y, _ = batchnorm(x.astype("bfloat16"), None, None, jnp.zeros(4), jnp.ones(4), training=False)
    assert y.dtype == jnp.bfloat16
    with jax.enable_x64(True):
        x = jnp.asarray(normal(0, 5, 3))
        y, (mean, _) = batchnorm(x, None, None, jnp.zeros(3, "float32"), jnp.ones(3, "float32"))
        assert (y.dtype, mean.dtype) == (jnp.float64, jnp.float32)
        np.testing.assert_allclose(y, reference(x, labels_of(x.shape, (1,))), rtol=1e-12)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3), (0, 0, 4, 3)])
def test_nothing_to_normalize(shape):
    x = jnp.zeros(shape)
    y, (mean, var) = batchnorm(x, None, None, jnp.full(3, 2.0), jnp.full(3, 3.0))
    assert y.shape == shape
    np.testing.assert_array_equal((mean, var), [[2.0] * 3, [3.0] * 3])
    assert groupnorm(x, groups=3).shape == layernorm(x).shape == rmsnorm(x).shape == shape


def test_constant_input_gives_the_bias_and_small_gradients():
    x = jnp.full((4, 6, 3), 1e6 / 3)
    bias = jnp.array([1.0, 2.0, 3.0])
    for function in (batch, instance, group(3), layernorm, along(0, 1)):
        y, pull_back = jax.vjp(lambda x, f=function: f(x, jnp.ones(3), bias), x)
        np.testing.assert_allclose(y, np.broadcast_to(bias, y.shape), atol=1e-4)
        assert np.abs(pull_back(jnp.ones_like(y))[0]).max() < 1e-3


# Masks


LENGTHS = jnp.array([5, 2, 0, 1])
VALID = (jnp.arange(5)[None] < LENGTHS[:, None])[..., None]


@pytest.mark.parametrize("function", [instance, group(2), along(1, 2), layernorm])
def test_masked_is_sliced_example_by_example(function):
    x = jnp.asarray(normal(0, 4, 5, 6), jnp.float32)
    scale, bias, bar = floats(normal(1, 6), normal(2, 6), normal(3, *x.shape))
    hidden = jnp.where(VALID, x, jnp.nan)
    y, pull_back = jax.vjp(lambda *a: function(*a, mask=VALID), hidden, scale, bias)
    bars = pull_back(bar)
    sums = [np.zeros(6), np.zeros(6)]
    for i, length in enumerate(LENGTHS):
        assert (y[i, length:] == 0).all()
        assert (bars[0][i, length:] == 0).all()
        if length:
            part, part_back = jax.vjp(function, x[i : i + 1, :length], scale, bias)
            np.testing.assert_allclose(y[i : i + 1, :length], part, atol=1e-5)
            part_bars = part_back(bar[i : i + 1, :length])
            np.testing.assert_allclose(bars[0][i : i + 1, :length], part_bars[0], atol=2e-5)
            sums = [total + b for total, b in zip(sums, part_bars[1:], strict=True)]
    for total, b in zip(sums, bars[1:], strict=True):
        np.testing.assert_allclose(b, total, atol=2e-5)


def test_masked_batch_is_the_batch_of_the_valid():
    x = jnp.asarray(normal(0, 4, 5, 3), jnp.float32)
    running = jnp.asarray(normal(1, 3), "float32"), jnp.ones(3)
    y, statistics = batchnorm(jnp.where(VALID, x, jnp.inf), None, None, *running, mask=VALID)
    where = jnp.broadcast_to(VALID, x.shape)
    valid = x[where].reshape(-1, 3)
    expected, expected_statistics = batchnorm(valid, None, None, *running)
    np.testing.assert_allclose(y[where].reshape(-1, 3), expected, atol=1e-5)
    np.testing.assert_allclose(statistics, expected_statistics, atol=1e-5)
    assert (jnp.where(VALID, 0, y) == 0).all()
    inference, same = batchnorm(
        jnp.where(VALID, x, jnp.nan), None, None, *running, mask=VALID, training=False
    )
    full, _ = batchnorm(x, None, None, *running, training=False)
    np.testing.assert_allclose(inference, jnp.where(VALID, full, 0), rtol=1e-6)
    assert all((a == b).all() for a, b in zip(same, running, strict=True))

    def of_scale(scale):
        hidden = jnp.where(VALID, x, jnp.nan)
        return batchnorm(hidden, scale, None, *running, mask=VALID, training=False)[0].sum()

    np.testing.assert_allclose(
        jax.grad(of_scale)(jnp.ones(3)), jnp.where(VALID, full, 0).sum((0, 1)), rtol=1e-5
    )


def test_a_mask_of_single_elements():
    x, mask = jnp.asarray(normal(0, 6, 7, 4), jnp.float32), jnp.asarray(normal(1, 6, 7, 4) > 0)
    for function, labels in (
        (batch, labels_of(x.shape, (2,))),
        (instance, labels_of(x.shape, (0, 2))),
        (group(2), labels_of(x.shape, (0,), 2)),
        (layernorm, labels_of(x.shape, (0, 1))),
        (along(0), labels_of(x.shape, (1, 2))),
    ):
        y = function(x, jnp.ones(4), jnp.zeros(4), mask=mask)
        np.testing.assert_allclose(y, reference(x, labels, mask), atol=1e-5)
    expected = reference(x, labels_of(x.shape, (0, 1)), mask, centred=False)
    np.testing.assert_allclose(rmsnorm(x, mask=mask), expected, atol=1e-5)
    for shape in ((1, 7, 1), (6, 1, 4)):
        broad = jnp.broadcast_to(mask[tuple(slice(n) for n in shape)], x.shape)
        for function in (batch, instance, group(2), layernorm):
            y = function(x, jnp.ones(4), None, mask=mask[tuple(slice(n) for n in shape)])
            whole = function(x, jnp.ones(4), None, mask=broad)
            np.testing.assert_allclose(y, whole, atol=1e-6)


def test_nothing_valid_is_finite():
    x, mask = jnp.full((2, 3, 4), jnp.nan), jnp.zeros((2, 3, 1), bool)
    for function in (batch, instance, group(2), layernorm, rms):
        y, pull_back = jax.vjp(
            lambda *a, f=function: f(*a, mask=mask), x, jnp.ones(4), jnp.zeros(4)
        )
        assert (y == 0).all()
        x_bar, scale_bar, _ = pull_back(jnp.ones_like(y))
        assert (x_bar == 0).all()
        assert (scale_bar == 0).all()


def test_second_order_with_a_mask():
    x = jnp.where(VALID, jnp.asarray(normal(0, 4, 5, 2), "float32"), jnp.nan)
    for function in (batch, instance):
        gradient = jax.grad(lambda x, f=function: (f(x, None, None, mask=VALID) ** 3).sum())
        curvature = jax.jit(jax.grad(lambda x, g=gradient: (g(x) ** 2).sum()))(x)
        assert jnp.isfinite(curvature).all()


# Running statistics


def test_running_statistics_over_steps():
    mean, var = np.zeros(3), np.ones(3)
    ours = jnp.zeros(3), jnp.ones(3)
    for step in range(3):
        x = normal(step, 4, 5, 3) * 3 + 2
        _, ours = batchnorm(jnp.asarray(x, "float32"), None, None, *ours, momentum=0.3)
        mean = 0.7 * mean + 0.3 * x.mean((0, 1))
        var = 0.7 * var + 0.3 * x.var((0, 1), ddof=1)
        np.testing.assert_allclose(ours, (mean, var), rtol=1e-5)
    x = jnp.asarray(normal(9, 4, 5, 3), "float32")
    scale, bias = jnp.array([1.0, 2.0, 3.0]), jnp.array([0.0, 1.0, 2.0])
    y, after = batchnorm(x, scale, bias, *ours, training=False)
    expected = (np.asarray(x) - mean) / np.sqrt(var + 1e-5) * np.asarray(scale) + np.asarray(bias)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert after[0] is ours[0] or (after[0] == ours[0]).all()


def test_running_statistics_of_instances():
    x = normal(0, 4, 5, 3) * 3 + 2
    running = jnp.full(3, 2.0), jnp.full(3, 3.0)
    _, (mean, var) = instancenorm(jnp.asarray(x, "float32"), None, None, *running)
    np.testing.assert_allclose(mean, 0.9 * 2 + 0.1 * x.mean(1).mean(0), rtol=1e-5)
    np.testing.assert_allclose(var, 0.9 * 3 + 0.1 * x.var(1, ddof=1).mean(0), rtol=1e-5)
    y, _ = instancenorm(jnp.asarray(x, "float32"), None, None, *running, training=False)
    np.testing.assert_allclose(y, (x - 2) / np.sqrt(3 + 1e-5), rtol=1e-4)
    # Of lengths 5, 2, 0 and 1 three have a mean and two a variance.
    _, (mean, var) = instancenorm(jnp.asarray(x, "float32"), None, None, *running, mask=VALID)
    means = np.stack([x[0].mean(0), x[1, :2].mean(0), x[3, 0]])
    variances = np.stack([x[0].var(0, ddof=1), x[1, :2].var(0, ddof=1)])
    np.testing.assert_allclose(mean, 0.9 * 2 + 0.1 * means.mean(0), rtol=1e-5)
    np.testing.assert_allclose(var, 0.9 * 3 + 0.1 * variances.mean(0), rtol=1e-5)


def test_without_running_statistics_inference_takes_those_of_the_batch():
    x = jnp.asarray(normal(0, 4, 5, 3), "float32")
    for function in (batchnorm, instancenorm):
        y, running = function(x, training=False)
        np.testing.assert_array_equal(y, function(x)[0])
        assert running == (None, None)


def test_a_single_element_has_a_mean_but_no_variance():
    x = jnp.array([[3.0, 5.0]])
    y, (mean, var) = batchnorm(x, None, None, jnp.ones(2), jnp.full(2, 7.0), momentum=0.5)
    np.testing.assert_array_equal(y, jnp.zeros((1, 2)))
    np.testing.assert_allclose(mean, [2.0, 3.0])
    np.testing.assert_array_equal(var, [7.0, 7.0])


def test_the_momentum_may_change_and_carries_no_weak_type():
    x, running = jnp.asarray(normal(0, 8, 3), "float32"), (jnp.zeros(3), jnp.ones(3))
    step = jax.jit(
        lambda x, running, momentum: batchnorm(x, None, None, *running, momentum=momentum)
    )
    for momentum in (0.0, 0.25, 1.0):
        _, (mean, var) = step(x, running, jnp.float32(momentum))
        np.testing.assert_allclose(mean, momentum * x.mean(0), atol=1e-6)
        np.testing.assert_allclose(var, 1 - momentum + momentum * x.var(0, ddof=1), atol=1e-6)
        assert not mean.weak_type
        assert not var.weak_type
    assert step._cache_size() == 1


def test_running_statistics_carry_no_gradient():
    x = jnp.asarray(normal(0, 8, 3), "float32")

    def of_statistics(x):
        return sum(a.sum() for a in batchnorm(x, None, None, jnp.zeros(3), jnp.ones(3))[1])

    assert (jax.grad(of_statistics)(x) == 0).all()


def test_training_may_be_any_true_value():
    x, running = jnp.ones((2, 3)), (jnp.zeros(3), jnp.ones(3))
    for training, expected in ((1, 0.0), (0, 1.0)):
        y, _ = batchnorm(x, None, None, *running, training=training)
        np.testing.assert_allclose(y, np.full((2, 3), expected), atol=1e-4)


def test_training_runs_in_scan():
    xs = jnp.asarray(normal(0, 3, 8, 2), "float32")

    def body(running, x):
        y, running = batchnorm(x, None, None, *running)
        return running, y

    start = jnp.zeros(2), jnp.ones(2)
    running, ys = lax.scan(body, start, xs)
    for x, y in zip(xs, ys, strict=True):
        expected, start = batchnorm(x, None, None, *start)
        np.testing.assert_allclose(y, expected, atol=1e-6)
    np.testing.assert_allclose(running, start, rtol=1e-6)


# Mapped axes and devices


def test_statistics_over_a_mapped_axis():
    """With an axis name each part is normalized by the whole batch, and so is its gradient."""
    x = jnp.asarray(normal(0, 3, 4, 5) * 2 + 100, "float32")
    scale, bias, bar = floats(normal(1, 5), normal(2, 5), normal(3, *x.shape))
    mask = jnp.asarray(normal(4, 3, 4, 1) > -0.5)
    running = jnp.zeros(5), jnp.ones(5)
    for valid in (None, mask):

        def whole(x, scale, bias, valid=valid):
            return batchnorm(x, scale, bias, *running, mask=valid)

        def part(x, scale, bias, valid):
            return batchnorm(x, scale, bias, *running, mask=valid, axis_name="part")

        def parts(x, scale, bias, valid=valid, part=part):
            axes = (0, None, None, None if valid is None else 0)
            return jax.vmap(part, axes, axis_name="part")(x, scale, bias, valid)

        y, pull_back, statistics = jax.vjp(whole, x, scale, bias, has_aux=True)
        ys, pull_backs, each = jax.vjp(parts, x, scale, bias, has_aux=True)
        np.testing.assert_allclose(ys, y, atol=1e-5)
        for a, b in zip(pull_backs(bar), pull_back(bar), strict=True):
            np.testing.assert_allclose(a, b, atol=2e-4)
        for a, b in zip(each, statistics, strict=True):
            np.testing.assert_allclose(a, jnp.stack([b] * 3), rtol=1e-5)


def test_single_examples_in_a_mapped_axis():
    x = jnp.asarray(normal(0, 6, 2), "float32")
    ys, _ = jax.vmap(partial(batchnorm, axis_name="batch"), axis_name="batch")(x)
    np.testing.assert_allclose(ys, batchnorm(x)[0], atol=1e-6)


def test_statistics_over_devices():
    """Inside `shard_map`, with the gradient taken there too; the statistics are the same on all."""
    x, scale = jnp.asarray(normal(0, 4, 3, 2) + 1e4, "float32"), jnp.array([1.0, 2.0])
    running = jnp.zeros(2), jnp.ones(2)
    mesh = jax.make_mesh((2,), ("device",), axis_types=(AxisType.Auto,))

    def step(x, scale, axis_name=None):
        def loss(x, scale):
            y, after = batchnorm(x, scale, None, *running, axis_name=axis_name)
            return (jnp.sin(y) + y**3).sum(), (y, after)

        bars, (y, after) = jax.grad(loss, (0, 1), has_aux=True)(x, scale)
        return y, *bars, after

    specs = P("device"), P("device"), P(), (P(), P())
    manual = jax.shard_map(
        partial(step, axis_name="device"),
        mesh=mesh,
        in_specs=(P("device"), P()),
        out_specs=specs,
    )
    alone = step(x, scale)
    for a, b in zip(
        jax.tree.leaves(jax.jit(manual)(x, scale)), jax.tree.leaves(alone), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


# Laws


seeds = st.integers(0, 2**32 - 1)
some_shapes = st.sampled_from([(2, 3, 1, 4), (1, 1, 1, 2)])  # each is compiled


@settings(deadline=None, max_examples=15)
@given(st.sampled_from([(1, 2, 1), (3, 7, 2)]), seeds)
def test_the_output_has_mean_0_and_variance_1(shape, seed):
    with jax.enable_x64(True):
        x = jnp.asarray(normal(seed, *shape)) * 10
        for y, axes in (
            (batchnorm(x, epsilon=1e-12)[0], (0, 1)),
            (instancenorm(x, epsilon=1e-12)[0], 1),
            (groupnorm(x, groups=1, epsilon=1e-12), (1, 2)),
            (layernorm(x, axis=1, epsilon=1e-12), 1),
        ):
            np.testing.assert_allclose(y.mean(axes), 0, atol=1e-7)
            np.testing.assert_allclose(y.var(axes), 1, atol=1e-5)
        square = (rmsnorm(x, epsilon=1e-12) ** 2).mean(-1)
        np.testing.assert_allclose(square, 1, atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(seeds, st.floats(-1e4, 1e4), st.floats(1e-2, 1e4))
def test_shift_and_scale_change_nothing(seed, shift, factor):
    """As far as epsilon lets them."""
    with jax.enable_x64(True):
        x = jnp.asarray(normal(seed, 3, 5, 4))
        for function in (batch, instance, group(2), layernorm):
            plain = function(x, None, None, epsilon=1e-14)
            moved = function(factor * x + shift, None, None, epsilon=1e-14)
            np.testing.assert_allclose(moved, plain, atol=1e-7)
        np.testing.assert_allclose(
            rmsnorm(factor * x, epsilon=1e-14), rmsnorm(x, epsilon=1e-14), atol=1e-7
        )


@settings(deadline=None, max_examples=15)
@given(some_shapes, seeds)
def test_group_instance_and_layer_norm_meet(shape, seed):
    with jax.enable_x64(True):
        x, channels = jnp.asarray(normal(seed, *shape)), shape[-1]
        scale, bias = jnp.asarray(normal(1, channels)), jnp.asarray(normal(2, channels))
        close = partial(np.testing.assert_allclose, atol=1e-9, rtol=1e-9)
        close(groupnorm(x, scale, bias, channels), instancenorm(x, scale, bias)[0])
        close(groupnorm(x, scale, bias, 1), layernorm(x, scale, bias, axis=(1, 2, 3)))
        close(batchnorm(x[:1], scale, bias)[0], instancenorm(x[:1], scale, bias)[0])
        close(layernorm(x, axis=(1, 2)), instancenorm(x)[0])
        centred = x - x.mean(-1, keepdims=True)
        close(layernorm(x, scale), rmsnorm(centred, scale))


@settings(deadline=None, max_examples=15)
@given(st.sampled_from([(1, 3), (5, 2)]), seeds)
def test_masked_equals_sliced(sizes, seed):
    length, padding = sizes
    with jax.enable_x64(True):
        x = jnp.asarray(normal(seed, 2, length, 4))
        padded = jnp.pad(x, ((0, 0), (0, padding), (0, 0)), constant_values=np.nan)
        mask = (jnp.arange(length + padding) < length)[None, :, None]
        for function in (batch, instance, group(2), along(1), layernorm):
            y = function(padded, None, None, mask=mask)[:, :length]
            np.testing.assert_allclose(y, function(x, None, None), atol=1e-9)


def test_the_offset_is_added_to_the_scale_in_float32():
    x = jnp.asarray(normal(0, 5, 8), "bfloat16")
    small = jnp.full(8, 1e-3, "bfloat16")  # 1 + 1e-3 would be 1 in bfloat16
    expected = reference(x, labels_of(x.shape, (0,)), centred=False) * (1 + float(small[0]))
    y = np.asarray(rmsnorm(x, small, offset=1.0), float)
    assert (np.abs(y - expected) <= 1.01 * 2**-8 * np.abs(expected) + 1e-6).all()
    exact = rmsnorm(x.astype("float32"), small.astype("float32"), offset=1.0)
    np.testing.assert_allclose(exact, expected, atol=1e-5)


def test_between_the_passes_nothing_of_the_size_of_x_is_kept_but_x():
    x, one = jnp.asarray(normal(0, 64, 64), "bfloat16"), jnp.ones(64, "bfloat16")
    for function in (batch, layernorm, lambda x, s, b: rmsnorm(x, s)):
        pull_back = jax.vjp(function, x, one, one)[1]
        large = [a for a in jax.tree.leaves(pull_back) if getattr(a, "size", 0) >= x.size]
        assert [a.dtype for a in large] == [jnp.bfloat16]
