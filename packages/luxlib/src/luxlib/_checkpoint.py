"""What `jax.checkpoint` may keep of the functions here.

JAX's policies know primitives: `dots_saveable` keeps the results of `dot_general`, whatever they
are part of. It misses convolutions, products in half precision, and GPU kernels, and of attention
it keeps the logits, whose number grows with the square of the length. So results that are worth
keeping have a name here, and the policy keeps what has it.
"""

from __future__ import annotations

import jax
from jax import Array
from jax.ad_checkpoint import checkpoint_name

__all__ = ["products_saveable", "saveable"]

_NAME = "luxlib.product"


def saveable(y: Array) -> Array:
    """Return `y`, which is kept under `products_saveable`."""
    return checkpoint_name(y, _NAME)


_policy = jax.checkpoint_policies.save_from_both_policies(
    jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
    jax.checkpoint_policies.save_only_these_names(_NAME),
)


def products_saveable(primitive: object, *arguments: object, **parameters: object) -> object:
    """Keep the results of products, and make everything else again in the backward pass.

    It is a policy for `jax.checkpoint`. Kept are the results of dense layers, convolutions and
    matrix products, before a bias and an activation; the result of attention with the sums of its
    rows, but no logits; and every product without batch axes in other code, as by
    `jax.checkpoint_policies.dots_with_no_batch_dims_saveable`.

    **Arguments**

    - as JAX calls a policy: a primitive, the types of its arguments, and its parameters

    **Returns**

    Whether the primitive's result is kept, as JAX says it.

    ```python
    >>> import jax, jax.numpy as jnp, luxlib
    >>> def layer(weight, x):
    ...     return luxlib.fused_dense_bias_activation(x, weight, None, luxlib.gelu).sum()
    >>> layer = jax.checkpoint(layer, policy=luxlib.products_saveable)
    >>> jax.grad(layer)(jnp.ones((4, 2)), jnp.ones((8, 4))).shape
    (4, 2)
    ```
    """
    return _policy(primitive, *arguments, **parameters)
