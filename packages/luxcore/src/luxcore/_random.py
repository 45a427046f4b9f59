"""Randomness as a value: generic functions over the generators people use.

They know `random.Random`, `numpy.random.Generator` and JAX's keys (typed and raw, traced or not)
without importing what has not been imported already; others register, as they do with
`functools.singledispatch`: `child.register(MyGenerator)`. A child is found by its *name*, not by
the order of the draws, so adding a layer leaves the others' initial parameters as they were.
`split`, `child` and `replicate` never advance the generator that they are given.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, NoReturn


@functools.singledispatch
def child(rng: Any, name: str) -> Any:
    """The generator that belongs to a name: the same for the same state of `rng` and name.

    **Arguments**

    - `rng`: a `random.Random`, `numpy.random.Generator` or JAX key. It is not advanced.
    - `name`: any text.

    **Returns**

    A generator of the same kind. For a JAX key two 32-bit words of the name's SHA-256 are folded
    in; for the others a new generator is seeded by the SHA-256 of the state and the name.

    **Raises**

    - `TypeError`: for what is no known generator.

    ```python
    >>> import random
    >>> from luxcore import child
    >>> rng = random.Random(0)
    >>> child(rng, "encoder").random() == child(rng, "encoder").random()
    True
    >>> child(rng, "encoder").random() == child(rng, "decoder").random()
    False

    ```
    """
    if _is_python(rng):
        return type(rng)(_seed(rng.getstate(), name))
    if _is_numpy(rng):
        bit_generator = type(rng.bit_generator)
        return type(rng)(bit_generator(_seed(rng.bit_generator.state, name)))
    if _is_jax(rng):
        import jax

        for word in name_words(name):
            rng = jax.random.fold_in(rng, word)
        return rng
    _refuse(rng)


def name_words(name: str) -> tuple[int, int]:
    """The two 32-bit numbers that stand for a name: `child` folds them into a JAX key, in order.

    For generators that take numbers where they branch, and for programs that find the children of
    many names in a loop.

    ```python
    >>> from luxcore import name_words
    >>> name_words("encoder")
    (1045232031, 1356054960)

    ```
    """
    words = _digest(name.encode())
    return int.from_bytes(words[:4], "little"), int.from_bytes(words[4:8], "little")


@functools.singledispatch
def split(rng: Any, n: int = 2) -> tuple[Any, ...]:
    """`n` independent generators: the same for the same state of `rng`, which is not advanced.

    **Arguments**

    - `rng`: a `random.Random`, `numpy.random.Generator` or JAX key.
    - `n`: how many.

    ```python
    >>> import random
    >>> from luxcore import split
    >>> first, second = split(random.Random(0), 2)
    >>> first.random() == second.random()
    False

    ```
    """
    if _is_jax(rng):
        import jax

        return tuple(jax.random.split(rng, n))
    return tuple(child(rng, f"split {index}") for index in range(n))


@functools.singledispatch
def replicate(rng: Any) -> Any:
    """A copy of the generator in its present state; a JAX key, which is a value, is itself.

    ```python
    >>> import random
    >>> from luxcore import replicate
    >>> rng = random.Random(0)
    >>> replicate(rng).random() == rng.random()
    True

    ```
    """
    if _is_jax(rng):
        return rng
    if _is_python(rng) or _is_numpy(rng):
        import copy

        return copy.deepcopy(rng)
    _refuse(rng)


@functools.singledispatch
def fork(rng: Any) -> Any:
    """A generator for one `setup`: a stateful one is advanced by one draw, a JAX key is itself.

    Two calls of `setup` with one `random.Random` give different parameters by this draw; within a
    call all children are found by name.

    ```python
    >>> import random
    >>> from luxcore import fork
    >>> rng = random.Random(0)
    >>> fork(rng).random() == fork(rng).random()
    False

    ```
    """
    if _is_jax(rng):
        return rng
    drawn = child(rng, "fork")
    if _is_python(rng):
        rng.getrandbits(64)
    elif _is_numpy(rng):
        rng.bit_generator.random_raw()
    return drawn


def _is_python(rng: Any) -> bool:
    module = sys.modules.get("random")
    return module is not None and isinstance(rng, module.Random)


def _is_numpy(rng: Any) -> bool:
    module = sys.modules.get("numpy.random")
    return module is not None and isinstance(rng, module.Generator)


def _is_jax(rng: Any) -> bool:
    # By isinstance, since the classes of traced keys are no subclasses of jax.Array.
    module = sys.modules.get("jax")
    return module is not None and isinstance(rng, module.Array)


def _digest(data: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(data).digest()


def _seed(state: Any, name: str) -> int:
    """A seed from a generator's state and a name."""
    return int.from_bytes(_digest(f"{_plain(state)!r} {name}".encode()), "little")


def _plain(state: Any) -> Any:
    """A state with arrays as lists: the `repr` of a long array leaves numbers out."""
    if isinstance(state, dict):
        return {name: _plain(value) for name, value in state.items()}
    return state.tolist() if hasattr(state, "tolist") else state


def _refuse(rng: Any) -> NoReturn:
    advice = (
        "a seed is no generator yet: random.Random(seed), numpy.random.default_rng(seed) or "
        "jax.random.key(seed) makes one"
        if isinstance(rng, int)
        else "register its type with luxcore.child.register, and split, replicate and fork likewise"
    )
    raise TypeError(
        "expected a random generator (random.Random, numpy.random.Generator or a JAX key), "
        f"got {type(rng).__name__}: {advice}"
    )
