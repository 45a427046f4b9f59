"""Layers pickle, with functions by their importable names, and leave the hash behind."""

import functools
import os
import pickle
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest
from sample_layers import Counter, Identity, Pair, Scale, Sequence, Wrapped, double
from test_layer import Plain

from luxcore import NamedTuple, Val

LAYERS = [
    Identity(),
    Scale(3.0),
    Pair(Scale(), Sequence({"a": Counter(), "b": Wrapped(Identity(), "inner")})),
    Plain(double, option=functools.partial(double, x=functools.partial(abs))),
    Plain((Val(1), None, NamedTuple(a=len)), option=frozenset({1})),
]


class Unpicklable:
    """A function that refuses to be pickled, as the jitted ones of JAX do."""

    def __init__(self, function):
        functools.update_wrapper(self, function)

    def __call__(self, x):
        return x

    def __reduce__(self):
        raise TypeError("cannot be pickled")


@Unpicklable
def jitted(x):
    """Found again by its name."""


def lost(x):
    """A function whose name leads elsewhere."""


LOST = Unpicklable(lost)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_round_trip(layer):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        loaded = pickle.loads(pickle.dumps(layer, protocol))
        assert loaded == layer
        assert hash(loaded) == hash(layer)
    assert cloudpickle.loads(cloudpickle.dumps(layer)) == layer


def test_functions_that_refuse_are_pickled_by_name():
    layer = Plain(jitted, option=(functools.partial(jitted, 1, y=jitted), NamedTuple(a=jitted)))
    loaded = pickle.loads(pickle.dumps(layer))
    assert loaded == layer
    assert loaded.value is jitted
    assert loaded.option[0].keywords == {"y": jitted}


def test_a_name_that_leads_elsewhere_is_not_used():
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Plain(LOST))


def test_new_process_with_other_hashes():
    layer = LAYERS[2]
    program = (
        "import pickle, sys\n"
        "layer = pickle.load(sys.stdin.buffer)\n"
        "from sample_layers import *\n"
        "same = Pair(Scale(), Sequence({'a': Counter(), 'b': Wrapped(Identity(), 'inner')}))\n"
        "assert layer == same and hash(layer) == hash(same)\n"
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": os.pathsep.join(
            [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        ),
    }
    subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(layer), env=environment, check=True
    )


def test_state_is_the_fields_alone():
    assert Scale(3.0).__getstate__() == {"init": 3.0}
