"""What an initializer is: a function of `(rng, shape, dtype)` that can be given its options first.

`kaiming_uniform(rng, (3, 4))` makes an array; `kaiming_uniform(gain=2)` is again an initializer.
Both are values: hashable, equal by function and options, and found again by name in a pickle, so a
layer may hold them.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, overload

import jax
import jax.numpy as jnp

from lux._random import as_key

if TYPE_CHECKING:
    from jax import Array

Shape = Sequence[int]


class Initializer:
    """A function `(key, shape, dtype, *, options)` that makes an array, with some options set.

    Use it as a decorator to make an initializer of one's own. Options have to be hashable. One with
    a `dtype` of its own takes no other.

    **Inputs**

    - `rng`: a JAX key, a seed or any other generator that `lux.setup` takes.
    - `shape`: the shape, `(in, out)` for a matrix.
    - `dtype`: the dtype, `float32` by default.

    Called with options only, it returns the initializer with those options.

    ```python
    >>> import jax, jax.numpy as jnp, lux
    >>> @lux.initializers.Initializer
    ... def constant(key, shape, dtype, *, value=1.0):
    ...     return jnp.full(shape, value, dtype)
    >>> constant(0, (2,))
    Array([1., 1.], dtype=float32)
    >>> half = constant(value=0.5)
    >>> half(0, (2,)), half == constant(value=0.5)
    (Array([0.5, 0.5], dtype=float32), True)

    ```

    The two call forms are those of WeightInitializers.jl.
    """

    def __init__(self, function: Callable[..., Array], dtype: Any = None) -> None:
        functools.update_wrapper(self, function)
        self._dtype = dtype
        self._base = self
        self._options: dict[str, Hashable] = {}
        self._names = tuple(inspect.signature(function).parameters)[3:]
        self._make = function

    @overload
    def __call__(self, rng: Any, shape: Shape, dtype: Any = None, **options: Any) -> Array: ...
    @overload
    def __call__(self, **options: Any) -> Initializer: ...
    def __call__(
        self, rng: Any = None, shape: Any = None, dtype: Any = None, **options: Any
    ) -> Any:
        for name in options:
            if name not in self._names:
                listed = ", ".join(self._names) or "none"
                raise TypeError(f"{self._base}: no option {name!r}: expected one of {listed}")
        options = {**self._options, **options}
        if rng is None and shape is None and dtype is None:
            return _with_options(self._base, options)
        if rng is None or shape is None:
            raise TypeError(
                f"{self._base}(rng, shape, dtype=float32) makes an array, "
                f"{self._base}(option=...) an initializer: got neither"
            )
        dtype = self._checked(dtype)
        return self._make(as_key(rng), self._shape(shape), dtype, **options)

    def _checked(self, dtype: Any) -> Any:
        """The dtype, where it is one that can be made."""
        own = jnp.dtype(self._dtype or jnp.float32)
        if dtype in (bool, int, float, complex):  # of any number of bits, as in JAX
            dtype = jax.dtypes.canonicalize_dtype(dtype)
        dtype = own if dtype is None else jnp.dtype(dtype)
        if self._dtype is not None and dtype != own:
            raise TypeError(
                f"{self._base}: dtype: expected {own}, which it always makes, got {dtype}"
            )
        if jax.dtypes.canonicalize_dtype(dtype) != dtype:
            raise TypeError(
                f"{self._base}: dtype: {dtype} needs 64-bit numbers, which JAX makes after "
                "jax.config.update('jax_enable_x64', True)"
            )
        return dtype

    def _shape(self, shape: Any) -> tuple[int, ...]:
        try:
            sizes = tuple(map(operator.index, shape))
        except TypeError:
            sizes = (-1,)
        if min(sizes, default=0) < 0:
            raise ValueError(f"{self._base}: shape: expected a tuple of sizes, got {shape!r}")
        return sizes

    def _key(self) -> Hashable:
        return tuple(sorted((name, type(v), v) for name, v in self._options.items()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Initializer):
            return NotImplemented
        return self._base is other._base and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((id(self._base), self._key()))

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._options.items())
        name: str = self._base.__qualname__  # type: ignore[attr-defined]
        return f"{name}({options})" if options else name

    def __reduce__(self) -> str | tuple[Any, ...]:
        # A text is a global name to pickle.
        return (_with_options, (self._base, self._options)) if self._options else repr(self)


def _with_options(base: Initializer, options: dict[str, Hashable]) -> Initializer:
    """The initializer with options set; without any it is the initializer itself."""
    if not options:
        return base
    partial = object.__new__(Initializer)
    partial._base, partial._options = base, options
    partial._names, partial._make, partial._dtype = base._names, base._make, base._dtype
    return partial


def fans(shape: Shape) -> tuple[int, int]:
    """How many inputs an output has, and how many outputs an input: `(*window, in, out)`."""
    if len(shape) < 2:
        return 1, max(1, *shape, 1)
    window = functools.reduce(operator.mul, shape[:-2], 1)
    return max(1, window * shape[-2]), max(1, window * shape[-1])


def check_floating(dtype: Any) -> None:
    """Refuse a dtype that has no fractions to draw."""
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"dtype: expected a floating dtype, got {dtype}")
