"""Layers made of layers: names, parameters, states, lengths."""

import random
from typing import Any

import pytest
from sample_layers import Counter, Identity, Pair, Scale, Sequence, Wrapped

from luxcore import (
    AbstractLuxContainerLayer,
    AbstractLuxLayer,
    AbstractLuxWrapperLayer,
    NamedTuple,
    Val,
    initial_parameters,
    initial_states,
    parameter_length,
    preserves_state_type,
    setup,
    state_length,
)


class Free(AbstractLuxContainerLayer):
    """Its children are found from the fields."""

    width: int
    body: Any
    shortcut: AbstractLuxLayer | None = None

    def __call__(self, x, ps, st):
        return x, st


class Unsteady(AbstractLuxLayer):
    """A layer that says that its state changes type."""

    preserves_state_type = False

    def __call__(self, x, ps, st):
        return x, st


def test_children_give_names():
    ps, st = setup(random.Random(0), Pair(Scale(), Counter()))
    assert (ps._fields, ps.first._fields, ps.second._fields) == (
        ("first", "second"),
        ("factor",),
        (),
    )
    assert st == NamedTuple(first=NamedTuple(), second=NamedTuple(count=0, training=Val(True)))


@pytest.mark.parametrize(
    ("body", "names"),
    [
        pytest.param([Scale(), Scale()], ("layer_0", "layer_1"), id="list"),
        pytest.param((Scale(), None), ("layer_0", "layer_1"), id="tuple with None"),
        pytest.param({"a": Scale(), "b": Scale()}, ("a", "b"), id="dict"),
        pytest.param(NamedTuple(a=Scale()), ("a",), id="named tuple"),
        pytest.param(Pair(Scale(), Scale()), ("first", "second"), id="layer"),
    ],
)
def test_children_are_found_from_the_fields(body, names):
    ps, st = setup(random.Random(0), Free(3, body))
    assert ps._fields == st._fields == ("body",)
    assert ps.body._fields == st.body._fields == names
    ps, _ = setup(random.Random(0), Free(3, body, shortcut=Scale()))
    assert ps._fields == ("body", "shortcut")


def test_a_named_child_may_be_absent():
    ps, st = setup(random.Random(0), Pair(Scale(), None))
    assert ps.second == st.second == NamedTuple()


def test_a_wrapper_has_the_parameters_of_what_it_wraps():
    inner = Pair(Scale(), Counter())
    assert setup(random.Random(0), Wrapped(inner)) == setup(random.Random(0), inner)
    ps, _ = setup(random.Random(0), Sequence({"a": Scale(), "b": Scale()}))
    assert ps._fields == ("a", "b")


def test_the_fallback_call_is_that_of_the_inner_layer():
    ps, st = setup(random.Random(0), Wrapped(Scale()))
    assert Wrapped(Scale())(3, ps, st) == Scale()(3, ps, st)


def test_a_wrapper_of_several_layers_has_to_define_its_call():
    class Bundle(AbstractLuxWrapperLayer, layer="parts"):
        parts: Any

    model = Bundle([Scale()])
    with pytest.raises(TypeError) as error:
        model(1, *setup(random.Random(0), model))
    assert str(error.value) == (
        "Bundle wraps no single layer, so it has to define __call__(self, x, ps, st)"
    )


class Joined(AbstractLuxWrapperLayer, layer="model", beside=("join",)):
    """Joins a layer's output with its input, by a function or a layer."""

    model: AbstractLuxLayer
    join: Any

    def __call__(self, x, ps, st):
        if not isinstance(self.join, AbstractLuxLayer):
            y, st = self.model(x, ps, st)
            return self.join(y, x), st
        y, st_model = self.model(x, ps.model, st.model)
        y, st_join = self.join((y, x), ps.join, st.join)
        return y, NamedTuple(model=st_model, join=st_join)


class Plus(AbstractLuxLayer):
    def initial_parameters(self, rng):
        return NamedTuple(gain=10)

    def __call__(self, x, ps, st):
        return x[0] + ps.gain * x[1], st


def test_a_wrapper_with_a_function_beside_it_is_a_wrapper():
    model = Joined(Scale(), max)
    assert setup(random.Random(0), model) == setup(random.Random(0), Wrapped(Scale()))
    assert parameter_length(model) == parameter_length(Scale())
    ps, st = setup(random.Random(0), model)
    assert model(3, ps, st) == (max(Scale()(3, ps, st)[0], 3), st)


def test_a_wrapper_with_a_layer_beside_it_is_a_container():
    model = Joined(Scale(), Plus())
    ps, st = setup(random.Random(0), model)
    assert ps._fields == st._fields == ("model", "join")
    by_field = Sequence(NamedTuple(model=Scale(), join=Plus()))
    assert (ps, st) == setup(random.Random(0), by_field)
    assert parameter_length(model) == parameter_length(Scale()) + 1
    assert model(3, ps, st) == (Scale()(3, ps.model, st.model)[0] + 30, st)
    assert Joined(Wrapped(Scale()), Plus()).preserves_state_type


