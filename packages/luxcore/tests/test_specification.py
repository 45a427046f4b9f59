"""The examples of the specification's pages, in plain Python, with NumPy and with JAX.

Its pages are column-major with the batch last; here the batch is first, so `weight * x` is
`x @ weight`.
"""

import importlib.util
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from luxcore import (
    AbstractLuxContainerLayer,
    AbstractLuxLayer,
    NamedTuple,
    apply,
    parameter_length,
    setup,
    state_length,
)


@dataclass(frozen=True)
class Arrays:
    """What an array library is to these examples; rows are the batch."""

    rng: Callable[[], Any]
    normal: Callable[[Any, int, int], Any]
    zeros: Callable[[int, int], Any]
    multiply: Callable[[Any, Any], Any]
    add: Callable[[Any, Any], Any]
    to_lists: Callable[[Any], list[list[float]]]


def multiply_lists(a, b):
    return [
        [sum(x * y for x, y in zip(row, col, strict=True)) for col in zip(*b, strict=True)]
        for row in a
    ]


def add_lists(a, b):
    return [[x + y for x, y in zip(row, b[0], strict=True)] for row in a]


def python() -> Arrays:
    return Arrays(
        rng=lambda: random.Random(0),
        normal=lambda rng, m, n: [[rng.gauss(0, 1) for _ in range(n)] for _ in range(m)],
        zeros=lambda m, n: [[0.0] * n for _ in range(m)],
        multiply=multiply_lists,
        add=add_lists,
        to_lists=lambda a: a,
    )


def numpy() -> Arrays:
    import numpy as np

    return Arrays(
        rng=lambda: np.random.default_rng(0),
        normal=lambda rng, m, n: rng.standard_normal((m, n)),
        zeros=lambda m, n: np.zeros((m, n)),
        multiply=lambda a, b: a @ b,
        add=lambda a, b: a + b,
        to_lists=lambda a: a.tolist(),
    )


def jax() -> Arrays:
    import jax
    import jax.numpy as jnp

    return Arrays(
        rng=lambda: jax.random.key(0),
        normal=lambda rng, m, n: jax.random.normal(rng, (m, n)),
        zeros=lambda m, n: jnp.zeros((m, n)),
        multiply=lambda a, b: a @ b,
        add=lambda a, b: a + b,
        to_lists=lambda a: a.tolist(),
    )


LIBRARIES = {"python": python, "numpy": numpy, "jax": jax}


@pytest.fixture(
    params=[name for name in LIBRARIES if name == "python" or importlib.util.find_spec(name)]
)
def arrays(request: pytest.FixtureRequest) -> Arrays:
    return LIBRARIES[request.param]()


class Linear(AbstractLuxLayer):
    """interface.md, "Singular Layer"."""

    in_dims: int
    out_dims: int
    arrays: Arrays

    def initial_parameters(self, rng):
        return NamedTuple(
            weight=self.arrays.normal(rng, self.in_dims, self.out_dims),
            bias=self.arrays.zeros(1, self.out_dims),
        )

    def parameter_length(self):
        return self.out_dims * self.in_dims + self.out_dims

    def state_length(self):
        return 0

    def __call__(self, x, ps, st):
        return self.arrays.add(self.arrays.multiply(x, ps.weight), ps.bias), st


class ComposedLinear(AbstractLuxContainerLayer, layers=("linear_1", "linear_2")):
    """interface.md, "Container Layer"."""

    linear_1: Linear
    linear_2: Linear

    def __call__(self, x, ps, st):
        y, st_l1 = self.linear_1(x, ps.linear_1, st.linear_1)
        y, st_l2 = self.linear_2(y, ps.linear_2, st.linear_2)
        return y, NamedTuple(linear_1=st_l1, linear_2=st_l2)


