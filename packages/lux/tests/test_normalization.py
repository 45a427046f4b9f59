"""The normalizations of inputs against their formulas in float64, their states, and refusals."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from luxcore import NamedTuple, Val

RNG = np.random.default_rng(0)


def standardized(x, axis, where=True, epsilon=1e-5):
    """What has mean 0 and variance 1 along some axes, counting what is `where`."""
    mean = x.mean(axis, keepdims=True, where=where)
    variance = x.var(axis, keepdims=True, where=where)
    return (x - mean) / np.sqrt(variance + epsilon)


def random_parameters(layer):
    """Parameters that are not all ones and zeros, as arrays and in float64."""
    ps, st = lux.setup(0, layer)
    values = [RNG.normal(size=p.shape) for p in ps]
    return type(ps)(*(jnp.asarray(v, jnp.float32) for v in values)), st, values


FORMULAS = {
    "batch": (lux.BatchNorm(3, lux.tanh), (5, 3), lambda x: standardized(x, 0)),
    "batch, images": (lux.BatchNorm(3), (2, 4, 2, 3), lambda x: standardized(x, (0, 1, 2))),
    "layer": (lux.LayerNorm(3, lux.tanh), (2, 4, 3), lambda x: standardized(x, -1)),
    "layer, several": (lux.LayerNorm((4, 3)), (2, 4, 3), lambda x: standardized(x, (1, 2))),
    "layer, axis": (lux.LayerNorm(3, axis=(-2,)), (2, 4, 3), lambda x: standardized(x, 1)),
    "layer, one example": (lux.LayerNorm([3]), (3,), lambda x: standardized(x, -1)),
    "group": (
        lux.GroupNorm(4, 2, lux.relu),
        (2, 5, 4),
        lambda x: standardized(x.reshape(2, 5, 2, 2), (1, 3)).reshape(2, 5, 4),
    ),
    "instance": (
        lux.InstanceNorm(3, lux.tanh, affine=True),
        (2, 5, 3),
        lambda x: standardized(x, 1),
    ),
    "rms": (
        lux.RMSNorm(3, lux.tanh),
        (2, 4, 3),
        lambda x: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5),
    ),
    "rms, several": (
        lux.RMSNorm((4, 3), axis=-2),
        (2, 4, 3),
        lambda x: x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-5),
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name: str):
    layer, shape, formula = FORMULAS[name]
    ps, st, (scale, *bias) = random_parameters(layer)
    x = 3 * RNG.normal(size=shape) + 2
    y, _ = layer(jnp.asarray(x, jnp.float32), ps, st)
    expected = formula(x) * scale + (bias[0] if bias else 0)
    activation = {lux.tanh: np.tanh, lux.relu: lambda y: np.maximum(y, 0)}.get(layer.activation)
    np.testing.assert_allclose(
        y, activation(expected) if activation else expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("layer", "shape", "formula"),
    [
        (
            lux.BatchNorm(3, affine=False, epsilon=0.1),
            (5, 3),
            lambda x: standardized(x, 0, True, 0.1),
        ),
        (
            lux.LayerNorm(3, affine=False, epsilon=0.1),
            (5, 3),
            lambda x: standardized(x, 1, True, 0.1),
        ),
        (lux.InstanceNorm(3, epsilon=0.1), (2, 5, 3), lambda x: standardized(x, 1, True, 0.1)),
        (
            lux.GroupNorm(3, 3, affine=False, epsilon=0.1),
            (2, 5, 3),
            lambda x: standardized(x, 1, True, 0.1),
        ),
        (
            lux.RMSNorm(3, affine=False, epsilon=0.1),
            (5, 3),
            lambda x: x / np.sqrt((x * x).mean(-1, keepdims=True) + 0.1),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, lux.AbstractLuxLayer) else "",
)
def test_without_parameters_and_with_another_epsilon(layer, shape, formula):
    ps, st = lux.setup(0, layer)
    assert ps == NamedTuple()
    x = RNG.normal(size=shape)
    y, _ = layer(jnp.asarray(x, jnp.float32), ps, st)
    np.testing.assert_allclose(y, formula(x), rtol=1e-4, atol=1e-5)


MASK = np.arange(4)[None, :, None] < np.array([2, 3])[:, None, None]


@pytest.mark.parametrize(
    ("layer", "axis"),
    [
        (lux.BatchNorm(3), (0, 1)),
        (lux.InstanceNorm(3), 1),
        (lux.GroupNorm(3, 3), 1),
        (lux.LayerNorm((4, 3), axis=-2), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_valid_elements_count(layer, axis):
    x = RNG.normal(size=(2, 4, 3))
    holes = jnp.asarray(np.where(MASK, x, np.nan), jnp.float32)
    y, st = layer((holes, jnp.asarray(MASK)), *lux.setup(0, layer))
    expected = np.where(MASK, standardized(x, axis, MASK), 0)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    assert jax.tree.all(jax.tree.map(lambda s: bool(jnp.isfinite(s).all()), st))


def test_a_mask_of_rms():
    x = RNG.normal(size=(2, 4, 3))
    layer = lux.RMSNorm((4, 3), axis=-2)
    y, _ = layer((jnp.asarray(x, jnp.float32), jnp.asarray(MASK)), *lux.setup(0, layer))
    square = (x * x).mean(1, keepdims=True, where=MASK)
    expected = np.where(MASK, x / np.sqrt(square + 1e-5), 0)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "axis"),
    [
        (lux.BatchNorm(3, momentum=0.25), (0, 1)),
        (lux.InstanceNorm(3, track_stats=True, momentum=0.25), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_running_statistics_move_in_training_and_count_in_test_mode(layer, axis):
    ps, st = lux.setup(0, layer)
    assert st._fields == ("running_mean", "running_var", "training")
    assert (st.running_mean == 0).all()
    assert (st.running_var == 1).all()
    mean, var = np.zeros(3), np.ones(3)
    for _ in range(2):
        x = 3 * RNG.normal(size=(4, 5, 3)) + 1
        _, st = layer(jnp.asarray(x, jnp.float32), ps, st)
        mean = 0.75 * mean + 0.25 * x.mean(axis).reshape(-1, 3).mean(0)
        var = 0.75 * var + 0.25 * x.var(axis, ddof=1).reshape(-1, 3).mean(0)
    np.testing.assert_allclose(st.running_mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(st.running_var, var, rtol=1e-5)
    st = lux.test_mode(st)
    y, new_st = layer(jnp.asarray(x, jnp.float32), ps, st)
    expected = (x - mean) / np.sqrt(var + 1e-5)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    assert new_st is st


def test_without_tracking_test_mode_normalizes_by_the_input():
    layer = lux.BatchNorm(3, track_stats=False)
    ps, st = lux.setup(0, layer)
    assert st == NamedTuple()
    x = jnp.asarray(RNG.normal(size=(5, 3)), jnp.float32)
    y, new_st = layer(x, ps, lux.test_mode(st))
    np.testing.assert_allclose(y, standardized(np.asarray(x), 0), rtol=1e-4, atol=1e-5)
    assert new_st == NamedTuple()


def test_statistics_are_those_of_all_of_a_mapped_batch():
    layer = lux.BatchNorm(3, axis_name="batch")
    ps, st = lux.setup(0, layer)
    x = RNG.normal(size=(4, 3))
    call = jax.vmap(lambda x: layer(x, ps, st), axis_name="batch", out_axes=(0, None))
    y, st = call(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(y, standardized(x, 0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(st.running_mean, 0.1 * x.mean(0), rtol=1e-5, atol=1e-6)


def test_statistics_are_those_of_all_devices():
    layer = lux.BatchNorm(3, axis_name="devices")
    ps, st = lux.setup(0, layer)
    mesh = jax.make_mesh((2,), ("devices",), axis_types=(jax.sharding.AxisType.Auto,))
    spread = jax.P("devices")
    call = jax.shard_map(
        lambda x: layer(x, ps, st), mesh=mesh, in_specs=spread, out_specs=(spread, jax.P())
    )
    x = RNG.normal(size=(6, 3))
    y, st = jax.jit(call)(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(y, standardized(x, 0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(st.running_var, 0.9 + 0.1 * x.var(0, ddof=1), rtol=1e-5)


def test_half_precision_statistics_are_summed_in_float32():
    layer = lux.BatchNorm(2, affine=False)
    x = jnp.asarray(100 + np.arange(8192).reshape(4096, 2) // 2 % 8, jnp.bfloat16)
    y, st = layer(x, *lux.setup(0, layer))
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(st.running_mean, 10.35, rtol=1e-5)
    assert st.running_mean.dtype == jnp.float32


@pytest.mark.parametrize(
    ("layer", "text", "count"),
    [
        (lux.BatchNorm(8), "BatchNorm(8)", "16 parameters, plus 16 non-trainable"),
        (
            lux.BatchNorm(8, lux.relu, affine=False, axis_name="batch"),
            "BatchNorm(8, relu, affine=False, axis_name='batch')",
            "plus 16 non-trainable",
        ),
        (
            lux.BatchNorm(8, momentum=0.5, track_stats=False),
            "BatchNorm(8, track_stats=False, momentum=0.5)",
            "16 parameters",
        ),
        (lux.LayerNorm([2, 4], axis=[-1]), "LayerNorm((2, 4), axis=(-1,))", "16 parameters"),
        (
            lux.LayerNorm(4, lux.relu, epsilon=1e-6),
            "LayerNorm((4,), relu, epsilon=1e-06)",
            "8 parameters",
        ),
        (lux.RMSNorm(4), "RMSNorm((4,))", "4 parameters"),
        (lux.GroupNorm(4, 2, lux.relu), "GroupNorm(4, 2, relu)", "8 parameters"),
        (lux.InstanceNorm(4), "InstanceNorm(4)", ""),
        (
            lux.InstanceNorm(4, track_stats=True),
            "InstanceNorm(4, track_stats=True)",
            "plus 8 non-trainable",
        ),
    ],
)
def test_text(layer, text: str, count: str):
    assert str(layer) == text
    assert repr(layer) == (f"{text}  # {count}" if count else text)
    assert pickle.loads(pickle.dumps(layer)) == layer


def test_one_size_is_a_shape():
    assert lux.LayerNorm(3) == lux.LayerNorm((3,)) == lux.LayerNorm([np.int64(3)])
    assert lux.RMSNorm(3) != lux.RMSNorm((3, 1))


INITIALIZERS = {"init_scale": lux.initializers.zeros, "init_bias": lux.initializers.ones}


@pytest.mark.parametrize(
    "layer",
    [
        lux.BatchNorm(3, **INITIALIZERS),
        lux.LayerNorm((2, 3), **INITIALIZERS),
        lux.GroupNorm(3, 1, **INITIALIZERS),
        lux.InstanceNorm(3, affine=True, **INITIALIZERS),
        lux.RMSNorm((2, 3), init_scale=lux.initializers.zeros),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_initializers_are_called_with_the_sizes(layer):
    ps, _ = lux.setup(0, layer)
    assert {p.shape for p in ps} == {(2, 3) if hasattr(layer, "shape") else (3,)}
    assert (ps.scale == 0).all()
    assert all((p == 1).all() for p in ps[1:])


SIZE = "expected an integer of at least 1, got"
SIZES = "shape: expected an integer or several, each at least 1, got"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lux.BatchNorm(0), f"BatchNorm: channels: {SIZE} 0"),
        (
            lambda: lux.BatchNorm(3, momentum=1.5),
            "BatchNorm: momentum: expected a number from 0 to 1, got 1.5",
        ),
        (
            lambda: lux.BatchNorm(3, momentum=None),
            "BatchNorm: momentum: expected a number from 0 to 1, got None",
        ),
        (
            lambda: lux.BatchNorm(3, epsilon=0),
            "BatchNorm: epsilon: expected a positive number, got 0",
        ),
        (
            lambda: lux.BatchNorm(3, "relu"),
            "BatchNorm: activation: expected a function, got 'relu'",
        ),
        (
            lambda: lux.BatchNorm(3, init_bias=0),
            "BatchNorm: init_bias: expected a function, got 0",
        ),
        (lambda: lux.LayerNorm(()), f"LayerNorm: {SIZES} ()"),
        (lambda: lux.LayerNorm((3, 0)), f"LayerNorm: {SIZES} (3, 0)"),
        (lambda: lux.LayerNorm(2.0), f"LayerNorm: {SIZES} 2.0"),
        (
            lambda: lux.LayerNorm(3, axis=(-1, -1)),
            "LayerNorm: axis: expected different axes, as integers, got (-1, -1)",
        ),
        (
            lambda: lux.LayerNorm(3, epsilon=float("inf")),
            "LayerNorm: epsilon: expected a positive number, got inf",
        ),
        (
            lambda: lux.LayerNorm(3, init_scale=1),
            "LayerNorm: init_scale: expected a function, got 1",
        ),
        (lambda: lux.RMSNorm(True), f"RMSNorm: {SIZES} True"),
        (
            lambda: lux.RMSNorm(3, axis="x"),
            "RMSNorm: axis: expected different axes, as integers, got 'x'",
        ),
        (
            lambda: lux.RMSNorm(3, epsilon="1"),
            "RMSNorm: epsilon: expected a positive number, got '1'",
        ),
        (
            lambda: lux.GroupNorm(6, 4),
            "GroupNorm: groups: expected a divisor of channels=6, got 4",
        ),
        (lambda: lux.GroupNorm(6, 0), f"GroupNorm: groups: {SIZE} 0"),
        (
            lambda: lux.GroupNorm(6, 2, epsilon=-1),
            "GroupNorm: epsilon: expected a positive number, got -1",
        ),
        (lambda: lux.InstanceNorm(-1), f"InstanceNorm: channels: {SIZE} -1"),
        (
            lambda: lux.InstanceNorm(3, momentum=jnp.ones(2)),
            "InstanceNorm: momentum: expected a number from 0 to 1, got Array([1., 1.], "
            "dtype=float32)",
        ),
    ],
)
def test_an_impossible_layer_is_refused(make, message: str):
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (lux.BatchNorm(3), (5, 4), "BatchNorm: x: expected shape (..., 3), got (5, 4)"),
        (
            lux.BatchNorm(3, affine=False, track_stats=False),
            (5, 1),
            "BatchNorm: x: expected shape (..., 3), got (5, 1)",
        ),
        (
            lux.BatchNorm(3),
            (1, 3),
            "BatchNorm: x: expected more than one element to normalize together, got shape "
            "(1, 3): lux.test_mode(st) normalizes by the running statistics",
        ),
        (
            lux.InstanceNorm(3),
            (2, 1, 3),
            "InstanceNorm: x: expected more than one element to normalize together, got shape "
            "(2, 1, 3)",
        ),
        (
            lux.InstanceNorm(3),
            (2, 3),
            "instancenorm: x: expected shape (batch, *space, channels), got (2, 3). Add the axes "
            "that are missing.",
        ),
        (lux.GroupNorm(4, 2), (2, 6), "GroupNorm: x: expected shape (..., 4), got (2, 6)"),
        (lux.LayerNorm((2, 3)), (3,), "LayerNorm: x: expected shape (..., 2, 3), got (3,)"),
        (lux.RMSNorm((2, 3)), (3, 3), "RMSNorm: x: expected shape (..., 2, 3), got (3, 3)"),
        (lux.RMSNorm(3), (), "RMSNorm: x: expected shape (..., 3), got ()"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(layer, shape, message: str):
    with pytest.raises(ValueError, match="expected") as caught:
        layer(jnp.ones(shape), *lux.setup(0, layer))
    assert str(caught.value) == message
    assert caught.value.__notes__[0].startswith(f"at the outermost layer: {layer}\n")


def test_one_example_is_enough_in_test_mode():
    layer = lux.BatchNorm(3)
    ps, st = lux.setup(0, layer)
    y, _ = layer(jnp.ones((1, 3)), ps, lux.test_mode(st))
    np.testing.assert_allclose(y, np.ones((1, 3)) / np.sqrt(1 + 1e-5), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "of"), [("scale", "parameters"), ("bias", "parameters"), ("running_var", "states")]
)
def test_what_is_of_another_model_is_refused(name: str, of: str):
    layer = lux.BatchNorm(3)
    ps, st = lux.setup(0, layer)
    wrong = jnp.ones(1)
    if of == "states":
        st = lux.replace_at(st, name, wrong)
    else:
        ps = lux.replace_at(ps, name, wrong)
    with pytest.raises(ValueError, match="do not fit") as caught:
        layer(jnp.ones((2, 3)), ps, st)
    assert str(caught.value) == (
        f"the {of} do not fit: {name}: expected shape (3,), got (1,): are these the {of} of "
        "another model?"
    )


@pytest.mark.parametrize(
    ("layer", "ps", "st", "message"),
    [
        (
            lux.BatchNorm(3, affine=False, track_stats=False),
            NamedTuple(scale=jnp.ones(3), bias=jnp.ones(3)),
            NamedTuple(),
            "the parameters do not fit: expected the fields (), got (scale, bias): are these the "
            "parameters of another model?",
        ),
        (
            lux.InstanceNorm(3),
            NamedTuple(),
            NamedTuple(training=Val(True)),
            "the states do not fit: expected the fields (), got (training): are these the states "
            "of another model?",
        ),
    ],
)
def test_what_is_of_another_layer_is_refused(layer, ps, st, message: str):
    with pytest.raises(ValueError, match="do not fit") as caught:
        layer(jnp.ones((2, 4, 3)), ps, st)
    assert str(caught.value) == message
