"""Calling through the type of the input, as the specification's custom input types do."""

import random
from dataclasses import dataclass

import pytest
from sample_layers import Counter, Identity, Pair, Scale, Sequence

from luxcore import AbstractLuxLayer, NamedTuple, apply, setup, stateless_apply


@dataclass
class Timed:
    """A number and its time."""

    value: float
    time: float


class Special(Timed):
    """A type of its own."""


class Clock(AbstractLuxLayer):
    """A layer that wants the time."""

    def __call__(self, x, ps, st):
        return Timed(x.value + x.time, x.time), st


@apply.register(Timed)
def _(layer, x, ps, st):
    y, st = layer(x.value, ps, st)
    return type(x)(y, x.time), st


@apply.register(Timed, layer=Clock)
@apply.register(Timed, layer=Sequence)
def _(layer, x, ps, st):
    return layer(x, ps, st)


def test_other_inputs_are_called_directly():
    ps, st = setup(random.Random(0), Scale())
    assert apply(Scale(), 3, ps, st) == Scale()(3, ps, st)


def test_rules_hold_at_every_depth_and_by_layer():
    model = Sequence([Identity(), Clock(), Scale(), Clock()])
    ps, st = setup(random.Random(0), model)
    y, _ = apply(model, Timed(1.0, 0.5), ps, st)
    assert y == Timed((1.0 + 0.5) * ps.layer_2.factor + 0.5, 0.5)


def test_subtypes_take_the_nearest_rule():
    ps, st = setup(random.Random(0), Identity())
    assert type(apply(Identity(), Special(1.0, 0.0), ps, st)[0]) is Special

    @apply.register(Special)
    def _(layer, x, ps, st):
        return "special", st

    assert apply(Identity(), Special(1.0, 0.0), ps, st)[0] == "special"
    # the input's type is nearer than the layer's
    assert apply(Clock(), Special(1.0, 0.0), ps, st)[0] == "special"


def test_the_first_argument_is_a_layer():
    with pytest.raises(TypeError) as error:
        apply(3.0, Identity(), NamedTuple(), NamedTuple())
    assert str(error.value) == "apply(model, x, ps, st) takes a layer first, got float"


def test_stateless_apply():
    model = Pair(Scale(), Sequence([Identity()]))
    ps, st = setup(random.Random(0), model)
    assert stateless_apply(model, 3, ps) == model(3, ps, st)[0]


def test_stateless_apply_names_the_state():
    model = Pair(Scale(), Sequence([Counter()]))
    ps, _ = setup(random.Random(0), model)
    with pytest.raises(ValueError) as error:
        stateless_apply(model, 3, ps)
    assert str(error.value) == (
        "stateless_apply wants a model without state, but Pair has second.layer_0.count, "
        "second.layer_0.training: call model(x, ps, st), which returns the new state too"
    )
