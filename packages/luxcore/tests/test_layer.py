"""A layer is a frozen dataclass by itself, final, compared by value, and holds no arrays."""

import copy
import dataclasses
import functools
import inspect
import math
import random
from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any, Generic, TypeVar

import pytest
from sample_layers import Identity, Pair, Scale, Sequence, double

from luxcore import AbstractLuxLayer, NamedTuple, setup

T = TypeVar("T")


class Plain(AbstractLuxLayer):
    value: Any = None
    _: KW_ONLY
    option: Any = None

    def __call__(self, x, ps, st):
        return x, st


class AbstractBlock(AbstractLuxLayer):
    width: int

    def doubled(self) -> int:
        return 2 * self.width


class Block(AbstractBlock):
    depth: int = 1

    def __call__(self, x, ps, st):
        return x + self.doubled() * self.depth, st


class Computed(AbstractLuxLayer):
    width: int
    area: int

    def __init__(self, width: int) -> None:
        self.width = width
        self.area = width * width

    def __call__(self, x, ps, st):
        return x, st


# --- a frozen dataclass by itself ---------------------------------------------------------


def test_fields_are_those_of_a_dataclass():
    layer = Plain(3, option="a")
    assert dataclasses.is_dataclass(layer)
    assert [field.name for field in dataclasses.fields(layer)] == ["value", "option"]
    assert dataclasses.replace(layer, value=4) == Plain(4, option="a")
    assert str(inspect.signature(Plain)) == "(value: Any = None, *, option: Any = None) -> None"
    with pytest.raises(TypeError, match=r"Plain\.__init__\(\) takes from 1 to 2 positional"):
        Plain(1, 2)


def test_is_frozen():
    layer = Plain(3)
    with pytest.raises(dataclasses.FrozenInstanceError) as error:
        layer.value = 4
    assert str(error.value) == (
        "cannot assign to 'value': a layer is immutable; dataclasses.replace(layer, value=...) "
        "makes another one"
    )
    with pytest.raises(dataclasses.FrozenInstanceError) as error:
        del layer.value
    assert str(error.value) == "cannot delete 'value': a layer is immutable"


def test_abstract_bases_declare_fields():
    assert Block(3, depth=2)(1, NamedTuple(), NamedTuple()) == (13, NamedTuple())
    with pytest.raises(TypeError) as error:
        AbstractBlock(3)
    assert str(error.value) == "AbstractBlock is abstract: define __call__(self, x, ps, st)"


def test_a_base_with_a_call_says_that_it_is_abstract():
    class AbstractTwice(AbstractLuxLayer, abstract=True):
        def __call__(self, x, ps, st):
            return self.step(self.step(x)), st

    class AddOne(AbstractTwice):
        def step(self, x):
            return x + 1

    assert AddOne()(0, NamedTuple(), NamedTuple()) == (2, NamedTuple())
    with pytest.raises(TypeError, match=r"^AbstractTwice is abstract: define __call__"):
        AbstractTwice()


def test_a_call_may_use_that_of_its_base():
    class AbstractShift(AbstractLuxLayer, abstract=True):
        def __call__(self, x, ps, st):
            return x + 1, st

    class ShiftAndDouble(AbstractShift):
        def __call__(self, x, ps, st):
            y, st = super().__call__(x, ps, st)
            return 2 * y, st

    assert ShiftAndDouble()(1, NamedTuple(), NamedTuple()) == (4, NamedTuple())


def test_concrete_layers_are_final():
    with pytest.raises(TypeError) as error:

        class Smaller(Scale):
            pass

    assert str(error.value) == (
        "Smaller derives from the concrete layer Scale: layers are final; hold one in a field and "
        "call it (composition), or derive from an abstract base"
    )


def test_a_second_dataclass_is_refused():
    message = (
        "Decorated is decorated with @dataclass, but a layer is a frozen dataclass by itself: "
        "remove the decorator"
    )

    @dataclasses.dataclass(frozen=True)
    class Decorated(AbstractLuxLayer):
        width: int = 1

        def __call__(self, x, ps, st):
            return x, st

    with pytest.raises(TypeError) as error:
        Decorated()
    assert str(error.value) == message

    with pytest.raises(TypeError) as error:

        @dataclasses.dataclass(slots=True)
        class Decorated(AbstractLuxLayer):
            width: int

            def __call__(self, x, ps, st):
                return x, st

    assert str(error.value) == message


def test_layers_may_be_generic():
    class Holder(AbstractLuxLayer, Generic[T]):
        held: T

        def __call__(self, x, ps, st):
            return self.held, st

    assert Holder[int](3) == Holder(3)


# --- an __init__ of its own ---------------------------------------------------------------


