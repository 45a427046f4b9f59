"""What all losses share, shown by the cross-entropy: call forms, aggregation, value semantics."""

import dataclasses
import pickle
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import luxcore
from lux_losses import CrossEntropyLoss

LOGITS = jnp.array([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-3.0, 4.0, 1.0], [1.0, 2.0, 3.0]])
LABELS = jnp.array([0, 2, 1, 1])
LOSSES = CrossEntropyLoss(logits=True, agg=None)(LOGITS, LABELS)


class Linear(luxcore.AbstractLuxLayer):
    """A layer that counts its calls."""

    def initial_states(self, rng):
        return luxcore.NamedTuple(calls=jnp.int32(0))

    def __call__(self, x, ps, st):
        return x @ ps.weight, luxcore.NamedTuple(calls=st.calls + 1)


MODEL = Linear()
PS = luxcore.NamedTuple(weight=jnp.eye(3))
ST = luxcore.NamedTuple(calls=jnp.int32(0))


# --- the second call form -----------------------------------------------------------------------


def test_model_form_is_the_loss_of_the_models_output():
    loss, st, stats = CrossEntropyLoss(logits=True)(MODEL, PS, ST, (LOGITS, LABELS))
    np.testing.assert_allclose(loss, LOSSES.mean(), rtol=1e-6)
    assert st.calls == 1
    assert stats == luxcore.NamedTuple()
    assert type(stats) is type(luxcore.NamedTuple())


def test_model_form_is_an_objective_under_jit_and_grad():
    objective = CrossEntropyLoss(logits=True)

    @partial(jax.jit, static_argnums=(0, 1))
    def step(objective, model, ps, st, data):
        def function(ps):
            loss, new, stats = objective(model, ps, st, data)
            return loss, (new, stats)

        return jax.value_and_grad(function, has_aux=True)(ps)

    (loss, (st, _)), grads = step(objective, MODEL, PS, ST, (LOGITS, LABELS))
    np.testing.assert_allclose(loss, LOSSES.mean(), rtol=1e-6)
    assert st.calls == 1
    assert grads.weight.shape == (3, 3)


def test_the_model_is_called_by_apply():
    @dataclasses.dataclass
    class Boxed:
        value: jax.Array

    @luxcore.apply.register(Boxed, layer=Linear)
    def unbox(layer, x, ps, st):
        return layer(x.value, ps, st)

    loss, _, _ = CrossEntropyLoss(logits=True)(MODEL, PS, ST, (Boxed(LOGITS), LABELS))
    np.testing.assert_allclose(loss, LOSSES.mean(), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (LOGITS,),
            "CrossEntropyLoss takes (y_hat, y) or (model, ps, st, (x, y)), got 1 arguments",
        ),
        (
            (MODEL, PS, ST),
            "CrossEntropyLoss takes (y_hat, y) or (model, ps, st, (x, y)), got 3 arguments",
        ),
        (
            (MODEL, PS, ST, (LOGITS, LABELS, LABELS)),
            "CrossEntropyLoss: data: expected (x, y), the input and the target, got tuple of 3. "
            "What a batch holds beyond these two is for an objective of your own.",
        ),
        (
            (MODEL, PS, ST, LOGITS),
            f"CrossEntropyLoss: data: expected (x, y), the input and the target, got "
            f"{type(LOGITS).__name__}. What a batch holds beyond these two is for an objective of "
            "your own.",
        ),
        (
            ([1.0], LABELS),
            "CrossEntropyLoss: y_hat: expected an array, got list. "
            "Make it one: jax.numpy.asarray(y_hat).",
        ),
        (
            (LOGITS, 3),
            "CrossEntropyLoss: y: expected an array, got int. Make it one: jax.numpy.asarray(y).",
        ),
    ],
)
def test_message_of_a_wrong_call(arguments: tuple, message: str):
    with pytest.raises(TypeError) as caught:
        CrossEntropyLoss(logits=True)(*arguments)
    assert str(caught.value) == message


# --- aggregation --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agg", "expected"),
    [
        (jnp.mean, LOSSES.mean()),
        (np.mean, LOSSES.mean()),
        (jnp.sum, LOSSES.sum()),
        (np.sum, LOSSES.sum()),
        (sum, LOSSES.sum()),
        (jnp.max, LOSSES.max()),
        (lambda losses: 2 * losses[0], 2 * LOSSES[0]),
        (None, LOSSES),
    ],
)
def test_aggregation(agg, expected):
    loss = CrossEntropyLoss(logits=True, agg=agg)(LOGITS, LABELS)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)
    assert loss.shape == np.shape(expected)


