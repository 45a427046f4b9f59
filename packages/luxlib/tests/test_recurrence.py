"""Recurrent layers against loops over steps, sequences and gates in float64."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luxlib
from luxlib._recurrence._sequence import Options, over_sequence

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
STATES = {"lstm": 2, "gru": 1, "rnn": 1}
EPSILON = {"float64": 2e-16, "float32": 1.2e-7, "float16": 1e-3, "bfloat16": 8e-3}
every = pytest.mark.parametrize("name", GATES)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def reference_step(name, x, carry, weight_ih, weight_hh, bias_ih, bias_hh, activation=np.tanh):
    """One step of one sequence, from the definition."""
    h, hidden = carry[0], len(carry[0])
    u = [sum(x[k] * weight_ih[k, j] for k in range(len(x))) for j in range(weight_ih.shape[1])]
    v = [sum(h[k] * weight_hh[k, j] for k in range(hidden)) for j in range(weight_hh.shape[1])]
    u, v = np.array(u) + bias_ih, np.array(v) + bias_hh
    gate = [slice(k * hidden, (k + 1) * hidden) for k in range(GATES[name])]
    if name == "rnn":
        return (activation(u + v),)
    if name == "gru":
        r, z = sigmoid(u[gate[0]] + v[gate[0]]), sigmoid(u[gate[1]] + v[gate[1]])
        n = np.tanh(u[gate[2]] + r * v[gate[2]])
        return ((1 - z) * n + z * h,)
    i, f, g, o = ((u + v)[s] for s in gate)
    c = sigmoid(f) * carry[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def reference(name, x, parameters, initial, lengths, reverse, **options):
    """Sequences `(batch, time, in)` one by one."""
    batch, time, _ = x.shape
    hidden = parameters[1].shape[0]
    y = np.zeros((batch, time, hidden))
    last = [np.zeros((batch, hidden)) for _ in range(STATES[name])]
    for b in range(batch):
        carry = tuple(state[b] for state in initial)
        steps = range(lengths[b])
        for t in reversed(steps) if reverse else steps:
            carry = reference_step(name, x[b, t], carry, *parameters, **options)
            y[b, t] = carry[0]
        for state, value in zip(last, carry, strict=True):
            state[b] = value
    return y, last


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def draw(name, batch, time, features, hidden, seed=0):
    """An input, parameters, and an initial carry."""
    width = GATES[name] * hidden
    shapes = (features, width), (hidden, width), (width,), (width,)
    parameters = [0.6 * normal(seed + 1 + i, *shape) for i, shape in enumerate(shapes)]
    initial = [normal(seed + 7 + i, *batch, hidden) for i in range(STATES[name])]
    return normal(seed, *batch, time, features), parameters, initial


def call(name, x, parameters, initial=None, **options):
    """The layer's result, its last carry always as a tuple."""
    if initial is not None and name != "lstm":
        (initial,) = initial
    y, last = getattr(luxlib, name)(x, *parameters, initial=initial, **options)
    return y, last if name == "lstm" else (last,)


def close(a, b, tolerance=1e-12):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), a, b
    )


# Blocks of the derivative: several, none that divides the number of steps, one; no steps at all.
SHAPES = [
    ((1,), 32, 2, 3),
    ((2,), 37, 3, 2),
    ((), 4, 2, 3),
    ((2, 2), 3, 3, 1),
    ((0,), 3, 2, 2),
    ((2,), 0, 2, 3),
    ((2,), 3, 0, 2),
]