def test_own_init_assigns_until_it_returns():
    layer = Computed(3)
    assert (layer.area, layer) == (9, Computed(3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.area = 10


def test_own_init_of_an_abstract_base_is_inherited():
    class AbstractSquare(AbstractLuxLayer):
        area: int

        def __init__(self, width: int) -> None:
            self.area = width * width

    class Square(AbstractSquare):
        def __call__(self, x, ps, st):
            return x, st

    class Cube(AbstractSquare):
        volume: int

        def __init__(self, width: int) -> None:
            super().__init__(width)
            self.volume = width * self.area

        def __call__(self, x, ps, st):
            return x, st

    assert Square(3).area == 9
    assert (Cube(3).area, Cube(3).volume) == (9, 27)


def test_own_init_is_checked():
    class Forgets(AbstractLuxLayer):
        width: int
        height: int

        def __init__(self, width: int) -> None:
            self.width = width

        def __call__(self, x, ps, st):
            return x, st

    class Hides(AbstractLuxLayer):
        def __init__(self) -> None:
            self.secret = 1

        def __call__(self, x, ps, st):
            return x, st

    with pytest.raises(TypeError) as error:
        Forgets(3)
    assert str(error.value) == "Forgets.__init__ leaves the field 'height' unset"
    with pytest.raises(TypeError) as error:
        Hides()
    assert str(error.value) == (
        "Hides.__init__ sets 'secret', which is no field: declare it in the class (secret: its "
        "type), since layers are compared by their fields"
    )


# --- stored form and refusals ----------------------------------------------------------------


def test_collections_are_stored_immutable():
    layer = Plain([1, [2, (3, [4])]], option={"a": [1], "b": {"c": {2}}})
    assert layer.value == (1, (2, (3, (4,))))
    assert layer.option == NamedTuple(a=(1,), b=NamedTuple(c=frozenset({2})))
    assert Plain(NamedTuple(a=[1])).value == NamedTuple(a=(1,))
    assert Plain([Scale()]) == Plain((Scale(),))


class FakeArray:
    """What luxcore takes for an array: it knows none."""

    shape = (3, 2)
    dtype = "float32"
    __hash__ = None


class TorchLike:
    """An array that can be hashed, by identity."""

    shape = (3,)
    dtype = "torch.float32"

    def __dlpack__(self):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(
            FakeArray(),
            "Plain.value: a layer holds no arrays, got float32[3,2]: make it in "
            "initial_parameters (what is trained) or initial_states (what is not)",
            id="array",
        ),
        pytest.param(
            TorchLike(),
            "Plain.value: a layer holds no arrays, got torch.float32[3]: make it in "
            "initial_parameters (what is trained) or initial_states (what is not)",
            id="hashable array",
        ),
        pytest.param(
            [1, {"a": FakeArray()}],
            "Plain.value[1][0]: a layer holds no arrays, got float32[3,2]: make it in "
            "initial_parameters (what is trained) or initial_states (what is not)",
            id="array inside",
        ),
        pytest.param(
            bytearray(b"a"),
            "Plain.value: a layer's fields are hashable, got bytearray: use a tuple, a frozen "
            "dataclass or a function",
            id="unhashable",
        ),
    ],
)
def test_arrays_and_the_unhashable_are_refused(value, message):
    with pytest.raises(TypeError) as error:
        Plain(value)
    assert str(error.value) == message


def test_bad_names_in_a_dict_field():
    with pytest.raises(ValueError) as error:
        Plain({"first layer": Scale()})
    assert str(error.value) == (
        "bad field name 'first layer': expected an identifier, such as 'layer_1'"
    )


# --- equality by value ---------------------------------------------------------------------

DISTINCT = [
    1,
    True,
    1.0,
    0,
    False,
    0.0,
    -0.0,
    complex(0.0, -0.0),
    complex(0.0, 0.0),
    math.nan,
    "1",
    (1,),
    (True,),
    (1.0, (0.0,)),
    (1.0, (-0.0,)),
    NamedTuple(a=1),
    NamedTuple(b=1),
    NamedTuple(a=True),
    frozenset({1}),
    frozenset({True}),
    double,
    abs,
    functools.partial(double, 1),
    functools.partial(double, True),
    functools.partial(double, x=1),
    Scale(1.0),
    Scale(1),
    Identity(),
    Pair(Scale(), Identity()),
    Pair(Identity(), Scale()),
]


def test_layers_are_equal_exactly_when_their_fields_mean_the_same():
    first = [Plain(value) for value in DISTINCT]
    second = [Plain(copy.deepcopy(value)) for value in DISTINCT]
    for i, a in enumerate(first):
        assert [j for j, b in enumerate(second) if a == b] == [i], DISTINCT[i]
        assert hash(a) == hash(second[i])
    assert len(set(first + second)) == len(DISTINCT)


def test_layers_of_two_classes_are_not_equal():
    assert Identity() != Plain()
    assert Identity() != ()
    assert len({Identity(), Plain(), Identity()}) == 2


def test_copies_are_the_layer_itself():
    layer = Pair(Scale(), Sequence([Scale()]))
    assert copy.copy(layer) is layer
    assert copy.deepcopy({"model": layer})["model"] is layer


def test_defaults_have_no_parameters_and_states():
    assert setup(random.Random(0), Identity()) == (NamedTuple(), NamedTuple())


def test_calling_the_base_says_what_is_missing():
    layer: Callable[..., Any] = AbstractLuxLayer.__call__
    with pytest.raises(NotImplementedError) as error:
        layer(Identity(), 1, NamedTuple(), NamedTuple())
    assert str(error.value) == "Identity defines no __call__(self, x, ps, st)"
