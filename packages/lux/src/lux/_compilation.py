"""Programs compiled with the options under which the kernels of luxlib are fastest.

XLA takes options with the outermost `jax.jit` alone, and luxlib formulates its kernels for them
while a program is traced. So whoever compiles sets both: `compile_apply` for a model, and
`lux.training` for its steps. Inside of another program, a transformation or a scan, it is that
program whose options hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jax

import luxlib
from luxcore import AbstractLuxLayer

if TYPE_CHECKING:
    from jax.stages import Lowered

__all__ = ["CompilerOptions", "Program", "compile_apply", "named"]

CompilerOptions = tuple[tuple[str, Any], ...] | None

# How the message begins with which JAX refuses options where a program is not the outermost.
_NOT_OUTERMOST = "`compiler_options` can only be passed to top-level"


class Program:
    """A function compiled by `jax.jit`: at the top with options, elsewhere as a part."""

    def __init__(
        self,
        function: Callable[..., Any],
        compiler_options: CompilerOptions,
        donate_argnums: tuple[int, ...] = (),
    ) -> None:
        options = luxlib.compiler_options() if compiler_options is None else dict(compiler_options)

        def told(*arguments: Any) -> Any:
            with luxlib.compiling_for(compiler_options=options):
                return function(*arguments)

        told.__name__ = told.__qualname__ = function.__name__
        self._outermost = jax.jit(
            told, compiler_options=options or None, donate_argnums=donate_argnums
        )
        self._part = jax.jit(function)

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self._outermost(*arguments)
        except ValueError as error:
            if not str(error).startswith(_NOT_OUTERMOST):
                raise
        return self._part(*arguments)

    def lower(self, *arguments: Any) -> Lowered:
        """The program for such arguments before it is compiled, as `jax.jit(f).lower` gives it."""
        return self._outermost.lower(*arguments)


def named(compiler_options: Mapping[str, Any] | None) -> CompilerOptions:
    """Options as something that can be looked up."""
    return None if compiler_options is None else tuple(sorted(compiler_options.items()))


def compile_apply(
    model: AbstractLuxLayer, *, compiler_options: Mapping[str, Any] | None = None
) -> Program:
    """Compile the application of a model, with the options under which it is fastest.

    `compile_apply(model)(x, ps, st)` is `model(x, ps, st)`, compiled once for each kind of `x`.

    **Arguments**

    - `model`: a layer
    - `compiler_options`: options of XLA by name; `None` for `luxlib.compiler_options()`, those of
      the platform, and `{}` for XLA's own

    **Returns**

    A function `(x, ps, st) -> (y, st)`, one and the same for equal models and options. It can be
    differentiated, mapped and called in other programs, whose options then hold. Its `lower` is
    that of `jax.jit`.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> model = lux.Dense(2, 3)
    >>> ps, st = lux.setup(0, model)
    >>> y, st = lux.compile_apply(model)(jnp.ones((4, 2)), ps, st)
    >>> y.shape
    (4, 3)

    ```
    """
    return _application(model, named(compiler_options))


@lru_cache(maxsize=256)
def _application(model: AbstractLuxLayer, compiler_options: CompilerOptions) -> Program:
    def apply(x: Any, ps: Any, st: Any) -> tuple[Any, Any]:
        return model(x, ps, st)

    return Program(apply, compiler_options)
