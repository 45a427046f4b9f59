"""A chain of equal layers as one program: what it computes, what its trees are, what it costs."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
import luxlib
from luxcore import NamedTuple

DEPTH = 4
X = np.random.default_rng(0).normal(size=(3, 4))


def add(y, x):
    return y + x


BLOCK = lux.SkipConnection(
    lux.Chain(lux.Dense(4, 5, lux.tanh), lux.Dropout(0.5), lux.Dense(5, 4)), add
)


class Count(lux.AbstractLuxLayer):
    """Adds the number of its calls, which is a state."""

    def initial_states(self, rng):
        return NamedTuple(calls=jax.random.randint(rng, (), 0, 100))

    def __call__(self, x, ps, st):
        return x + st.calls.astype(x.dtype), NamedTuple(calls=st.calls + 1)


def model(depth=DEPTH, block=BLOCK, **options):
    """The same layers before and after, so that the chain is somewhere inside."""
    return lux.Chain(lux.Dense(4, 4), blocks(depth, block, **options), lux.Dense(4, 2))


def blocks(depth=DEPTH, block=BLOCK, **options):
    return lux.Chain([block] * depth, **options)


def numbers(tree):
    """The leaves of a tree as NumPy arrays, keys as their data."""
    keys = jax.dtypes.prng_key
    return [
        np.asarray(jax.random.key_data(a) if jnp.issubdtype(a.dtype, keys) else a)
        for a in jax.tree.leaves(tree)
    ]


def assert_same(tree, other, **close):
    assert jax.tree.structure(tree) == jax.tree.structure(other)
    for a, b in zip(numbers(tree), numbers(other), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, **(close or {"rtol": 0, "atol": 0}))


@pytest.fixture
def double_precision():
    with jax.enable_x64(True):
        yield


def loss(model, ps, st, x):
    y, st = model(x, ps, st)
    return (y**2).sum(), st


def double(tree):
    return jax.tree.map(lambda p: jnp.asarray(np.asarray(p, np.float64)), tree)


# --- what it computes ------------------------------------------------------------------------


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize(
    "remat", [False, True, luxlib.products_saveable], ids=["no", "all", "some"]
)
def test_value_and_gradient_are_those_of_the_formula(remat):
    block = lux.SkipConnection(lux.Dense(4, 4, lux.tanh), add)
    chain = blocks(3, block, scan=True, remat=remat)
    ps, st = lux.setup(0, chain)
    ps, x = double(ps), jnp.asarray(X)

    def formula(ps, x):
        for index in range(3):
            weight, bias = ps.layers.weight[index], ps.layers.bias[index]
            x = x + jnp.tanh(x @ weight + bias[None, :])
        return (x**2).sum()

    def value(ps, x):
        return loss(chain, ps, st, x)[0]

    close = {"rtol": 1e-10, "atol": 1e-12}
    np.testing.assert_allclose(value(ps, x), formula(ps, x), **close)
    assert_same(jax.grad(value, (0, 1))(ps, x), jax.grad(formula, (0, 1))(ps, x), **close)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("remat", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_it_equals_the_unrolled_chain_in_value_gradient_state_and_dropout(remat):
    unrolled, scanned = blocks(3), blocks(3, scan=True, remat=remat)
    ps, st = lux.setup(0, unrolled)
    ps, x = double(ps), jnp.asarray(X)
    stacked = [lux.stack_parameters(scanned, tree) for tree in (ps, st)]
    grad = jax.jit(jax.value_and_grad(loss, 1, has_aux=True), static_argnums=0)
    (expected, expected_st), expected_ps = grad(unrolled, ps, st, x)
    (value, new_st), grads = grad(scanned, *stacked, x)
    close = {"rtol": 1e-11, "atol": 1e-13}
    np.testing.assert_allclose(value, expected, **close)
    assert_same(new_st, lux.stack_parameters(scanned, expected_st))
    assert_same(grads, lux.stack_parameters(scanned, expected_ps), **close)
    # Each layer has a key of its own, and gets the next one.
    keys = [st.layers.layer_1.rng for st in (new_st, stacked[1])]
    assert len({tuple(data) for key in keys for data in jax.random.key_data(key).tolist()}) == 6
    # In test mode nothing is dropped, and no key is used up.
    y, new_st = scanned(x, stacked[0], lux.test_mode(stacked[1]))
    np.testing.assert_allclose(y, unrolled(x, ps, lux.test_mode(st))[0], **close)
    assert_same(new_st, lux.test_mode(stacked[1]))


@pytest.mark.slow
@pytest.mark.usefixtures("double_precision")
def test_second_derivatives_and_vmap():
    unrolled, scanned = blocks(), blocks(scan=True, remat=True)
    ps, st = lux.setup(0, unrolled)
    ps, st = double(ps), lux.test_mode(st)
    stacked = [lux.stack_parameters(scanned, tree) for tree in (ps, st)]
    x = jnp.asarray(X)

    def curvature(model, ps, st):
        def slope(ps, x):
            return jax.grad(lambda x: (model(x, ps, st)[0] ** 3).sum())(x)

        return jax.grad(lambda ps: (slope(ps, x) ** 2).sum())(ps)

    expected = lux.stack_parameters(scanned, curvature(unrolled, ps, st))
    assert_same(curvature(scanned, *stacked), expected, rtol=1e-10, atol=1e-10)
    rows = jax.vmap(lambda x: scanned(x, *stacked)[0])(x)
    np.testing.assert_allclose(rows, unrolled(x, ps, st)[0], rtol=1e-12)


def test_inputs_may_be_trees_and_states_may_differ_by_layer():
    class Both(lux.AbstractLuxContainerLayer):
        count: Count

        def __call__(self, x, ps, st):
            y, new = self.count(x.a, ps.count, st.count)
            return NamedTuple(a=y, b=x.b * 2), NamedTuple(count=new)

    chain = blocks(5, Both(Count()), scan=True)
    ps, st = lux.setup(3, chain)
    calls = np.asarray(st.layers.count.calls)
    assert len(set(calls.tolist())) > 1
    y, new_st = chain(NamedTuple(a=jnp.zeros(2), b=jnp.ones(())), ps, st)
    np.testing.assert_array_equal(y.a, [calls.sum()] * 2)
    assert y.b == 32
    np.testing.assert_array_equal(new_st.layers.count.calls, calls + 1)


@jax.tree_util.register_pytree_node_class
class Point:
    """A class of a user's, without a text of its own."""

    def __init__(self, value):
        self.value = value

    def tree_flatten(self):
        return (self.value,), None

    @classmethod
    def tree_unflatten(cls, _, parts):
        return cls(*parts)


