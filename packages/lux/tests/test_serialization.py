"""What is saved comes back: every kind of leaf and node, into a model or without one."""

import dataclasses
import json
import math
import subprocess
import sys
from collections import namedtuple

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from safetensors import safe_open

import lux
from lux import NamedTuple, Val

MODEL = lux.Chain(lux.Dense(3, 4, lux.relu), lux.Dropout(0.5), lux.Dense(4, 2))
PS, ST = lux.setup(0, MODEL)

DTYPES = [
    *("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32"),
    *("float16", "bfloat16", "float32", "complex64"),
    *("int2", "int4", "uint2", "uint4"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "float4_e2m1fn", "float8_e8m0fnu"),
]
WIDE = ["int64", "uint64", "float64", "complex128"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Matrix:
    """Parameters of a class of one's own."""

    rows: jax.Array
    scale: jax.Array
    name: str = dataclasses.field(default="matrix", metadata={"static": True})


class Custom(lux.AbstractLuxLayer):
    """A layer with parameters of a class of its own, and a number in its state."""

    size: int = 3

    def initial_parameters(self, rng):
        return Matrix(jnp.ones((self.size, self.size)), jnp.float32(2))

    def initial_states(self, rng):
        return NamedTuple(calls=0)

    def __call__(self, x, ps, st):
        return x @ ps.rows * ps.scale, NamedTuple(calls=st.calls + 1)


class InNumpy(lux.AbstractLuxLayer):
    """A layer that cannot be traced."""

    def initial_parameters(self, rng):
        return NamedTuple(weight=jnp.asarray(np.ones(int(jax.random.randint(rng, (), 3, 4)))))

    def __call__(self, x, ps, st):
        return x * ps.weight, st


def assert_same(got, expected):
    """Same types all the way down, and the same bits in the leaves."""
    if isinstance(expected, jax.Array) and jnp.issubdtype(expected.dtype, jax.dtypes.prng_key):
        assert got.dtype == expected.dtype
        assert_same(jax.random.key_data(got), jax.random.key_data(expected))
    elif isinstance(expected, jax.Array | np.ndarray | np.generic):
        assert isinstance(got, jax.Array)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        assert np.asarray(got).tobytes() == np.asarray(expected).tobytes()
    elif isinstance(expected, dict):
        assert type(got) is dict
        assert list(got) == list(expected)
        for key in expected:
            assert_same(got[key], expected[key])
    elif isinstance(expected, tuple | list):
        assert type(got) is type(expected)
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    else:
        assert type(got) is type(expected)
        assert repr(got) == repr(expected)


def round_trip(folder, ps, st=None):
    path = folder / "file.safetensors"
    lux.save(path, ps, st)
    return lux.load(path)


# --- what comes back ----------------------------------------------------------------------------


def test_a_model_comes_back(tmp_path):
    path = tmp_path / "model.safetensors"
    lux.save(path, PS, ST, {"epochs": 3}, model=MODEL)
    for model in (None, MODEL, (PS, ST), jax.eval_shape(lambda: lux.setup(0, MODEL))):
        ps, st = lux.load(path, model)
        assert_same((ps, st), (PS, ST))
        assert jax.tree.structure((ps, st)) == jax.tree.structure((PS, ST))
    assert lux.load_metadata(path) == {"epochs": 3}
    x = jnp.ones((5, 3))
    assert_same(MODEL(x, ps, st), MODEL(x, PS, ST))


def test_a_loaded_model_does_not_compile_again(tmp_path):
    path = tmp_path / "model.safetensors"
    lux.save(path, PS, ST)
    traces = []

    @jax.jit
    def call(x, ps, st):
        traces.append(x)
        return MODEL(x, ps, st)

    call(jnp.ones((5, 3)), PS, ST)
    call(jnp.ones((5, 3)), *lux.load(path, MODEL))
    assert len(traces) == 1


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 2)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_of_every_dtype(tmp_path, dtype: str, shape):
    bits = np.random.default_rng(0).integers(0, 256, 16 * max(math.prod(shape), 1), np.uint8)
    if dtype == "bool":
        bits %= 2
    elif dtype in ("int2", "uint2"):
        bits = (bits % 4).astype(dtype).view(np.uint8)
    elif dtype in ("int4", "uint4", "float4_e2m1fn"):
        bits = (bits % 16).astype("uint4").view(np.uint8)
    array = bits.view(np.dtype(dtype))[: math.prod(shape)].reshape(shape)
    ps, _ = round_trip(tmp_path, NamedTuple(on_host=array, on_device=jnp.asarray(array)))
    assert_same(ps, NamedTuple(on_host=array, on_device=jnp.asarray(array)))


