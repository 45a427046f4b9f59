"""The LSTM of cuDNN, as far as it can be tested without a GPU.

JAX documents the layout of cuDNN's parameters and has a reference of what it computes. That takes
the library's place here, so that everything around it is run: packing, reversal, lengths, and the
derivatives that JAX lacks. The real calls are lowered for CUDA, with a plugin that only answers.
"""

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import rnn as library
from jax.interpreters import mlir

import luxlib
from luxlib._recurrence import _cudnn
from luxlib._recurrence._lstm import _LSTM
from luxlib._recurrence._sequence import Options, over_sequence

BATCH, TIME, FEATURES, HIDDEN = 3, 5, 2, 4


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def draw(dtype="float64"):
    """An input, a carry, weights and biases."""
    width = 4 * HIDDEN
    x = normal(0, BATCH, TIME, FEATURES)
    carry = normal(1, BATCH, HIDDEN), normal(2, BATCH, HIDDEN)
    weights = 0.6 * normal(3, FEATURES, width), 0.6 * normal(4, HIDDEN, width)
    biases = normal(5, width), normal(6, width)
    return jax.tree.map(partial(jnp.asarray, dtype=dtype), (x, carry, weights, biases))


def close(a, b, tolerance=1e-12):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), a, b
    )


@pytest.mark.parametrize("with_biases", [True, False])
def test_parameters_are_packed_as_jax_documents(with_biases):
    _, _, weights, biases = draw("float32")
    packed = _cudnn.pack(weights, biases if with_biases else (None, None))
    sizes = FEATURES, HIDDEN, 1, False
    assert packed.shape == (library.get_num_params_in_lstm(*sizes),)
    unpacked = [part[0] for part in library.unpack_lstm_weights(packed, *sizes)]
    expected = [*(np.asarray(w).T for w in weights), *map(np.asarray, biases)]
    if not with_biases:
        expected[2:] = [np.zeros(4 * HIDDEN)] * 2
    for part, right in zip(unpacked, expected, strict=True):
        np.testing.assert_array_equal(part, right)


@pytest.fixture
def calls(monkeypatch):
    """Take JAX's reference for the library, and run it though this is no GPU; count the calls."""
    calls = []

    def reference(x, hidden, memory, packed, lengths, *sizes):
        unpacked = library.unpack_lstm_weights(packed, sizes[0], sizes[1], 1, False)
        return library.lstm_ref(x, hidden, memory, *unpacked, lengths, *sizes[:5])

    def forward(*arguments):
        calls.append("forward")
        y, *last = reference(*arguments)
        return (y, *last), (*arguments[:5], y, jnp.full(7, 7.0, jnp.float32))

    def backward(*arguments):
        calls.append("backward")
        *sizes, (*given, lengths, _, reserve), bars = arguments
        assert reserve.shape == (7,)
        pull_back = jax.vjp(lambda *given: reference(*given, lengths, *sizes), *given)[1]
        return *pull_back(bars), jnp.zeros_like(lengths)

    monkeypatch.setattr(
        _cudnn, "_library", lambda: SimpleNamespace(lstm_fwd=forward, lstm_bwd=backward)
    )
    monkeypatch.setattr(
        jax.lax, "platform_dependent", lambda *arguments, cuda, default: cuda(*arguments)
    )
    with jax.enable_x64(True):
        yield calls
    jax.clear_caches()


def run(formulation, lengths, reverse):
    options = Options(_LSTM(), 2, formulation, reverse, False)

    def layer(x, carry, weights, biases):
        return over_sequence(x, carry, weights, biases, lengths, options=options)

    return layer


def loss_of(layer):
    def loss(*arguments):
        y, last = layer(*arguments)
        weights = jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)
        return (jnp.sin(y) * weights).sum() + sum((a**3).sum() for a in last)

    return loss


@pytest.mark.parametrize(
    ("lengths", "reverse"),
    [
        ((5, 0, 3), True),
        pytest.param((5, 0, 3), False, marks=pytest.mark.slow),
        pytest.param(None, True, marks=pytest.mark.slow),
        pytest.param(None, False, marks=pytest.mark.slow),
    ],
)
def test_values_and_derivatives_are_those_of_the_scan(calls, reverse, lengths):
    lengths = None if lengths is None else jnp.array(lengths)
    arguments = draw()
    dots = jax.tree.map(jnp.cos, arguments)
    mine, plain = (run(name, lengths, reverse) for name in ("cudnn", "plain"))
    close(mine(*arguments), plain(*arguments))
    assert calls == ["forward"]

    def first(layer):
        return jax.value_and_grad(loss_of(layer), (0, 1, 2, 3))

    close(first(mine)(*arguments), first(plain)(*arguments))
    assert "backward" in calls

    def others(layer):
        loss, several = loss_of(layer), jnp.array([1.0, -0.5])
        gradient = jax.grad(loss, (0, 1, 2, 3))

        def slope(*arguments):
            return jax.jvp(loss, arguments, dots)[1]

        return (
            slope(*arguments),
            jax.grad(slope, (0, 1, 2, 3))(*arguments),
            jax.jvp(gradient, arguments, dots)[1],
            jax.vmap(lambda s: gradient(s * arguments[0], *arguments[1:]))(several),
            jax.jacrev(lambda w: layer(arguments[0], arguments[1], w, arguments[3])[1])(
                arguments[2]
            ),
        )

    close(jax.jit(others, static_argnums=0)(mine), jax.jit(others, static_argnums=0)(plain), 1e-10)


