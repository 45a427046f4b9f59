"""Values as types."""

import copy
import gc
import math
import pickle
import subprocess
import sys
import weakref

import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luxcore import Val

scalars = (
    st.integers() | st.booleans() | st.none() | st.text() | st.binary() | st.floats(allow_nan=True)
)
values = st.recursive(scalars, lambda parts: st.lists(parts, max_size=3).map(tuple), max_leaves=5)


def test_is_truthy_as_its_value():
    assert Val(True)
    assert not Val(False)
    assert not Val(0)
    assert Val((0,))


def test_types_are_told_apart():
    distinct = [1, True, 1.0, 0, False, 0.0, -0.0, (1,), (True,), (1.0,), "1", None, ()]
    vals = [Val(value) for value in distinct]
    assert [i for i, a in enumerate(vals) for b in vals if a == b] == list(range(len(vals)))
    assert len(set(vals)) == len(distinct)
    assert Val(1) != 1


def test_nan_is_itself():
    assert Val(math.nan) == Val(float("nan"))


@given(values)
def test_equal_values_are_one_type(value):
    val = Val(value)
    assert type(val) is type(Val(copy.deepcopy(value)))
    assert repr(val) == f"Val({value!r})"
    assert (len(val), val._fields) == (0, ())
    for loaded in (pickle.loads(pickle.dumps(val)), cloudpickle.loads(cloudpickle.dumps(val))):
        assert loaded == val
    assert copy.deepcopy(val) == val


@pytest.mark.parametrize("library", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
@pytest.mark.parametrize("value", [True, 1.5, "a.b", (1, "x", None)])
def test_the_type_pickles_into_a_new_process(library, value):
    data = library.dumps((type(Val(value)), Val(value)))
    program = (
        "import pickle, sys\n"
        "cls, val = pickle.load(sys.stdin.buffer)\n"
        "import luxcore\n"
        f"assert val == luxcore.Val({value!r}), val\n"
        "assert cls is type(val)\n"
    )
    subprocess.run([sys.executable, "-c", program], input=data, check=True)


def test_value_must_be_hashable():
    with pytest.raises(TypeError) as error:
        Val([1])
    assert str(error.value) == (
        "Val holds a hashable value, got list: make it a tuple, or keep it in the parameters or "
        "states themselves"
    )


def test_unknown_names_of_the_module_stay_unknown():
    import luxcore._val

    with pytest.raises(AttributeError) as error:
        _ = luxcore._val.nothing
    assert str(error.value) == "module 'luxcore._val' has no attribute 'nothing'"


def test_a_class_goes_with_its_objects():
    class Held:
        """What would stay in memory if the class stayed."""

    held = Held()
    val = Val(held)
    seen = weakref.ref(held)
    del held, val
    gc.collect()
    assert seen() is None
