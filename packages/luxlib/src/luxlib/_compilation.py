"""What a program is compiled for, so far as a formulation depends on it.

XLA's CPU backend hands convolutions to a kernel library that runs them up to twice as slowly as its
own code; with `compiler_options()` it keeps them, and the library does what it is good at, small
matrix products and sums of rows. Which formulation of a kernel is fastest depends on this, and a
kernel can't see the options that its program will be compiled with: `jax.jit` takes them on the
outermost function alone. So whoever compiles says so while tracing:

    options = luxlib.compiler_options()

    def step(x):
        with luxlib.compiling_for(compiler_options=options):
            return model(x)

    jax.jit(step, compiler_options=options)

Without that, what holds is the default device and the environment variable `XLA_FLAGS`.
"""

from __future__ import annotations

import contextlib
import os
import re
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jax

from ._checks import check_one_of, mismatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Compilation", "compilation", "compiler_options", "compiling_for"]

_FUSION = "xla_cpu_experimental_ynn_fusion_type"
_LEAN = {_FUSION: "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"}
_PLATFORMS = ("cpu", "gpu", "tpu")


@dataclass(frozen=True)
class Compilation:
    """The platform, and whether XLA's kernel library gets the convolutions there (on CPU)."""

    platform: str
    library_convolutions: bool


_told: ContextVar[Compilation | None] = ContextVar("compilation", default=None)


def compiler_options(platform: str | None = None) -> dict[str, str]:
    """Return the options of XLA under which programs run fastest on a platform.

    Pass them to the outermost `jax.jit` as `compiler_options`, and to `compiling_for` inside of it,
    so that kernels are formulated for them.

    **Arguments**

    - `platform`: `"cpu"`, `"gpu"` or `"tpu"`; `None` for that of JAX's default device

    **Returns**

    A new dict: on CPU the option that keeps convolutions away from a library that is slow at them,
    elsewhere nothing.

    **Raises**

    `ValueError` where `platform` is another word.

    ```python
    >>> import jax, luxlib
    >>> luxlib.compiler_options("gpu")
    {}
    >>> options = luxlib.compiler_options("cpu")
    >>> def double(x):
    ...     with luxlib.compiling_for(compiler_options=options, platform="cpu"):
    ...         return 2 * x
    >>> float(jax.jit(double, compiler_options=options)(1.0))
    2.0
    ```
    """
    if platform is None:
        platform = _default_platform()
    check_one_of("compiler_options", "platform", platform, _PLATFORMS)
    return dict(_LEAN) if platform == "cpu" else {}


@contextlib.contextmanager
def compiling_for(
    *, compiler_options: Mapping[str, object] | None = None, platform: str | None = None
) -> Iterator[None]:
    """Formulate the kernels that are traced inside for these options and this platform.

    **Arguments**

    - `compiler_options`: those that the outermost `jax.jit` has, or `None` for none
    - `platform`: `"cpu"`, `"gpu"` or `"tpu"`; `None` for that of JAX's default device

    It must be entered where the program is traced: inside the function given to `jax.jit`. A
    function that was traced before is not traced again. Values don't depend on it beyond rounding.

    **Raises**

    `ValueError` where `platform` is another word, `TypeError` where the options are no mapping.

    ```python
    >>> import jax, jax.numpy as jnp, luxlib
    >>> options = luxlib.compiler_options("cpu")
    >>> with luxlib.compiling_for(compiler_options=options, platform="cpu"):
    ...     luxlib.conv(jnp.ones((1, 4, 1)), jnp.ones((2, 1, 1)))[0, :, 0]
    Array([2., 2., 2.], dtype=float32)
    ```
    """
    function = "compiling_for"
    here = _from_environment()
    if platform is not None:
        check_one_of(function, "platform", platform, _PLATFORMS)
        here = replace(here, platform=platform)
    if compiler_options is not None:
        if not hasattr(compiler_options, "get"):
            raise mismatch(
                function,
                "compiler_options",
                "a mapping from names of options to their values",
                repr(compiler_options),
                "Pass what jax.jit gets, for example luxlib.compiler_options().",
                kind=TypeError,
            )
        fusion = compiler_options.get(_FUSION)
        if fusion is not None:
            here = replace(here, library_convolutions=_has_convolutions(str(fusion)))
    token = _told.set(here)
    try:
        yield
    finally:
        _told.reset(token)


def compilation() -> Compilation:
    """Return what the program that is being traced is compiled for."""
    return _told.get() or _from_environment()


def _from_environment() -> Compilation:
    flag = re.search(rf"--{_FUSION}=(\S*)", os.environ.get("XLA_FLAGS", ""))
    return Compilation(_default_platform(), flag is None or _has_convolutions(flag[1]))


def _has_convolutions(fusion: str) -> bool:
    """Tell whether the library gets convolutions, from the value of the option."""
    return "CONVOLUTION" in fusion.upper()


def _default_platform() -> str:
    device = jax.default_device.value
    if device is None:
        platform = jax.default_backend()
    else:
        platform = device if isinstance(device, str) else device.platform
    return "gpu" if platform in ("cuda", "rocm") else platform
