"""The wrapped call: paths, one note on an error, checks, hooks."""

import random

import pytest
from sample_layers import Counter, Identity, Pair, Scale, Sequence, Wrapped

from luxcore import (
    AbstractLuxContainerLayer,
    AbstractLuxLayer,
    FieldError,
    NamedTuple,
    current_path,
    from_dict,
    register_call_hook,
    replace_at,
    setup,
    to_dict,
)


class Where(AbstractLuxLayer):
    """Gives the path it is called at."""

    def __call__(self, x, ps, st):
        return (*x, ".".join(current_path())), st


def paths(model) -> list[str]:
    ps, st = setup(random.Random(0), model)
    return list(model((), ps, st)[0])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Where(), [""]),
        (Wrapped(Wrapped(Where())), [""]),
        (Pair(Where(), Where()), ["first", "second"]),
        (
            Sequence([Where(), Pair(Where(), Wrapped(Where()))]),
            ["layer_0", "layer_1.first", "layer_1.second"],
        ),
        (Sequence({"a": Where(), "b": Sequence({"c": Where()})}), ["a", "b.c"]),
        (Wrapped(Sequence([Wrapped(Where())])), ["layer_0"]),
    ],
    ids=["itself", "wrapped", "pair", "nested", "named", "wrapped sequence"],
)
def test_paths_are_those_of_the_parameters(model, expected):
    assert paths(model) == expected
    assert current_path() == ()


def test_one_object_used_twice_is_told_apart():
    where = Where()
    assert paths(Pair(where, where)) == ["first", "second"]
    assert paths(Sequence([where, Pair(where, where), where])) == [
        "layer_0", "layer_1.first", "layer_1.second", "layer_2",
    ]  # fmt: skip


def test_one_object_used_twice_is_told_apart_by_its_parameters():
    class Backwards(AbstractLuxContainerLayer, layers=("first", "second")):
        first: AbstractLuxLayer
        second: AbstractLuxLayer

        def __call__(self, x, ps, st):
            x, _ = self.second(x, ps.second, st.second)
            x, _ = self.first(x, ps.first, st.first)
            return self.second(x, ps.second, st.second)[0], st

    class Named(AbstractLuxLayer):
        def initial_parameters(self, rng):
            return NamedTuple(name=rng.random())

        def __call__(self, x, ps, st):
            return (*x, ".".join(current_path())), st

    named = Named()
    assert paths(Backwards(named, named)) == ["second", "first", "second"]


def test_a_layer_made_in_a_call_goes_by_its_name():
    class Makes(AbstractLuxLayer):
        def __call__(self, x, ps, st):
            return Wrapped(Where(), "inside")(x, NamedTuple(), NamedTuple())[0], st

    assert paths(Pair(Makes(), Where())) == ["first.inside", "second"]


# --- errors --------------------------------------------------------------------------------


def note(error: pytest.ExceptionInfo[BaseException]) -> str:
    (only,) = error.value.__notes__
    return only


def test_an_error_carries_one_note():
    model = Sequence({"encoder": Pair(Wrapped(Scale()), Scale(3.0)), "head": Scale()})
    ps, st = setup(random.Random(0), model)
    model = replace_at(model, "encoder.second", Pair(Identity(), Scale()))
    with pytest.raises(FieldError) as error:
        model(
            1,
            replace_at(ps, "encoder.second", NamedTuple(first=NamedTuple(), second=NamedTuple())),
            replace_at(st, "encoder.second", NamedTuple(first=NamedTuple(), second=NamedTuple())),
        )
    assert str(error.value) == "no field 'factor': expected one of no fields"
    assert note(error) == (
        "at encoder.second.second: Scale()\n"
        "  parameters: NamedTuple()\n"
        f"  input: {1 * ps.encoder.first.factor!r}"
    )


def test_the_note_of_a_container_is_short():
    ps, st = setup(random.Random(0), Pair(Pair(Scale(), Scale()), Scale()))
    with pytest.raises(TypeError) as error:
        Pair(Pair(Scale(), Scale()), Scale())(None, ps, st)
    assert str(error.value).startswith("unsupported operand type(s) for *: 'NoneType' and 'float'")
    assert note(error).startswith("at first.first: Scale()\n")
    with pytest.raises(ValueError) as error:
        Pair(Pair(Scale(), Scale()), Scale())("x" * 1000, ps, NamedTuple())
    assert note(error) == (
        "at the outermost layer: Pair\n"
        "  parameters: NamedTuple(first=…, second=…)\n"
        f"  input: '{'x' * 119}…"
    )


def test_an_error_that_is_caught_leaves_no_trace():
    class Tries(AbstractLuxContainerLayer, layers=("model",)):
        model: AbstractLuxLayer

        def __call__(self, x, ps, st):
            try:
                return self.model("x", ps.model, st.model)
            except ValueError:
                return current_path(), st

    model = Pair(Tries(Scale()), Identity())
    assert model(1, *setup(random.Random(0), model))[0] == ("first",)