def test_a_path_has_the_wrapped_layer_as_its_parameters_have():
    class Fails(AbstractLuxLayer):
        def __call__(self, x, ps, st):
            raise ValueError("no")

    for join, place in ((max, "at the outermost layer: Fails()"), (Plus(), "at model: Fails()")):
        model = Joined(Fails(), join)
        with pytest.raises(ValueError) as error:
            model(1, *setup(random.Random(0), model))
        assert error.value.__notes__[0].splitlines()[0] == place


def test_what_is_beside_is_a_field():
    with pytest.raises(TypeError) as error:

        class Bad(AbstractLuxWrapperLayer, layer="model", beside=("join",)):
            model: AbstractLuxLayer

    assert str(error.value) == "Bad: 'join' is named as a layer, but is no field of it"


def test_classes_name_fields_that_exist():
    with pytest.raises(TypeError) as error:

        class Bad(AbstractLuxContainerLayer, layers=("first",)):
            second: AbstractLuxLayer

            def __call__(self, x, ps, st):
                return x, st

    assert str(error.value) == "Bad: 'first' is named as a layer, but is no field of it"
    with pytest.raises(TypeError) as error:

        class Doubled(AbstractLuxContainerLayer, layers=("first", "first")):
            first: AbstractLuxLayer

            def __call__(self, x, ps, st):
                return x, st

    assert str(error.value) == "Doubled: 'first' is named as a layer 2 times"
    with pytest.raises(TypeError) as error:

        class Nameless(AbstractLuxWrapperLayer):
            model: AbstractLuxLayer

    assert str(error.value) == (
        "Nameless does not say which field it wraps: "
        'class Nameless(AbstractLuxWrapperLayer, layer="...")'
    )


def test_adding_and_reordering_named_layers_keeps_their_parameters():
    rng = random.Random(0)
    ps = initial_parameters(rng, Sequence({"a": Scale(), "b": Pair(Scale(), Scale())}))
    more = initial_parameters(
        rng, Sequence({"new": Scale(), "b": Pair(Scale(), Scale()), "a": Scale()})
    )
    assert (more.a, more.b) == (ps.a, ps.b)
    assert len({ps.a.factor, ps.b.first.factor, ps.b.second.factor, more.new.factor}) == 4
    short = initial_parameters(rng, Sequence([Scale()]))
    assert initial_parameters(rng, Sequence([Scale(), Scale()])).layer_0 == short.layer_0


def test_tuples_named_tuples_and_none_are_set_up_too():
    rng = random.Random(0)
    layers = (Scale(), {"a": Counter()}["a"], None)
    assert initial_parameters(rng, layers)._fields == ("layer_0", "layer_1", "layer_2")
    assert initial_states(rng, NamedTuple(x=Counter(), y=(None,))) == NamedTuple(
        x=NamedTuple(count=0, training=Val(True)), y=NamedTuple(layer_0=NamedTuple())
    )
    assert initial_parameters(rng, ()) == initial_parameters(rng, None) == NamedTuple()


def test_lengths_add_up():
    class Ruled(AbstractLuxLayer):
        """A layer that knows its size without making anything."""

        def initial_parameters(self, rng):
            raise AssertionError

        def parameter_length(self):
            return 70_000_000_000

        def __call__(self, x, ps, st):
            return x, st

    model = Pair(Sequence([Scale(), Wrapped(Scale())]), Pair(Counter(), Ruled()))
    assert parameter_length(model) == 70_000_000_002
    assert state_length(model) == 1
    assert parameter_length((Scale(), None)) == 1
    ps, st = setup(random.Random(0), Pair(Scale(), Counter()))
    assert (parameter_length(ps), state_length(st)) == (1, 1)


def test_preserving_the_state_type_holds_for_all_or_not():
    assert preserves_state_type(Pair(Scale(), Counter()))
    assert preserves_state_type((Scale(), None))
    assert not preserves_state_type(Unsteady())
    assert not preserves_state_type(Pair(Scale(), Sequence([Identity(), Wrapped(Unsteady())])))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (3, "expected a layer, or a tuple or NamedTuple of layers, got 3"),
        ({"a": 1}, "expected a layer, or a tuple or NamedTuple of layers, got {'a': 1}"),
        (
            Scale,
            "expected a layer, or a tuple or NamedTuple of layers, got Scale: make an object of "
            "the class first",
        ),
    ],
    ids=["number", "dict", "class"],
)
def test_what_is_no_layer(layer, message):
    with pytest.raises(TypeError) as error:
        setup(random.Random(0), layer)
    assert str(error.value) == message


def test_swapped_arguments_of_setup():
    with pytest.raises(TypeError) as error:
        setup(Scale(3.0), random.Random(0))
    assert str(error.value) == "setup(rng, layer) takes the generator first, got Scale(3.0)"


def test_setup_draws_once_from_a_stateful_generator():
    rng = random.Random(0)
    first, second = (setup(rng, Pair(Scale(), Scale()))[0] for _ in range(2))
    assert first != second
    assert setup(random.Random(0), Pair(Scale(), Scale()))[0] == first