def test_inputs_may_be_of_a_class_of_the_users():
    double_point = lux.WrappedFunction(lambda point: Point(2 * point.value))
    for layer in (blocks(5, double_point, scan=True), lux.RepeatedLayer(double_point, repeats=5)):
        y, _ = layer(Point(jnp.ones(3)), *lux.setup(0, layer))
        assert (y.value == 32).all()
    flat = blocks(2, lux.WrappedFunction(lambda point: point.value), scan=True)
    with pytest.raises(ValueError, match=r"that return what they take, .*Point obj"):
        flat(Point(jnp.ones(3)), *lux.setup(0, flat))


def test_a_layer_is_traced_once():
    calls = []

    def count(frame, proceed, x, ps, st):
        calls.append(".".join(frame.path))
        return proceed(x, ps, st)

    chain = lux.Chain(
        blocks(5, lux.Dense(4, 4), scan=True), lux.RepeatedLayer(lux.Dense(4, 4), repeats=5)
    )
    ps, st = lux.setup(0, chain)
    remove = lux.register_call_hook(count)
    try:
        chain(jnp.asarray(X, jnp.float32), ps, st)
    finally:
        remove()
    assert calls == ["", "layer_0", "layer_0", "layer_0.layers", "layer_1", "layer_1"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_narrow_input_is_promoted_by_the_first_layer(dtype):
    block = lux.Dense(4, 4)
    unrolled, scanned = blocks(3, block), blocks(3, block, scan=True)
    ps, st = lux.setup(0, unrolled)
    x = jnp.asarray(X, dtype)
    y, _ = scanned(x, lux.stack_parameters(scanned, ps), lux.setup(0, scanned)[1])
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, unrolled(x, ps, st)[0], rtol=1e-6, atol=1e-6)
    half = jax.tree.map(lambda p: p.astype(dtype), lux.stack_parameters(scanned, ps))
    assert scanned(x, half, lux.setup(0, scanned)[1])[0].dtype == dtype


