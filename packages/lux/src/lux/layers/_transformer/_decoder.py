"""A layer of a decoder, which looks at what an encoder made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lux.layers._checks import as_size, check_switches, fail
from lux.layers._inputs import by_name
from luxcore import AbstractLuxLayer, NamedTuple
from luxlib import relu

from ._sublayers import Sublayers, attention_of, feed_forward_of, norm_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float


class TransformerDecoderLayer(Sublayers):
    """Causal attention among tokens, attention to a memory, then a network for each token.

    `g = norm(x + dropout(attention(x)))`, `h = norm(g + dropout(cross_attention(g, memory)))`,
    `y = norm(h + dropout(feed_forward(h)))`; with `norm_first` the inputs of the three layers are
    normalized in place of the sums

    **Arguments**

    - `dims`: the features of the input, of the memory, and of the output
    - `attention`: the number of heads of a causal `MultiHeadAttention` with `use_bias` and
      `dropout_rate`; or a layer in its place
    - `feed_forward`, `activation`, `dropout_rate`, `norm`, `norm_first`, `use_bias`: those of
      `lux.TransformerEncoderLayer`; there are three norms
    - `cross_attention`: as `attention`, not causal; by default, for `None`, of as many heads, where
      `attention` is a number

    **Inputs**

    - `x`: `(x, memory)`, `(x, memory, mask)` or `(x, memory, mask, memory_mask)`, or a `NamedTuple`
      with the fields that are needed of
        - `x`: `(*batch, time, dims)`, any number of leading axes, also none
        - `memory`: `(*batch, memory_time, dims)`, what the encoder made
        - `mask`, `memory_mask`: booleans that broadcast to `(*batch, n_heads, time, time)` and
          `(*batch, n_heads, time, memory_time)`, true where a token is seen; or `None`
        - `bias`, `segment_ids`, `positions`: what else `attention` takes beside its query

    **Returns**

    - `(*batch, time, dims)`
    - the states

    **Parameters and states**

    A `NamedTuple` with those of the layers `f`, `f_norm` and `f_dropout`, where `f` is `attention`,
    `cross_attention` and `feed_forward`. After `lux.init_cache` the first remembers its tokens.

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.TransformerDecoderLayer(16, 4, 32, dropout_rate=0.0)
    >>> ps, st = lux.setup(0, layer)
    >>> x, memory = jnp.ones((2, 10, 16)), jnp.ones((2, 7, 16))
    >>> layer((x, memory), ps, st)[0].shape
    (2, 10, 16)

    ```

    Vaswani et al., "Attention is all you need", 2017. As PyTorch's `TransformerDecoderLayer`, which
    is causal only under a mask, and whose masks are true where a token is *not* seen.
    """

    attention: AbstractLuxLayer
    attention_norm: AbstractLuxLayer
    attention_dropout: AbstractLuxLayer
    cross_attention: AbstractLuxLayer
    cross_attention_norm: AbstractLuxLayer
    cross_attention_dropout: AbstractLuxLayer
    feed_forward: AbstractLuxLayer
    feed_forward_norm: AbstractLuxLayer
    feed_forward_dropout: AbstractLuxLayer

    def __init__(
        self,
        dims: int,
        attention: int | AbstractLuxLayer,
        feed_forward: int | AbstractLuxLayer = 2048,
        activation: Callable[[Array], Array] = relu,
        *,
        cross_attention: int | AbstractLuxLayer | None = None,
        dropout_rate: float = 0.1,
        norm: AbstractLuxLayer | None = None,
        norm_first: bool = False,
        use_bias: bool = True,
    ) -> None:
        dims, norm = as_size(self, "dims", dims), norm_of(self, norm, dims)
        own = isinstance(attention, AbstractLuxLayer)
        if cross_attention is None and own:
            expected = "a layer or a number of heads, since attention is a layer"
            raise fail(self, "cross_attention", expected, None)
        crossed = attention if cross_attention is None else cross_attention
        shared: dict[str, Any] = {"dims": dims, "dropout_rate": dropout_rate, "use_bias": use_bias}
        causal = attention_of(self, attention, is_causal=not own, **shared)
        network = feed_forward_of(self, feed_forward, activation=activation, **shared)
        self.norm_first = norm_first
        check_switches(self, "norm_first")
        self._set("attention", causal, norm, dropout_rate)
        self._set("cross_attention", attention_of(self, crossed, **shared), norm, dropout_rate)
        self._set("feed_forward", network, norm, dropout_rate)

    def __call__(
        self, x: Any, ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*batch time dims"], NamedTuple]:
        order = ("x", "memory", "mask", "memory_mask")
        more = ("bias", "segment_ids", "positions")
        arrays = by_name(self, x, order, needed=2, more=more)
        x, memory, memory_mask = (arrays.pop(name, None) for name in ("x", "memory", "memory_mask"))
        new: dict[str, NamedTuple] = {}
        g = self._run("attention", x, ps, st, new, **arrays)
        h = self._run("cross_attention", g, ps, st, new, key=memory, mask=memory_mask)
        y = self._run("feed_forward", h, ps, st, new)
        return y, type(st)(**new)
