"""luxcore with NumPy."""

import pickle

import pytest
from sample_layers import Identity, Pair
from test_layer import Plain

from luxcore import (
    AbstractLuxLayer,
    NamedTuple,
    child,
    fleaves,
    fork,
    parameter_length,
    replicate,
    setup,
    split,
)

np = pytest.importorskip("numpy", reason="this environment is for luxcore without NumPy")


class Noise(AbstractLuxLayer):
    width: int = 3

    def initial_parameters(self, rng):
        return NamedTuple(weight=rng.standard_normal(self.width))

    def __call__(self, x, ps, st):
        return x * ps.weight, st


@pytest.mark.parametrize(
    "bit_generator", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_children_go_by_name(bit_generator):
    rng = np.random.Generator(bit_generator(0))
    state = repr(rng.bit_generator.state)

    def draws(name):
        return tuple(child(rng, name).standard_normal(4))

    assert draws("a") == draws("a") != draws("b")
    assert type(child(rng, "a").bit_generator) is bit_generator
    assert len({tuple(r.random(4)) for r in split(rng, 3)}) == 3
    assert tuple(replicate(rng).random(4)) == tuple(replicate(rng).random(4))
    assert repr(rng.bit_generator.state) == state
    assert tuple(fork(rng).random(4)) != tuple(fork(rng).random(4))


def test_children_depend_on_the_whole_state():
    # The state of the Mersenne twister is a long array, whose `repr` would leave most of it out.
    first = np.random.Generator(np.random.MT19937(0))
    second = np.random.Generator(np.random.MT19937(0))
    state = second.bit_generator.state
    state["state"]["key"][300] += 1
    second.bit_generator.state = state
    assert child(first, "a").random() != child(second, "a").random()


def test_setup_goes_by_name_and_draws_once():
    rng = np.random.default_rng(0)
    first, second = (setup(rng, Pair(Noise(), Noise()))[0] for _ in range(2))
    leaves = fleaves(first) + fleaves(second)
    assert len({tuple(leaf) for leaf in leaves}) == 4
    assert parameter_length(first) == 6


def test_arrays_are_leaves_and_refused_as_fields():
    assert len(fleaves(NamedTuple(a=np.zeros((2, 3)), b=[np.float32(1)]))) == 2
    with pytest.raises(TypeError) as error:
        Plain({"table": np.zeros((3, 2), np.float32)})
    assert str(error.value) == (
        "Plain.value[0]: a layer holds no arrays, got float32[3,2]: make it in initial_parameters "
        "(what is trained) or initial_states (what is not)"
    )


def test_numpy_scalars_and_dtypes_may_be_fields():
    assert Plain(np.float32(0.5)) == Plain(np.float32(0.5)) != Plain(0.5)
    assert Plain(np.float64(0.0)) != Plain(np.float64(-0.0))
    assert Plain(np.float32("nan")) == Plain(np.float32("nan"))
    assert Plain(np.dtype("int8")) == Plain(np.dtype("int8"))
    assert pickle.loads(pickle.dumps(Plain(np.add))) == Plain(np.add)


def test_trees_print_shapes():
    ps = NamedTuple(weight=np.zeros((2, 3), np.float32), step=np.int32(3))
    assert repr(ps) == "NamedTuple(weight=float32[2,3], step=np.int32(3))"


def test_a_note_shows_shapes():
    with pytest.raises(ValueError, match="operands could not be broadcast") as error:
        Noise()(np.zeros((2, 4)), NamedTuple(weight=np.zeros(3)), NamedTuple())
    assert error.value.__notes__ == [
        "at the outermost layer: Noise()\n"
        "  parameters: NamedTuple(weight=float64[3])\n"
        "  input: float64[2,4]"
    ]


def test_empty_layers_need_nothing():
    assert setup(np.random.default_rng(0), Identity()) == (NamedTuple(), NamedTuple())
