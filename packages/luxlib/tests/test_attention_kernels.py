"""Attention by kernels for GPUs, on CPU: in Pallas' interpreter, and with a stand-in for cuDNN."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import luxlib
from luxlib._attention._blocked import blocked
from luxlib._attention._cudnn import cudnn_kernel
from luxlib._attention._kernels import by_kernel
from luxlib._attention._pallas import pallas_kernel
from luxlib._attention._plain import plain
from luxlib._attention._terms import Options, Sides

INTERPRETED = pallas_kernel(rows=16, columns=16, interpret=True)


def normal(seed, *shape, dtype="float32"):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


def options(**changed):
    given = {"scale": 0.3, "soft_cap": None, "left": None, "right": None, "shift": 0}
    return Options(**given | changed)


def ids(seed, *lengths):
    """Segments of two examples, in the axes of `Sides`."""
    rng = np.random.default_rng(seed)
    query, key = (rng.integers(0, 3, (2, n)) for n in lengths)
    return {
        "query_segments": jnp.asarray(query)[:, None, :, None],
        "key_segments": jnp.asarray(key)[:, None, None, :],
    }


# name: (time, key_time, key_heads, group), options, sides
CASES = {
    "whole blocks": ((32, 48, 2, 1), options(), {}),
    "odd lengths": ((35, 21, 2, 1), options(), {}),
    "causal": ((50, 50, 2, 1), options(right=0), {}),
    "causal, shifted": ((20, 50, 2, 1), options(right=0, shift=30), {}),
    "causal, shifted back": ((50, 20, 2, 1), options(right=0, shift=-18), {}),
    "window": ((70, 70, 1, 1), options(left=5, right=3), {}),
    "wide window": ((70, 70, 1, 1), options(left=20, right=18, shift=2), {}),
    "grouped": ((20, 20, 2, 3), options(right=0), {}),
    "soft cap": ((20, 20, 2, 1), options(soft_cap=0.7, right=0), {}),
    "segments": ((40, 30, 2, 1), options(), ids(0, 40, 30)),
    "sinks": ((20, 20, 2, 1), options(right=0), {"sinks": normal(5, 1, 2, 1, 1)}),
    "all": (
        (40, 40, 2, 2),
        options(left=20, right=0, soft_cap=2.0, shift=-1),
        {"sinks": normal(5, 1, 2, 2, 1, 1)}
        | {name: side[:, :, None] for name, side in ids(1, 40, 40).items()},
    ),
}


def operands(shape, dtype="float32", size=16):
    time, key_time, heads, group = shape
    heads_of_query = (heads, group) if group > 1 else (heads,)
    return (
        normal(0, 2, *heads_of_query, time, size, dtype=dtype),
        normal(1, 2, heads, key_time, size, dtype=dtype),
        normal(2, 2, heads, key_time, size, dtype=dtype),
    )


def derivatives(attend, arrays, sides, order=1):
    """Value, gradients and forward mode; with `order` 2 a product with the Hessian too."""
    moving = (*arrays, sides.sinks)
    directions = jax.tree.map(lambda a: jnp.cos(jnp.arange(a.size)).reshape(a.shape), moving)
    directions = jax.tree.map(lambda d, a: d.astype(a.dtype), directions, moving)

    def f(query, key, value, sinks):
        return attend(query, key, value, sides._replace(sinks=sinks))

    def loss(*moving):
        return jnp.sin(f(*moving)).sum()

    results = {
        "value": f(*moving),
        "gradient": jax.grad(loss, tuple(range(3 + (sides.sinks is not None))))(*moving),
        "forward": jax.jvp(f, moving, directions)[1],
    }
    if order == 2:
        results["hessian"] = jax.jvp(jax.grad(loss, (0, 1, 2)), moving, directions)[1]

        def slope(*moving):
            bars = jax.grad(loss, (0, 1, 2))(*moving)
            return sum((b * d).sum() for b, d in zip(bars, directions[:3], strict=True))

        results["reverse"] = jax.grad(slope, (0, 1, 2))(*moving)
    return results


def hold(results, expected, tolerance):
    assert jax.tree.structure(results) == jax.tree.structure(expected)
    for (path, a), b in zip(
        jax.tree_util.tree_leaves_with_path(results), jax.tree.leaves(expected), strict=True
    ):
        assert a.dtype == b.dtype
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        scale = np.abs(b).max()
        np.testing.assert_allclose(a / scale, b / scale, rtol=0, atol=tolerance, err_msg=str(path))


FAST = ("causal", "all")
every = pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)


def compare(kernel, name, tolerance, dtype="float32", order=2):
    """Hold a kernel to the plain form in all derivatives."""
    shape, given, more = CASES[name]
    arrays, sides = operands(shape, dtype), Sides(**more)

    def run(attend):
        return jax.jit(lambda arrays, sides: derivatives(attend, arrays, sides, order))

    results = run(partial(by_kernel, given, kernel=kernel))(arrays, sides)
    hold(results, run(partial(plain, given))(arrays, sides), tolerance)


@every
def test_pallas(name):
    compare(INTERPRETED, name, 3e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_pallas_in_half_precision(dtype):
    compare(INTERPRETED, "all", 0.02, dtype, order=1)


@pytest.mark.slow
def test_pallas_blocks_of_other_sizes():
    compare(pallas_kernel(rows=32, columns=16, interpret=True), "all", 3e-6)
    compare(pallas_kernel(rows=16, columns=32, interpret=True), "window", 3e-6)


def test_a_query_that_sees_nothing():
    """Its result and gradients are zero, and none is NaN."""
    given, arrays = options(right=0, shift=-3), operands((20, 20, 2, 1))
    kernel = partial(by_kernel, given, sides=Sides(), kernel=INTERPRETED)

    @jax.jit
    def both(*arrays):
        y, pullback = jax.vjp(kernel, *arrays)
        return y, pullback(jnp.ones_like(y))

    y, bars = both(*arrays)
    assert (y[:, :, :3] == 0).all()
    assert (y[:, :, 3:] != 0).all()
    assert (bars[0][:, :, :3] == 0).all()
    assert all(jnp.isfinite(bar).all() for bar in bars)


def attend_with(kernel):
    return lambda *arrays: by_kernel(options(right=0), *arrays, Sides(), kernel=kernel)


def backward_with(kernel):
    return jax.grad(lambda *arrays: attend_with(kernel)(*arrays).sum(), (0, 1, 2))


def test_the_interpreter_runs():
    """Three kernels: the value, and two of the backward pass."""
    arrays = operands(CASES["causal"][0])
    for function, kernels in ((attend_with, 1), (backward_with, 3)):
        text = str(jax.make_jaxpr(function(INTERPRETED))(*arrays))
        assert text.count("interpret=True") == kernels
        assert "interpret=False" not in text


# JAX 0.11, the last that luxlib allows, says that a later one will not have it.
@pytest.mark.filterwarnings("ignore:The Pallas Triton backend:DeprecationWarning")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["causal", "all"])
def test_triton_code_is_made(name, dtype, abstract_gpu):
    """And for CPU the same program has none of it, but the blocked form."""
    shape, given, more = CASES[name]
    arrays, sides = operands(shape, dtype, size=64), Sides(**more)

    def gradient(*arrays):
        attend = partial(by_kernel, given, sides=sides, kernel=pallas_kernel())
        return jax.grad(lambda *a: attend(*a).sum(), (0, 1, 2))(*arrays)

    with abstract_gpu:
        text = jax.jit(gradient).trace(*arrays).lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("__gpu$xla.gpu.triton") == 3
    assert "triton" not in jax.jit(gradient).trace(*arrays).lower().as_text()
    hold(
        jax.jit(gradient)(*arrays),
        jax.jit(jax.grad(lambda *a: blocked(given, *a, sides).sum(), (0, 1, 2)))(*arrays),
        1e-6,
    )


def stand_in(query, key, value, *, scale, is_causal, local_window_size):
    """As cuDNN's: reverse mode alone, half precision out, `(batch, time, heads, size)`."""

    def attend(query, key, value):
        return jax.nn.dot_product_attention(
            query, key, value, scale=scale, is_causal=is_causal, local_window_size=local_window_size
        )

    kernel = jax.custom_vjp(attend)
    kernel.defvjp(lambda *arrays: jax.vjp(attend, *arrays), lambda pullback, bar: pullback(bar))
    return kernel(query, key, value)


