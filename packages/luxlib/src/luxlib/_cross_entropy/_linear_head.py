"""A dense layer and the cross-entropy of its result, by chunks of rows.

The logits of a language model are by far its largest array: 2,048 rows for 32,000 classes are
262 MB, and their gradient as much again. Here the logits of a chunk of rows are made, used and
forgotten, and made again in the backward pass. That costs one more product, and about as much time
as not storing the logits saves.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import lax

from luxlib._checks import check_inexact, integers, mismatch
from luxlib._compilation import compilation
from luxlib._dtypes import accumulator, promote
from luxlib._products import product

from ._from_logits import check_floating, check_labels, check_smoothing
from ._of_labels import of_labels

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Float, Int

__all__ = ["chunked_losses", "linear_cross_entropy"]

# Chunks have as many rows as make about so many logits: fewer rows make slow products.
_LOGITS = 2**22


def linear_cross_entropy(
    x: Float[Array, "*batch in"],
    weight: Float[Array, "in classes"],
    labels: Int[Array, "*batch"],
    *,
    bias: Float[Array, " classes"] | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    chunk: int | None = None,
) -> Float[Array, "*batch"]:
    """Return the cross-entropy of labels and of logits that a matrix makes, without storing these.

    `loss = softmax_cross_entropy(x @ weight + bias, labels)`

    **Arguments**

    - `x`: `(*batch, in)`, any number of leading axes, also none
    - `weight`: `(in, classes)`
    - `labels`: `(*batch)`, integer: the index of each sample's class, from 0
    - `bias`: `(classes,)`, or `None` for none
    - `label_smoothing`, `ignore_index`: as for `softmax_cross_entropy`
    - `chunk`: for how many rows logits are held at a time, or `None` for about 4 million logits

    **Returns**

    `(*batch)`. Half precision is multiplied as it is, summed in `float32`, and the losses are
    returned in it. A label out of range gives NaN.

    **Raises**

    `ValueError` where shapes don't fit, `label_smoothing` is not between 0 and 1, or `chunk` is no
    positive integer; `TypeError` where the arrays are not floating or the labels not integer.

    ```python
    >>> import jax.numpy as jnp, luxlib
    >>> x, weight = jnp.ones((5, 2)), jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> labels = jnp.array([0, 1, 2, 2, 2])
    >>> luxlib.linear_cross_entropy(x, weight, labels, chunk=2)
    Array([0.8619..., 0.8619..., 1.8619..., 1.8619..., 1.8619...], dtype=float32)
    ```

    Wijmans et al., "Cut your losses in large-vocabulary language models", 2024, for the idea.
    """
    function = "linear_cross_entropy"
    check_floating(function, "x", x)
    check_inexact(function, "weight", weight)
    if weight.ndim != 2 or 0 in weight.shape[1:]:
        raise mismatch(
            function,
            "weight",
            "shape (in, classes)",
            weight.shape,
            "It has a column for each class.",
        )
    if x.ndim == 0 or x.shape[-1] != weight.shape[0]:
        raise mismatch(
            function,
            "x",
            f"shape (..., {weight.shape[0]})",
            x.shape,
            f"The last axis of x must have the size of the first of weight {weight.shape}.",
        )
    if bias is not None and bias.shape != weight.shape[1:]:
        raise mismatch(
            function,
            "bias",
            f"shape {weight.shape[1:]}",
            bias.shape,
            f"It has one number for each class: weight has shape {weight.shape}.",
        )
    check_labels(function, "labels", labels, x.shape[:-1])
    check_smoothing(function, label_smoothing)
    rows, classes = math.prod(x.shape[:-1]), weight.shape[1]
    if chunk is None:
        chunk = max(1, min(rows, _LOGITS // classes))
    sizes = integers(chunk)
    if sizes is None or len(sizes) != 1 or sizes[0] < 1:
        raise mismatch(
            function,
            "chunk",
            "an integer of at least 1, or None",
            repr(chunk),
            "It is a number of rows.",
        )
    on_gpu = compilation().platform == "gpu"
    return _linear_cross_entropy(
        x, weight, bias, labels, sizes[0], float(label_smoothing), ignore_index, on_gpu
    )


@partial(jax.jit, static_argnames=("chunk", "smoothing", "ignore_index", "on_gpu"))
def _linear_cross_entropy(
    x: Array,
    weight: Array,
    bias: Array | None,
    labels: Array,
    chunk: int,
    smoothing: float,
    ignore_index: int | None,
    on_gpu: bool,
) -> Array:
    x, weight, bias = promote(x, weight, bias)
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    # On GPU, a kernel for the values; smoothed labels ask for the sum of the logits too.
    losses = _fused_losses if on_gpu and not smoothing else chunked_losses
    flat = losses(chunk, smoothing, ignore_index, rows, weight, bias, labels.reshape(-1))
    return flat.reshape(labels.shape)


def chunked_losses(
    chunk: int,
    smoothing: float,
    ignore_index: int | None,
    x: Array,
    weight: Array,
    bias: Array | None,
    labels: Array,
) -> Array:
    """Return the losses of the rows of `x`, some rows at a time."""
    # The weight's gradient is summed over the chunks in the dtype of sums.
    wide_weight = weight.astype(accumulator(weight.dtype))
    wide_bias = None if bias is None else bias.astype(accumulator(bias.dtype))

    @jax.checkpoint
    def losses(x: Array, labels: Array) -> Array:
        logits = product(_multiply, x, wide_weight.astype(x.dtype))
        if wide_bias is not None:
            logits = logits + wide_bias.reshape(1, -1)
        return of_labels(logits, labels, 1, smoothing, ignore_index)

    whole = len(x) // chunk * chunk
    parts = []
    if whole:
        x_chunks = x[:whole].reshape(-1, chunk, x.shape[1])
        chunks = lax.map(
            lambda arguments: losses(*arguments), (x_chunks, labels[:whole].reshape(-1, chunk))
        )
        parts.append(chunks.reshape(whole))
    if whole < len(x) or not whole:
        parts.append(losses(x[whole:], labels[whole:]))
    return jnp.concatenate(parts)


_multiply = partial(lax.dot_general, dimension_numbers=(((1,), (0,)), ((), ())))


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _fused_losses(
    chunk: int,
    smoothing: float,
    ignore_index: int | None,
    x: Array,
    weight: Array,
    bias: Array | None,
    labels: Array,
) -> Array:
    from ._pallas import fused_losses

    return lax.platform_dependent(
        x,
        weight,
        bias,
        labels,
        cuda=partial(fused_losses, ignore_index),
        default=partial(chunked_losses, chunk, smoothing, ignore_index),
    )


@_fused_losses.defjvp
def _fused_losses_jvp(
    chunk: int,
    smoothing: float,
    ignore_index: int | None,
    primals: tuple[Array | None, ...],
    tangents: tuple[Array | None, ...],
) -> tuple[Array, Array]:
    """The derivative of the chunks, whose values are not used and so not computed."""
    losses = _fused_losses(chunk, smoothing, ignore_index, *primals)
    plain = partial(chunked_losses, chunk, smoothing, ignore_index)
    return losses, jax.jvp(plain, primals, tangents)[1]