# --- its trees -------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("impl", ["threefry2x32", pytest.param("rbg", marks=pytest.mark.slow)])
def test_setup_gives_what_the_unrolled_chain_has(impl, compiled):
    block = lux.Chain(lux.Dense(2, 2), Count(), lux.Chain([lux.Dense(2, 2)] * 2, scan=True))
    unrolled, scanned = blocks(3, block), blocks(3, block, scan=True)
    key = jax.random.key(1, impl=impl)
    ps, st = lux.setup(key, unrolled)
    make = jax.jit(lux.setup, static_argnums=1) if compiled else lux.setup
    stacked = make(key, scanned)
    assert stacked[0].layers.layer_2.layers.weight.shape == (3, 2, 2, 2)
    assert not (stacked[0].layers.layer_0.weight[0] == stacked[0].layers.layer_0.weight[1]).any()
    shapes = (
        jax.tree.map(lambda *leaves: jnp.stack(leaves), *ps),
        jax.tree.map(lambda *leaves: jnp.stack(leaves), *st),
    )
    close = {"rtol": 1e-6, "atol": 1e-7} if compiled else {}
    assert_same(stacked[0].layers, shapes[0], **close)
    assert_same(stacked[1].layers, shapes[1])


def test_setup_over_several_seeds():
    keys = jax.random.split(jax.random.key(0), 2)
    ps, _ = jax.vmap(lambda key: lux.setup(key, blocks(3, scan=True)))(keys)
    for index, key in enumerate(keys):
        expected, _ = lux.setup(key, blocks(3, scan=True))
        one = jax.tree.map(lambda p, index=index: p[index], ps)
        assert_same(one, expected, rtol=1e-6, atol=1e-7)


def test_setup_of_other_generators():
    import random

    for make in (lambda: random.Random(0), lambda: np.random.default_rng(0)):
        ps, _ = lux.setup(make(), model(scan=True))
        assert_same(ps, lux.stack_parameters(model(scan=True), lux.setup(make(), model())[0]))


def test_counts():
    assert lux.parameter_length(model(scan=True)) == lux.parameter_length(model())
    assert lux.state_length(model(scan=True)) == lux.state_length(model()) == DEPTH
    assert lux.preserves_state_type(model(scan=True))


@pytest.mark.parametrize("nested", [False, True])
def test_stacking_and_unstacking_are_inverse(nested):
    block = lux.Chain([BLOCK] * 2, scan=True) if nested else BLOCK
    inner = lux.Chain([BLOCK] * 2) if nested else BLOCK
    unrolled, scanned = model(block=inner), model(block=block, scan=True)
    ps, st = lux.setup(0, unrolled)
    for tree, expected in zip((ps, st), lux.setup(0, scanned), strict=True):
        stacked = lux.stack_parameters(scanned, tree)
        assert_same(stacked, expected)
        assert_same(lux.unstack_parameters(scanned, stacked), tree)


def test_stacking_the_chain_itself_and_a_model_that_scans_nothing():
    ps, st = lux.setup(0, blocks())
    assert_same(lux.stack_parameters(blocks(scan=True), ps), lux.setup(0, blocks(scan=True))[0])
    assert lux.stack_parameters(blocks(), ps) is ps
    assert lux.unstack_parameters(blocks(), st) is st


def test_stacking_under_jit_and_without_values():
    scanned = model(scan=True)
    ps, _ = lux.setup(0, model())
    expected = lux.stack_parameters(scanned, ps)
    assert_same(jax.jit(lambda ps: lux.stack_parameters(scanned, ps))(ps), expected)
    shapes = jax.eval_shape(lambda ps: lux.unstack_parameters(scanned, ps), expected)
    assert jax.tree.map(jnp.shape, shapes) == jax.tree.map(jnp.shape, ps)


