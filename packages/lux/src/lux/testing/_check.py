"""`check_layer`: the contract of a layer, as one function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from lux._random import as_key
from luxcore import AbstractLuxLayer

from ._calls import check_compiled, check_eager, check_mapped, check_traced
from ._derivatives import check_curvature, check_gradient
from ._description import check_counts, check_setup, check_value
from ._dtypes import check_precision, check_types
from ._mistakes import check_refusal, with_one_more_feature
from ._program import compile_program
from ._subject import make_subject

_DTYPES = ("float16", "bfloat16", "float32", "float64")
_ONE_MORE_FEATURE = object()


def check_layer(
    layer: AbstractLuxLayer,
    x: Any,
    rng: Any,
    *,
    wrong: Any = _ONE_MORE_FEATURE,
    derivatives: int = 2,
    vmap: bool = True,
    dtypes: Sequence[str] = _DTYPES,
    roundings: float | None = 8,
    picklable: bool = True,
) -> None:
    """Check a layer against all that a layer of this library promises.

    - **A value.** The layer equals its copies and itself out of a pickle, and they hash alike.
    - **`setup`.** The same key gives the same parameters and states, traced too. Parameters are
      floating or complex. `parameter_length` and `state_length` count them, and `repr` shows both.
    - **A call.** It gives finite numbers, and the same ones under `jax.jit`; `jax.vmap` over inputs
      gives what one input after the other does.
    - **The state** keeps its structure, shapes, dtypes and `Val`s, unless the layer's
      `preserves_state_type` says that it does not.
    - **Derivatives** of the output with respect to parameters and inputs are those of central
      differences in `float64`, of first and second order, each along a random direction.
    - **Dtypes.** The output has the promoted dtype of input and parameters. It is finite, and near
      that of `float64` for the same rounded numbers, so that half precision isn't summed in half.
    - **Mistakes.** An input that doesn't fit is an error with a note that begins with the path.

    What has a `training` entry in its state is called in train mode and in test mode; derivatives
    and precision are those in train mode. The calls that are compared run in `float64`.

    **Arguments**

    - `layer`: the layer
    - `x`: an input, or a tree of them: NumPy arrays, whose floating ones are cast to each dtype.
      Make it small, since a few programs are compiled, but large enough that a wrong sum shows,
      and stay clear of points where the layer has no derivative
    - `rng`: a seed or any other generator that `lux.setup` takes
    - `wrong`: an input that the layer has to refuse; by default `x` with one more element on the
      last axis of each floating array, `None` for a layer that takes everything
    - `derivatives`: how many orders of derivatives the layer has, up to 2; 0 for a layer that has
      none, such as one that counts or rounds
    - `vmap`: whether it can be mapped over inputs; not what needs the name of a mapped axis
    - `dtypes`: in which floating dtypes the layer works
    - `roundings`: how many roundings of its largest element the output may be away from that in
      `float64`: more for a layer that is made of many, `None` where the numbers are others in each
      dtype, as random ones that are drawn in the dtype of the input
    - `picklable`: whether it can be pickled; not what holds a function without a name

    **Raises**

    - `AssertionError`: for the first property that does not hold, with the layer, the property,
      what was expected and what came. An error of the layer's own is its cause.
    - `TypeError`: for what is no layer, and where `wrong` has to be given.

    ```python
    >>> import numpy as np, lux
    >>> from lux.testing import check_layer
    >>> check_layer(lux.Dense(3, 2), np.ones((4, 3)), 0)
    >>> class Count(lux.AbstractLuxLayer):
    ...     def initial_states(self, rng):
    ...         return lux.NamedTuple(calls=0)
    ...
    ...     def __call__(self, x, ps, st):
    ...         return x, lux.NamedTuple(calls=st.calls.astype(x.dtype))
    >>> check_layer(Count(), np.ones((4, 3)), 0, wrong=None, picklable=False)
    Traceback (most recent call last):
    ...
    AssertionError: Count: state in float16: calls: expected int32[], got float16[]

    ```

    Lux.jl tests its layers with `test_gradients` of LuxTestUtils.jl; this checks more.
    """
    if not isinstance(layer, AbstractLuxLayer):
        raise TypeError(f"check_layer: layer: expected a layer, got {layer!r}")
    check_value(layer, picklable=picklable)
    ps, st = check_setup(layer, as_key(rng))
    check_counts(layer, ps, st)
    with jax.enable_x64(True):
        subject = make_subject(layer, x, ps, st)
        calls = check_eager(subject)
        check_traced(subject)
        check_types(subject, dtypes)
        program = compile_program(subject, derivatives)
        check_compiled(subject, program, calls)
        if derivatives > 0:
            check_gradient(subject, program)
        if derivatives > 1:
            check_curvature(subject, program)
        if vmap:
            check_mapped(subject, calls)
        if roundings is not None:
            check_precision(subject, program, dtypes, roundings)
    if wrong is not None:
        wrong = with_one_more_feature(x) if wrong is _ONE_MORE_FEATURE else wrong
        check_refusal(layer, jax.tree.map(np.asarray, wrong), ps, st)
