"""The numbers that are drawn without a program for each shape are those of `jax.random`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lux.initializers import _draws

SHAPES = [(), (3,), (5, 7), (2**15,), (2**15 + 1,), (300, 301)]
KEYS = {
    "typed": jax.random.key(7),
    "raw": jax.random.PRNGKey(2**32 - 1),
    "folded": jax.random.fold_in(jax.random.key(0), 5),
}


def both(key, shape, dtype=jnp.float32):
    """Each distribution as it is drawn here, and by JAX."""
    return {
        "uniform": (
            _draws.uniform(key, shape, dtype, -0.3, 0.7),
            jax.random.uniform(key, shape, dtype, -0.3, 0.7),
        ),
        "normal": (_draws.normal(key, shape, dtype), jax.random.normal(key, shape, dtype)),
        "truncated_normal": (
            _draws.truncated_normal(key, shape, dtype, -2.0, 1.5),
            jax.random.truncated_normal(key, -2.0, 1.5, shape, dtype),
        ),
    }


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_they_are_those_of_jax(key, shape):
    for ours, theirs in both(KEYS[key], shape).values():
        assert (ours.shape, ours.dtype) == (shape, theirs.dtype)
        np.testing.assert_array_max_ulp(np.asarray(ours), np.asarray(theirs), 1)


@pytest.mark.parametrize(
    ("key", "shape", "dtype"),
    [
        (jax.random.key(0, impl="rbg"), (40,), jnp.float32),
        (jax.random.key(0), (40,), jnp.bfloat16),
        (jax.random.key(0), (0, 3), jnp.float32),
    ],
    ids=["another generator", "another dtype", "nothing"],
)
def test_elsewhere_jax_draws(key, shape, dtype):
    for ours, theirs in both(key, shape, dtype).values():
        assert ours.dtype == dtype
        np.testing.assert_array_equal(ours, theirs)


def test_traced_keys():
    def draw(key):
        return [ours for ours, _ in both(key, (4, 5)).values()]

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7),
        jax.jit(draw)(KEYS["typed"]),
        draw(KEYS["typed"]),
    )


def test_no_program_is_compiled_for_a_shape():
    _draws.normal(KEYS["typed"], (4,), jnp.float32)
    programs = _draws._normal._cache_size()
    for size in range(5, 9):
        _draws.normal(KEYS["typed"], (size, 3), jnp.float32)
    assert _draws._normal._cache_size() == programs == 1
