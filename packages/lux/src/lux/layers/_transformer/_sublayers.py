"""What transformer layers are made of: layers with a norm and dropout, added to their inputs."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.layers._attention import MultiHeadAttention
from lux.layers._checks import fail
from lux.layers._containers import Chain
from lux.layers._dropout import Dropout
from lux.layers._functions import NoOpLayer
from lux.layers._linear import Dense
from lux.layers._normalization import LayerNorm
from lux.layers._promotion import added
from luxcore import AbstractLuxContainerLayer, AbstractLuxLayer, NamedTuple, apply
from luxlib import relu

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array


class Sublayers(AbstractLuxContainerLayer, abstract=True):
    """The base of layers whose fields `f`, `f_norm` and `f_dropout` are a sublayer each.

    With `norm_first` a sublayer is `x + dropout(f(norm(x)))`, else `norm(x + dropout(f(x)))`.
    """

    _: KW_ONLY
    norm_first: bool = False

    def _set(
        self, field: str, layer: AbstractLuxLayer, norm: AbstractLuxLayer, dropout_rate: float
    ) -> None:
        setattr(self, field, layer)
        setattr(self, f"{field}_norm", norm)
        setattr(self, f"{field}_dropout", dropout(dropout_rate))

    def _run(
        self,
        field: str,
        x: Array,
        ps: Any,
        st: NamedTuple,
        new: dict[str, NamedTuple],
        **beside: Any,
    ) -> Array:
        """The output of a sublayer, whose layer gets what is beside `x` too; states go to `new`."""

        def run(name: str, x: Any) -> Any:
            y, new[name] = apply(getattr(self, name), x, getattr(ps, name), getattr(st, name))
            return y

        norm = f"{field}_norm"
        y = run(norm, x) if self.norm_first else x
        y = run(field, NamedTuple(query=y, **beside) if beside else y)
        y = added(x, run(f"{field}_dropout", y))
        return y if self.norm_first else run(norm, y)


def dropout(rate: float) -> AbstractLuxLayer:
    """Dropout; without a rate a layer that has no state."""
    layer = Dropout(rate)
    return layer if layer.rate else NoOpLayer()


def norm_of(layer: AbstractLuxLayer, norm: AbstractLuxLayer | None, dims: int) -> AbstractLuxLayer:
    """The norm of a transformer layer."""
    if norm is None:
        return LayerNorm(dims)
    if not isinstance(norm, AbstractLuxLayer):
        raise fail(layer, "norm", "a layer or None", norm)
    return norm


def attention_of(
    layer: AbstractLuxLayer,
    attention: int | AbstractLuxLayer,
    dims: int,
    dropout_rate: float,
    *,
    use_bias: bool,
    is_causal: bool = False,
) -> AbstractLuxLayer:
    """A layer of attention: itself, or of so many heads."""
    if not isinstance(attention, AbstractLuxLayer):
        options: dict[str, Any] = {"dropout_rate": dropout_rate, "use_bias": use_bias}
        return MultiHeadAttention(dims, attention, is_causal=is_causal, **options)
    if is_causal:
        expected = "False where attention is a layer, which says it itself"
        raise fail(layer, "is_causal", expected, is_causal)
    return attention


def feed_forward_of(
    layer: AbstractLuxLayer,
    feed_forward: int | AbstractLuxLayer,
    dims: int,
    dropout_rate: float,
    *,
    use_bias: bool,
    activation: Callable[[Array], Array],
) -> AbstractLuxLayer:
    """A network for each token: itself, or one of so many hidden features."""
    if not isinstance(feed_forward, AbstractLuxLayer):
        return Chain(
            dense_1=Dense(dims, feed_forward, activation, use_bias=use_bias),
            dropout=dropout(dropout_rate),
            dense_2=Dense(feed_forward, dims, use_bias=use_bias),
        )
    if activation is not relu:
        expected = "none where feed_forward is a layer, which has its own"
        raise fail(layer, "activation", expected, activation)
    return feed_forward
