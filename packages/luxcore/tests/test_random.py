"""Randomness as a value, with the standard library's generator; others are in test_arrays.py."""

import os
import random
import subprocess
import sys

import pytest

from luxcore import child, fork, name_words, replicate, split


def draws(rng: random.Random) -> list[float]:
    return [rng.random() for _ in range(5)]


def test_children_go_by_name():
    rng = random.Random(0)
    state = rng.getstate()
    assert draws(child(rng, "a")) == draws(child(rng, "a"))
    assert draws(child(rng, "a")) != draws(child(rng, "b"))
    assert draws(child(rng, "a")) != draws(child(random.Random(1), "a"))
    assert rng.getstate() == state


def test_children_are_the_same_in_every_process():
    program = "import random, luxcore; print(luxcore.child(random.Random(0), 'a').random())"
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
    )
    assert float(run.stdout) == child(random.Random(0), "a").random()
    # Recorded with luxcore 0.1.0 on CPython 3.11: children are the same in every release.
    assert float(run.stdout) == 0.8408250382554324


def test_the_words_of_a_name_are_the_first_of_its_sha_256():
    # sha256(b"a") = ca978112 ca1bbdca …, taken as little-endian words
    assert name_words("a") == (0x128197CA, 0xCABD1BCA)
    assert name_words("") == (0x42C4B0E3, 0x141CFC98)  # sha256(b"") = e3b0c442 98fc1c14 …


def test_split_gives_independent_generators():
    rng = random.Random(0)
    first, second, third = split(rng, 3)
    assert len({tuple(draws(r)) for r in (first, second, third, rng)}) == 4
    assert draws(split(random.Random(0), 3)[1]) == draws(split(random.Random(0), 3)[1])
    assert len(split(rng)) == 2


def test_replicate_copies_the_state():
    rng = random.Random(0)
    copy = replicate(rng)
    assert draws(copy) == draws(random.Random(0))
    assert draws(rng) == draws(random.Random(0))


def test_fork_advances():
    rng = random.Random(0)
    assert draws(fork(rng)) != draws(fork(rng))
    assert draws(fork(random.Random(0))) == draws(fork(random.Random(0)))


class Dice:
    """A generator of somebody else's."""

    def __init__(self, seed: str) -> None:
        self.seed = seed


def test_other_generators_register():
    child.register(Dice, lambda rng, name: Dice(f"{rng.seed}/{name}"))
    replicate.register(Dice, lambda rng: Dice(rng.seed))
    assert child(Dice("0"), "a").seed == "0/a"
    assert [rng.seed for rng in split(Dice("0"), 2)] == ["0/split 0", "0/split 1"]
    assert replicate(Dice("0")).seed == "0"
    assert fork(Dice("0")).seed == "0/fork"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: child(0, "a"),
            "expected a random generator (random.Random, numpy.random.Generator or a JAX key), got "
            "int: a seed is no generator yet: random.Random(seed), "
            "numpy.random.default_rng(seed) or jax.random.key(seed) makes one",
        ),
        (
            lambda: replicate("x"),
            "expected a random generator (random.Random, numpy.random.Generator or a JAX key), got "
            "str: register its type with luxcore.child.register, and split, replicate and fork "
            "likewise",
        ),
        (
            lambda: split(None),
            "expected a random generator (random.Random, numpy.random.Generator or a JAX key), got "
            "NoneType: register its type with luxcore.child.register, and split, replicate and "
            "fork likewise",
        ),
    ],
)
def test_what_is_no_generator(call, message):
    with pytest.raises(TypeError) as error:
        call()
    assert str(error.value) == message
