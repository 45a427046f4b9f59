"""Layers side by side and around another, against the same formulas written by hand."""

import operator
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from luxcore import NamedTuple, StatefulLuxLayer

A, B = lux.Dense(3, 2, lux.tanh), lux.Dense(3, 2)
RNG = np.random.default_rng(0)
X, U, V = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3)), RNG.normal(size=(4, 2))
W = RNG.normal(size=(4, 2))


@pytest.fixture
def double_precision():
    with jax.enable_x64(True):
        yield


class Weighted(lux.AbstractLuxLayer):
    """`scale · x[0] + x[1]`, and counts its calls."""

    def initial_parameters(self, rng):
        return NamedTuple(scale=jnp.array(3.0))

    def initial_states(self, rng):
        return NamedTuple(calls=0)

    def __call__(self, x, ps, st):
        return ps.scale * x[0] + x[1], NamedTuple(calls=st.calls + 1)


class Step(lux.AbstractLuxLayer):
    """`scale · x` or, of two inputs, `scale · x[0] + x[1]`; a counter in the state."""

    def initial_parameters(self, rng):
        return NamedTuple(scale=jnp.array(0.5))

    def initial_states(self, rng):
        return NamedTuple(calls=0)

    def __call__(self, x, ps, st):
        y = ps.scale * x[0] + x[1] if isinstance(x, tuple) else ps.scale * x
        return y, NamedTuple(calls=st.calls + 1)


def a(x, ps):
    return jnp.tanh(x @ ps.weight + ps.bias[None, :])


def b(x, ps):
    return x @ ps.weight + ps.bias[None, :]


