"""`check_layer` finds each thing that a layer can do wrong, and says which it is."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lux
from lux import NamedTuple, Val
from lux.testing import check_layer

X = np.random.default_rng(0).normal(size=(2, 3))
STATE = NamedTuple(count=jnp.zeros((), jnp.int32), training=Val(True))


NUMBERS = itertools.count(1)


class Base(lux.AbstractLuxLayer, abstract=True):
    """Right in everything: `y = scale * x`, with a state that counts. Others break one thing."""

    def initial_parameters(self, rng):
        return NamedTuple(scale=jnp.float32(1.5))

    def initial_states(self, rng):
        return STATE

    def __call__(self, x, ps, st):
        if x.shape[-1] != 3:
            raise ValueError("expected three features")
        with jax.numpy_dtype_promotion("standard"):
            return self.output(x, ps.scale), self.next_state(x, st)

    def output(self, x, scale):
        return scale * x

    def next_state(self, x, st):
        return NamedTuple(count=st.count + 1, training=st.training)


class Right(Base):
    pass


class Unequal(Base):
    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = Base.__hash__


class HashedByIdentity(Base):
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return id(self)


class Holder(Base):
    function: Callable[[Any], Any]


class Nothing:
    """A function that is equal to itself alone, and so to nothing that comes out of a pickle."""

    def __call__(self, x):
        return x


class OtherEachTime(Base):
    def initial_parameters(self, rng):
        return NamedTuple(scale=jnp.float32(next(NUMBERS)))


class SetupOfNumbers(Base):
    def initial_parameters(self, rng):
        return NamedTuple(scale=jnp.float32(float(jax.random.uniform(rng))))


class OtherUnderJit(Base):
    def initial_states(self, rng):
        traced = isinstance(rng, jax.core.Tracer)
        return STATE if traced else NamedTuple(count=jnp.int16(0), training=Val(True))


class FailsToSetUp(Base):
    def initial_parameters(self, rng):
        raise RuntimeError("no parameters today")


class Untrainable(Base):
    def initial_parameters(self, rng):
        return NamedTuple(scale=jnp.int32(1))


class Miscounts(Base):
    def parameter_length(self):
        return 2


class MiscountsStates(Base):
    def state_length(self):
        return 0


class CannotCount(Base):
    def parameter_length(self):
        raise RuntimeError("too many")


class Terse(Base):
    def __repr__(self):
        return "Terse with 11 parameters, plus 1 non-trainable"


class Fails(Base):
    def output(self, x, scale):
        raise RuntimeError("out of order")


class FailsInTestMode(Base):
    def next_state(self, x, st):
        if not st.training:
            raise RuntimeError("only train mode")
        return super().next_state(x, st)


class Infinite(Base):
    def output(self, x, scale):
        return scale * x / 0


class Branches(Base):
    def output(self, x, scale):
        return scale * x if x.sum() > 0 else x


class OtherWhenCompiled(Base):
    def output(self, x, scale):
        return scale * (jnp.zeros_like(x) if isinstance(x, jax.core.Tracer) else jnp.ones_like(x))


class NearlyTheSameWhenCompiled(Base):
    def output(self, x, scale):
        return scale * x * (1 + 1e-9 if isinstance(x, jax.core.Tracer) else 1)


class ChangesDtypeOfState(Base):
    def next_state(self, x, st):
        return NamedTuple(count=st.count + jnp.asarray(1, x.dtype), training=st.training)


class ChangesStateTooMuch(Base):
    def next_state(self, x, st):
        return NamedTuple(count=(st.count, st.count), training=st.training)


class WeakensState(Base):
    def next_state(self, x, st):
        return NamedTuple(count=jnp.asarray(1), training=st.training)


class StaysInTrainMode(Base):
    def next_state(self, x, st):
        return NamedTuple(count=st.count, training=Val(True))


class SaysThatItChanges(Base):
    preserves_state_type = False

    def next_state(self, x, st):
        return NamedTuple(count=st.count + jnp.asarray(1, x.dtype), training=st.training)


class NoGradient(Base):
    def output(self, x, scale):
        return jax.lax.stop_gradient(scale) * x


class NoInputGradient(Base):
    def output(self, x, scale):
        return scale * jax.lax.stop_gradient(x)


@jax.custom_jvp
def nearly(x):
    return x


@nearly.defjvp
def _(primals, tangents):
    return nearly(*primals), 1.001 * tangents[0]


class NearlyDifferentiated(Base):
    def output(self, x, scale):
        return nearly(scale * x)


class NotDifferentiable(Base):
    def output(self, x, scale):
        return jax.lax.while_loop(lambda y: y.sum() > 1e3, lambda y: y / 2, scale * x)


@jax.custom_vjp
def square(x):
    return x * x


square.defvjp(lambda x: (x * x, jax.lax.stop_gradient(x)), lambda x, bar: (2 * x * bar,))


class FirstOrderOnly(Base):
    def output(self, x, scale):
        return square(scale * x)


@jax.custom_jvp
def never(x):
    return x


@never.defjvp
def _(primals, tangents):
    raise RuntimeError("no second derivative")


@jax.custom_vjp
def gradient_without_derivative(x):
    return x


gradient_without_derivative.defvjp(lambda x: (x, None), lambda _, bar: (never(bar),))


@jax.custom_vjp
def square_nearly(x):
    return x * x


square_nearly.defvjp(lambda x: (x * x, x), lambda x, bar: (2 * nearly(x) * bar,))


class SecondDerivativeNearly(Base):
    def output(self, x, scale):
        return square_nearly(scale * x)


class NoSecondDerivative(Base):
    def output(self, x, scale):
        return gradient_without_derivative(scale * x)


@jax.custom_batching.custom_vmap
def mapped_wrongly(x):
    return x


@mapped_wrongly.def_vmap
def _(size, mapped, x):
    return x + 1, mapped[0]


@jax.custom_batching.custom_vmap
def first_for_all(x):
    return x


@first_for_all.def_vmap
def _(size, mapped, x):
    return jnp.stack([x[0]] * size), mapped[0]


class MapsTheFirst(Base):
    def output(self, x, scale):
        return first_for_all(scale * x)


class MapsWrongly(Base):
    def output(self, x, scale):
        return mapped_wrongly(scale * x)


@jax.custom_batching.custom_vmap
def never_mapped(x):
    return x


@never_mapped.def_vmap
def _(size, mapped, x):
    raise RuntimeError("one at a time")


class NotMapped(Base):
    def output(self, x, scale):
        return never_mapped(scale * x)


class Single(Base):
    def output(self, x, scale):
        return (scale * x).astype(jnp.float32)


class DtypeOfInput(Base):
    def output(self, x, scale):
        return (scale * x).astype(x.dtype)


class Strict(Base):
    def output(self, x, scale):
        return jax.lax.mul(jnp.broadcast_to(scale, x.shape), x)


class SumsInHalf(Base):
    def output(self, x, scale):
        terms = (scale * x).reshape(-1)
        return jax.lax.fori_loop(
            0, 300, lambda i, total: total + terms[i % terms.size], terms[0] * 0
        )


class SquaresTooEarly(Base):
    def output(self, x, scale):
        return scale * (1e3 * x) ** 2 * 1e-6


class Rounds(Base):
    def output(self, x, scale):
        return (scale * x).astype(jnp.int32)


class TakesAnything(Base):
    def __call__(self, x, ps, st):
        with jax.numpy_dtype_promotion("standard"):
            return self.output(x, ps.scale), self.next_state(x, st)


class WithoutPath(Base):
    pass


def call_without_path(self, x, ps, st):
    if x.shape[-1] != 3:
        raise ValueError("expected three features")
    with jax.numpy_dtype_promotion("standard"):
        return self.output(x, ps.scale), self.next_state(x, st)


WithoutPath.__call__ = call_without_path

CAUSE = "<cause>"  # what is said of an error of JAX's own
NUMBER = "<number>"
ERRORS = {
    "derivatives of integers": (
        Rounds(),
        "gradient: expected no error, got TypeError: the output has no floating array: pass "
        "derivatives=0",
    ),
    "a copy that differs": (
        Unequal(),
        "equality of a copy: expected an equal layer, got one that says it is not",
    ),
    "a hash by identity": (
        HashedByIdentity(),
        "hash of a copy: expected that of the layer, got another",
    ),
    "no pickle": (Holder(lambda x: x), f"pickle: expected no error, got {CAUSE}"),
    "a pickle that differs": (
        Holder(Nothing()),
        "equality of the layer out of a pickle: expected an equal layer, got one with another "
        "function",
    ),
    "no setup": (
        FailsToSetUp(),
        "setup: expected no error, got RuntimeError: no parameters today",
    ),
    "a setup that is not pure": (
        OtherEachTime(),
        "setup with the same key again: ps.scale: expected 1, got 2",
    ),
    "a setup that is not traced": (
        SetupOfNumbers(),
        f"setup under jax.jit: expected no error, got {CAUSE}",
    ),
    "a setup that differs when traced": (
        OtherUnderJit(),
        "setup under jax.jit: st.count: expected int16[], got int32[]",
    ),
    "parameters of integers": (
        Untrainable(),
        "setup: ps.scale: expected a floating or complex dtype (what is not trained belongs into "
        "the states), got int32",
    ),
    "a wrong parameter_length": (
        Miscounts(),
        "parameter_length: expected 1, the elements of the tree, got 2",
    ),
    "a wrong state_length": (
        MiscountsStates(),
        "state_length: expected 1, the elements of the tree, got 0",
    ),
    "no parameter_length": (
        CannotCount(),
        "parameter_length: expected no error, got RuntimeError: too many",
    ),
    "a repr without counts": (
        Terse(),
        "repr: expected 1 of parameters in the text, got 'Terse with 11 parameters, plus 1 "
        "non-trainable'",
    ),
    "a call that fails": (
        Fails(),
        "call in train mode: expected no error, got RuntimeError: out of order",
    ),
    "a call that fails in test mode": (
        FailsInTestMode(),
        "call in test mode: expected no error, got RuntimeError: only train mode",
    ),
    "an output that is not finite": (
        Infinite(),
        "output in train mode: expected finite numbers, got inf",
    ),
    "a branch on a value": (
        Branches(),
        f"call under jax.jit in train mode: expected no error, got {CAUSE}",
    ),
    "another output when compiled": (
        OtherWhenCompiled(),
        "call under jax.jit in train mode: y: expected 1.5 at [0, 0], as without it, got 0",
    ),
    "nearly the same output when compiled": (
        NearlyTheSameWhenCompiled(),
        f"call under jax.jit in train mode: y: expected 0.96063397566{NUMBER} at [0, 2], as "
        f"without it, got 0.96063397662{NUMBER}",
    ),
    "another dtype of a state": (
        ChangesDtypeOfState(),
        "state in float16 in train mode: count: expected int32[], got float16[]",
    ),
    "another structure of a state": (
        ChangesStateTooMuch(),
        "state in float16 in train mode: expected NamedTuple(count=int32[], training=Val(True)), "
        "got NamedTuple(count=(int32[], int32[]), training=Val(True))",
    ),
    "a weak type of a state": (
        WeakensState(),
        "state in float16 in train mode: count: expected int32[], got int64[] of a weak type",
    ),
    "another mode of a state": (
        StaysInTrainMode(),
        "state in float16 in test mode: training: expected Val(False), got Val(True)",
    ),
    "no gradient of a parameter": (
        NoGradient(),
        f"gradient in train mode: ps.scale: expected {NUMBER} along a random direction, from "
        "central differences, got 0",
    ),
    "no gradient of the input": (
        NoInputGradient(),
        f"gradient in train mode: x: expected {NUMBER} along a random direction, from central "
        "differences, got 0",
    ),
    "a gradient that is nearly right": (
        NearlyDifferentiated(),
        f"gradient in train mode: x: expected {NUMBER} along a random direction, from central "
        f"differences, got {NUMBER}",
    ),
    "a gradient that fails": (NotDifferentiable(), f"gradient: expected no error, got {CAUSE}"),
    "a wrong second derivative": (
        FirstOrderOnly(),
        f"second derivative in train mode: x: expected {NUMBER} at [1, 1] from central differences "
        f"of the gradient, got {NUMBER}",
    ),
    "a second derivative that is nearly right": (
        SecondDerivativeNearly(),
        f"second derivative in train mode: x: expected {NUMBER} at [1, 1] from central differences "
        f"of the gradient, got {NUMBER}",
    ),
    "a second derivative that fails": (
        NoSecondDerivative(),
        "second derivative: expected no error, got RuntimeError: no second derivative",
    ),
    "another output when mapped": (
        MapsWrongly(),
        f"jax.vmap over inputs in train mode: y: expected {NUMBER} at [0, 0], as one by one, got "
        f"{NUMBER}",
        {"derivatives": 0},
    ),
    "the output of another when mapped": (
        MapsTheFirst(),
        f"jax.vmap over inputs in train mode: y: expected {NUMBER} at [0, 2], as one by one, got "
        f"{NUMBER}",
        {"derivatives": 0},
    ),
    "a call that cannot be mapped": (
        NotMapped(),
        "jax.vmap over inputs: expected no error, got RuntimeError: one at a time",
        {"derivatives": 0},
    ),
    "one dtype for all": (
        Single(),
        "dtype in float16 in train mode: expected float16, got float32",
    ),
    "the dtype of the input": (
        DtypeOfInput(),
        "dtype with an input of float16 and parameters of bfloat16 in train mode: expected "
        "float32, got float16",
    ),
    "an error for two dtypes": (
        Strict(),
        f"call with an input of float16 and parameters of bfloat16: expected no error, got {CAUSE}",
    ),
    "a sum in half precision": (
        SumsInHalf(),
        f"precision in bfloat16 in train mode: expected {NUMBER}, as in float64, to 8 roundings, "
        f"got {NUMBER}",
    ),
    "an overflow": (
        SquaresTooEarly(),
        "output in float16 in train mode: expected finite numbers, got inf",
    ),
    "an input of any shape": (
        TakesAnything(),
        "call with an input float64[2,4]: expected an error, got float32[2,4]",
    ),
    "an error without a path": (
        WithoutPath(),
        "error for an input float64[2,4]: expected a note that begins with 'at checked', got "
        "['at the outermost layer: Chain\\n  parameters: NamedTuple(checked=…)\\n  input: "
        "float32[2,4]']",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_each_mistake_is_found(name: str):
    layer, message, *options = ERRORS[name]
    with pytest.raises(AssertionError) as caught:
        check_layer(layer, X, 0, **dict(*options))
    if CAUSE in message:
        cause = caught.value.__cause__
        message = message.replace(CAUSE, f"{type(cause).__name__}: {cause}")
    pattern = re.escape(f"{type(layer).__name__}: {message}")
    number = r"-?\\d+(\\.\\d+)?(e-?\\d+)?"
    got = str(caught.value)
    assert re.fullmatch(re.sub(re.escape(NUMBER), number, pattern), got), got


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        (Right(), {}),
        (Holder(Nothing()), {"picklable": False}),
        (SaysThatItChanges(), {"dtypes": ("float32",)}),
        (NotDifferentiable(), {"derivatives": 0}),
        (FirstOrderOnly(), {"derivatives": 1}),
        (NoSecondDerivative(), {"derivatives": 1}),
        (NotMapped(), {"vmap": False, "derivatives": 0}),
        (Rounds(), {"derivatives": 0}),
        (Single(), {"dtypes": ("float32",), "derivatives": 0}),
        (SumsInHalf(), {"roundings": 300}),
        (SumsInHalf(), {"roundings": None}),
        (SquaresTooEarly(), {"dtypes": ("bfloat16", "float32")}),
        (TakesAnything(), {"wrong": None}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Base) else None,
)
def test_options_say_what_does_not_hold(layer, options):
    check_layer(layer, X, 0, **options)


class Next(lux.AbstractLuxLayer):
    def __call__(self, x, ps, st):
        if not jnp.issubdtype(x.dtype, jnp.integer):
            raise TypeError("expected integers")
        return x + 1, st


def test_an_input_of_integers_has_no_wrong_one_by_itself():
    with pytest.raises(TypeError) as caught:
        check_layer(Next(), np.arange(3), 0, derivatives=0)
    assert str(caught.value) == (
        "check_layer: wrong: the input has no floating array to make a wrong one of: give an "
        "input that the layer refuses, or None where there is none"
    )
    check_layer(Next(), np.arange(3), 0, derivatives=0, wrong=np.ones(3))


class NextOfFirst(lux.AbstractLuxLayer):
    def __call__(self, x, ps, st):
        return first_for_all(x) + 1, st


def test_inputs_of_integers_are_mapped_too():
    with pytest.raises(AssertionError) as caught:
        check_layer(NextOfFirst(), np.arange(3), 0, derivatives=0, wrong=None)
    assert str(caught.value) == (
        "NextOfFirst: jax.vmap over inputs: y: expected 3 at [0], as one by one, got 1"
    )


class Remembers(Base):
    """The smallest so far, and nothing yet."""

    def initial_states(self, rng):
        return NamedTuple(smallest=jnp.float32(jnp.inf), last=jnp.float32(jnp.nan))

    def next_state(self, x, st):
        return st


def test_a_state_may_be_infinite_or_nan():
    check_layer(Remembers(), X, 0)


class Weighted(lux.AbstractLuxLayer):
    """Takes a tree: what is summed, how many of it count, and which count."""

    def __call__(self, x, ps, st):
        places = jnp.arange(x["values"].shape[-1])[None]
        weights = (places < x["count"][:, None]) & x["mask"]
        return {"sum": (weights.astype(x["values"].dtype) * x["values"]).sum(-1)}, st


def test_an_input_may_be_a_tree_with_integers_and_masks():
    x = {"values": X, "count": np.array([1, 3]), "mask": np.array([[True, False, True]] * 2)}
    check_layer(Weighted(), x, 0)


class Turn(lux.AbstractLuxLayer):
    """A layer of complex numbers."""

    def initial_parameters(self, rng):
        return NamedTuple(factor=jnp.complex64(0.5 + 0.5j))

    def __call__(self, x, ps, st):
        with jax.numpy_dtype_promotion("standard"):
            return (ps.factor * x) ** 2, st


def test_complex_parameters():
    check_layer(Turn(), X, 0, wrong=None)
    check_layer(Turn(), X + 1j * X[::-1], 0, wrong=None)


def test_what_is_no_layer_is_refused():
    with pytest.raises(TypeError) as caught:
        check_layer(lux.Dense, X, 0)
    assert str(caught.value) == f"check_layer: layer: expected a layer, got {lux.Dense!r}"
