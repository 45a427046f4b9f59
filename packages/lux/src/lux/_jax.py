"""Where luxcore, which knows no arrays, meets JAX.

luxcore leaves open what only an array library can answer and calls whoever registers: how a tree
is evaluated without computing it, how large an output is, and what happens around the call of a
layer. Importing this module answers with JAX, once.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import jax
import jax.export

import luxcore
from luxcore import Frame, NamedTuple, StatefulLuxLayer, Val


def _in_named_scope(
    frame: Frame, proceed: Callable[..., Any], x: Any, ps: Any, st: NamedTuple
) -> tuple[Any, NamedTuple]:
    """Profiles and compiled programs show the path of the layer that an operation comes from."""
    if not frame.segment:
        return proceed(x, ps, st)
    with jax.named_scope("/".join(frame.segment)):
        return proceed(x, ps, st)


def _evaluate(make: Callable[[Any], Any]) -> Any:
    """The tree that `make(rng)` gives, with shapes instead of arrays."""
    try:
        return jax.eval_shape(lambda: make(jax.random.key(0)))
    except Exception as error:
        try:  # a layer of the standard library's own generator
            return make(random.Random(0))
        except Exception:
            raise error from None


def _output_size(layer: Any, x: Any, rng: Any) -> Any:
    """The shape without the batch axis of every array in the output; nothing is computed."""

    def output(x: Any) -> Any:
        return luxcore.apply(layer, x, *luxcore.setup(jax.random.key(0), layer))[0]

    return jax.tree.map(lambda y: y.shape[1:], jax.eval_shape(output, x))


def _make_exportable(cls: type[tuple[Any, ...]]) -> None:
    """Lets `jax.export` write programs whose arguments or results hold this named tuple.

    The process that reads such a program knows a class as soon as one of its objects was made.
    """
    plain = bool | int | float | str | None
    if issubclass(cls, Val) and not isinstance(cls.__dict__["value"], plain):
        return  # what has no name that lasts, such as the model of a train state
    name = cls.__name__ if issubclass(cls, Val) else cls.__qualname__
    jax.export.register_namedtuple_serialization(cls, serialized_name=f"luxcore.{name}")


def _flatten_stateful(layer: StatefulLuxLayer) -> tuple[Any, Any]:
    parts, static = layer.tree_flatten()
    keys = (jax.tree_util.GetAttrKey("ps"), jax.tree_util.GetAttrKey("st"))
    return tuple(zip(keys, parts, strict=True)), static


luxcore.register_call_hook(_in_named_scope)
luxcore.register_evaluation(_evaluate)
luxcore.register_output_size(_output_size)
luxcore.register_type_hook(_make_exportable)
jax.tree_util.register_pytree_with_keys(
    StatefulLuxLayer,
    _flatten_stateful,
    lambda static, parts: StatefulLuxLayer.tree_unflatten(static, tuple(parts)),
    StatefulLuxLayer.tree_flatten,
)
