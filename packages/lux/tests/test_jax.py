"""Where luxcore meets JAX: scopes, pytrees, abstract sizes and export."""

import random
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from luxcore import AbstractLuxLayer, NamedTuple, StatefulLuxLayer, Val


class Draw(AbstractLuxLayer):
    """Made with the generator of the standard library, which JAX knows nothing of."""

    def initial_parameters(self, rng):
        return NamedTuple(values=[rng.random() for _ in range(3)])

    def __call__(self, x, ps, st):
        return x, st


class Fails(AbstractLuxLayer):
    def initial_parameters(self, rng):
        raise RuntimeError("no parameters today")

    def __call__(self, x, ps, st):
        return x, st


class TwoOutputs(AbstractLuxLayer):
    def __call__(self, x, ps, st):
        return (x, NamedTuple(sum=x.sum(axis=-1))), st


def test_operations_are_in_the_scope_of_their_layer():
    model = lux.Chain(encoder=lux.Chain(lux.Dense(2, 3)), head=lux.Dense(3, 1))
    ps, st = lux.setup(0, model)
    text = jax.jit(model.__call__).lower(jnp.ones((4, 2)), ps, st).as_text(debug_info=True)
    assert "encoder/layer_0/" in text
    assert "head/" in text


def test_lengths_are_counted_without_arrays():
    model = lux.Chain(lux.Dense(10**6, 10**6), lux.Dropout(0.5))
    assert lux.parameter_length(model) == 10**12 + 10**6
    assert lux.state_length(model) == 1


def test_lengths_of_a_layer_of_another_generator():
    assert lux.parameter_length(Draw()) == 3


def test_an_error_in_initial_parameters_is_the_layers_own():
    with pytest.raises(RuntimeError, match="no parameters today"):
        lux.parameter_length(Fails())
    assert repr(lux.Chain(Fails(), Fails())).count("?") >= 2


def test_output_size_leaves_out_the_batch():
    model = lux.Chain(lux.Conv((3, 3), 1, 8, padding="SAME"), lux.MaxPool((2, 2)))
    x = jnp.ones((5, 28, 28, 1))
    assert lux.output_size(model, x, jax.random.key(0)) == (14, 14, 8)
    assert lux.output_size(model, jax.ShapeDtypeStruct(x.shape, x.dtype), None) == (14, 14, 8)
    assert lux.output_size(TwoOutputs(), jnp.ones((5, 2)), None) == ((2,), NamedTuple(sum=()))


def test_output_size_computes_nothing():
    model = lux.Dense(10**6, 10**6)
    assert lux.output_size(model, jax.ShapeDtypeStruct((1, 10**6), jnp.float32), None) == (10**6,)


def test_output_size_leaves_a_generator_as_it_was():
    rng = random.Random(0)
    before = rng.getstate()
    lux.output_size(lux.Dense(2, 3), jnp.ones((1, 2)), rng)
    assert rng.getstate() == before


def test_a_stateful_layer_goes_through_jit():
    model = lux.Chain(lux.Dense(2, 2), lux.Dropout(0.5))
    ps, st = lux.setup(0, model)
    layer = StatefulLuxLayer(model, ps, st)

    @jax.jit
    def call(layer, x):
        return layer(x), layer

    y, new = call(layer, jnp.ones((4, 2)))
    expected, new_st = model(jnp.ones((4, 2)), ps, st)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    assert new.model is model
    assert (new.st.layer_1.rng == new_st.layer_1.rng).all()
    assert (layer.st.layer_1.rng == st.layer_1.rng).all()
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(layer)]
    assert paths == [".ps.layer_0.weight", ".ps.layer_0.bias", ".st.layer_1.rng"]


def test_a_stateful_layer_of_outside_refuses_a_tracer():
    layer = StatefulLuxLayer(lux.Dropout(0.5), *lux.setup(0, lux.Dropout(0.5)))
    with pytest.raises(RuntimeError, match="would leave a tracer in its state at rng"):
        jax.jit(layer)(jnp.ones(3))


def dropout_step():
    model = lux.Chain(lux.Dense(2, 2, lux.tanh), lux.Dropout(0.5), lux.NoOpLayer())
    ps, st = lux.setup(jax.random.PRNGKey(0), model)

    def loss(ps, st, x):
        y, st = model(x, ps, st)
        return y.sum(), st

    def step(ps, st, x):
        grads, st = jax.grad(loss, has_aux=True)(ps, st, x)
        return jax.tree.map(lambda p, g: p - 0.1 * g, ps, grads), st

    return step, (ps, st, jnp.ones((4, 2)))


@pytest.mark.parametrize("training", [True, False])
def test_a_step_with_dropout_state_is_exported_and_read_back(training: bool):
    step, (ps, st, x) = dropout_step()
    st = lux.update_state(st, "training", Val(training))
    data = jax.export.export(jax.jit(step))(ps, st, x).serialize()
    read = jax.export.deserialize(data)
    new_ps, new_st = read.call(ps, st, x)
    expected_ps, expected_st = jax.jit(step)(ps, st, x)
    assert jax.tree.structure((new_ps, new_st)) == jax.tree.structure((expected_ps, expected_st))
    assert new_st.layer_1.training == Val(training)
    jax.tree.map(np.testing.assert_array_equal, (new_ps, new_st), (expected_ps, expected_st))


@pytest.mark.parametrize(
    "tree",
    [NamedTuple(value=jnp.ones(2)), NamedTuple(a=(Val("text"), Val(2.5), Val(None)))],
    ids=["value", "Val"],
)
def test_trees_of_every_kind_are_exported(tree):
    data = jax.export.export(jax.jit(lambda tree: tree))(tree).serialize()
    assert jax.tree.structure(jax.export.deserialize(data).call(tree)) == jax.tree.structure(tree)


def test_an_exported_step_is_read_in_a_new_process(tmp_path):
    step, (ps, st, x) = dropout_step()
    path = tmp_path / "step.bin"
    path.write_bytes(jax.export.export(jax.jit(step))(ps, st, x).serialize())
    program = f"""
import jax, jax.numpy as jnp, lux
model = lux.Chain(lux.Dense(2, 2, lux.tanh), lux.Dropout(0.5), lux.NoOpLayer())
ps, st = lux.setup(jax.random.PRNGKey(0), model)
step = jax.export.deserialize(bytearray(open({str(path)!r}, "rb").read()))
ps, st = step.call(ps, st, jnp.ones((4, 2)))
print(st.layer_1.training, ps.layer_0.weight.shape)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "Val(True) (2, 2)\n"
