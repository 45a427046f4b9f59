"""How layers print."""

import functools
import textwrap

from sample_layers import Counter, Identity, Pair, Scale, Sequence, Wrapped, double
from test_layer import Plain

from luxcore import AbstractLuxLayer, NamedTuple, display_name


def test_a_leaf_is_one_line():
    assert repr(Scale()) == "Scale()  # 1 parameter"
    assert str(Scale(3.0)) == "Scale(3.0)"
    assert repr(Counter()) == "Counter()  # plus 1 non-trainable"
    assert repr(Identity()) == "Identity()"


def test_arguments_are_those_of_a_call():
    assert str(Plain(double)) == "Plain(double)"
    assert str(Plain(option=(1, "a"))) == "Plain(option=(1, 'a'))"
    assert str(Plain(option=Scale(1.0))) == "Plain(option=Scale(1.0))"
    assert str(Plain((Scale(), Identity()))) == "Plain((Scale(), Identity()))"
    assert str(Plain(functools.partial(double, 2))).startswith("Plain(functools.partial(<function")


def test_a_container_is_a_tree_with_counts():
    model = Sequence(
        {"a": Scale(), "b": Pair(Counter(), Wrapped(Scale(3.0), name="head")), "c": Identity()}
    )
    assert repr(model) == textwrap.dedent("""\
        Sequence(
            a = Scale(),                                # 1 parameter
            b = Pair(
                first = Counter(),                      # plus 1 non-trainable
                second = head(
                    Scale(3.0),                         # 1 parameter
                ),
            ),
            c = Identity(),
        )         # Total: 2 parameters,
                  #        plus 1 states.""")


def test_other_fields_of_a_container_are_printed():
    class Residual(AbstractLuxLayer):
        model: AbstractLuxLayer
        connection: object = None

        def __call__(self, x, ps, st):
            return x, st

    assert repr(Residual(Identity(), abs)) == textwrap.dedent("""\
        Residual(
            model = Identity(),
            connection = abs,
        )         # Total: 0 parameters,
                  #        plus 0 states.""")


def test_large_counts_are_grouped():
    class Large(AbstractLuxLayer):
        def parameter_length(self):
            return 49_921

        def __call__(self, x, ps, st):
            return x, st

    assert repr(Large()) == "Large()  # 49_921 parameters"


def test_a_layer_prints_whatever_its_initialisers_need():
    class Needs(AbstractLuxLayer):
        def initial_parameters(self, rng):
            return NamedTuple(weight=rng.standard_normal(3))

        def __call__(self, x, ps, st):
            return x, st

    assert repr(Needs()) == "Needs()  # ? parameters"
    assert "# Total: ? parameters," in repr(Pair(Needs(), Identity()))


def test_display_name():
    assert display_name(Scale()) == "Scale"
    assert display_name(Wrapped(Scale())) == "Wrapped"
    assert display_name(Wrapped(Scale(), "head")) == "head"
