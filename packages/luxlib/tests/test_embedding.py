"""Rows of a table: values, gradients that are sums, indices out of range."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luxlib

TABLE = np.random.default_rng(0).normal(size=(5, 3))


@partial(jax.jit, static_argnames="padding_index")
def gradient(ids, table, ct, padding_index=None):
    lookup = partial(luxlib.embedding_lookup, ids, padding_index=padding_index)
    return jax.vjp(lookup, table)[1](ct)[0]


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,), (2, 0, 3)])
@pytest.mark.parametrize("features", [(3,), (), (2, 2), (0,)])
def test_value_and_gradient(shape, features):
    rng = np.random.default_rng(1)
    table, ids = rng.normal(size=(5, *features)), rng.integers(0, 5, shape)
    ct = rng.normal(size=(*shape, *features))
    with jax.enable_x64(True):
        rows = luxlib.embedding_lookup(jnp.asarray(ids), jnp.asarray(table))
        bar = gradient(jnp.asarray(ids), jnp.asarray(table), jnp.asarray(ct))
    np.testing.assert_array_equal(rows, table[ids])
    expected = np.zeros_like(table)
    np.add.at(expected, ids, ct)
    np.testing.assert_allclose(bar, expected, rtol=1e-14, atol=1e-14)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(-7, 7), min_size=3, max_size=3))
def test_an_index_out_of_range_gives_nan_and_has_no_gradient(ids):
    ids = np.array(ids, np.int32)
    inside = (ids >= 0) & (ids < 5)
    table = jnp.asarray(TABLE, jnp.float32)
    rows = luxlib.embedding_lookup(ids, table)
    np.testing.assert_array_equal(rows[inside], table[ids[inside]])
    assert jnp.isnan(rows[~inside]).all()
    bar = gradient(ids, table, jnp.ones((3, 3)))
    np.testing.assert_array_equal(bar[:, 0], [(ids == i).sum() for i in range(5)])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", "int64", "uint32", "uint64"])
def test_indices_of_any_integer_dtype(dtype):
    table = np.arange(300.0, dtype=np.float32)[:, None]
    with jax.enable_x64(True):
        largest = min(299, jnp.iinfo(dtype).max)
        ids = jnp.array([0, largest], dtype)
        np.testing.assert_array_equal(luxlib.embedding_lookup(ids, table)[:, 0], [0, largest])
        if jnp.iinfo(dtype).bits > 16:
            wide = jnp.array([300, min(2**32, jnp.iinfo(dtype).max)], dtype)
            assert jnp.isnan(luxlib.embedding_lookup(wide, table)).all()


def test_the_padding_row_has_no_gradient():
    ids = jnp.array([0, 1, 1, 4, 0])
    table = jnp.asarray(TABLE, jnp.float32)
    rows = luxlib.embedding_lookup(ids, table, padding_index=1)
    np.testing.assert_array_equal(rows, table[ids])
    bar = gradient(ids, table, jnp.ones((5, 3)), padding_index=1)
    np.testing.assert_array_equal(bar[:, 0], [2, 0, 0, 0, 1])
    dots = jax.jvp(
        lambda t: luxlib.embedding_lookup(ids, t, padding_index=1), (table,), (jnp.ones((5, 3)),)
    )[1]
    np.testing.assert_array_equal(dots[:, 0], [1, 0, 0, 1, 1])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_gradient_of_half_precision_is_summed_in_float32(dtype):
    """4096 times 1: in bfloat16 a sum of ones stops at 256, in float16 at 2048."""
    table = jnp.zeros((2, 3), dtype)
    bar = gradient(jnp.zeros(4096, jnp.int32), table, jnp.ones((4096, 3), dtype))
    assert bar.dtype == dtype
    np.testing.assert_array_equal(bar[0].astype(float), 4096)


def test_complex_tables_and_empty_ones():
    table = jnp.array([[1 + 2j], [3 - 1j]])
    np.testing.assert_array_equal(luxlib.embedding_lookup(jnp.array([1]), table), table[1:])
    assert jnp.isnan(luxlib.embedding_lookup(jnp.array([0]), jnp.ones((0, 2)))).all()
    assert luxlib.embedding_lookup(jnp.zeros((0,), int), jnp.ones((0, 2))).shape == (0, 2)


def test_a_table_of_several_axes():
    table = np.random.default_rng(2).normal(size=(4, 3, 2)).astype(np.float32)
    ids = (jnp.array([[0, 3], [2, 1]]), jnp.array([[2, 0], [1, 1]], jnp.uint8))
    rows = luxlib.embedding_lookup(ids, table)
    np.testing.assert_array_equal(rows, table[tuple(map(np.asarray, ids))])
    # What is out of range on one axis is not another entry of the flattened table.
    for wrong in ((0, 3), (1, -1), (-1, 2), (4, 0)):
        rows = luxlib.embedding_lookup(tuple(map(jnp.array, wrong)), table)
        assert jnp.isnan(rows).all()
    bar = jax.grad(lambda table: luxlib.embedding_lookup(ids, table).sum())(jnp.asarray(table))
    expected = np.zeros_like(table)
    np.add.at(expected, tuple(map(np.asarray, ids)), 1)
    np.testing.assert_array_equal(bar, expected)


MESSAGES = {
    "a tuple of floats": (
        lambda: luxlib.embedding_lookup((jnp.array(0), jnp.array(0.0)), TABLE),
        TypeError,
        "embedding_lookup: ids: expected an integer dtype, got float32. "
        "ids.astype(jax.numpy.int32) makes indices of whole numbers.",
    ),
    "a tuple for too many axes": (
        lambda: luxlib.embedding_lookup((jnp.array(0),) * 3, TABLE),
        ValueError,
        "embedding_lookup: table: expected shape (entries, entries, entries, ...), got (5, 3). "
        "It has a row for each index.",
    ),
    "a tuple of shapes": (
        lambda: luxlib.embedding_lookup((jnp.array([0]), jnp.array(0)), TABLE),
        ValueError,
        "embedding_lookup: ids: expected arrays of one shape, got ((1,), ()). "
        "Each has an index for every place.",
    ),
    "a tuple and padding": (
        lambda: luxlib.embedding_lookup((jnp.array(0),) * 2, TABLE, padding_index=0),
        ValueError,
        "embedding_lookup: padding_index: expected None for a tuple of indices, got 0. "
        "It is the index of a row of a table of one axis of entries.",
    ),
    "ids": (
        lambda: luxlib.embedding_lookup(jnp.ones(2), jnp.ones((3, 2))),
        TypeError,
        "embedding_lookup: ids: expected an integer dtype, got float32. "
        "ids.astype(jax.numpy.int32) makes indices of whole numbers.",
    ),
    "table": (
        lambda: luxlib.embedding_lookup(jnp.array([1]), jnp.ones((3, 2), int)),
        TypeError,
        "embedding_lookup: table: expected a floating or complex dtype, got int32. "
        "Convert it first, for example table.astype(jax.numpy.float32).",
    ),
    "scalar": (
        lambda: luxlib.embedding_lookup(jnp.array([1]), jnp.float32(1)),
        ValueError,
        "embedding_lookup: table: expected shape (entries, ...), got (). "
        "It has a row for each index.",
    ),
    "padding": (
        lambda: luxlib.embedding_lookup(jnp.array([1]), jnp.ones((3, 2)), padding_index=3),
        ValueError,
        "embedding_lookup: padding_index: expected an integer from 0 to 2, or None, got 3. "
        "It is the index of a row of the table.",
    ),
    "padding-word": (
        lambda: luxlib.embedding_lookup(jnp.array([1]), jnp.ones((3, 2)), padding_index="pad"),
        ValueError,
        "embedding_lookup: padding_index: expected an integer from 0 to 2, or None, got 'pad'. "
        "It is the index of a row of the table.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