# name: the layer, its input, and the same written by hand
FORMULAS = {
    "Parallel of one input": (
        lux.Parallel(operator.mul, A, B),
        X,
        lambda ps, x: a(x, ps.layer_0) * b(x, ps.layer_1),
    ),
    "Parallel of inputs": (
        lux.Parallel(operator.sub, first=A, second=B),
        (X, U),
        lambda ps, x: a(x[0], ps.first) - b(x[1], ps.second),
    ),
    "Parallel that joins nothing": (
        lux.Parallel(None, A, jnp.sin),
        (X, U),
        lambda ps, x: (a(x[0], ps.layer_0), jnp.sin(x[1])),
    ),
    "Parallel that joins by a layer": (
        lux.Parallel(Weighted(), [A, B]),
        X,
        lambda ps, x: ps.connection.scale * a(x, ps.layers.layer_0) + b(x, ps.layers.layer_1),
    ),
    "Parallel of a named tuple": (
        lux.Parallel(operator.add, lambda x: x.p, lambda x: x.q),
        NamedTuple(p=X, q=U),
        lambda ps, x: x.p + x.q,
    ),
    "BranchLayer": (
        lux.BranchLayer(A, jnp.cos),
        X,
        lambda ps, x: (a(x, ps.layer_0), jnp.cos(x)),
    ),
    "BranchLayer of a tuple": (
        lux.BranchLayer(lambda x: x[0] * x[1], lambda x: x[0] + x[1], fusion=operator.truediv),
        (X, U),
        lambda ps, x: x[0] * x[1] / (x[0] + x[1]),
    ),
    "BranchLayer that joins by a layer": (
        lux.BranchLayer({"p": A, "q": B}, fusion=Weighted()),
        X,
        lambda ps, x: ps.fusion.scale * a(x, ps.layers.p) + b(x, ps.layers.q),
    ),
    "PairwiseFusion": (
        lux.PairwiseFusion(operator.truediv, A, lux.Dense(2, 2)),
        (X, V, W),
        lambda ps, x: b(a(x[0], ps.layer_0) / x[1], ps.layer_1) / x[2],
    ),
    "PairwiseFusion of one input": (
        lux.PairwiseFusion(operator.sub, p=lux.Dense(3, 3), q=jnp.sin),
        X,
        lambda ps, x: jnp.sin(b(x, ps.p) - x) - x,
    ),
    "PairwiseFusion of nothing": (
        lux.PairwiseFusion(operator.sub),
        (X,),
        lambda ps, x: x[0],
    ),
    "Maxout": (
        lux.Maxout(A, B, lux.Dense(3, 2)),
        X,
        lambda ps, x: jnp.maximum(
            jnp.maximum(a(x, ps.layer_0), b(x, ps.layer_1)), b(x, ps.layer_2)
        ),
    ),
    "SkipConnection": (
        lux.SkipConnection(lux.Dense(3, 3), operator.sub),
        X,
        lambda ps, x: b(x, ps) - x,
    ),
    "SkipConnection around a function": (
        lux.SkipConnection(jnp.sin, operator.truediv),
        X,
        lambda ps, x: jnp.sin(x) / x,
    ),
    "SkipConnection that joins by a layer": (
        lux.SkipConnection(lux.Dense(3, 3), Weighted()),
        X,
        lambda ps, x: ps.connection.scale * b(x, ps.layers) + x,
    ),
    "RepeatedLayer": (
        lux.RepeatedLayer(Step(), repeats=4),
        X,
        lambda ps, x: ps.scale**4 * x,
    ),
    "RepeatedLayer, ten times": (lux.RepeatedLayer(Step()), X, lambda ps, x: ps.scale**10 * x),
    "RepeatedLayer with input injection": (
        lux.RepeatedLayer(Step(), repeats=3, input_injection=True),
        X,
        lambda ps, x: x * (1 + ps.scale + ps.scale**2 + ps.scale**3),
    ),
}


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", FORMULAS)
def test_value_and_gradient_are_those_of_the_formula(name: str):
    layer, x, formula = FORMULAS[name]
    ps, st = lux.setup(0, layer)
    ps = jax.tree.map(lambda p: jnp.asarray(np.asarray(p, np.float64)), ps)
    x = jax.tree.map(jnp.asarray, x)

    def total(y):
        return sum((leaf * jnp.arange(1.0, leaf.size + 1).reshape(leaf.shape)).sum() for leaf in y)

    def value(ps, x):
        return total(jax.tree.leaves(layer(x, ps, st)[0]))

    def expected(ps, x):
        return total(jax.tree.leaves(formula(ps, x)))

    y = layer(x, ps, st)[0]
    assert jax.tree.structure(y) == jax.tree.structure(formula(ps, x))
    for got, wanted in (
        (y, formula(ps, x)),
        (jax.grad(value, (0, 1))(ps, x), jax.grad(expected, (0, 1))(ps, x)),
    ):
        for pair in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(*pair, rtol=1e-12, atol=1e-12)


def test_states_go_through():
    joined = lux.Parallel(Weighted(), lux.Chain(Step()), lux.NoOpLayer())
    ps, st = lux.setup(0, joined)
    _, st = joined(jnp.ones(3), ps, st)
    assert st.connection.calls == st.layers.layer_0.layer_0.calls == 1
    assert st.layers.layer_1 == NamedTuple()
    branches = lux.BranchLayer(Step(), Step(), fusion=Weighted())
    _, st = branches(jnp.ones(3), *lux.setup(0, branches))
    assert [st.layers.layer_0.calls, st.layers.layer_1.calls, st.fusion.calls] == [1, 1, 1]
    skip = lux.SkipConnection(Step(), Weighted())
    _, st = skip(jnp.ones(3), *lux.setup(0, skip))
    assert [st.layers.calls, st.connection.calls] == [1, 1]
    for layer in (
        lux.PairwiseFusion(operator.add, Step(), Step()),
        lux.Maxout(Step(), Step()),
        lux.Parallel(None, Step(), Step()),
    ):
        _, st = layer(jnp.ones(3), *lux.setup(0, layer))
        assert [st.layer_0.calls, st.layer_1.calls] == [1, 1]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_a_repeated_layer_gets_its_last_state(compiled):
    layer = lux.RepeatedLayer(lux.Chain(Step(), lux.Dropout(0.5)), repeats=3)
    ps, st = lux.setup(0, layer)
    y, new = (jax.jit(layer) if compiled else layer)(jnp.ones((2, 8)), ps, st)
    assert new.layer_0.calls == 3
    rng = st.layer_1.rng
    expected = np.ones((2, 8))
    for _ in range(3):
        rng, key = jax.random.split(rng)
        expected = np.asarray(jax.random.bernoulli(key, 0.5, (2, 8))) * expected
    assert (new.layer_1.rng == rng).all()
    assert set(np.unique(y)) <= {0.0, 1.0}