class DenseLayerParameters:
    """interface.md, "Parameter Interface": fields of other names, read as those of the layer."""

    def __init__(self, myweight, mybias):
        self.myweight = myweight
        self.mybias = mybias

    def __getattr__(self, name):
        if name == "weight":
            return self.myweight
        if name == "bias":
            return self.mybias
        raise AttributeError(name)


class LuxLinear(AbstractLuxLayer):
    """migrate_from_flux.md, "Implementing Custom Layers": A is not trained, B is."""

    init_a: Callable[[], Any]
    init_b: Callable[[], Any]
    arrays: Arrays

    def initial_parameters(self, rng):
        return NamedTuple(B=self.init_b())

    def initial_states(self, rng):
        return NamedTuple(A=self.init_a())

    def __call__(self, x, ps, st):
        return self.arrays.multiply(self.arrays.multiply(x, ps.B), st.A), st


def close(a: list[list[float]], b: list[list[float]]) -> bool:
    rows = zip(a, b, strict=True)
    pairs = [pair for rows in rows for pair in zip(*rows, strict=True)]
    return all(math.isclose(x, y, rel_tol=1e-5, abs_tol=1e-6) for x, y in pairs)


def test_singular_layer(arrays: Arrays):
    layer = Linear(2, 4, arrays)
    ps, st = setup(arrays.rng(), layer)
    assert (parameter_length(layer), state_length(layer)) == (12, 0)
    x = arrays.normal(arrays.rng(), 1, 2)
    y, st_new = apply(layer, x, ps, st)
    assert st_new == st == NamedTuple()
    weight, bias, row = map(arrays.to_lists, (ps.weight, ps.bias, x))
    assert close(arrays.to_lists(y), add_lists(multiply_lists(row, weight), bias))


def test_container_layer(arrays: Arrays):
    model = ComposedLinear(Linear(2, 4, arrays), Linear(4, 2, arrays))
    ps, st = setup(arrays.rng(), model)
    assert (parameter_length(model), state_length(model)) == (22, 0)
    assert (ps._fields, ps.linear_1._fields) == (("linear_1", "linear_2"), ("weight", "bias"))
    x = arrays.normal(arrays.rng(), 1, 2)
    y, st_new = apply(model, x, ps, st)
    assert st_new == NamedTuple(linear_1=NamedTuple(), linear_2=NamedTuple())
    hidden, _ = model.linear_1(x, ps.linear_1, st.linear_1)
    assert close(
        arrays.to_lists(y), arrays.to_lists(model.linear_2(hidden, ps.linear_2, st.linear_2)[0])
    )


def test_parameters_of_a_custom_type(arrays: Arrays):
    layer = Linear(2, 3, arrays)
    ps, st = setup(arrays.rng(), layer)
    x = arrays.normal(arrays.rng(), 1, 2)
    custom = DenseLayerParameters(ps.weight, ps.bias)
    assert close(arrays.to_lists(layer(x, custom, st)[0]), arrays.to_lists(layer(x, ps, st)[0]))


def test_state_that_is_not_trained(arrays: Arrays):
    a, b = [[1.0, 2.0]] * 4, [[1.0, 0.0, 2.0, -1.0]] * 2
    lists = python()
    layer = LuxLinear(lambda: _array(arrays, a), lambda: _array(arrays, b), arrays)
    ps, st = setup(arrays.rng(), layer)
    assert (ps._fields, st._fields) == (("B",), ("A",))
    y, st_new = layer(_array(arrays, [[1.0, 3.0]]), ps, st)
    expected = lists.multiply(lists.multiply([[1.0, 3.0]], b), a)
    assert close(arrays.to_lists(y), expected)
    assert close(arrays.to_lists(st_new.A), a)


def _array(arrays: Arrays, rows: list[list[float]]) -> Any:
    """The rows as an array of the library: added to zeros of it."""
    zeros = arrays.zeros(len(rows), len(rows[0]))
    if isinstance(zeros, list):
        return rows
    return zeros + type(zeros).__array_namespace__(zeros).asarray(rows, dtype=zeros.dtype)
