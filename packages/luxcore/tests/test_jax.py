"""luxcore with JAX alone: pytrees, transformations, keys, tracers."""

import os
import pickle
import subprocess
import sys
from typing import Any

import cloudpickle
import pytest
from sample_layers import Counter, Identity, Pair, Sequence, Wrapped
from test_layer import Plain

from luxcore import (
    AbstractLuxContainerLayer,
    AbstractLuxLayer,
    NamedTuple,
    StatefulLuxLayer,
    Val,
    child,
    fleaves,
    fork,
    replace_at,
    replicate,
    setup,
    split,
)

jax = pytest.importorskip("jax", reason="this environment is for luxcore without JAX")
jnp = pytest.importorskip("jax.numpy")


class Linear(AbstractLuxLayer):
    """Refuses wrong inputs while tracing."""

    in_dims: int
    out_dims: int

    def initial_parameters(self, rng):
        return NamedTuple(weight=jax.random.normal(rng, (self.in_dims, self.out_dims)))

    def __call__(self, x, ps, st):
        if x.shape[-1] != self.in_dims:
            raise ValueError(f"expected {self.in_dims} features, got {x.shape[-1]}")
        return x @ ps.weight, st


class Jitted(AbstractLuxContainerLayer, layers=("model",)):
    """Calls its child inside a transformation."""

    model: AbstractLuxLayer
    transform: Any

    def __call__(self, x, ps, st):
        y, st_model = self.transform(self.model)(x, ps.model, st.model)
        return y, NamedTuple(model=st_model)


def scanned(model):
    def call(x, ps, st):
        def step(carry, _):
            y, _ = model(carry, ps, st)
            return carry, y

        return jax.lax.scan(step, x, length=2)[1][0], st

    return call


def over_parameters(model):
    def call(x, ps, st):
        stacked = jax.tree.map(lambda leaf: leaf[None], ps)
        return jax.vmap(model, in_axes=(None, 0, None), out_axes=(0, None))(x, stacked, st)

    return call


def differentiated(model):
    def call(x, ps, st):
        return jax.grad(lambda ps: model(x, ps, st)[0].sum())(ps).weight, st

    return call


TRANSFORMS = {
    "jit": jax.jit,
    "nested jit": lambda model: jax.jit(lambda *args: jax.jit(model)(*args)),
    "remat": jax.checkpoint,
    "scan": scanned,
    "vmap": lambda model: jax.vmap(model, in_axes=(0, None, None), out_axes=(0, None)),
    "vmap over parameters": over_parameters,
    "grad": differentiated,
}


# --- trees ---------------------------------------------------------------------------------


def test_named_tuples_are_pytrees_with_attribute_paths():
    ps = NamedTuple(dense=NamedTuple(weight=1.0, bias=2.0), empty=NamedTuple())
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(ps)[0]]
    assert paths == [".dense.weight", ".dense.bias"]
    mapped = jax.tree.map(lambda leaf: 2 * leaf, ps)
    assert mapped == NamedTuple(dense=NamedTuple(weight=2.0, bias=4.0), empty=NamedTuple())
    assert type(mapped) is type(ps)


def test_equal_names_compile_once():
    traces = []

    @jax.jit
    def step(ps):
        traces.append(1)
        return ps

    step(NamedTuple(a=1.0, b=2.0))
    step(NamedTuple(a=3.0, b=4.0))
    assert len(traces) == 1
    step(NamedTuple(b=3.0, a=4.0))
    assert len(traces) == 2


def test_val_is_static():
    traces = []

    @jax.jit
    def step(st):
        traces.append(1)
        return (1 if st.training else 0), st

    assert jax.tree.leaves(NamedTuple(training=Val(True))) == []
    value, st = step(NamedTuple(training=Val(True)))
    assert (value, st) == (1, NamedTuple(training=Val(True)))
    assert step(NamedTuple(training=Val(False)))[0] == 0
    step(st)
    assert len(traces) == 2