def test_the_program_of_a_repeated_layer_does_not_grow():
    def program(repeats):
        layer = lux.RepeatedLayer(lux.Dense(3, 3, lux.tanh), repeats=repeats)
        ps, st = lux.setup(0, layer)
        return str(jax.make_jaxpr(jax.grad(lambda ps: layer(X, ps, st)[0].sum()))(ps))

    assert len(program(4).splitlines()) == len(program(64).splitlines())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_repeated_layer_promotes_a_narrow_input(dtype):
    layer = lux.RepeatedLayer(lux.Dense(3, 3), repeats=2)
    ps, st = lux.setup(0, layer)
    x = jnp.asarray(X, dtype)
    y, _ = layer(x, ps, st)
    assert y.dtype == jnp.float32
    wide = np.asarray(x, np.float64)
    for _ in range(2):
        wide = wide @ np.asarray(ps.weight, np.float64) + np.asarray(ps.bias, np.float64)
    np.testing.assert_allclose(y, wide, rtol=1e-5, atol=1e-5)


# --- the largest of several ------------------------------------------------------------------


def test_maxout_shares_the_gradient_where_two_are_largest():
    layer = lux.Maxout(lux.NoOpLayer(), lux.NoOpLayer())
    ps, st = lux.setup(0, layer)
    assert jax.grad(lambda x: layer(x, ps, st)[0])(2.0) == 1.0
    halves = lux.Maxout(Step(), Step())
    ps, st = lux.setup(0, halves)
    grads = jax.grad(lambda ps: halves(3.0, ps, st)[0])(ps)
    assert grads.layer_0.scale == grads.layer_1.scale == 1.5


def test_maxout_promotes_explicitly():
    layer = lux.Maxout(lux.Dense(3, 3), jnp.sin)
    ps, st = lux.setup(0, layer)
    assert layer(jnp.ones((1, 3), jnp.bfloat16), ps, st)[0].dtype == jnp.float32


# --- another precision -----------------------------------------------------------------------


class Dtypes(lux.AbstractLuxLayer):
    """Its input's dtypes, as it sees them."""

    def __call__(self, x, ps, st):
        SEEN.append(jax.tree.map(lambda leaf: str(leaf.dtype), x))
        return x, st


SEEN: list = []


@pytest.mark.parametrize(
    "dtype", [jnp.float32, "float32", np.dtype("float32")], ids=["class", "text", "dtype"]
)
def test_a_layer_gets_its_input_in_another_precision(dtype):
    SEEN.clear()
    layer = lux.AlternatePrecision(dtype, Dtypes())
    ps, st = lux.setup(0, layer)
    x = (jnp.ones(3, jnp.bfloat16), {"n": jnp.arange(3), "y": jnp.zeros((), jnp.bfloat16)})
    y, _ = layer(x, ps, st)
    assert SEEN == [("float32", {"n": "int32", "y": "float32"})]
    assert jax.tree.map(lambda leaf: str(leaf.dtype), y) == (
        "bfloat16",
        {"n": "int32", "y": "bfloat16"},
    )
    assert layer == lux.AlternatePrecision(jnp.float32, Dtypes())
    assert layer != lux.AlternatePrecision(jnp.float16, Dtypes())
    assert pickle.loads(pickle.dumps(lux.AlternatePrecision(jnp.bfloat16, A))) == (
        lux.AlternatePrecision(jnp.bfloat16, A)
    )


