"""Modes and other entries of a state."""

import random

from sample_layers import Counter, Pair, Sequence

from luxcore import NamedTuple, Val, setup, test_mode, train_mode, update_state


def test_modes_reach_every_layer():
    model = Sequence([Counter(), Pair(Counter(), Counter())])
    ps, st = setup(random.Random(0), model)
    _, trained = model(0, ps, st)
    _, tested = model(0, ps, test_mode(trained))
    assert tested.layer_0 == NamedTuple(count=1, training=Val(False))
    assert tested.layer_1.second == NamedTuple(count=1, training=Val(False))
    assert train_mode(tested) == trained
    assert test_mode(NamedTuple()) == NamedTuple()


def test_update_state_replaces_leaves_and_subtrees():
    st = NamedTuple(a=NamedTuple(x=1, y=2), b=(NamedTuple(x=NamedTuple(z=3)),), x=4)
    assert update_state(st, "x", 0) == NamedTuple(a=NamedTuple(x=0, y=2), b=(NamedTuple(x=0),), x=0)
    assert update_state(st, "nothing", 0) == st


def test_exclude_keeps_subtrees_as_they_are():
    st = NamedTuple(a=NamedTuple(x=1, frozen=True), b=NamedTuple(x=1, frozen=False))
    updated = update_state(st, "x", 0, exclude=lambda part: getattr(part, "frozen", False))
    assert updated == NamedTuple(a=NamedTuple(x=1, frozen=True), b=NamedTuple(x=0, frozen=False))