@pytest.mark.parametrize("saved_scanned", [False, True])
def test_each_loads_the_checkpoint_of_the_other(saved_scanned, tmp_path):
    unrolled, scanned = model(), model(scan=True)
    ps, st = lux.setup(0, unrolled)
    _, st = unrolled(jnp.asarray(X, jnp.float32), ps, st)
    stacked = tuple(lux.stack_parameters(scanned, tree) for tree in (ps, st))
    path = tmp_path / "model.safetensors"
    if saved_scanned:
        lux.save(path, *stacked, model=scanned)
        loaded = lux.load(path, scanned)
        for tree, expected in zip(loaded, (ps, st), strict=True):
            assert_same(lux.unstack_parameters(scanned, tree), expected)
    else:
        lux.save(path, ps, st, model=unrolled)
        loaded = lux.load(path, unrolled)
        for tree, expected in zip(loaded, stacked, strict=True):
            assert_same(lux.stack_parameters(scanned, tree), expected)


def test_a_checkpoint_fits_whatever_is_rematerialised(tmp_path):
    path = tmp_path / "model.safetensors"
    trees = lux.setup(0, model(scan=True))
    lux.save(path, *trees, model=model(scan=True, remat=True))
    assert_same(lux.load(path, model(scan=True)), trees)
    assert_same(lux.load(path, model(scan=True, remat=luxlib.products_saveable)), trees)


# --- the description -------------------------------------------------------------------------


def test_it_is_a_chain_of_its_layers():
    chain = blocks(5, scan=True, remat=True)
    assert len(chain) == 5
    assert list(chain) == [BLOCK] * 5
    assert chain[0] == chain[-1] == chain["layer_4"] == BLOCK
    assert chain[1:3] == chain[-2:] == blocks(2, scan=True, remat=True)
    assert chain[:0] == lux.Chain()
    with pytest.raises(IndexError):
        chain[5]
    assert chain != blocks(5) != blocks(5, remat=True)
    assert chain != blocks(5, scan=True)
    assert pickle.loads(pickle.dumps(chain)) == chain
    policy = jax.checkpoint_policies.dots_saveable
    assert pickle.loads(pickle.dumps(blocks(remat=policy))) == blocks(remat=policy)
    assert lux.Chain([BLOCK] * 3, remat=True)[1:] == lux.Chain(
        NamedTuple(layer_1=BLOCK, layer_2=BLOCK), remat=True
    )


def test_a_slice_takes_the_slices_of_the_arrays():
    chain = blocks(scan=True)
    ps, st = lux.setup(0, chain)
    x = jnp.asarray(X, jnp.float32)
    first, last = (jax.tree.map(lambda a, s=s: a[s], (ps, st)) for s in (slice(1), slice(1, None)))
    hidden, _ = chain[:1](x, *first)
    y, _ = chain[1:](hidden, *last)
    np.testing.assert_allclose(y, chain(x, ps, st)[0], rtol=1e-6)


def test_without_layers_nothing_is_scanned():
    assert lux.Chain(scan=True) == lux.Chain()


def test_repr():
    assert repr(blocks(3, lux.Dense(4, 4), scan=True, remat=True)) == (
        "Chain(\n"
        "    Scanned(\n"
        "        layers = Dense(4 → 4),                  # 20 parameters\n"
        "        depth = 3,\n"
        "        remat = True,\n"
        "    ),\n"
        ")         # Total: 60 parameters,\n"
        "          #        plus 0 states."
    )


# --- what it costs ---------------------------------------------------------------------------


def equations(jaxpr):
    """The number of equations in a program, those of the programs inside it included."""
    count = 0
    for equation in jaxpr.eqns:
        count += 1
        for value in jax.tree.leaves(list(equation.params.values())):
            inner = getattr(value, "jaxpr", value)
            count += equations(inner) if hasattr(inner, "eqns") else 0
    return count