def wrong_calls():
    model = Pair(Scale(), Counter())
    ps, st = setup(random.Random(0), model)
    outside = "at the outermost layer: Pair\n"
    return {
        "dict as ps": (
            lambda: model(1, to_dict(ps), st), TypeError,
            "parameters are read by attribute, got a dict: luxcore.from_dict makes a NamedTuple "
            "of it",
            outside,
        ),
        "dict as st": (
            lambda: model(1, ps, to_dict(st)), TypeError,
            "states are read by attribute, got a dict: luxcore.from_dict makes a NamedTuple of it",
            outside,
        ),
        "dict inside st": (
            lambda: model(1, ps, replace_at(st, "second", {"count": 0})), TypeError,
            "states are read by attribute, got a dict: luxcore.from_dict makes a NamedTuple of it",
            "at second: Counter()\n",
        ),
        "no states": (
            lambda: model(1, ps, None), TypeError,
            "states are a NamedTuple, got None: call layer(x, ps, st)",
            outside,
        ),
        "parameters of another model": (
            lambda: model(1, NamedTuple(layer_0=1, layer_1=2, layer_2=3), st), ValueError,
            "the parameters do not fit: expected the fields (first, second), got (layer_0, "
            "layer_1, layer_2): are these the parameters of another model?",
            outside,
        ),
        "input in place of the parameters": (
            lambda: model(ps, 1.5, st), ValueError,
            "the parameters do not fit: expected the fields (first, second), got 1.5: call "
            "layer(x, ps, st)",
            outside,
        ),
        "one field too many": (
            lambda: model(1, NamedTuple(first=ps.first, second=ps.second, third=1), st), ValueError,
            "the parameters do not fit: expected the fields (first, second), got (first, second, "
            "third): are these the parameters of another model?",
            outside,
        ),
        "another order": (
            lambda: model(1, ps, NamedTuple(second=st.second, first=st.first)), ValueError,
            "the states do not fit: expected the fields (first, second), got (second, first): "
            "luxcore.from_dict(luxcore.to_dict(tree), template) puts them in order",
            outside,
        ),
        "missing field": (
            lambda: model(1, replace_at(ps, "first", NamedTuple(weight=1)), st), ValueError,
            "no field 'factor': expected one of weight",
            "at first: Scale()\n",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", wrong_calls())
def test_wrong_calls(name):
    call, kind, message, place = wrong_calls()[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
    assert note(error).startswith(place)


def test_order_is_put_right_as_the_message_says():
    model = Pair(Scale(), Counter())
    ps, st = setup(random.Random(0), model)
    swapped = NamedTuple(second=st.second, first=st.first)
    assert model(1, ps, from_dict(to_dict(swapped), st)) == model(1, ps, st)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (1.0, "Returns.__call__ returns 1.0: expected (y, st), the output and the new state"),
        (
            (1, 2, 3),
            "Returns.__call__ returns (1, 2, 3): expected (y, st), the output and the new state",
        ),
        (
            (1.0, {"a": 1}),
            "Returns.__call__ returns the state {'a': 1}: expected the fields () of the state it "
            "was given",
        ),
        (
            (1.0, NamedTuple(a=1)),
            "Returns.__call__ returns the state NamedTuple(a=1): expected the fields () of the "
            "state it was given",
        ),
    ],
    ids=["output alone", "triple", "dict", "other fields"],
)
def test_results_are_an_output_and_a_state(result, message):
    class Returns(AbstractLuxLayer):
        def __call__(self, x, ps, st):
            return x

    with pytest.raises(TypeError) as error:
        Pair(Identity(), Returns())(
            result, *(NamedTuple(first=NamedTuple(), second=NamedTuple()),) * 2
        )
    assert str(error.value) == message
    assert note(error).startswith("at second: Returns()\n")


def test_own_parameters_beside_those_of_children_are_allowed():
    class Gained(AbstractLuxContainerLayer, layers=("model",)):
        model: AbstractLuxLayer

        def initial_parameters(self, rng):
            return NamedTuple(model=self.model.initial_parameters(rng), gain=2.0)

        def __call__(self, x, ps, st):
            y, st_model = self.model(x, ps.model, st.model)
            return ps.gain * y, NamedTuple(model=st_model)

    ps, st = setup(random.Random(0), Gained(Scale()))
    assert Gained(Scale())(1, ps, st)[0] == 2.0 * ps.model.factor


def test_parameters_may_be_of_any_type():
    class Custom:
        factor = 5.0

    assert Scale()(2, Custom(), NamedTuple())[0] == 10.0


# --- hooks ---------------------------------------------------------------------------------


def test_hooks_run_around_every_call():
    seen = []

    def record(frame, proceed, x, ps, st):
        seen.append((".".join(frame.path), frame.segment, type(frame.layer).__name__))
        y, st = proceed(x, ps, st)
        return y + 100, st

    model = Pair(Identity(), Wrapped(Identity()))
    ps, st = setup(random.Random(0), model)
    remove = register_call_hook(record)
    try:
        assert model(0, ps, st)[0] == 400
    finally:
        remove()
    assert model(0, ps, st)[0] == 0
    assert seen == [
        ("", (), "Pair"),
        ("first", ("first",), "Identity"),
        ("second", ("second",), "Wrapped"),
        ("second", (), "Identity"),
    ]


def test_the_hook_registered_last_runs_outermost():
    order = []
    removes = [
        register_call_hook(
            lambda f, proceed, *args, name=name: (order.append(name), proceed(*args))[1]
        )
        for name in "ab"
    ]
    Identity()(0, NamedTuple(), NamedTuple())
    for remove in removes:
        remove()
    assert order == ["b", "a"]
