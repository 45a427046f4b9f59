"""Dropout for networks of `selu`, which normalize themselves."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any

from lux.layers._checks import check_axes
from luxlib import alpha_dropout

from ._dropping import Dropping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax import Array
    from jaxtyping import Float

    from luxcore import NamedTuple


class AlphaDropout(Dropping, states=("rng", "training")):
    """Sets elements to what `selu` saturates at, and keeps a mean of 0 and a variance of 1.

    `y = a * where(keep, x, s) + b`, each `keep` true with probability `1 - rate`, with
    `s = -1.7581`, `a = ((1 - rate) * (1 + rate * s ** 2)) ** -0.5` and `b = -a * rate * s`

    **Arguments**

    - `rate`: the probability of an element to be dropped, from 0 to 1; 1 gives zeros
    - `axis`: the axes along which elements are dropped one by one; along the others they are
      dropped together, so `axis=(0, -1)` drops whole channels of `(batch, *space, channels)`.
      `None` for all axes

    **Inputs**

    - `x`: an array of any shape, best with mean 0 and variance 1

    **Returns**

    - an array of the shape and dtype of `x`; `x` itself in test mode
    - the state with the next `rng`; unchanged in test mode

    **States**

    - `rng`: a JAX key
    - `training`: `Val(True)`, as `lux.train_mode` sets it, or `Val(False)`, as `lux.test_mode` does

    **Raises**

    - `ValueError`: for a rate that is not between 0 and 1, when the layer is made.

    ```python
    >>> import jax, lux
    >>> layer = lux.AlphaDropout(0.2)
    >>> ps, st = lux.setup(0, layer)
    >>> y, st = layer(jax.random.normal(jax.random.key(0), (100_000,)), ps, st)
    >>> bool(abs(y.mean()) < 0.02), bool(abs(y.var() - 1) < 0.02)
    (True, True)

    ```

    Klambauer et al., "Self-normalizing neural networks", 2017. As Lux.jl's `AlphaDropout`; with
    `axis`, PyTorch's `FeatureAlphaDropout`.
    """

    _: KW_ONLY
    axis: int | Sequence[int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_axes(self, "axis")

    def __call__(
        self, x: Float[Array, "*shape"], ps: Any, st: NamedTuple
    ) -> tuple[Float[Array, "*shape"], NamedTuple]:
        return self._drop(alpha_dropout, x, st, self.axis)
