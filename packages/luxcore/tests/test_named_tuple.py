"""Named tuples: one type per names, immutable, picklable into a new process."""

import copy
import pickle
import subprocess
import sys

import cloudpickle
import pytest
from hypothesis import given
from sample_trees import named_tuples

from luxcore import FieldError, NamedTuple, Val, items, merge, register_type_hook


def test_reads_by_attribute_name_and_position():
    ps = NamedTuple(weight=1, bias=2)
    assert (ps.weight, ps["bias"], ps[0], ps[-1], ps[:1]) == (1, 2, 1, 2, (1,))
    assert list(ps) == [1, 2]
    assert dict(items(ps)) == {"weight": 1, "bias": 2}
    assert isinstance(ps, NamedTuple)


def test_equal_names_are_one_type():
    assert type(NamedTuple(a=1, b=2)) is type(NamedTuple(a=3, b=4))
    assert type(NamedTuple(a=1, b=2)) is not type(NamedTuple(b=1, a=2))
    assert type(NamedTuple(a_b=1)) is not type(NamedTuple(a=1, b=1))


def test_equality_and_hash_go_by_names_and_values():
    assert NamedTuple(a=1) == NamedTuple(a=1)
    assert NamedTuple(a=1) != NamedTuple(b=1)
    assert NamedTuple(a=1) != NamedTuple(a=2)
    assert NamedTuple(a=1) != (1,)
    assert hash(NamedTuple(a=1)) == hash(NamedTuple(a=1))
    assert len({NamedTuple(a=1), NamedTuple(b=1), NamedTuple(a=1)}) == 2


def test_fields_may_have_the_names_of_methods():
    assert NamedTuple(index=1, count=2).index == 1


def test_is_immutable():
    ps = NamedTuple(a=1)
    with pytest.raises(AttributeError):
        ps.a = 2
    with pytest.raises(AttributeError):
        ps.b = 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("1a", "bad field name '1a': expected an identifier, such as 'layer_1'"),
        ("a-b", "bad field name 'a-b': expected an identifier, such as 'layer_1'"),
        ("", "bad field name '': expected an identifier, such as 'layer_1'"),
        ("class", "bad field name 'class': it is a keyword of Python; try 'class_'"),
        ("_a", "bad field name '_a': a name does not start with an underscore"),
    ],
)
def test_bad_names(name: str, message: str):
    with pytest.raises(ValueError) as error:
        NamedTuple(**{name: 1})
    assert str(error.value) == message


def test_missing_field_says_what_is_there():
    with pytest.raises(FieldError) as error:
        _ = NamedTuple(weight=1, scale=2).bias
    assert str(error.value) == "no field 'bias': expected one of weight, scale"
    with pytest.raises(FieldError) as error:
        _ = NamedTuple()["bias"]
    assert str(error.value) == "no field 'bias': expected one of no fields"
    assert not hasattr(NamedTuple(weight=1), "bias")


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(lambda ps: ps + ps, id="sum"),
        pytest.param(lambda ps: (1,) + ps, id="sum with a tuple"),  # noqa: RUF005
        pytest.param(lambda ps: ps * 2, id="product"),
        pytest.param(lambda ps: 2 * ps, id="product from the left"),
    ],
)
def test_has_no_arithmetic(operation):
    with pytest.raises(TypeError) as error:
        operation(NamedTuple(a=1))
    assert str(error.value) == (
        "a NamedTuple has no arithmetic: map over its leaves (jax.tree.map), or join two with "
        "luxcore.merge"
    )


def test_repr_is_short():
    inner = NamedTuple(weight=1.5, name="a", parts=(1,))
    assert repr(NamedTuple(layer_0=inner, layer_1=NamedTuple())) == (
        "NamedTuple(layer_0=NamedTuple(weight=1.5, name='a', parts=(1,)), layer_1=NamedTuple())"
    )


def test_merge_replaces_and_appends():
    assert merge(NamedTuple(a=1, b=2), NamedTuple(c=3, b=4)) == NamedTuple(a=1, b=4, c=3)
    assert merge() == NamedTuple()


@given(named_tuples)
def test_copies_are_equal(tree: object):
    assert copy.copy(tree) == tree
    assert copy.deepcopy(tree) == tree
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        loaded = pickle.loads(pickle.dumps(tree, protocol))
        assert loaded == tree
        assert type(loaded) is type(tree)
    assert cloudpickle.loads(cloudpickle.dumps(tree)) == tree


@pytest.mark.parametrize("library", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
def test_the_type_pickles_into_a_new_process(library):
    fields = NamedTuple(weight=1, bias_2=2, größe=3)
    data = library.dumps((type(fields), fields, type(NamedTuple())))
    program = (
        "import pickle, sys\n"
        "cls, fields, empty = pickle.load(sys.stdin.buffer)\n"
        "import luxcore\n"
        "assert fields == luxcore.NamedTuple(weight=1, bias_2=2, **{'größe': 3}), fields\n"
        "assert cls is type(fields)\n"
        "assert empty is type(luxcore.NamedTuple())\n"
    )
    subprocess.run([sys.executable, "-c", program], input=data, check=True)


def test_unknown_names_of_the_module_stay_unknown():
    import luxcore._named_tuple

    with pytest.raises(AttributeError) as error:
        _ = luxcore._named_tuple.nothing
    assert str(error.value) == "module 'luxcore._named_tuple' has no attribute 'nothing'"


def test_type_hook_sees_every_class_once():
    before = type(NamedTuple(seen_before=1))
    seen = []
    remove = register_type_hook(seen.append)
    after = type(NamedTuple(seen_after=1))
    NamedTuple(seen_after=2)
    assert seen.count(before) == 1
    assert seen.count(after) == 1
    static = Val("seen after")
    assert seen.count(type(static)) == 1
    remove()
    assert type(NamedTuple(made_later=1)) not in seen