@every
@pytest.mark.parametrize("platform", ["cpu", "gpu"])  # what a scan for it is, run here
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", [((3,), 5, 2, 4), ((2, 2), 3, 1, 2), ((), 4, 3, 1)], ids=str)
def test_values(name, shape, platform, reverse):
    batch, time, features, hidden = shape
    x, parameters, initial = draw(name, *shape)
    size = int(np.prod(batch))
    lengths = np.array([time, time // 2, 0, 1])[:size]
    with jax.enable_x64(True), luxlib.compiling_for(platform=platform):
        arrays = jax.tree.map(jnp.asarray, (x, parameters, initial))
        of_lengths = jnp.asarray(lengths.reshape(batch))
        results = (
            call(name, *arrays, reverse=reverse, lengths=of_lengths),
            call(name, arrays[0], arrays[1][:2], reverse=reverse),
        )
    rows, states = x.reshape(size, time, features), [a.reshape(size, hidden) for a in initial]
    zeros, whole = [0 * a for a in states], [time] * size
    expected = (
        reference(name, rows, parameters, states, lengths, reverse),
        reference(name, rows, [*parameters[:2], 0, 0], zeros, whole, reverse),
    )
    for (y, last), (y_expected, last_expected) in zip(results, expected, strict=True):
        assert y.shape == (*batch, time, hidden)
        assert y.dtype == jnp.float64
        close(np.asarray(y).reshape(y_expected.shape), y_expected)
        for a, b in zip(last, last_expected, strict=True):
            assert a.shape == (*batch, hidden)
            close(np.asarray(a).reshape(size, hidden), b)


def loss_of(name, lengths=None, reverse=False, platform="cpu", **options):
    def loss(x, parameters, initial):
        with luxlib.compiling_for(platform=platform):
            y, last = call(
                name, x, parameters, initial, lengths=lengths, reverse=reverse, **options
            )
        weights = jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)
        return (jnp.sin(y) * weights).sum() + sum((a**3).sum() for a in last)

    return loss


@every
@pytest.mark.parametrize(
    ("lengths", "reverse"),
    [
        ((16, 7), True),
        pytest.param(None, False, marks=pytest.mark.slow),
        pytest.param(None, True, marks=pytest.mark.slow),
        pytest.param((16, 7), False, marks=pytest.mark.slow),
    ],
)
def test_the_lean_derivative_is_that_of_the_plain_scan(name, reverse, lengths):
    """First and second order, in both modes."""
    with jax.enable_x64(True):
        lengths = None if lengths is None else jnp.asarray(lengths)
        x, parameters, initial = jax.tree.map(jnp.asarray, draw(name, (2,), 32, 3, 2))
        arguments = x, parameters, initial
        dots = jax.tree.map(jnp.cos, arguments)

        def derivatives(loss):
            def slope(*arguments):
                return jax.jvp(loss, arguments, dots)[1]

            gradient = jax.value_and_grad(loss, (0, 1, 2))
            return gradient(*arguments), slope(*arguments), jax.grad(slope, (0, 1, 2))(*arguments)

        ours, plain = (
            jax.jit(partial(derivatives, loss_of(name, lengths, reverse, platform)))()
            for platform in ("cpu", "gpu")
        )
        close(ours, plain, 1e-10)


@pytest.mark.parametrize(
    "name", ["gru", *(pytest.param(n, marks=pytest.mark.slow) for n in ("lstm", "rnn"))]
)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_over_shapes(name, shape):
    with jax.enable_x64(True):
        arguments = jax.tree.map(jnp.asarray, draw(name, *shape))
        ours, plain = (
            jax.jit(jax.grad(loss_of(name, platform=platform), (0, 1, 2)))(*arguments)
            for platform in ("cpu", "gpu")
        )
        close(ours, plain, 1e-10)


@every
def test_a_gradient_of_some_arguments_is_part_of_that_of_all(name):
    """What is not differentiated has no tangent, which the rule must not need."""
    with jax.enable_x64(True):
        x, parameters, initial = jax.tree.map(jnp.asarray, draw(name, (2,), 4, 2, 3))
        loss = loss_of(name)

        @jax.jit
        def gradients(x, parameters, initial):
            every = jax.grad(loss, (0, 1, 2))(x, parameters, initial)
            alone = [
                jax.grad(
                    lambda value, i=i: loss(
                        x, [*parameters[:i], value, *parameters[i + 1 :]], initial
                    )
                )(parameters[i])
                for i in range(4)
            ]
            first = (
                jax.grad(loss)(x, parameters, initial),
                jax.grad(loss, 2)(x, parameters, initial),
            )
            return every, (first[0], alone, first[1])

        close(*gradients(x, parameters, initial))


@every
def test_what_lies_beyond_a_sequence_has_no_influence(name):
    x, parameters, initial = jax.tree.map(
        partial(jnp.asarray, dtype="float32"), draw(name, (2,), 6, 2, 3)
    )
    lengths = jnp.array([6, 4])
    spoilt = x.at[1, 4:].set(jnp.nan)
    for platform in ("cpu", "gpu"):
        gradient = jax.jit(jax.value_and_grad(loss_of(name, lengths, platform=platform), (0, 1, 2)))
        close(gradient(spoilt, parameters, initial), gradient(x, parameters, initial), 0)
        assert not gradient(spoilt, parameters, initial)[1][0][1, 4:].any()
    more, less = (
        call(name, x, parameters, lengths=jnp.array(n, dtype))
        for n, dtype in (([9, -2], "int8"), ([6, 0], "uint8"))
    )
    close(more, less, 0)


@every
def test_sequences_of_one_step_are_the_cell(name):
    for batch in [(), (3,), (2, 2)]:
        x, parameters, initial = draw(name, batch, 1, 2, 3)
        cell = getattr(luxlib, f"{name}_cell")
        with jax.enable_x64(True):
            arrays = jax.tree.map(jnp.asarray, (x, parameters, tuple(initial)))
            carry = arrays[2] if name == "lstm" else arrays[2][0]
            after = cell(arrays[0][..., 0, :], carry, *arrays[1])
            simple = cell(arrays[0][..., 0, :], carry, *arrays[1][:2])
            y, last = call(name, *arrays)
            close(jax.tree.leaves(after), list(last))
            close(y[..., 0, :], last[0])
            bare = call(name, arrays[0], arrays[1][:2], arrays[2])
            close(jax.tree.leaves(simple), list(bare[1]))


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(st.sampled_from(sorted(GATES)), st.sampled_from([2, 7]), st.integers(0, 10**6))
def test_laws(name, time, seed):
    x, parameters, initial = draw(name, (2,), time, 2, 3, seed)
    half = time // 2
    with jax.enable_x64(True):
        x, parameters, initial = jax.tree.map(jnp.asarray, (x, parameters, initial))
        y, last = call(name, x, parameters, initial)
        # Time may come first.
        swapped, also_last = call(name, x.swapaxes(0, 1), parameters, initial, time_major=True)
        close((swapped.swapaxes(0, 1), also_last), (y, last))
        # A sequence may be run in pieces.
        first, carry = call(name, x[:, :half], parameters, initial)
        second, end = call(name, x[:, half:], parameters, carry)
        close((jnp.concatenate([first, second], 1), end), (y, last))
        # In reverse, it is the turned sequence turned.
        turned, end = call(name, x[:, ::-1], parameters, initial, reverse=True)
        close((turned[:, ::-1], end), (y, last))


@every
@pytest.mark.parametrize(
    "dtype", ["bfloat16", "float32", pytest.param("float16", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_floating_dtypes(name, dtype, platform):
    x, parameters, initial = draw(name, (2,), 16, 3, 4)
    arrays = jax.tree.map(partial(jnp.asarray, dtype=dtype), (x, parameters, initial))
    exact = jax.tree.map(lambda a: np.asarray(a, np.float64), arrays)
    with luxlib.compiling_for(platform=platform):
        y, last = call(name, *arrays)
        bars = jax.grad(lambda *a: (call(name, *a)[0].astype("float32") ** 2).sum(), (0, 1, 2))(
            *arrays
        )
    expected, last_expected = reference(name, *exact, [16, 16], False)
    tolerance = 8 * EPSILON[dtype]
    for a, b in zip((y, *last), (expected, *last_expected), strict=True):
        assert a.dtype == dtype
        assert not a.weak_type
        np.testing.assert_allclose(np.asarray(a, np.float64), b, rtol=tolerance, atol=tolerance)
    with jax.enable_x64(True):
        gradient = jax.grad(lambda *a: (call(name, *a)[0] ** 2).sum(), (0, 1, 2))
        right = jax.tree.map(np.asarray, gradient(*jax.tree.map(jnp.asarray, exact)))
    for bar, b in zip(jax.tree.leaves(bars), jax.tree.leaves(right), strict=True):
        assert bar.dtype == dtype
        scale = float(abs(b).max())
        close(np.asarray(bar, np.float64) / scale, b / scale, 4 * tolerance)


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_states_of_half_precision_go_on_in_float32(platform):
    """A memory of 256 or more can't be increased by one in bfloat16."""
    time = 600
    weight_ih, weight_hh = jnp.zeros((1, 4), jnp.bfloat16), jnp.zeros((1, 4), jnp.bfloat16)
    bias = jnp.array([20, 20, 20, 0], jnp.bfloat16)  # i, f and tanh(g) are one
    with luxlib.compiling_for(platform=platform):
        _, (_, memory) = luxlib.lstm(jnp.ones((time, 1), jnp.bfloat16), weight_ih, weight_hh, bias)
    assert abs(float(memory[0]) - time) < 4
    still = jnp.array([0, 6, 20], jnp.bfloat16)  # h approaches one by a 400th of what is left
    with luxlib.compiling_for(platform=platform):
        _, h = luxlib.gru(
            jnp.ones((time, 1), jnp.bfloat16), weight_ih[:, :3], weight_hh[:, :3], still
        )
    assert abs(float(h[0]) - (1 - sigmoid(6.0) ** time)) < 0.004


def test_dtypes_meet():
    x, (weight_ih, weight_hh, *_), initial = draw("lstm", (2,), 3, 2, 2)
    half = jnp.asarray(weight_ih, jnp.bfloat16), jnp.asarray(weight_hh, jnp.bfloat16)
    y, (h, c) = luxlib.lstm(jnp.asarray(x, jnp.float32), *half)
    assert (y.dtype, h.dtype, c.dtype) == (jnp.float32,) * 3
    y, (h, c) = luxlib.lstm(jnp.ones((2, 3, 2), jnp.int32), *half)
    assert (y.dtype, h.dtype, c.dtype) == (jnp.bfloat16,) * 3
    y, (h, c) = luxlib.lstm(x > 0, *half, initial=[jnp.asarray(a, jnp.float32) for a in initial])
    assert (y.dtype, h.dtype, c.dtype) == (jnp.float32,) * 3
    after = luxlib.lstm_cell(
        jnp.ones((2, 2), jnp.int32), (jnp.zeros((2, 2), jnp.float16),) * 2, *half
    )
    assert [a.dtype for a in after] == [jnp.float32] * 2


@pytest.mark.parametrize(
    "activation",
    [luxlib.relu, jax.nn.relu, jnp.tanh, luxlib.softsign],
    ids=["relu", "relu of JAX", "tanh of JAX", "softsign"],
)
@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_activations_of_the_simple_network(activation, platform):
    x, parameters, initial = draw("rnn", (2,), 5, 3, 4)
    with jax.enable_x64(True):
        expected, _ = reference(
            "rnn",
            x,
            parameters,
            initial,
            [5, 5],
            False,
            activation=lambda z: np.asarray(activation(z)),
        )
        arrays = jax.tree.map(jnp.asarray, (x, parameters, initial))
        with luxlib.compiling_for(platform=platform):
            y, _ = call("rnn", *arrays, activation=activation)
        close(y, expected)
        one = luxlib.rnn_cell(arrays[0][:, 0], arrays[2][0], *arrays[1], activation=activation)
        close(one, expected[:, 0])
        loss = partial(loss_of, "rnn", activation=activation)
        ours, plain = (jax.grad(loss(platform=p), (0, 1, 2))(*arrays) for p in ("cpu", "gpu"))
        close(ours, plain)


def scans(jaxpr):
    """The scans in a program, those in others too, each with its body."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "scan":
            yield equation
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from scans(inner)


def kept(scan):
    """The shapes of what a scan keeps of each step."""
    shapes = [a.aval.shape for a in scan.outvars]
    return [shape for shape in shapes if shape[0] == scan.params["length"]]


def products(jaxpr):
    return sum(equation.primitive.name == "dot_general" for equation in jaxpr.eqns)


@every
def test_a_call_keeps_nothing_and_a_step_back_is_one_product(name):
    with luxlib.compiling_for(platform="cpu"):
        arguments = jax.tree.map(jnp.asarray, draw(name, (2,), 32, 3, 4))
        (forward,) = scans(jax.make_jaxpr(partial(call, name))(*arguments).jaxpr)
        assert kept(forward) == [(32, 4, 2)]
        gradient = jax.make_jaxpr(jax.grad(loss_of(name), (0, 1, 2)))(*arguments).jaxpr
    forward, blocks, back = scans(gradient)
    count = {"lstm": 5, "gru": 4, "rnn": 0}[name]
    assert kept(forward) == [(32, 4, 2)] * (1 + count)
    assert (blocks.params["length"], back.params["length"]) == (2, 16)
    assert products(back.params["jaxpr"].jaxpr) == 1


@every
def test_a_checkpoint_computes_it_again(name):
    with jax.enable_x64(True), luxlib.compiling_for(platform="cpu"):
        arguments = jax.tree.map(jnp.asarray, draw(name, (2,), 4, 3, 4))
        loss = loss_of(name)
        close(
            jax.jit(jax.grad(jax.checkpoint(loss), (0, 1, 2)))(*arguments),
            jax.jit(jax.grad(loss, (0, 1, 2)))(*arguments),
        )


def test_off_the_cpu_it_is_the_plain_scan():
    arguments = jax.tree.map(jnp.asarray, draw("lstm", (2,), 5, 3, 4))
    for platform, lean in (("cpu", True), ("gpu", False), ("tpu", False)):
        with luxlib.compiling_for(platform=platform):
            text = str(jax.make_jaxpr(partial(call, "lstm"))(*arguments))
        assert ("custom_jvp_call" in text) == lean


def test_formulations_are_options_of_one_program():
    """An option that is left out of the key would give the program of another."""
    x, parameters, initial = jax.tree.map(jnp.asarray, draw("lstm", (2,), 5, 3, 4))
    results = [
        call("lstm", x, parameters, initial, reverse=reverse)[0] for reverse in (False, True, False)
    ]
    assert (results[0] == results[2]).all()
    assert not (results[0] == results[1]).all()
    assert isinstance(hash(Options(luxlib.lstm, 2, "lean", False, False)), int)
    assert over_sequence._cache_size() > 0


X, IH, HH, B = jnp.ones((2, 5, 3)), jnp.ones((3, 16)), jnp.ones((4, 16)), jnp.ones(16)
H = jnp.ones((2, 4))
MESSAGES = {
    "features": (
        lambda: luxlib.lstm(jnp.ones((2, 5, 4)), IH, HH),
        ValueError,
        "lstm: x: expected shape (..., time, 3), got (2, 5, 4). "
        "The last axis of x must have the size of the first of weight_ih (3, 16).",
    ),
    "no-time": (
        lambda: luxlib.gru(jnp.ones(3), IH[:, :12], HH[:, :12], time_major=True),
        ValueError,
        "gru: x: expected shape (time, ..., 3), got (3,). "
        "The last axis of x must have the size of the first of weight_ih (3, 12).",
    ),
    "complex": (
        lambda: luxlib.lstm(X.astype(complex), IH, HH),
        TypeError,
        "lstm: x: expected a real dtype, got complex64. "
        "Give its real and imaginary parts as features, for example.",
    ),
    "weight-hh": (
        lambda: luxlib.gru(X, IH, HH),
        ValueError,
        "gru: weight_hh: expected shape (hidden, 3 * hidden), got (4, 16). "
        "It maps the hidden state to the gates, one after another.",
    ),
    "weight-hh-rank": (
        lambda: luxlib.rnn(X, IH, B),
        ValueError,
        "rnn: weight_hh: expected shape (hidden, hidden), got (16,). "
        "It maps the hidden state to the gates, one after another.",
    ),
    "weight-ih": (
        lambda: luxlib.lstm(X, IH[:, :8], HH),
        ValueError,
        "lstm: weight_ih: expected shape (in, 16), got (3, 8). "
        "Its last axis must have the size of that of weight_hh (4, 16).",
    ),
    "weight-dtype": (
        lambda: luxlib.lstm(X, IH.astype(int), HH),
        TypeError,
        "lstm: weight_ih: expected a floating dtype, got int32. "
        "Convert it first, for example weight_ih.astype(jax.numpy.float32).",
    ),
    "bias": (
        lambda: luxlib.lstm(X, IH, HH, B, B[:4]),
        ValueError,
        "lstm: bias_hh: expected shape (16,), got (4,). "
        "A bias has one number for each column of weight_hh (4, 16).",
    ),
    "initial-not-a-pair": (
        lambda: luxlib.lstm(X, IH, HH, initial=H),
        TypeError,
        "lstm: initial: expected a pair (h, c), got ArrayImpl. "
        "Give the hidden state and the memory.",
    ),
    "initial-shapes": (
        lambda: luxlib.lstm(X, IH, HH, initial=(H, H[0])),
        ValueError,
        "lstm: initial: expected two arrays of shape (2, 4), got ((2, 4), (4,)). "
        "It has the leading axes of x and the size of weight_hh's first axis.",
    ),
    "initial-shape": (
        lambda: luxlib.gru(X, IH[:, :12], HH[:, :12], initial=H[0]),
        ValueError,
        "gru: initial: expected shape (2, 4), got (4,). "
        "It has the leading axes of x and the size of weight_hh's first axis.",
    ),
    "initial-time-major": (
        lambda: luxlib.gru(X, IH[:, :12], HH[:, :12], initial=H, time_major=True),
        ValueError,
        "gru: initial: expected shape (5, 4), got (2, 4). "
        "It has the leading axes of x and the size of weight_hh's first axis.",
    ),
    "initial-dtype": (
        lambda: luxlib.gru(X, IH[:, :12], HH[:, :12], initial=H.astype(int)),
        TypeError,
        "gru: initial: expected a floating dtype, got int32. "
        "Convert it first, for example initial.astype(jax.numpy.float32).",
    ),
    "lengths-dtype": (
        lambda: luxlib.lstm(X, IH, HH, lengths=jnp.ones(2)),
        TypeError,
        "lstm: lengths: expected integers, got float32. "
        "They say how many steps of each sequence count.",
    ),
    "lengths-shape": (
        lambda: luxlib.lstm(X, IH, HH, lengths=jnp.ones(5, int)),
        ValueError,
        "lstm: lengths: expected shape (2,), got (5,). Give one for each sequence of x (2, 5, 3).",
    ),
    "activation": (
        lambda: luxlib.rnn(X, IH, HH, activation="tanh"),
        TypeError,
        "rnn: activation: expected a function of one array, got 'tanh'. "
        "Pass luxlib.identity for none.",
    ),
    "implementation": (
        lambda: luxlib.lstm(X, IH, HH, implementation="loop"),
        ValueError,
        "lstm: implementation: expected one of 'scan', 'cudnn', got 'loop'. "
        "Choose one of these words.",
    ),
    "cell-features": (
        lambda: luxlib.lstm_cell(X[0], (H, H), IH[:2], HH),
        ValueError,
        "lstm_cell: x: expected shape (..., 2), got (5, 3). "
        "The last axis of x must have the size of the first of weight_ih (2, 16).",
    ),
    "cell-complex": (
        lambda: luxlib.rnn_cell(jnp.ones(3, complex), H[0], IH[:, :4], HH[:, :4]),
        TypeError,
        "rnn_cell: x: expected a real dtype, got complex64. "
        "Give its real and imaginary parts as features, for example.",
    ),
    "cell-carry": (
        lambda: luxlib.gru_cell(X[:, 0], H[0], IH[:, :12], HH[:, :12]),
        ValueError,
        "gru_cell: carry: expected shape (2, 4), got (4,). "
        "It has the leading axes of x and the size of weight_hh's first axis.",
    ),
    "cell-pair": (
        lambda: luxlib.lstm_cell(X[:, 0], (H,), IH, HH),
        TypeError,
        "lstm_cell: carry: expected a pair (h, c), got tuple. "
        "Give the hidden state and the memory.",
    ),
    "cell-activation": (
        lambda: luxlib.rnn_cell(X[:, 0], H, IH[:, :4], HH[:, :4], activation=1),
        TypeError,
        "rnn_cell: activation: expected a function of one array, got 1. "
        "Pass luxlib.identity for none.",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    call, kind, message = MESSAGES[name]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message