def test_another_precision_changes_the_numbers():
    def mean(x):
        return (x - 1000).mean()

    x = jnp.linspace(1000, 1004, 9)
    exact = lux.AlternatePrecision(jnp.float32, mean)
    rounded = lux.AlternatePrecision(jnp.float16, mean)
    values = [layer(x + 0.2, *lux.setup(0, layer))[0] for layer in (exact, rounded)]
    assert abs(values[0] - 2.2) < 1e-3 < abs(values[1] - 2.2)
    grads = [
        jax.grad(lambda x, layer=layer: layer(x, *lux.setup(0, layer))[0])(x)
        for layer in (exact, rounded)
    ]
    assert all(g.dtype == jnp.float32 for g in grads)
    np.testing.assert_allclose(grads[0], np.full(9, 1 / 9), rtol=1e-6)
    np.testing.assert_allclose(grads[1], np.full(9, 1 / 9), rtol=1e-3)


def test_parameters_are_not_cast():
    layer = lux.AlternatePrecision(jnp.bfloat16, lux.Dense(3, 2))
    ps, st = lux.setup(0, layer)
    x = jnp.asarray(X, jnp.float32)
    rounded = np.asarray(x.astype(jnp.bfloat16), np.float64)
    expected = rounded @ np.asarray(ps.weight, np.float64) + np.asarray(ps.bias, np.float64)
    np.testing.assert_allclose(layer(x, ps, st)[0], expected, rtol=1e-5, atol=1e-6)


# --- as containers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        lux.Parallel(None, A, B),
        lux.BranchLayer(A, B),
        lux.PairwiseFusion(operator.add, A, B),
        lux.Maxout(A, B),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_are_counted_indexed_and_sliced(layer):
    assert len(layer) == 2
    assert list(layer) == [A, B]
    assert layer[0] == layer["layer_0"] == A
    part = layer[1:]
    assert type(part) is type(layer)
    assert part.layers == NamedTuple(layer_1=B)
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert part != layer


def test_all_forms_of_several_layers_are_one():
    for make in (lux.BranchLayer, lux.Maxout):
        assert make(A, B) == make([A, B]) == make((A, B))
        assert make(a=A, b=B) == make({"a": A, "b": B}) == make(NamedTuple(a=A, b=B))
    for make in (lux.Parallel, lux.PairwiseFusion):
        assert make(operator.add, A, B) == make(operator.add, [A, B])
        assert make(operator.add, a=A, b=B) == make(operator.add, {"a": A, "b": B})


class Own(lux.AbstractLuxContainerLayer):
    """A container of the user's, with layers in every form."""

    several: list
    named: dict
    nothing: object = None

    def __call__(self, x, ps, st):
        states = []
        for index, layer in enumerate(self.several):
            name = f"layer_{index}"
            x, new = layer(x, ps.several[name], st.several[name])
            states.append(new)
        x, new = self.named.head(x, ps.named.head, st.named.head)
        several = type(st.several)(*states)
        return x, NamedTuple(several=several, named=NamedTuple(head=new))


def test_a_field_may_hold_a_list_or_a_dict_of_layers():
    model = Own([lux.Dense(3, 3, lux.tanh), lux.Dropout(0.5)], {"head": lux.Dense(3, 1)})
    assert model.several == (lux.Dense(3, 3, lux.tanh), lux.Dropout(0.5))
    ps, st = lux.setup(0, model)
    assert ps.several._fields == ("layer_0", "layer_1")
    assert ps.named.head.weight.shape == (3, 1)
    assert model(jnp.ones((2, 3)), ps, st)[0].shape == (2, 1)
    chained = lux.Chain([model, lux.Dense(1, 3)], name="own")
    with pytest.raises(ValueError, match="x: expected shape") as caught:
        lux.Chain(lux.Dense(3, 4), *chained)(
            jnp.ones((2, 3)), *lux.setup(0, lux.Chain(lux.Dense(3, 4), *chained))
        )
    assert caught.value.__notes__[0].startswith("at layer_1.several.layer_0: Dense(3 → 3, tanh)\n")
    scanned = lux.Chain([Own([lux.Dense(3, 3)], {"head": lux.Dense(3, 3)})] * 2, scan=True)
    ps, st = lux.setup(0, scanned)
    assert ps.layers.several.layer_0.weight.shape == (2, 3, 3)
    assert scanned(jnp.ones((2, 3)), ps, st)[0].shape == (2, 3)


