"""Dicts and back."""

import pytest
from hypothesis import given
from sample_trees import trees

from luxcore import NamedTuple, Val, from_dict, to_dict


@given(trees)
def test_the_template_restores_the_tree(tree):
    assert from_dict(to_dict(tree), template=tree) == tree


def test_without_a_template_every_mapping_becomes_a_named_tuple():
    assert from_dict({"a": {"b": (1, {"c": 2})}, "d": Val(True)}) == NamedTuple(
        a=NamedTuple(b=(1, NamedTuple(c=2))), d=Val(True)
    )
    assert to_dict(NamedTuple(a=[NamedTuple(b=1)])) == {"a": [{"b": 1}]}


def test_the_template_gives_the_order():
    template = NamedTuple(weight=0, bias=NamedTuple(x=0, y=0))
    assert from_dict({"bias": {"y": 2, "x": 1}, "weight": 3}, template) == NamedTuple(
        weight=3, bias=NamedTuple(x=1, y=2)
    )


def test_one_report_names_every_path():
    template = NamedTuple(a=NamedTuple(x=0, y=0), b=0, c=NamedTuple(z=0))
    with pytest.raises(ValueError) as error:
        from_dict({"a": {"x": 1, "w": 2}, "b": {"v": 3}, "c": 4, "d": 5}, template)
    assert str(error.value) == (
        "the dict does not fit the template:\n"
        "  d: unexpected\n"
        "  a.y: missing\n"
        "  a.w: unexpected\n"
        "  b: expected a leaf, got {'v': 3}\n"
        "  c: expected NamedTuple(z=0), got 4"
    )


@pytest.mark.parametrize("name", ["1", "a b", "class", "_x"])
def test_keys_that_are_no_names_are_refused(name):
    with pytest.raises(ValueError, match=f"^bad field name '{name}'"):
        from_dict({name: 1})
    with pytest.raises(ValueError, match=r"^bad field name 1: expected an identifier"):
        from_dict({1: 1})