def test_without_biases_or_a_carry(calls):
    x, _, weights, _ = draw()
    mine, plain = (
        jax.value_and_grad(
            lambda x, w, name=name: loss_of(run(name, None, False))(x, None, w, (None, None)),
            (0, 1),
        )(x, weights)
        for name in ("cudnn", "plain")
    )
    close(mine, plain)
    assert "backward" in calls


REFUSED = {
    "platform": ({}, "cpu", "it runs on GPU, not on cpu"),
    "float64": ({"dtype": "float64"}, "gpu", "it takes float32, not float64"),
    "half": ({"dtype": "bfloat16"}, "gpu", "it takes float32, not bfloat16"),
    "empty": ({"time": 0}, "gpu", "there is nothing to compute"),
    "plugin": ({}, "gpu", "JAX has no CUDA plugin here"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_where_it_is_refused(name):
    options, platform, reason = REFUSED[name]
    with jax.enable_x64(True):
        x, carry, weights, biases = draw(options.get("dtype", "float32"))
    x = x[:, : options.get("time", TIME)]
    with luxlib.compiling_for(platform=platform), pytest.raises(ValueError) as error:
        luxlib.lstm(x, *weights, *biases, carry, implementation="cudnn")
    assert str(error.value) == (
        f"lstm: implementation: expected one that is possible here, got 'cudnn', but {reason}. "
        "Leave it out for a scan."
    )


@pytest.fixture
def plugin(monkeypatch):
    """A CUDA plugin that says how much memory cuDNN wants, and no more."""
    fake = SimpleNamespace(build_rnn_descriptor=lambda *arguments: b"descriptor")
    primitives = {
        library.rnn_fwd_p: (library.gpu_rnn._rnn_fwd_lowering, "cudnn_rnn_lowering"),
        library.rnn_bwd_p: (library.gpu_rnn._rnn_bwd_lowering, "cudnn_rnn_bwd_lowering"),
    }
    monkeypatch.setattr(
        library.gpu_rnn,
        "compute_rnn_workspace_reserve_space_sizes",
        lambda *arguments: (64, 32),
        raising=False,
    )
    for primitive, (lower, _) in primitives.items():
        mlir.register_lowering(primitive, partial(lower, fake, "cu"), platform="cuda")
    yield
    for primitive, (_, name) in primitives.items():
        mlir.register_lowering(primitive, getattr(library.gpu_rnn, name), platform="cuda")
    jax.clear_caches()


def test_a_program_for_cuda_calls_cudnn_and_one_for_cpu_does_not(plugin):
    x, carry, weights, biases = draw("float32")

    def layer(x, carry, weights, biases):
        with luxlib.compiling_for(platform="gpu"):
            return luxlib.lstm(
                x, *weights, *biases, carry, lengths=jnp.array([5, 0, 3]), implementation="cudnn"
            )

    forward = jax.jit(layer).trace(x, carry, weights, biases)
    gradient = jax.jit(jax.grad(loss_of(layer), (0, 1, 2, 3))).trace(x, carry, weights, biases)
    texts = {
        (name, platform): traced.lower(lowering_platforms=(platform,)).as_text()
        for name, traced in (("forward", forward), ("gradient", gradient))
        for platform in ("cuda", "cpu")
    }
    assert texts["forward", "cuda"].count("@cudnn_rnn_ffi") == 1
    assert "while" not in texts["forward", "cuda"]
    assert texts["gradient", "cuda"].count("@cudnn_rnn_ffi") == 1
    assert texts["gradient", "cuda"].count("@cudnn_rnn_bwd_ffi") == 1
    assert "while" not in texts["gradient", "cuda"]
    for name in ("forward", "gradient"):
        assert "cudnn" not in texts[name, "cpu"]
    # A program for the CPU of a machine with a GPU computes the same.
    close(
        jax.jit(layer)(x, carry, weights, biases),
        run("plain", jnp.array([5, 0, 3]), False)(x, carry, weights, biases),
        1e-5,
    )