@pytest.mark.parametrize("dtype", WIDE)
def test_arrays_of_64_bits(tmp_path, dtype: str):
    path = tmp_path / "file.safetensors"
    array = np.array([1.1, 2.7, 3.0]).astype(dtype)
    lux.save(path, NamedTuple(a=array), NamedTuple(b=array[0]))
    with jax.enable_x64(True):
        assert_same(lux.load(path), (NamedTuple(a=array), NamedTuple(b=array[0])))
        lux.load(path, (NamedTuple(a=array), NamedTuple(b=array[0])))
    with pytest.raises(ValueError, match="x64") as caught:
        lux.load(path)
    assert str(caught.value) == (
        f"{path}: this file is one that JAX cannot hold in 32 bits, as it is configured: call "
        'jax.config.update("jax_enable_x64", True) first, since it has\n'
        f"  parameters.a: {dtype}[3]\n"
        f"  states.b: {dtype}[]"
    )


@pytest.mark.parametrize("order", ["C", "F", "strided", "reversed", "row", "big-endian"])
def test_arrays_of_any_layout(tmp_path, order: str):
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    array = {
        "C": array,
        "F": np.asfortranarray(array),
        "strided": array[::2, 1::3],
        "reversed": array[::-1],
        "row": array[0, ::-2],
        "big-endian": array.astype(">f4"),
    }[order]
    ps, _ = round_trip(tmp_path, NamedTuple(a=array))
    np.testing.assert_array_equal(ps.a, array)
    assert ps.a.dtype == jnp.float32


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_random_keys(tmp_path, impl: str):
    st = NamedTuple(
        key=jax.random.key(1, impl=impl),
        keys=jax.random.split(jax.random.key(2, impl=impl), (2, 3)),
        raw=jax.random.PRNGKey(3, impl=impl),
    )
    _, read = round_trip(tmp_path, None, st)
    assert_same(read, st)
    assert jax.random.key_impl(read.key) == jax.random.key_impl(st.key)
    assert_same(jax.random.normal(read.key), jax.random.normal(st.key))


def test_nodes_and_static_values(tmp_path):
    tree = NamedTuple(
        empty=NamedTuple(),
        none=None,
        tuples=((), (1,), [(), []]),
        dicts={
            "z": 1,
            "a": {},
            3: 2,
            "3": 4,
            "with.dot": jnp.ones(1),
            "with": {"dot": jnp.zeros(1)},
        },
        flags=(Val(True), Val(False), Val(1), Val(1.0)),
        values=(Val(None), Val("text"), Val((1, ("a", -0.0))), Val(float("nan")), Val(1j)),
        cls_=NamedTuple(weight=jnp.ones(2)),
    )
    assert_same(round_trip(tmp_path, tree, tree), (tree, tree))


@pytest.mark.parametrize(
    "number",
    [True, False, 0, -7, 2**70, 0.1, -0.0, float("inf"), float("nan"), 1 + 2j, complex(-0.0, -0.0)],
)
def test_python_numbers(tmp_path, number):
    _, st = round_trip(tmp_path, NamedTuple(), NamedTuple(number=number))
    assert_same(st, NamedTuple(number=number))


TREES = some.recursive(
    some.one_of(
        some.none(),
        some.booleans(),
        some.integers(),
        some.floats(),
        some.sampled_from([Val(True), Val("x"), jnp.ones((2, 3)), jnp.float32(0), np.int8(3)]),
        some.builds(lambda n: np.arange(n, dtype=np.int32), some.integers(0, 3)),
    ),
    lambda parts: some.one_of(
        some.lists(parts, max_size=3),
        some.lists(parts, max_size=3).map(tuple),
        some.dictionaries(some.text(max_size=3) | some.integers(), parts, max_size=3),
        some.dictionaries(some.sampled_from(["a", "weight", "x_1"]), parts, max_size=3).map(
            lambda fields: NamedTuple(**fields)
        ),
    ),
    max_leaves=12,
)


