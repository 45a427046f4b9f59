"""A layer of an encoder, or of a model of language such as GPT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lux.layers._checks import as_size, check_switches
from lux.layers._inputs import by_name
from luxcore import AbstractLuxLayer, NamedTuple
from luxlib import relu

from ._sublayers import Sublayers, attention_of, feed_forward_of, norm_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from jaxtyping import Float


class TransformerEncoderLayer(Sublayers):
    """Attention among tokens, then a network for each of them, both added to what comes in.

    `h = norm(x + dropout(attention(x)))`, `y = norm(h + dropout(feed_forward(h)))`; with
    `norm_first`, `h = x + dropout(attention(norm(x)))`, `y = h + dropout(feed_forward(norm(h)))`

    **Arguments**

    - `dims`: the features of the input and the output
    - `attention`: the number of heads of a `MultiHeadAttention` with `use_bias`, `dropout_rate` and
      `is_causal`; or a layer in its place
    - `feed_forward`: the hidden features of two `Dense` layers with `activation` and dropout in
      between; or a layer in their place, such as `lux.GatedMLP(dims, hidden_dims)`
    - `activation`: a function of one array, where `feed_forward` is a number
    - `dropout_rate`: the probability of an element to be dropped while training, from 0 to 1
    - `norm`: a layer that normalizes, twice and with parameters of its own each time, such as
      `lux.RMSNorm(dims)`; by default, for `None`, `LayerNorm(dims)`
    - `norm_first`: whether the layers get normalized inputs, rather than sums being normalized
    - `is_causal`: whether a token sees only those up to its own position, as in GPT; where
      `attention` is a number
    - `use_bias`: whether attention and network have biases, where they are numbers

    **Inputs**

    - `x`: `(*batch, time, dims)`, any number of leading axes, also none; `(x, mask)`; or a
      `NamedTuple` of `x` and what else attention takes beside its query: `mask`, `bias`,
      `segment_ids` and `positions`

    **Returns**

    - `(*batch, time, dims)`
    - the states

    **Parameters and states**

    A `NamedTuple` with those of the layers `attention`, `attention_norm`, `attention_dropout`,
    `feed_forward`, `feed_forward_norm` and `feed_forward_dropout`. The network that is made here is
    a chain of `dense_1`, `dropout` and `dense_2`.

    **Raises**

    - `ValueError`: for an impossible configuration, when the layer is made; for an input that does
      not fit, when it is called.

    ```python
    >>> import jax.numpy as jnp, lux
    >>> layer = lux.TransformerEncoderLayer(16, 4, 32, dropout_rate=0.0)
    >>> ps, st = lux.setup(0, layer)
    >>> x, valid = jnp.ones((2, 10, 16)), jnp.arange(10) < 8
    >>> layer((x, valid), ps, st)[0].shape
    (2, 10, 16)
    >>> llama = lux.TransformerEncoderLayer(
    ...     16,
    ...     lux.MultiHeadAttention(
    ...         16, 4, n_key_heads=2, is_causal=True, rotary=lux.RotaryPositionalEmbedding(4)
    ...     ),
    ...     lux.GatedMLP(16, 40),
    ...     norm=lux.RMSNorm(16),
    ...     norm_first=True,
    ...     dropout_rate=0.0,
    ... )
    >>> ps, st = lux.setup(0, llama)
    >>> llama(x, ps, st)[0].shape
    (2, 10, 16)

    ```

    Vaswani et al., "Attention is all you need", 2017. As PyTorch's `TransformerEncoderLayer`, whose
    masks are true where a token is *not* seen.
    """

    attention: AbstractLuxLayer
    attention_norm: AbstractLuxLayer
    attention_dropout: AbstractLuxLayer
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
        dropout_rate: float = 0.1,
        norm: AbstractLuxLayer | None = None,
        norm_first: bool = False,
        is_causal: bool = False,
        use_bias: bool = True,
    ) -> None:
        dims, norm = as_size(self, "dims", dims), norm_of(self, norm, dims)
        shared: dict[str, Any] = {"dims": dims, "dropout_rate": dropout_rate, "use_bias": use_bias}
        heads = attention_of(self, attention, is_causal=is_causal, **shared)
        network = feed_forward_of(self, feed_forward, activation=activation, **shared)
        self.norm_first = norm_first
        check_switches(self, "norm_first")
        self._set("attention", heads, norm, dropout_rate)
        self._set("feed_forward", network, norm, dropout_rate)

    def __call__(
        self, x: Any, ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*batch time dims"], NamedTuple]:
        arrays = by_name(self, x, ("x", "mask"), more=("bias", "segment_ids", "positions"))
        new: dict[str, NamedTuple] = {}
        h = self._run("attention", arrays.pop("x"), ps, st, new, **arrays)
        y = self._run("feed_forward", h, ps, st, new)
        return y, type(st)(**new)