@pytest.mark.parametrize(
    ("layer", "x", "place"),
    [
        (lux.Parallel(None, A, lux.Dense(5, 2)), X, "layer_1"),
        (lux.Parallel(Weighted(), A, lux.Dense(5, 2)), X, "layers.layer_1"),
        (lux.Parallel(lux.Dense(1, 1), A), X, "connection"),
        (lux.BranchLayer(p=A, q=lux.Dense(5, 2)), X, "q"),
        (lux.BranchLayer(A, A, fusion=lux.Dense(1, 1)), X, "fusion"),
        (lux.PairwiseFusion(operator.add, lux.Dense(3, 3), lux.Dense(5, 2)), X, "layer_1"),
        (lux.Maxout(A, lux.Dense(5, 2)), X, "layer_1"),
        (lux.SkipConnection(lux.Chain(lux.Dense(5, 2)), operator.add), X, "layer_0"),
        (lux.SkipConnection(lux.Chain(lux.Dense(5, 2)), Weighted()), X, "layers.layer_0"),
        (lux.RepeatedLayer(lux.Chain(lux.Dense(3, 3), lux.Dense(5, 2))), X, "layer_1"),
        (lux.AlternatePrecision(jnp.float32, lux.Chain(lux.Dense(5, 2))), X, "layer_0"),
    ],
)
def test_an_error_inside_has_the_path_of_the_parameters(layer, x, place):
    model = lux.Chain(here=layer)
    ps, st = lux.setup(0, model)
    with pytest.raises((ValueError, AttributeError)) as caught:
        model(jnp.asarray(x, jnp.float32), ps, st)
    notes = [note for note in caught.value.__notes__ if note.startswith("at ")]
    assert len(notes) == 1
    assert notes[0].startswith(f"at here.{place}: Dense(")


# --- mistakes --------------------------------------------------------------------------------

MADE = {
    "Parallel: connection: expected a function or a layer, got 'sum'": lambda: lux.Parallel(
        "sum", A, B
    ),
    "Parallel: give all layers by position or all by name, got both": lambda: lux.Parallel(
        None, A, b=B
    ),
    "Parallel: layer_1: expected a layer or a function, got Dense: make an object of the class, "
    "Dense(…)": lambda: lux.Parallel(None, A, lux.Dense),
    "Parallel: name: expected a text, got Dense: for a layer of that name, Parallel({'name': "
    "layer})": lambda: lux.Parallel(None, name=A),
    "BranchLayer: fusion: expected a function or a layer, got 3": lambda: lux.BranchLayer(
        A, B, fusion=3
    ),
    "BranchLayer: layer_1: expected a layer or a function, got tuple: unpack it, "
    "BranchLayer(*layers), or make it a Chain": lambda: lux.BranchLayer(A, (A, B)),
    "PairwiseFusion: connection: expected a function or a layer, got None": lambda: (
        lux.PairwiseFusion(None, A)
    ),
    "PairwiseFusion: connection: expected a function, got a layer: it is called more than once, "
    "with one set of parameters": lambda: lux.PairwiseFusion(Weighted(), A),
    "Maxout: layers: expected at least one, got none": lambda: lux.Maxout(),
    "Maxout: layer_1: expected a layer or a function, got int": lambda: lux.Maxout(A, 3),
    "SkipConnection: layers: expected a layer or a function, got list: unpack it, "
    "SkipConnection(*layers), or make it a Chain": lambda: lux.SkipConnection([A, B], operator.add),
    "SkipConnection: connection: expected a function or a layer, got '+'": lambda: (
        lux.SkipConnection(A, "+")
    ),
    "SkipConnection: name: expected a text, got 3": lambda: lux.SkipConnection(
        A, operator.add, name=3
    ),
    "SkipConnection: layers: expected a layer or a function, got StatefulLuxLayer: a "
    "StatefulLuxLayer holds its parameters, so they would not be trained": lambda: (
        lux.SkipConnection(StatefulLuxLayer(A, None, NamedTuple()), operator.add)
    ),
    "RepeatedLayer: model: expected a layer or a function, got int": lambda: lux.RepeatedLayer(3),
    "RepeatedLayer: repeats: expected an integer of at least 1, got 0": lambda: lux.RepeatedLayer(
        A, repeats=0
    ),
    "RepeatedLayer: input_injection: expected True or False, got 1": lambda: lux.RepeatedLayer(
        A, input_injection=1
    ),
    "AlternatePrecision: dtype: expected a floating dtype, such as jnp.float32, got 'int32'": (
        lambda: lux.AlternatePrecision("int32", A)
    ),
    "AlternatePrecision: dtype: expected a floating dtype, such as jnp.float32, got 'single32'": (
        lambda: lux.AlternatePrecision("single32", A)
    ),
    "AlternatePrecision: dtype: expected a floating dtype, such as jnp.float32, got None": (
        lambda: lux.AlternatePrecision(None, A)
    ),
    "AlternatePrecision: dtype: expected a floating dtype, such as jnp.float32, got Dense(3 → 2, "
    "tanh)  # 8 parameters": lambda: lux.AlternatePrecision(A, jnp.float32),
    "AlternatePrecision: layer: expected a layer or a function, got int": lambda: (
        lux.AlternatePrecision(jnp.float32, 3)
    ),
}