@pytest.mark.parametrize("remat", [False, True])
def test_the_program_does_not_grow_with_the_number_of_layers(remat):
    def sizes(scan, depth):
        chain = model(depth, lux.Dense(4, 4, lux.tanh), scan=scan, remat=remat)
        ps, st = jax.eval_shape(lambda: lux.setup(0, chain))
        step = jax.grad(lambda *arguments: loss(chain, *arguments), has_aux=True)
        x = jax.ShapeDtypeStruct((3, 4), jnp.float32)
        programs = (
            jax.make_jaxpr(step)(ps, st, x),
            jax.make_jaxpr(lambda key: lux.setup(key, chain))(jax.random.key(0)),
        )
        return [equations(program.jaxpr) for program in programs]

    shallow, deep = sizes(True, 4), sizes(True, 64)
    assert deep == shallow
    unrolled = [sizes(False, depth) for depth in (4, 8)]
    assert all(more > less + 4 for less, more in zip(*unrolled, strict=True))


def kept(model):
    """How many numbers the backward pass of a model gets from the forward pass."""
    ps, st = lux.setup(0, model)
    x = jnp.ones((100, 8))

    def residuals():
        return jax.vjp(lambda ps: model(x, ps, st)[0], ps)[1]

    leaves = jax.tree.leaves(jax.eval_shape(residuals))
    return sum(leaf.size for leaf in leaves if leaf.size >= 100)


def nothing(*arguments, **parameters):
    return False


@pytest.mark.parametrize("scan", [False, True])
def test_rematerialisation_keeps_less(scan):
    block = lux.Chain(lux.Dense(8, 32, lux.tanh), lux.Dense(32, 8, lux.gelu))
    everything, none, products, policy = (
        kept(lux.Chain([block] * 6, scan=scan, remat=remat))
        for remat in (False, True, luxlib.products_saveable, nothing)
    )
    weights = 6 * 2 * 8 * 32
    assert none == policy
    assert none <= 7 * 100 * 8 + 2 * weights  # the inputs of the layers
    assert none < products <= none + 6 * 100 * (32 + 8) < everything


@pytest.mark.slow
def test_rematerialisation_computes_the_layers_again():
    block = lux.Chain(lux.Dense(64, 64, lux.tanh), lux.Dense(64, 64, lux.tanh))

    def operations(remat):
        chain = lux.Chain([block] * 4, scan=True, remat=remat)
        ps, st = lux.setup(0, chain)
        step = jax.jit(jax.grad(lambda ps, x: loss(chain, ps, st, x)[0]))
        return step.lower(ps, jnp.ones((64, 64))).compile().cost_analysis()["flops"]

    # Of a layer with two products there are six, and eight where the two are made again.
    assert operations(True) == pytest.approx(8 / 6 * operations(False), rel=0.05)
    assert operations(luxlib.products_saveable) == pytest.approx(operations(False), rel=0.05)


# --- where it is -----------------------------------------------------------------------------


@pytest.mark.parametrize("remat", [False, True])
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_an_error_inside_has_the_path_of_the_stacked_parameters(compiled, remat):
    wrong = lux.Chain(lux.Dense(4, 4), lux.Dense(5, 4))
    chain = lux.Chain(lux.Dense(4, 4), blocks(3, wrong, scan=True, remat=remat))
    ps, st = lux.setup(0, chain)
    assert ps.layer_1.layers.layer_1.weight.shape == (3, 5, 4)
    with pytest.raises(ValueError, match="x: expected shape") as caught:
        (jax.jit(chain) if compiled else chain)(jnp.ones((2, 4)), ps, st)
    assert str(caught.value) == (
        "fused_dense_bias_activation: x: expected shape (..., 5), got (2, 4). The last axis of x "
        "must have the size of the first of weight (5, 4)."
    )
    assert [note for note in caught.value.__notes__ if note.startswith("at ")] == [
        "at layer_1.layers.layer_1: Dense(5 → 4)\n"
        "  parameters: NamedTuple(weight=float32[5,4], bias=float32[4])\n"
        "  input: float32[2,4]"
    ]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_an_error_in_one_of_several_rematerialised_layers_has_its_path(compiled):
    chain = blocks(4, lux.Dense(4, 4), remat=True)
    ps, st = lux.setup(0, chain)
    ps = lux.replace_at(ps, "layer_2.weight", jnp.ones((4, 5)))
    with pytest.raises(ValueError, match="parameters do not fit") as caught:
        (jax.jit(chain) if compiled else chain)(jnp.ones((2, 4)), ps, st)
    notes = [note for note in caught.value.__notes__ if note.startswith("at ")]
    assert notes[0].startswith("at layer_2: Dense(4 → 4)\n")


