"""Maps over trees of tuples, lists, dicts, named tuples and layers."""

import pytest
from hypothesis import given
from sample_layers import Identity, Pair, Scale, Sequence, Wrapped
from sample_trees import trees

from luxcore import (
    NamedTuple,
    Val,
    check_fmap_condition,
    contains_lux_layer,
    fleaves,
    fmap,
    fmap_with_path,
    replace_at,
)


@given(trees)
def test_mapping_the_identity_changes_nothing(tree):
    assert fmap(lambda leaf: leaf, tree) == tree
    assert type(fmap(lambda leaf: leaf, tree)) is type(tree)


@given(trees)
def test_maps_compose(tree):
    assert fmap(len, fmap(repr, tree)) == fmap(lambda leaf: len(repr(leaf)), tree)


@given(trees)
def test_leaves_are_what_a_map_visits(tree):
    visited = []
    fmap(visited.append, tree)
    assert visited == fleaves(tree)


@given(trees)
def test_every_path_leads_back_to_its_leaf(tree):
    paths = []
    fmap_with_path(lambda path, leaf: paths.append((path, leaf)), tree)
    for path, _ in paths:
        if path:
            replaced = replace_at(tree, ".".join(path), "here")
            found = []
            fmap_with_path(lambda p, leaf, found=found: found.append((p, leaf)), replaced)
            assert found == [(p, "here" if p == path else leaf) for p, leaf in paths]


def test_paths_are_those_of_the_parameters():
    model = Sequence({"a": Scale(1.0), "b": Wrapped(Pair(Scale(2.0), Sequence([Scale(3.0)])))})
    paths = {leaf: ".".join(path) for path, leaf in _walk(model) if isinstance(leaf, float)}
    assert paths == {1.0: "a.init", 2.0: "b.first.init", 3.0: "b.second.layer_0.init"}


def _walk(tree):
    found = []
    fmap_with_path(lambda path, leaf: found.append((path, leaf)), tree)
    return found


def test_layers_are_rebuilt_and_checked():
    model = Pair(Scale(1.0), Sequence([Scale(2.0)]))
    doubled = fmap(lambda leaf: 2 * leaf if isinstance(leaf, float) else leaf, model)
    assert doubled == Pair(Scale(2.0), Sequence([Scale(4.0)]))
    assert replace_at(model, "second.layer_0", Identity()) == Pair(
        Scale(1.0), Sequence([Identity()])
    )
    with pytest.raises(TypeError, match=r"^Scale\.init: a layer's fields are hashable, got bytear"):
        replace_at(model, "first.init", bytearray())


def test_exclude_stops_the_descent():
    tree = NamedTuple(a=NamedTuple(b=1), c=2)
    assert fleaves(tree, exclude=lambda node: node == NamedTuple(b=1)) == [NamedTuple(b=1), 2]
    mapped = fmap(
        repr, tree, exclude=lambda node: isinstance(node, NamedTuple) and "b" in node._fields
    )
    assert mapped == NamedTuple(a="NamedTuple(b=1)", c="2")


def test_maps_over_several_trees():
    add = fmap(lambda a, b, c: a + b + c, (1, {"x": 2}), (10, {"x": 20}), (100, {"x": 200}))
    assert add == (111, {"x": 222})


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            NamedTuple(a=NamedTuple(c=1)),
            "the trees differ at a: expected the structure of NamedTuple(b=1), got NamedTuple(c=1)",
        ),
        (
            NamedTuple(b=1),
            "the trees differ at the top level: expected the structure of "
            "NamedTuple(a=NamedTuple(b=1)), got NamedTuple(b=1)",
        ),
        (
            NamedTuple(a=1),
            "the trees differ at a: expected the structure of NamedTuple(b=1), got 1",
        ),
    ],
)
def test_other_structures_are_refused(other, message):
    with pytest.raises(ValueError) as error:
        fmap(lambda a, b: a, NamedTuple(a=NamedTuple(b=1)), other)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("c", "no 'c' in the tree: the top level has a, not 'c'"),
        ("a.c", "no 'a.c' in the tree: a has b, not 'c'"),
        ("a.b.c", "no 'a.b.c' in the tree: a.b has no fields, not 'c'"),
    ],
)
def test_replace_at_names_what_is_there(path, message):
    with pytest.raises(ValueError) as error:
        replace_at(NamedTuple(a=NamedTuple(b=1)), path, 0)
    assert str(error.value) == message


def test_check_fmap_condition():
    tree = NamedTuple(a=(1, 2.0), b=None)
    assert check_fmap_condition(lambda leaf: leaf is None, None, tree)
    assert not check_fmap_condition(lambda leaf: leaf == 3, None, tree)
    assert check_fmap_condition(lambda leaf: False, tuple, tree)
    assert check_fmap_condition(lambda leaf: False, NamedTuple, [tree])
    assert not check_fmap_condition(lambda leaf: False, dict, tree)


def test_contains_lux_layer():
    assert contains_lux_layer(Scale())
    assert contains_lux_layer({"a": [(Scale(),)]})
    assert not contains_lux_layer(NamedTuple(a=1, b=Val(True)))
    assert not contains_lux_layer(Scale)