@pytest.mark.parametrize("message", MADE)
def test_an_impossible_layer_is_refused(message: str):
    with pytest.raises((ValueError, TypeError)) as caught:
        MADE[message]()
    assert str(caught.value) == message


CALLED = {
    "Parallel: x: expected a tuple of 2 inputs, got 3 of them": (
        lux.Parallel(None, A, B),
        (X, X, X),
    ),
    "PairwiseFusion: x: expected a tuple of 3 inputs, got 2 of them": (
        lux.PairwiseFusion(operator.add, A, B),
        (X, X),
    ),
    "RepeatedLayer: expected a model that returns what it takes, float32[4,3], got float32[4,2]": (
        lux.RepeatedLayer(A),
        X,
    ),
    "RepeatedLayer: expected a model that returns what it takes, float32[4,3], got "
    "(float32[4,3], float32[4,3])": (
        lux.RepeatedLayer(lambda x: (x, x)),
        X,
    ),
    "AlternatePrecision: x: expected arrays of one floating dtype, got int32[2]": (
        lux.AlternatePrecision(jnp.float32, A),
        jnp.arange(2),
    ),
    "AlternatePrecision: x: expected arrays of one floating dtype, got (float32[], bfloat16[])": (
        lux.AlternatePrecision(jnp.float32, A),
        (jnp.zeros(()), jnp.zeros((), jnp.bfloat16)),
    ),
}


@pytest.mark.parametrize("message", CALLED)
def test_an_impossible_input_is_refused(message: str):
    layer, x = CALLED[message]
    x = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32) if a is X else a, x)
    with pytest.raises(ValueError, match="expected") as caught:
        layer(x, *lux.setup(0, layer))
    assert str(caught.value) == message


def test_a_repeated_layer_whose_state_changes_type_is_refused():
    class Grows(lux.AbstractLuxLayer):
        def initial_states(self, rng):
            return NamedTuple(seen=jnp.zeros(1))

        def __call__(self, x, ps, st):
            return x, NamedTuple(seen=jnp.append(st.seen, 1.0))

    layer = lux.RepeatedLayer(Grows())
    with pytest.raises(ValueError, match="keeps its type") as caught:
        layer(jnp.ones(2), *lux.setup(0, layer))
    assert str(caught.value) == (
        "RepeatedLayer: expected a state that keeps its type, NamedTuple(seen=float32[1]), got "
        "NamedTuple(seen=float32[2])"
    )