@given(ps=TREES, st=TREES)
@settings(max_examples=60, deadline=None)
def test_any_tree(tmp_path_factory, ps, st):
    folder = tmp_path_factory.getbasetemp()
    assert_same(round_trip(folder, ps, st), (ps, st))


def test_classes_registered_with_jax_come_back_into_a_model(tmp_path):
    path = tmp_path / "file.safetensors"
    ps, st = lux.setup(0, Custom())
    ps = Matrix(ps.rows * 3, ps.scale * 3, ps.name)
    lux.save(path, ps, st)
    for model in (Custom(), (ps, st)):
        read, _ = lux.load(path, model)
        assert type(read) is Matrix
        assert_same((read.rows, read.scale, read.name), (ps.rows, ps.scale, ps.name))
    with pytest.raises(ValueError, match="Matrix") as caught:
        lux.load(path)
    assert str(caught.value) == (
        f"{path}: this file is one that is only read into a model, load(path, model), as it holds "
        f"objects of\n  parameters: {__name__}.Matrix"
    )
    with pytest.raises(ValueError, match="rows") as caught:
        lux.load(path, Custom(4))
    assert str(caught.value) == (
        f"{path} does not fit the model:\n"
        "  different: parameters.rows: expected float32[4,4], got float32[3,3]"
    )


Point = namedtuple("Point", "x y")


def test_other_named_tuples_come_back_into_a_model(tmp_path):
    path = tmp_path / "file.safetensors"
    trees = (NamedTuple(a=Point(jnp.ones(2), None)), NamedTuple())
    lux.save(path, *trees)
    ps, _ = lux.load(path, trees)
    assert type(ps.a) is Point
    assert ps.a.y is None


def test_a_model_that_cannot_be_traced(tmp_path):
    path = tmp_path / "file.safetensors"
    lux.save(path, *lux.setup(0, InNumpy()), model=InNumpy())
    assert_same(lux.load(path, InNumpy())[0].weight, jnp.ones(3))


def test_keys_and_flags_may_differ_from_those_of_setup(tmp_path):
    path = tmp_path / "file.safetensors"
    for rng in (jax.random.PRNGKey(3), jax.random.key(3, impl="rbg")):
        ps, st = lux.setup(rng, MODEL)
        lux.save(path, ps, lux.test_mode(st), model=MODEL)
        _, read = lux.load(path, MODEL)
        assert_same(read, lux.test_mode(st))


def test_arrays_are_found_by_their_paths(tmp_path):
    """Any reader of safetensors finds the arrays, and the description beside them."""
    path = tmp_path / "file.safetensors"
    lux.save(path, PS, ST, {"note": "ø"}, model=MODEL)
    with safe_open(path, framework="numpy") as file:
        assert set(file.keys()) == {
            "parameters.layer_0.weight",
            "parameters.layer_0.bias",
            "parameters.layer_2.weight",
            "parameters.layer_2.bias",
            "states.layer_1.rng",
        }
        np.testing.assert_array_equal(
            file.get_tensor("parameters.layer_2.weight"), PS.layer_2.weight
        )
        header = file.metadata()
    assert header["format"] == "lux"
    assert header["version"] == "1"
    description = json.loads(header["description"])
    assert description["metadata"] == {"note": "ø"}
    assert description["model"]["text"] == repr(MODEL)
    assert description["parameters"]["fields"]["layer_2"]["fields"]["bias"] == {
        "array": "parameters.layer_2.bias",
        "dtype": "float32",
        "shape": [2],
        "crc32": description["parameters"]["fields"]["layer_2"]["fields"]["bias"]["crc32"],
    }


def test_bfloat16_is_stored_as_such(tmp_path):
    path = tmp_path / "file.safetensors"
    lux.save(path, NamedTuple(a=jnp.ones(3, jnp.bfloat16)), None)
    with safe_open(path, framework="numpy") as file:
        assert file.get_slice("parameters.a").get_dtype() == "BF16"
        assert file.get_tensor("parameters.a").dtype == ml_dtypes.bfloat16


