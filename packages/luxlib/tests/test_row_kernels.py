"""The GPU kernels of `layernorm` and `rmsnorm`, interpreted, against the formula in float64."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import pallas

import luxlib
from luxlib._normalization._layer import _implementation, _normalize
from luxlib._normalization._row_kernels import reason_against
from luxlib._normalization._standardize import Group


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def normalize(implementation, centred, x, scale, bias):
    return _normalize(
        x,
        scale,
        bias,
        None,
        group=Group((x.ndim - 1,), centred=centred),
        offset=0.0,
        activation=luxlib.identity,
        epsilon=1e-5,
        implementation=implementation,
    )


def with_gradients(implementation, centred, bar):
    def run(*arguments):
        y, pull_back = jax.vjp(partial(normalize, implementation, centred), *arguments)
        return y, *pull_back(bar.astype(y.dtype))

    return jax.jit(run)


def arguments(shape, dtype="float32", mean=0.0):
    features = shape[-1]
    arrays = normal(0, *shape) + mean, 1 + 0.1 * normal(1, features), normal(2, features)
    return [jnp.asarray(a, dtype) for a in arrays]


@pytest.fixture
def made(monkeypatch):
    """The kernels that are made: their names, and whether they are interpreted."""
    calls, make = [], pallas.pallas_call

    def recording(*arguments, **options):
        calls.append((options["name"], options["interpret"]))
        return make(*arguments, **options)

    monkeypatch.setattr(pallas, "pallas_call", recording)
    return calls


INTERPRETED = {("normalize_rows", True), ("normalize_rows_backward", True)}
SHAPES = [(1, 1), (2, 3, 7), (100, 33)]
MORE = [(5, 3), (9, 8), (3, 300), (1, 5000), (4100, 2), (700, 64)]
centred_or_not = pytest.mark.parametrize("centred", [True, False])


@pytest.mark.parametrize(
    "shape", [*SHAPES, *(pytest.param(shape, marks=pytest.mark.slow) for shape in MORE)], ids=str
)
@centred_or_not
def test_values_and_gradients(shape, centred, made):
    given, bar = arguments(shape), jnp.asarray(normal(3, *shape), "float32")
    results = with_gradients("interpreted", centred, bar)(*given)
    assert set(made) == INTERPRETED
    with jax.enable_x64(True):
        wide = [jnp.asarray(a, "float64") for a in given]
        exact = with_gradients("plain", centred, jnp.asarray(bar, "float64"))(*wide)
    for a, b in zip(results, exact, strict=True):
        assert a.dtype == jnp.float32
        error = np.abs(np.asarray(a, "float64") - np.asarray(b))
        assert error.max() <= 2e-6 * (1 + np.abs(np.asarray(b)).max())


@pytest.mark.parametrize("rows", [1, 20_000])
def test_more_rows_than_programs(rows, made, monkeypatch):
    """A program of the backward pass takes several tiles, the last ones beyond the end."""
    monkeypatch.setattr("luxlib._normalization._row_kernels._MOST_PROGRAMS", 3)
    monkeypatch.setattr("luxlib._normalization._row_kernels._TILE", 256)
    given, bar = arguments((rows, 10)), jnp.asarray(normal(3, rows, 10), "float32")
    results = with_gradients("interpreted", True, bar)(*given)
    assert set(made) == INTERPRETED
    for a, b in zip(results, with_gradients("plain", True, bar)(*given), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
@centred_or_not
def test_half_precision(dtype, centred, made):
    given, bar = arguments((13, 50), dtype), jnp.asarray(normal(3, 13, 50), dtype)
    results = with_gradients("interpreted", centred, bar)(*given)
    assert set(made) == INTERPRETED
    single = [a.astype("float32") for a in given]
    exact = with_gradients("plain", centred, bar.astype("float32"))(*single)
    half_ulp = float(jnp.finfo(dtype).eps) / 2
    for a, b in zip(results, exact, strict=True):
        assert a.dtype == dtype
        error = np.abs(np.asarray(a, "float32") - b)
        assert (error <= 1.01 * half_ulp * np.abs(b) + 1e-4).all()


def test_accuracy_far_from_zero(made):
    x, scale, bias = arguments((11, 300), mean=1e4)
    y = normalize("interpreted", True, x, scale, bias)
    assert made == [("normalize_rows", True)]
    wide = np.asarray(x, float)
    exact = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, exact * np.asarray(scale) + np.asarray(bias), atol=1e-5)


@centred_or_not
def test_without_parameters(centred):
    x = jnp.asarray(normal(0, 6, 12), "float32")
    np.testing.assert_allclose(
        normalize("interpreted", centred, x, None, None),
        normalize("plain", centred, x, None, None),
        atol=1e-6,
    )


@pytest.mark.parametrize("implementation", ["interpreted", "kernel"])
def test_transformations_find_the_derivatives_of_the_formula(implementation):
    """Forward mode, second order both ways, and mapping. Without CUDA "kernel" is the formula."""
    given = arguments((3, 6))
    ways = [jnp.asarray(normal(5 + i, *a.shape), "float32") for i, a in enumerate(given)]

    def derivatives(implementation):
        def loss(*arguments):
            return jnp.sin(normalize(implementation, True, *arguments)).sum()

        gradient = jax.grad(loss, (0, 1, 2))

        def slope(*arguments):
            return sum((g * w).sum() for g, w in zip(gradient(*arguments), ways, strict=True))

        mapped = jax.vmap(gradient, (0, None, 0))
        x, scale, bias = given
        return (
            jax.jvp(loss, given, ways)[1],
            jax.jvp(gradient, given, ways)[1],
            jax.grad(slope, (0, 1, 2))(*given),
            mapped(jnp.stack([x, 2 * x]), scale, jnp.stack([bias, -bias])),
            jax.grad(jax.checkpoint(loss))(*given),
        )

    ours, plain = jax.jit(lambda: (derivatives(implementation), derivatives("plain")))()
    jax.tree.map(partial(np.testing.assert_allclose, atol=2e-5, rtol=1e-4), ours, plain)


# JAX 0.11, the last that luxlib allows, says that a later one will not have it.
@pytest.mark.filterwarnings("ignore:The Pallas Triton backend:DeprecationWarning")
@pytest.mark.parametrize("shape", [(7, 48), (3, 5, 768), (2, 16384)], ids=str)
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_kernels_lower_to_triton(shape, dtype, abstract_gpu):
    given, bar = arguments(shape, dtype), jnp.asarray(normal(3, *shape), dtype)
    with abstract_gpu:
        traced = with_gradients("kernel", True, bar).trace(*given)
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("__gpu$xla.gpu.triton") == 2
    traced = with_gradients("kernel", True, bar).trace(*given)
    assert "__gpu$xla.gpu.triton" not in traced.lower(lowering_platforms=("cpu",)).as_text()


def test_where_the_kernels_are_used():
    x, scale, bias = arguments((2, 3, 8))
    last = Group((2,))
    assert _implementation(x, scale, bias, None, last) == "plain"
    with luxlib.compiling_for(platform="gpu"):
        assert _implementation(x, scale, bias, None, last) == "kernel"
        assert _implementation(x, None, None, None, last) == "kernel"
        assert _implementation(x, scale, bias, None, Group((1,))) == "plain"
        text = str(jax.make_jaxpr(luxlib.layernorm)(x, scale, bias))
        assert "normalize_rows" in text
        assert "normalize_rows" in str(jax.make_jaxpr(luxlib.rmsnorm)(x, scale))
        assert "normalize_rows" not in str(jax.make_jaxpr(partial(luxlib.rmsnorm, axis=0))(x))
        np.testing.assert_allclose(
            luxlib.layernorm(x, scale, bias), normalize("plain", True, x, scale, bias), atol=1e-6
        )


REASONS = {
    "there is a mask": ((2, 8), {"mask": jnp.ones((2, 1), bool)}),
    "the statistics are not taken along the last axis alone": ((2, 8), {"group": Group((0, 1))}),
    "a dtype is not float16, bfloat16 or float32": ((2, 8), {"dtype": "int32"}),
    "a parameter has more axes than the last": ((2, 8), {"scale": jnp.ones((2, 8))}),
    "there are not 1 to 16384 features": ((1, 16385), {}),
    "there are no rows": ((0, 8), {}),
}


@pytest.mark.parametrize("reason", REASONS)
def test_reasons_against_the_kernels(reason):
    shape, options = REASONS[reason]
    x = jnp.zeros(shape, options.get("dtype", "float32"))
    group = options.get("group", Group((1,)))
    assert reason_against(x, options.get("scale"), None, options.get("mask"), group) == reason