def test_compiled_programs_show_the_path():
    chain = model(scan=True)
    text = jax.jit(chain).lower(X.astype("float32"), *lux.setup(0, chain)).compile().as_text()
    names = [part.split('"')[0] for part in text.split('op_name="')[1:]]
    inside = [name for name in names if "/layers/layer_0/" in name]
    assert inside
    assert all("/layer_1/while/body/" in name for name in inside)


# --- mistakes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (
            lambda: lux.Chain(lux.Dense(2, 2), lux.Dense(2, 3), scan=True),
            ValueError,
            "Chain: scan: expected equal layers, got layer_1=Dense(2 → 3) after "
            "layer_0=Dense(2 → 2): put each row of equal layers into a chain of its own",
        ),
        (
            lambda: lux.Chain(a=lux.Dense(2, 2), b=lux.Dense(2, 2), scan=True),
            TypeError,
            "Chain: scan: expected layers by position, since stacked layers have no names of their "
            "own, got 'a'",
        ),
        (
            lambda: lux.Chain(lux.Dense(2, 2), scan=3),
            TypeError,
            "Chain: scan: expected True or False, got 3",
        ),
        (
            lambda: lux.Chain(embed=lux.Dense(2, 2), scan=lux.Dense(2, 2)),
            TypeError,
            "Chain: scan: expected True or False, got Dense: for a layer of that name, "
            "Chain({'scan': layer})",
        ),
        (
            lambda: lux.Chain(lux.Dense(2, 2), remat="dots"),
            TypeError,
            "Chain: remat: expected True, False or a policy such as luxlib.products_saveable, got "
            "'dots'",
        ),
        (
            lambda: lux.Chain(lux.Dense(2, 2), remat=None),
            TypeError,
            "Chain: remat: expected True, False or a policy such as luxlib.products_saveable, got "
            "None",
        ),
        (
            lambda: lux.Chain(embed=lux.Dense(2, 2), remat=lux.Dense(2, 2)),
            TypeError,
            "Chain: remat: expected True, False or a policy such as luxlib.products_saveable, got "
            "Dense: for a layer of that name, Chain({'remat': layer})",
        ),
    ],
)
def test_an_impossible_chain_is_refused(make, kind, message):
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value) == message


SCANNED, UNROLLED = model(3, scan=True), model(3)
PS, ST = lux.setup(0, UNROLLED)
STACKED = lux.setup(0, SCANNED)[0]


def at(tree, path, value):
    return lux.replace_at(tree, path, value)


@pytest.mark.parametrize(
    ("block", "ps", "message"),
    [
        (
            lux.Dense(4, 5),
            lux.setup(0, blocks(3, lux.Dense(4, 5), scan=True))[0],
            "Chain: scan: expected layers that return what they take, float32[2,4], got "
            "float32[2,5]",
        ),
        (
            lux.WrappedFunction(lambda x: (x, x)),
            NamedTuple(layers=NamedTuple()),
            "Chain: scan: expected layers that return what they take, float32[2,4], got "
            "(float32[2,4], float32[2,4])",
        ),
        (
            lux.WrappedFunction(lambda x: x.astype(jnp.float16)),
            NamedTuple(layers=NamedTuple()),
            "Chain: scan: expected layers that return what they take, float32[2,4], got "
            "float16[2,4]",
        ),
        (
            lux.Dense(4, 4),
            lux.setup(0, blocks(3, lux.Dense(4, 4)))[0],
            "the parameters do not fit: expected the fields (layers), got (layer_0, layer_1, "
            "layer_2): are these the parameters of another model?",
        ),
        (
            lux.Dense(4, 4),
            lux.setup(0, blocks(2, lux.Dense(4, 4), scan=True))[0],
            "the parameters do not fit: layers.weight: expected 3 along the first axis, one for "
            "each layer, got float32[2,4,4]",
        ),
        (
            lux.Dense(4, 4),
            NamedTuple(layers=lux.setup(0, lux.Dense(4, 4))[0]),
            "the parameters do not fit: layers.weight: expected 3 along the first axis, one for "
            "each layer, got float32[4,4]",
        ),
        (
            lux.Dense(4, 4),
            lux.setup(0, blocks(3, lux.Dense(4, 4, use_bias=False), scan=True))[0],
            "the parameters do not fit: expected the fields (weight, bias), got (weight): are "
            "these the parameters of another model?",
        ),
    ],
)
def test_an_impossible_call_is_refused(block, ps, message):
    chain = blocks(3, block, scan=True)
    with pytest.raises(ValueError, match="expected") as caught:
        chain(jnp.ones((2, 4)), ps, NamedTuple(layers=lux.setup(0, block)[1]))
    assert str(caught.value) == message