@pytest.mark.parametrize("logits", [True, False])
def test_an_empty_batch_has_loss_and_gradient_zero(logits: bool):
    loss = CrossEntropyLoss(logits=logits)
    y_hat, y = jnp.zeros((0, 3)), jnp.zeros(0, jnp.int32)
    value, gradient = jax.value_and_grad(loss)(y_hat, y)
    assert value == 0
    assert gradient.shape == (0, 3)
    assert loss(jnp.zeros((4, 0, 3)), jnp.zeros((4, 0), jnp.int32)) == 0
    assert CrossEntropyLoss(logits=logits, agg=None)(y_hat, y).shape == (0,)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_is_summed_in_float32(dtype):
    # A sum of 100,000 ones would be 2,048 in float16, and 256 in bfloat16.
    y_hat = jnp.full((100_000, 2), 0.5, dtype)
    y = jnp.zeros(100_000, jnp.int32)
    loss = CrossEntropyLoss(agg=jnp.sum)
    value, gradient = jax.value_and_grad(loss)(y_hat, y)
    assert value.dtype == jnp.float32
    np.testing.assert_allclose(value, 100_000 * np.log(2), rtol=1e-5)
    assert gradient.dtype == dtype


# --- a value ------------------------------------------------------------------------------------


def test_losses_are_equal_and_hash_by_value():
    one, other = CrossEntropyLoss(label_smoothing=0.1), CrossEntropyLoss(label_smoothing=0.1)
    assert one == other
    assert hash(one) == hash(other)
    assert one != CrossEntropyLoss(label_smoothing=0.2)
    assert CrossEntropyLoss(agg=sum) == CrossEntropyLoss(agg=jnp.sum)
    assert CrossEntropyLoss(label_smoothing=1) == CrossEntropyLoss(label_smoothing=1.0)
    assert CrossEntropyLoss(logits=luxcore.Val(True)) == CrossEntropyLoss(logits=True)


def test_equal_losses_share_a_compiled_program():
    traces = []

    @partial(jax.jit, static_argnums=0)
    def function(loss, y_hat, y):
        traces.append(loss)
        return loss(y_hat, y)

    for _ in range(2):
        function(CrossEntropyLoss(logits=True), LOGITS, LABELS)
    assert len(traces) == 1


@pytest.mark.parametrize("agg", [jnp.mean, jnp.sum, None])
def test_a_loss_pickles(agg):
    loss = CrossEntropyLoss(agg=agg, axis=1, label_smoothing=0.25)
    assert pickle.loads(pickle.dumps(loss)) == loss


def test_a_loss_is_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CrossEntropyLoss().logits = True


def test_repr_shows_what_is_not_default():
    assert repr(CrossEntropyLoss()) == "CrossEntropyLoss()"
    loss = CrossEntropyLoss(agg=jnp.sum, axis=1, logits=True, label_smoothing=0.1)
    assert repr(loss) == "CrossEntropyLoss(agg=sum, axis=1, logits=True, label_smoothing=0.1)"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (
            {"agg": "mean"},
            TypeError,
            "agg: expected a function of one array, or None, got 'mean'. "
            "For example jax.numpy.sum.",
        ),
        (
            {"logits": 1},
            TypeError,
            "logits: expected True or False, got 1. Pass one of them.",
        ),
        (
            {"target_gradients": None},
            TypeError,
            "target_gradients: expected True or False, got None. Pass one of them.",
        ),
        (
            {"axis": 1.0},
            TypeError,
            "axis: expected an integer, got 1.0. Name one axis.",
        ),
        (
            {"label_smoothing": 1.5},
            ValueError,
            "label_smoothing: expected a number from 0 to 1, or None, got 1.5. "
            "Choose one in that range.",
        ),
        (
            {"label_smoothing": float("nan")},
            ValueError,
            "label_smoothing: expected a number from 0 to 1, or None, got nan. "
            "Choose one in that range.",
        ),
        (
            {"label_smoothing": True},
            TypeError,
            "label_smoothing: expected a number from 0 to 1, or None, got True. Pass a number.",
        ),
        (
            {"epsilon": -1e-8},
            ValueError,
            "epsilon: expected a number of at least 0, or None, got -1e-08. "
            "Choose one in that range.",
        ),
        (
            {"epsilon": 1e-8, "logits": True},
            ValueError,
            "epsilon: expected None with logits=True, got 1e-08. It keeps the logarithm of a "
            "probability finite; that of logits is so by itself.",
        ),
    ],
)
def test_message_of_a_wrong_argument(arguments: dict, kind: type, message: str):
    with pytest.raises(kind) as caught:
        CrossEntropyLoss(**arguments)
    assert str(caught.value) == f"CrossEntropyLoss: {message}"
