"""Each mistake has one error that says where, what was expected, what came, and what to do."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import lux

MODEL = lux.Chain(
    features=lux.Chain(lux.Conv((3, 3), 1, 2, lux.relu), lux.FlattenLayer()),
    head=lux.Chain(lux.Dense(18, 4), lux.Dense(4, 3)),
)
PS, ST = lux.setup(0, MODEL)
X = jnp.ones((2, 5, 5, 1))

CONV = "at features.layer_0: Conv((3, 3), 1 → 2, relu)\n  parameters: {}\n  input: {}"
FIRST = "at head.layer_0: Dense(18 → 4)\n  parameters: {}\n  input: {}"
SECOND = "at head.layer_1: Dense(4 → 3)\n  parameters: {}\n  input: float32[2,4]"
MODEL_ITSELF = "at the outermost layer: Chain\n  parameters: {}\n  input: float32[2,5,5,1]"

CONV_PS = "NamedTuple(weight=float32[3,3,1,2], bias=float32[2])"
FIRST_PS = "NamedTuple(weight=float32[18,4], bias=float32[4])"
ALL_PS = "NamedTuple(features=…, head=…)"


def parameters_of(head):
    """The model's parameters with those of another last layer."""
    return lux.setup(0, lux.replace_at(MODEL, "head.layer_1", head))[0]


# name: the input, parameters and states; the error, its message and its note
CALLS = {
    "wrong feature size": (
        (jnp.ones((2, 6, 5, 1)), PS, ST),
        ValueError,
        "fused_dense_bias_activation: x: expected shape (..., 18), got (2, 24). The last axis of x "
        "must have the size of the first of weight (18, 4).",
        FIRST.format(FIRST_PS, "float32[2,24]"),
    ),
    "wrong channels": (
        (jnp.ones((2, 5, 5, 3)), PS, ST),
        ValueError,
        "fused_conv_bias_activation: x: expected shape (..., space, space, 1), got (2, 5, 5, 3). "
        "weight (3, 3, 1, 2) with groups=1 takes 1 input channels.",
        CONV.format(CONV_PS, "float32[2,5,5,3]"),
    ),
    "wrong rank": (
        (jnp.ones(5), PS, ST),
        ValueError,
        "fused_conv_bias_activation: x: expected shape (..., space, space, 1), got (5,). "
        "weight (3, 3, 1, 2) with groups=1 takes 1 input channels.",
        CONV.format(CONV_PS, "float32[5]"),
    ),
    "missing parameter field": (
        (X, parameters_of(lux.Dense(4, 3, use_bias=False)), ST),
        ValueError,
        "the parameters do not fit: expected the fields (weight, bias), got (weight): are these "
        "the parameters of another model?",
        SECOND.format("NamedTuple(weight=float32[4,3])"),
    ),
    "dict as parameters": (
        (X, {"head": jnp.ones(3)}, ST),
        TypeError,
        "parameters are read by attribute, got a dict: luxcore.from_dict makes a NamedTuple of it",
        MODEL_ITSELF.format("{'head': float32[3]}"),
    ),
    "dict as states": (
        (X, PS, lux.to_dict(ST)),
        TypeError,
        "states are read by attribute, got a dict: luxcore.from_dict makes a NamedTuple of it",
        MODEL_ITSELF.format(ALL_PS),
    ),
    "no states": (
        (X, PS, None),
        TypeError,
        "states are a NamedTuple, got None: call layer(x, ps, st)",
        MODEL_ITSELF.format(ALL_PS),
    ),
    "parameters of another model": (
        (X, lux.setup(0, lux.Chain(lux.Dense(2, 3), lux.Dense(3, 1)))[0], ST),
        ValueError,
        "the parameters do not fit: expected the fields (features, head), got (layer_0, layer_1): "
        "are these the parameters of another model?",
        MODEL_ITSELF.format("NamedTuple(layer_0=…, layer_1=…)"),
    ),
    "parameters of a wider model": (
        (X, parameters_of(lux.Dense(4, 7)), ST),
        ValueError,
        "the parameters do not fit: weight: expected shape (4, 3), got (4, 7): are these the "
        "parameters of another model?",
        SECOND.format("NamedTuple(weight=float32[4,7], bias=float32[7])"),
    ),
    "kernels of a wider model": (
        (X, lux.replace_at(PS, "features.layer_0.bias", jnp.ones(3)), ST),
        ValueError,
        "the parameters do not fit: bias: expected shape (2,), got (3,): are these the parameters "
        "of another model?",
        CONV.format("NamedTuple(weight=float32[3,3,1,2], bias=float32[3])", "float32[2,5,5,1]"),
    ),
    "parameters and input swapped": (
        (PS, X, ST),
        ValueError,
        "the parameters do not fit: expected the fields (features, head), got float32[2,5,5,1]: "
        "call layer(x, ps, st)",
        "at the outermost layer: Chain\n  parameters: float32[2,5,5,1]\n  input: " + ALL_PS,
    ),
}


class Plus(lux.AbstractLuxLayer):
    """A layer of one's own."""

    shift: Any

    def __call__(self, x, ps, st):
        return x + self.shift, st


MADE = {
    "field that is not hashable": (
        lambda: Plus(bytearray(b"a")),
        TypeError,
        "Plus.shift: a layer's fields are hashable, got bytearray: use a tuple, a frozen dataclass "
        "or a function",
    ),
    "field that is an array": (
        lambda: Plus(jnp.ones(3)),
        TypeError,
        "Plus.shift: a layer holds no arrays, got float32[3]: make it in initial_parameters (what "
        "is trained) or initial_states (what is not)",
    ),
    "bad layer name": (
        lambda: lux.Chain({"first layer": lux.Dense(2, 3)}),
        ValueError,
        "bad field name 'first layer': expected an identifier, such as 'layer_1'",
    ),
    "keyword as a layer name": (
        lambda: lux.Chain({"class": lux.Dense(2, 3)}),
        ValueError,
        "bad field name 'class': it is a keyword of Python; try 'class_'",
    ),
    "names for some layers": (
        lambda: lux.Chain(lux.Dense(2, 3), head=lux.Dense(3, 2)),
        TypeError,
        "Chain: give all layers by position or all by name, got both",
    ),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str, compiled: bool):
    arguments, kind, message, note = CALLS[name]
    call = jax.jit(MODEL) if compiled else MODEL
    with pytest.raises(kind) as caught:
        call(*arguments)
    assert str(caught.value) == message
    assert [text for text in caught.value.__notes__ if text.startswith("at ")] == [note]


@pytest.mark.parametrize("name", MADE)
def test_layers(name: str):
    make, kind, message = MADE[name]
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value) == message