def test_states_of_another_number_of_layers_are_refused():
    chain = blocks(3, Count(), scan=True)
    ps, _ = lux.setup(0, chain)
    with pytest.raises(ValueError, match="states do not fit") as caught:
        chain(jnp.ones(2), ps, lux.setup(0, blocks(2, Count(), scan=True))[1])
    assert str(caught.value) == (
        "the states do not fit: layers.calls: expected 3 along the first axis, one for each layer, "
        "got int32[2]"
    )


@pytest.mark.parametrize(
    ("convert", "tree", "message"),
    [
        (
            lux.stack_parameters,
            STACKED,
            "layer_1: expected that of an unrolled chain, with the fields (layer_0, layer_1, "
            "layer_2), got (layers)",
        ),
        (
            lux.unstack_parameters,
            PS,
            "layer_1: expected that of a scanned chain, with the fields (layers), got (layer_0, "
            "layer_1, layer_2)",
        ),
        (
            lux.stack_parameters,
            at(PS, "layer_1", jnp.ones(3)),
            "layer_1: expected that of an unrolled chain, with the fields (layer_0, layer_1, "
            "layer_2), got ArrayImpl",
        ),
        (
            lux.stack_parameters,
            at(PS, "layer_1.layer_2.layer_0.weight", jnp.ones((4, 6))),
            "layer_1.layer_2.layer_0.weight: expected float32[4,5] as in layer_0, got float32[4,6]",
        ),
        (
            lux.stack_parameters,
            at(PS, "layer_1.layer_1.layer_0.bias", jnp.ones(5, jnp.float16)),
            "layer_1.layer_1.layer_0.bias: expected float32[5] as in layer_0, got float16[5]",
        ),
        (
            lux.stack_parameters,
            at(PS, "layer_1.layer_1.layer_0", NamedTuple(weight=jnp.ones((4, 5)))),
            "layer_1.layer_1.layer_0.bias: expected float32[5] as in layer_0, got nothing",
        ),
        (
            lux.stack_parameters,
            at(ST, "layer_1.layer_2.layer_1.training", lux.Val(False)),
            "layer_1.layer_2.layer_1.training: expected Val(True) as in layer_0, got Val(False)",
        ),
        (
            lux.unstack_parameters,
            at(STACKED, "layer_1.layers.layer_0.bias", jnp.ones((2, 5))),
            "layer_1.layers.layer_0.bias: expected 3 along the first axis, one for each layer, got "
            "float32[2,5]",
        ),
    ],
)
def test_a_tree_that_does_not_fit_is_not_converted(convert, tree, message):
    with pytest.raises(ValueError, match="expected") as caught:
        convert(SCANNED, tree)
    assert str(caught.value) == message


def test_the_path_in_a_message_goes_through_nested_chains():
    block = lux.Chain([lux.Dense(2, 2)] * 2)
    scanned = model(3, lux.Chain([lux.Dense(2, 2)] * 2, scan=True), scan=True)
    ps, _ = lux.setup(0, model(3, block))
    with pytest.raises(ValueError, match="as in layer_0") as caught:
        lux.stack_parameters(scanned, at(ps, "layer_1.layer_2.layer_1.bias", jnp.ones(3)))
    assert str(caught.value) == (
        "layer_1.layer_2.layer_1.bias: expected float32[2] as in layer_0, got float32[3]"
    )