@pytest.mark.parametrize("name", ["causal", pytest.param("whole blocks", marks=pytest.mark.slow)])
def test_cudnn_by_a_stand_in(name):
    compare(cudnn_kernel(stand_in), name, 3e-6)


@pytest.mark.slow
def test_cudnn_with_groups_and_a_window():
    arrays = operands((20, 20, 2, 3))
    given = options(right=0, left=4)
    hold(
        jax.jit(partial(derivatives, partial(by_kernel, given, kernel=cudnn_kernel(stand_in))))(
            arrays, Sides()
        ),
        jax.jit(partial(derivatives, partial(plain, given)))(arrays, Sides()),
        3e-6,
    )


def test_vmap_over_heads_of_examples():
    arrays = operands(CASES["causal"][0])
    attend = attend_with(INTERPRETED)
    mapped = jax.vmap(lambda *a: attend(*(x[None] for x in a))[0])
    np.testing.assert_allclose(
        jax.jit(mapped)(*arrays), jax.jit(attend)(*arrays), rtol=1e-5, atol=1e-6
    )


def test_where_there_is_no_gpu_the_blocked_form_runs():
    """Chosen for a GPU, the function still runs on CPU."""
    x = normal(0, 2, 24, 2, 16)
    with luxlib.compiling_for(platform="gpu"):
        asked = luxlib.scaled_dot_product_attention(x, x, x, implementation="pallas")
    np.testing.assert_allclose(
        asked, luxlib.scaled_dot_product_attention(x, x, x), rtol=1e-5, atol=1e-6
    )