@pytest.mark.parametrize("library", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
def test_tree_definitions_pickle_into_a_new_process(library):
    tree = NamedTuple(a=1.0, st=NamedTuple(training=Val((True, "x.y"))), empty=NamedTuple())
    program = (
        "import pickle, sys, jax\n"
        "definition = pickle.load(sys.stdin.buffer)\n"
        "from luxcore import NamedTuple, Val\n"
        "tree = NamedTuple(a=1.0, st=NamedTuple(training=Val((True, 'x.y'))), empty=NamedTuple())\n"
        "assert definition == jax.tree.structure(tree)\n"
        "assert jax.tree.unflatten(definition, [1.0]) == tree\n"
    )
    data = library.dumps(jax.tree.structure(tree))
    subprocess.run([sys.executable, "-c", program], input=data, env={**os.environ}, check=True)


# --- layers --------------------------------------------------------------------------------


def test_equal_layers_share_one_program():
    traces = []

    def call(model, x, ps, st):
        traces.append(1)
        return model(x, ps, st)

    step = jax.jit(call, static_argnums=0)
    ps, st = setup(jax.random.key(0), Pair(Linear(2, 3), Linear(3, 1)))
    for _ in range(2):
        step(Pair(Linear(2, 3), Linear(3, 1)), jnp.ones((4, 2)), ps, st)
    assert len(traces) == 1


def test_setup_is_pure_and_traceable():
    model = Pair(Linear(2, 3), Linear(3, 1))
    key = jax.random.key(0)
    ps, _ = setup(key, model)
    again, _ = jax.jit(setup, static_argnums=1)(key, model)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), ps, again))
    shapes, _ = jax.eval_shape(lambda key: setup(key, model), key)
    assert jax.tree.map(lambda a: a.shape, shapes) == jax.tree.map(lambda a: a.shape, ps)


def test_arrays_are_refused_as_fields():
    for array in (jnp.zeros((3, 2)), jax.random.key(0)):
        with pytest.raises(TypeError, match=r"^Plain\.value: a layer holds no arrays, got "):
            Plain(array)

    @jax.jit
    def make(x):
        Plain(x)
        return x

    with pytest.raises(
        TypeError, match=r"^Plain\.value: a layer holds no arrays, got float32\[3\]"
    ):
        make(jnp.zeros(3))
    assert Plain(jax.ShapeDtypeStruct((3,), "float32")) == Plain(
        jax.ShapeDtypeStruct((3,), "float32")
    )
    assert Plain(jnp.float32) == Plain(jnp.float32)


def test_jitted_functions_pickle_by_name():
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(jax.nn.relu)
    layer = Plain([jax.nn.relu, jnp.tanh], option=jax.numpy.add)
    for library in (pickle, cloudpickle):
        data = library.dumps(layer)
        assert library.loads(data) == layer
        # the public names: those of private modules change between releases of JAX
        assert b"jax.nn" in data
        assert b"jax._src" not in data


# --- calls under transformations ---------------------------------------------------------------


@pytest.mark.parametrize("name", TRANSFORMS)
def test_notes_survive_transformations(name):
    model = Sequence(
        {"a": Linear(2, 3), "b": Jitted(Pair(Linear(3, 3), Linear(4, 1)), TRANSFORMS[name])}
    )
    if name == "grad":
        model = Sequence({"a": Linear(2, 3), "b": Jitted(Linear(4, 1), TRANSFORMS[name])})
    ps, st = setup(jax.random.key(0), model)
    place = "b.model" if name == "grad" else "b.model.second"
    for call in (model, jax.jit(model), jax.jit(jax.checkpoint(model))):
        with pytest.raises(ValueError, match=r"^expected 4 features, got 3") as error:
            call(jnp.ones((5, 2)), ps, st)
        (note,) = [note for note in error.value.__notes__ if note.startswith("at ")]
        shape = "float32[3]" if name == "vmap" else "float32[5,3]"
        assert note == (
            f"at {place}: Linear(4, 1)\n"
            f"  parameters: NamedTuple(weight=float32[4,1])\n"
            f"  input: {shape}"
        )


@pytest.mark.parametrize("name", [name for name in TRANSFORMS if name != "grad"])
def test_one_object_used_twice_is_told_apart_under_transformations(name):
    linear = Linear(3, 3)
    model = Jitted(Sequence([linear, Pair(linear, Wrapped(linear))]), TRANSFORMS[name])
    ps, st = setup(jax.random.key(0), model)
    bad = replace_at(ps, "model.layer_1.second.weight", jnp.ones((2, 3)))

    def loss(ps, x):
        return model(x, ps, st)[0].sum()

    for call in (loss, jax.grad(loss), jax.jit(jax.grad(loss)), jax.jit(jax.checkpoint(loss))):
        with pytest.raises(TypeError) as error:
            call(bad, jnp.ones((5, 3)))
        notes = [note for note in error.value.__notes__ if note.startswith("at ")]
        assert [note.split(":")[0] for note in notes] == ["at model.layer_1.second"]


