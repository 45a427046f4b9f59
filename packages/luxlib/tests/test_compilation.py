"""What a program is compiled for."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

import luxlib
from luxlib._compilation import Compilation, compilation

FUSION = "xla_cpu_experimental_ynn_fusion_type"
LEAN = {FUSION: "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"}


def test_the_default_is_the_default_device_without_options():
    assert compilation() == Compilation("cpu", library_convolutions=True)


def test_options_are_those_of_the_platform():
    assert luxlib.compiler_options() == luxlib.compiler_options("cpu") == LEAN
    assert luxlib.compiler_options("gpu") == luxlib.compiler_options("tpu") == {}
    luxlib.compiler_options().clear()
    assert luxlib.compiler_options() == LEAN


def test_xla_compiles_with_the_options():
    program = jax.jit(lambda x: x @ x, compiler_options=luxlib.compiler_options())
    assert program(jnp.eye(2)).tolist() == [[1, 0], [0, 1]]


def test_what_is_told_holds_inside_and_only_there():
    with luxlib.compiling_for(compiler_options=LEAN):
        assert compilation() == Compilation("cpu", library_convolutions=False)
        with luxlib.compiling_for(platform="gpu"):
            assert compilation() == Compilation("gpu", library_convolutions=True)
        assert compilation() == Compilation("cpu", library_convolutions=False)
        every = {FUSION: "LIBRARY_FUSION_TYPE_INDIVIDUAL_CONVOLUTION"}
        with luxlib.compiling_for(compiler_options=every):
            assert compilation().library_convolutions
    assert compilation().library_convolutions


def test_it_ends_with_an_error():
    with pytest.raises(KeyError), luxlib.compiling_for(compiler_options=LEAN):
        raise KeyError
    assert compilation().library_convolutions


def test_it_holds_while_tracing():
    seen = []

    @jax.jit
    def program(x):
        with luxlib.compiling_for(compiler_options=LEAN):
            seen.append(compilation())
            return x

    program(1.0)
    assert [s.library_convolutions for s in seen] == [False]


def test_the_default_device_decides():
    with jax.default_device(jax.devices("cpu")[0]):
        assert compilation().platform == "cpu"
    with jax.default_device("cpu"):
        assert compilation().platform == "cpu"


@pytest.mark.parametrize(
    ("flags", "library"),
    [
        ("", True),
        (f"--{FUSION}={LEAN[FUSION]}", False),
        (f"--{FUSION}=LIBRARY_FUSION_TYPE_INDIVIDUAL_CONVOLUTION --xla_dump_to=", True),
    ],
)
def test_the_flags_of_the_environment_decide(flags, library, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", flags)
    assert compilation().library_convolutions is library


@pytest.mark.slow
def test_xla_accepts_the_option_as_a_flag():
    code = "import jax; print(jax.jit(lambda x: x + 1)(1.0))"
    environment = {**os.environ, "XLA_FLAGS": f"--{FUSION}={LEAN[FUSION]}"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout == "2.0\n"


def message(call):
    with pytest.raises((ValueError, TypeError)) as raised:
        call()
    return f"{raised.type.__name__}: {raised.value}"


def test_wrong_arguments_are_refused():
    assert message(lambda: luxlib.compiler_options("metal")) == (
        "ValueError: compiler_options: platform: expected one of 'cpu', 'gpu', 'tpu', got 'metal'. "
        "Choose one of these words."
    )
    assert message(lambda: luxlib.compiling_for(platform="metal").__enter__()) == (
        "ValueError: compiling_for: platform: expected one of 'cpu', 'gpu', 'tpu', got 'metal'. "
        "Choose one of these words."
    )
    assert message(lambda: luxlib.compiling_for(compiler_options=["x"]).__enter__()) == (
        "TypeError: compiling_for: compiler_options: expected a mapping from names of options to "
        "their values, got ['x']. Pass what jax.jit gets, for example luxlib.compiler_options()."
    )