def test_a_file_is_read_in_another_process(tmp_path):
    path = tmp_path / "file.safetensors"
    lux.save(path, PS, ST, model=MODEL)
    program = (
        "import lux, sys; ps, st = lux.load(sys.argv[1], lux.Chain(lux.Dense(3, 4, lux.relu), "
        "lux.Dropout(0.5), lux.Dense(4, 2))); print(float(ps.layer_2.weight.sum()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) == float(PS.layer_2.weight.sum())


# --- what does not fit --------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    lux.save(path, PS, ST)
    return path


def test_report_of_all_that_does_not_fit(saved):
    other = lux.Chain(
        lux.Dense(3, 5, use_bias=False), lux.Dropout(0.5), lux.Dense(4, 2), lux.Dense(2, 1)
    )
    with pytest.raises(ValueError, match="does not fit") as caught:
        lux.load(saved, other)
    assert str(caught.value) == (
        f"{saved} does not fit the model:\n"
        "  missing: parameters.layer_3.weight: float32[2,1]\n"
        "  missing: parameters.layer_3.bias: float32[1]\n"
        "  missing: states.layer_3: NamedTuple()\n"
        "  unexpected: parameters.layer_0.bias: float32[4]\n"
        "  different: parameters.layer_0.weight: expected float32[3,5], got float32[3,4]"
    )


@pytest.mark.parametrize(
    ("got", "expected", "line"),
    [
        (jnp.ones(2), jnp.ones(2, jnp.bfloat16), "expected bfloat16[2], got float32[2]"),
        (jnp.ones(2), None, "expected None, got float32[2]"),
        (None, jnp.ones(2), "expected float32[2], got None"),
        (3, jnp.int32(3), "expected int32[], got a Python int"),
        (3, 3.0, "expected a Python float, got a Python int"),
        (True, 1, "expected a Python int, got a Python bool"),
        (Val(True), True, "expected a Python bool, got Val(true)"),
        ((1,), [1], "expected a list of 1, got a tuple of 1"),
        ((1,), NamedTuple(a=1), "expected NamedTuple(a), got a tuple of 1"),
        (NamedTuple(), None, "expected None, got NamedTuple()"),
        ({"a": 1}, Point(1, 2), f"expected a {__name__}.Point of 2, got a dict of 1"),
        (jnp.ones(2), jax.random.key(0), "expected key<threefry2x32>[], got float32[2]"),
        (jax.random.key(0), jnp.ones(2), "expected float32[2], got key<threefry2x32>[]"),
        (
            NamedTuple(a=1, b=2),
            NamedTuple(b=2, a=1),
            "expected the order (b, a), got (a, b)",
        ),
    ],
)
def test_message_of_a_difference(tmp_path, got, expected, line: str):
    path = tmp_path / "file.safetensors"
    lux.save(path, NamedTuple(x=got), NamedTuple())
    with pytest.raises(ValueError, match="does not fit") as caught:
        lux.load(path, (NamedTuple(x=expected), NamedTuple()))
    assert str(caught.value) == (
        f"{path} does not fit the trees:\n  different: parameters.x: {line}"
    )


def test_another_architecture_of_the_same_shapes_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    lux.save(path, PS, ST, model=MODEL)
    other = lux.Chain(lux.Dense(3, 4, lux.tanh), lux.Dropout(0.5), lux.Dense(4, 2))
    with pytest.raises(ValueError, match="architecture") as caught:
        lux.load(path, other)
    head, *lines, advice = str(caught.value).splitlines()
    assert head == f"{path} does not fit the model:"
    assert lines[0] == "  the architecture (- as saved, + as given):"
    changed = [line.split("#")[0].strip() for line in lines if line[4] in "+-"]
    assert changed == [
        "-     layer_0 = Dense(3 → 4, relu),",
        "+     layer_0 = Dense(3 → 4, tanh),",
    ]
    assert advice == "  Pass (ps, st) in place of the model to read it all the same."
    assert_same(lux.load(path, (PS, ST)), (PS, ST))


def test_what_does_not_change_the_architecture(tmp_path):
    path = tmp_path / "model.safetensors"
    lux.save(path, PS, ST, model=MODEL)
    zeros = lux.Dense(3, 4, lux.relu, init_weight=lux.initializers.zeros)
    lux.load(path, lux.Chain(zeros, lux.Dropout(0.5), lux.Dense(4, 2)))


@pytest.mark.parametrize("model", [3, PS, [PS, ST], lux.Dense])
def test_message_of_a_model_that_is_none(saved, model):
    with pytest.raises(TypeError) as caught:
        lux.load(saved, model)
    assert str(caught.value) == (
        f"model: expected a layer or a pair (ps, st), got {type(model).__name__}"
    )


# --- what cannot be saved -----------------------------------------------------------------------


def test_message_of_what_cannot_be_saved(tmp_path):
    path = tmp_path / "file.safetensors"
    ps = NamedTuple(
        layer_0=NamedTuple(weight=jnp.ones(1), activation=len),
        texts=("text", np.array(["text"]), np.longdouble(1)),
        keys={1.5: 1, (1,): 2},
        st=Val(len),
    )
    with pytest.raises(TypeError) as caught:
        lux.save(path, ps, object())
    assert str(caught.value) == (
        "lux.save writes arrays, random keys, numbers and Val in named tuples, tuples, lists, "
        "dicts and classes registered with JAX, but found\n"
        "  parameters.layer_0.activation: builtin_function_or_method\n"
        "  parameters.texts.0: str\n"
        "  parameters.texts.1: ndarray of <U4\n"
        f"  parameters.texts.2: longdouble of {np.dtype(np.longdouble)}\n"
        "  parameters.keys: the key 1.5, which is neither text nor integer\n"
        "  parameters.keys: the key (1,), which is neither text nor integer\n"
        "  parameters.st: Val(<built-in function len>)\n"
        "  states: object"
    )
    assert not path.exists()


def test_message_inside_jit(tmp_path):
    with pytest.raises(TypeError, match=r"^parameters is being traced: lux\.save"):
        jax.jit(lambda x: lux.save(tmp_path / "file.safetensors", x, None))(jnp.ones(1))


def test_message_of_shapes(tmp_path):
    trees = jax.eval_shape(lambda: lux.setup(0, lux.Dense(1, 1)))
    with pytest.raises(TypeError, match=r"^parameters\.weight is a shape without values$"):
        lux.save(tmp_path / "file.safetensors", *trees)


def test_message_of_donated_arrays(tmp_path):
    array = jnp.ones(4)
    array.delete()
    with pytest.raises(ValueError, match=r"^parameters\.a was donated, so its values are gone"):
        lux.save(tmp_path / "file.safetensors", NamedTuple(a=array), None)


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"a": [1, 2.5, None, True, {"b": []}], "text": 'quotes " and \u2192 \x00 \ud800'}],
)
def test_metadata(tmp_path, metadata):
    path = tmp_path / "file.safetensors"
    lux.save(path, NamedTuple(), NamedTuple(), metadata)
    assert lux.load_metadata(path) == metadata


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ([1], "metadata: expected a dict, got list"),
        ({1: 2}, "metadata: expected texts as keys, got 1"),
        ({"a": {2: 1}}, 'metadata["a"]: expected texts as keys, got 2'),
        ({"a": [0, (1,)]}, 'metadata["a"][1]: expected what JSON can hold, got tuple'),
        (
            {"loss": np.float32(1)},
            'metadata["loss"]: expected what JSON can hold, got float32: '
            "float(...) makes a number of it",
        ),
    ],
)
def test_message_of_metadata(tmp_path, metadata, message: str):
    with pytest.raises(TypeError) as caught:
        lux.save(tmp_path / "file.safetensors", NamedTuple(), NamedTuple(), metadata)
    assert str(caught.value) == message


def test_message_of_a_model_to_save(tmp_path):
    with pytest.raises(TypeError, match=r"^model: expected a layer, got type$"):
        lux.save(tmp_path / "file.safetensors", PS, ST, model=lux.Dense)