def test_a_step_scans_and_differentiates():
    model = Pair(Linear(2, 1), Counter())
    ps, st = setup(jax.random.key(0), model)
    st = jax.tree.map(jnp.asarray, st)

    def step(st, x):
        y, st = model(x, ps, st)
        return st, y

    st, ys = jax.lax.scan(step, st, jnp.ones((5, 2)))
    assert st.second.count == 5
    assert jnp.allclose(ys, jnp.ones((5, 2)) @ ps.first.weight)


# --- keys ------------------------------------------------------------------------------------


def data(key):
    return tuple(jax.random.key_data(key).tolist())


KEYS = [jax.random.key(0), jax.random.PRNGKey(0), jax.random.key(0, impl="rbg")]


@pytest.mark.parametrize("key", KEYS, ids=["typed", "raw", "rbg"])
def test_children_of_keys_go_by_name(key):
    assert data(child(key, "a")) == data(child(key, "a"))
    others = [child(key, "a"), child(key, "b"), *split(key, 3), key]
    assert len({data(other) for other in others}) == 6
    assert replicate(key) is key
    assert fork(key) is key
    assert data(jax.jit(lambda key: child(key, "a"))(key)) == data(child(key, "a"))
    assert data(jax.jit(lambda key: split(key, 3)[1])(key)) == data(split(key, 3)[1])


def test_children_of_keys_fold_in_the_sha_256_of_the_name():
    # sha256(b"a") = ca978112 ca1bbdca …, taken as little-endian words
    words = [int.from_bytes(bytes.fromhex(text), "little") for text in ("ca978112", "ca1bbdca")]
    expected = jax.random.fold_in(jax.random.fold_in(jax.random.key(0), words[0]), words[1])
    assert data(child(jax.random.key(0), "a")) == data(expected)


def test_keys_under_vmap():
    keys = jax.random.split(jax.random.key(0), 3)
    ps, _ = jax.vmap(lambda key: setup(key, Linear(2, 3)))(keys)
    assert ps.weight.shape == (3, 2, 3)
    assert len({tuple(row) for row in ps.weight.reshape(3, 6).tolist()}) == 3


# --- stateful layers ---------------------------------------------------------------------------


class Accumulates(AbstractLuxLayer):
    def initial_states(self, rng):
        return NamedTuple(total=jnp.zeros(()))

    def __call__(self, x, ps, st):
        return x, NamedTuple(total=st.total + x)


def accumulator() -> StatefulLuxLayer:
    return StatefulLuxLayer(Accumulates(), NamedTuple(), NamedTuple(total=jnp.zeros(())))


@pytest.mark.parametrize(
    "transform",
    [jax.jit, jax.grad, jax.checkpoint, lambda layer: lambda x: jax.vmap(layer)(x[None])],
    ids=["jit", "grad", "remat", "vmap"],
)
def test_a_tracer_is_never_left_behind(transform):
    layer = accumulator()
    with pytest.raises(RuntimeError) as error:
        transform(layer)(jnp.ones(()))
    assert str(error.value) == (
        "StatefulLuxLayer(Accumulates) was made outside of the transformation that calls it, and "
        "the call would leave a tracer in its state at total: pass the object into the transformed "
        "function as an argument and return it, or make it inside"
    )
    assert layer.st.total == 0
    layer(jnp.ones(()))
    assert layer.st.total == 1


def test_made_inside_a_transformation_it_may_hold_tracers():
    @jax.jit
    def twice(x):
        layer = accumulator()
        layer(x)
        layer(x)
        return layer.st.total

    assert twice(jnp.ones(())) == 2


def test_without_a_state_it_may_be_called_anywhere():
    layer = StatefulLuxLayer(
        Pair(Linear(2, 1), Identity()), *setup(jax.random.key(0), Pair(Linear(2, 1), Identity()))
    )
    gradient = jax.jit(jax.grad(lambda x: layer(x).sum()))(jnp.ones((3, 2)))
    assert jnp.allclose(gradient, jnp.broadcast_to(layer.ps.first.weight.T, (3, 2)))


def test_the_dtype_of_a_fixed_state_is_kept():
    layer = StatefulLuxLayer(
        Accumulates(), NamedTuple(), NamedTuple(total=jnp.zeros((), jnp.int32))
    )
    with pytest.raises(TypeError) as error:
        layer(jnp.ones((2,), jnp.int32))
    assert str(error.value) == (
        "StatefulLuxLayer(Accumulates): the type of the state at total changes from int32[] to "
        "int32[2]: allow it with StatefulLuxLayer(model, ps, st, fixed_state_type=False)"
    )


def test_keys_are_leaves():
    assert len(fleaves(NamedTuple(rng=jax.random.key(0), training=Val(True)))) == 2
