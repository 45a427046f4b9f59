"""`lux.setup`: any generator in, named tuples of arrays without weak types out."""

import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from luxcore import AbstractLuxLayer, NamedTuple

MODEL = lux.Chain(lux.Dense(4, 8, lux.relu), lux.Dropout(0.5), lux.Dense(8, 2))


class Counter(AbstractLuxLayer):
    """A layer whose trees hold plain numbers."""

    def initial_parameters(self, rng):
        return NamedTuple(scale=1.0, shift=np.float32(2), matrix=jnp.asarray(3.0))

    def initial_states(self, rng):
        return NamedTuple(count=0, name="counter", flag=True)

    def __call__(self, x, ps, st):
        return x, st


def assert_same(a, b):
    def same(a, b):
        if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        np.testing.assert_array_equal(a, b)

    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(same, a, b)


def test_a_seed_is_its_key():
    assert_same(lux.setup(7, MODEL), lux.setup(jax.random.key(7), MODEL))
    assert_same(lux.setup(np.int64(7), MODEL), lux.setup(7, MODEL))


def test_a_raw_key_gives_the_same_parameters_as_a_typed_one():
    assert_same(lux.setup(jax.random.PRNGKey(7), MODEL)[0], lux.setup(7, MODEL)[0])


@pytest.mark.parametrize("make", [random.Random, np.random.default_rng])
def test_a_generator_is_advanced_by_one_draw(make):
    first, second = make(3), make(3)
    ps, _ = lux.setup(first, MODEL)
    assert_same(ps, lux.setup(second, MODEL)[0])
    other = lux.setup(first, MODEL)[0]
    assert not (other.layer_0.weight == ps.layer_0.weight).any()
    if isinstance(first, random.Random):
        fresh = random.Random(3)
        fresh.getrandbits(64)
        again = random.Random(3)
        lux.setup(again, MODEL)
        assert again.getstate() == fresh.getstate()


def test_a_generators_whole_draw_counts():
    class Fixed(random.Random):
        def __init__(self, bits):
            super().__init__(0)
            self.bits = bits

        def getrandbits(self, k):
            return self.bits

    low = lux.setup(Fixed(1), MODEL)[0].layer_0.weight
    high = lux.setup(Fixed(1 + 2**32), MODEL)[0].layer_0.weight
    assert not (low == high).any()


def test_it_is_a_pure_function_of_a_key_under_every_transformation():
    key = jax.random.key(1)
    expected = lux.setup(key, MODEL)
    jitted = jax.jit(lambda key: lux.setup(key, MODEL))(key)
    assert_same(jitted[1], expected[1])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), jitted[0], expected[0])
    shapes = jax.eval_shape(lambda key: lux.setup(key, MODEL), key)
    assert shapes[0].layer_0.weight.shape == (4, 8)
    keys = jax.random.split(key, 3)
    stacked = jax.vmap(lambda key: lux.setup(key, MODEL)[0])(keys)
    np.testing.assert_allclose(
        stacked.layer_2.bias[1], lux.setup(keys[1], MODEL)[0].layer_2.bias, rtol=1e-6
    )
    assert jax.eval_shape(lambda: lux.setup(5, MODEL))[0].layer_0.bias.shape == (8,)


def test_appending_and_naming_layers_leaves_the_others_as_they_were():
    a, b = lux.Dense(4, 8), lux.Dense(8, 2)
    ps, _ = lux.setup(0, lux.Chain(a=a, b=b))
    more, _ = lux.setup(0, lux.Chain(new=lux.Dense(4, 4), b=b, a=a))
    assert_same(ps.a, more.a)
    assert_same(ps.b, more.b)
    assert not (ps.a.weight[:2, :2] == more.new.weight[:2, :2]).any()
    short, long = lux.Chain(a), lux.Chain(a, b)
    assert_same(lux.setup(0, short)[0].layer_0, lux.setup(0, long)[0].layer_0)


def test_the_bias_does_not_move_the_weight():
    with_bias = lux.setup(0, lux.Dense(4, 8))[0]
    assert_same(with_bias.weight, lux.setup(0, lux.Dense(4, 8, use_bias=False))[0].weight)


def test_numbers_become_arrays_without_weak_types():
    ps, st = lux.setup(0, Counter())
    for leaf in (ps.scale, ps.shift, ps.matrix, st.count, st.flag):
        assert isinstance(leaf, jax.Array)
        assert not leaf.weak_type
    assert (ps.scale.dtype, st.count.dtype, st.flag.dtype) == (jnp.float32, jnp.int32, jnp.bool_)
    assert st.name == "counter"


def test_layers_in_a_tuple_and_nothing():
    ps, st = lux.setup(0, (lux.Dense(2, 3), None))
    assert ps._fields == st._fields == ("layer_0", "layer_1")
    assert lux.setup(0, None) == (NamedTuple(), NamedTuple())


@pytest.mark.parametrize(
    ("rng", "model", "kind", "message"),
    [
        (
            lux.Dense(2, 3),
            0,
            TypeError,
            "setup(rng, model) takes the generator first, got Dense(2 → 3): call setup(0, model)",
        ),
        (
            0,
            lux.Dense,
            TypeError,
            "expected a layer, or a tuple or NamedTuple of layers, got Dense: make an object of "
            "the class first",
        ),
        (-1, MODEL, ValueError, "a seed is an integer from 0 to 2**32 - 1, got -1"),
        (2**32, MODEL, ValueError, "a seed is an integer from 0 to 2**32 - 1, got 4294967296"),
        *[
            (
                rng,
                MODEL,
                TypeError,
                "expected a seed or a random generator (an int, a JAX key, random.Random or "
                f"numpy.random.Generator), got {type(rng).__name__}",
            )
            for rng in (1.0, True, None, "0", [0, 1])
        ],
        (
            jnp.zeros(2),
            MODEL,
            TypeError,
            "expected a JAX key, got float32[2]: jax.random.key(seed) makes one",
        ),
        (
            jnp.asarray(3),
            MODEL,
            TypeError,
            "expected a JAX key, got int32[]: jax.random.key(seed) makes one",
        ),
        (
            jax.random.split(jax.random.key(0), 3),
            MODEL,
            ValueError,
            "expected one random key, got an array of them of shape (3,): jax.vmap over it",
        ),
        (
            jnp.zeros((3, 2), jnp.uint32),
            MODEL,
            ValueError,
            "expected one random key, got an array of them of shape (3, 2): jax.vmap over it",
        ),
    ],
)
def test_what_is_wrong_is_said(rng, model, kind, message: str):
    with pytest.raises(kind) as caught:
        lux.setup(rng, model)
    assert str(caught.value) == message


def test_a_registered_generator_is_passed_on():
    class Mine:
        pass

    for function in (lux.child, lux.fork):
        function.register(Mine, lambda rng, *name: rng)
    ps, _ = lux.setup(Mine(), Counter())
    assert float(ps.scale) == 1.0
