"""The LSTM of NVIDIA's cuDNN, through `jax.experimental.rnn`.

JAX has it in reverse mode only, and can't map it. Here its derivative in forward mode, derivatives
of its derivatives, and all of it under `jax.vmap` are those of the plain scan. cuDNN wants lengths
of at least 1 and runs forward: sequences without steps, and reversal, are seen to around it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap

from luxlib._linear import linear

from ._plain import plain_recurrence

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    from ._cell import Biases, Carry, Cell, Weights

__all__ = ["cudnn_recurrence", "pack", "refusal"]


class _Arguments(NamedTuple):
    """What is differentiated, and which steps count."""

    x: Array
    carry: Carry
    weights: Weights
    biases: Biases
    valid: Array | None


def refusal(platform: str, x: Array, weight_hh: Array, *others: Any) -> str | None:
    """Say why cuDNN can't be used, or nothing."""
    if platform != "gpu":
        return f"it runs on GPU, not on {platform}"
    dtypes = {str(a.dtype) for a in jax.tree.leaves((x, weight_hh, others))} - {"float32"}
    if dtypes:
        return f"it takes float32, not {', '.join(sorted(dtypes))}"
    if 0 in x.shape or 0 in weight_hh.shape:
        return "there is nothing to compute"
    if not hasattr(_library().gpu_rnn, "compute_rnn_workspace_reserve_space_sizes"):
        return "JAX has no CUDA plugin here"
    return None


def _library() -> Any:
    from jax.experimental import rnn

    return rnn


def pack(weights: Weights, biases: Biases) -> Array:
    """Return the parameters as the vector that cuDNN takes.

    `(weight_ih.T, weight_hh.T, bias_ih, bias_hh)`, each row by row, the gates in our order.
    """
    zeros = jnp.zeros_like(weights[1][0])
    matrices = [weight.T.ravel() for weight in weights]
    return jnp.concatenate([*matrices, *(zeros if bias is None else bias for bias in biases)])


def _unpack_gradient(gradient: Array, like: _Arguments) -> tuple[Weights, Biases]:
    """Return the gradients of the parameters from that of their vector."""
    return jax.linear_transpose(pack, like.weights, like.biases)(gradient)


def cudnn_recurrence(
    cell: Cell,
    reverse: bool,
    x: Array,
    carry: Carry,
    weights: Weights,
    biases: Biases,
    valid: Array | None,
) -> tuple[Carry, Array]:
    """Return the last carry `(batch, hidden)`, and the hidden states `(time, batch, hidden)`.

    Where `valid` `(time, batch, 1)` is false a step leaves the carry as it is; `x` is zero there.
    """
    last, hidden, _ = _run(cell, reverse, _Arguments(x, carry, weights, biases, valid))
    return last, hidden


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _run(cell: Cell, reverse: bool, arguments: _Arguments) -> tuple[Carry, Array, Any]:
    """Return the last carry, the hidden states, and what cuDNN keeps for the backward pass."""

    def plain(arguments: _Arguments) -> tuple[Carry, Array, Any]:
        kept = jax.eval_shape(partial(_forward, reverse), arguments)[2]
        empty = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), kept)
        return *plain_recurrence(cell, reverse, *arguments), empty

    return _on_cuda(partial(_forward, reverse), plain, arguments)


@_run.defjvp
def _run_jvp(cell: Cell, reverse: bool, primals: Any, tangents: Any) -> Any:
    ((arguments,), (dots,)) = primals, tangents
    last, hidden, kept = _run(cell, reverse, arguments)
    last_dot, hidden_dot = linear(
        partial(_push_forward, cell, reverse),
        partial(_pull_back, cell, reverse),
        (arguments, kept),
        (dots.x, dots.carry, dots.weights, dots.biases),
    )
    # What is kept is no function of the arguments to those who use it: it only goes with them.
    return (last, hidden, kept), (last_dot, hidden_dot, jax.tree.map(jnp.zeros_like, kept))


def _push_forward(cell: Cell, reverse: bool, residuals: Any, dots: Any) -> Any:
    (x, carry, weights, biases, valid), _ = residuals

    def run(x: Array, carry: Carry, weights: Weights, biases: Biases) -> tuple[Carry, Array]:
        return plain_recurrence(cell, reverse, x, carry, weights, biases, valid)

    return jax.jvp(run, (x, carry, weights, biases), dots)[1]


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _pull_back(cell: Cell, reverse: bool, residuals: Any, bars: Any) -> Any:
    plain = partial(_plain_pull_back, cell, reverse)
    return _on_cuda(partial(_backward, reverse), plain, residuals, bars)


@_pull_back.defjvp
def _pull_back_jvp(cell: Cell, reverse: bool, primals: Any, tangents: Any) -> Any:
    (arguments, kept), bars = primals
    (arguments_dot, _), bars_dot = tangents

    def plain(arguments: _Arguments, bars: Any) -> Any:
        return _plain_pull_back(cell, reverse, (arguments, kept), bars)

    dots = jax.jvp(plain, (arguments, bars), (arguments_dot, bars_dot))[1]
    return _pull_back(cell, reverse, *primals), dots


def _plain_pull_back(cell: Cell, reverse: bool, residuals: Any, bars: Any) -> Any:
    (x, carry, weights, biases, valid), _ = residuals

    def run(x: Array, carry: Carry, weights: Weights, biases: Biases) -> tuple[Carry, Array]:
        return plain_recurrence(cell, reverse, x, carry, weights, biases, valid)

    return jax.vjp(run, x, carry, weights, biases)[1](bars)


def _on_cuda(kernel: Callable[..., Any], plain: Callable[..., Any], *arguments: Any) -> Any:
    """Run the kernel where the program is for CUDA and nothing is mapped, else the plain form."""

    @custom_vmap
    def run(*arguments: Any) -> Any:
        return lax.platform_dependent(*arguments, cuda=kernel, default=plain)

    @run.def_vmap
    def _(size: int, mapped: Any, *arguments: Any) -> Any:
        axes = jax.tree.map(lambda is_mapped: 0 if is_mapped else None, tuple(mapped))
        results = jax.vmap(plain, axes, axis_size=size)(*arguments)
        return results, jax.tree.map(lambda _: True, results)

    return run(*arguments)


def _forward(reverse: bool, arguments: _Arguments) -> tuple[Carry, Array, Any]:
    """Do it by cuDNN, whose sequences are `(batch, time, features)`, forward, of some steps."""
    x, carry, weights, biases, valid = arguments
    counts = _counts(x, valid)
    sequences = _turn(reverse, counts, x.swapaxes(0, 1))
    states = [state[None] for state in carry]
    packed = pack(weights, biases)
    sizes = x.shape[2], weights[1].shape[0], 1, 0.0, False, None
    (y, *last), saved = _library().lstm_fwd(
        sequences, *states, packed, jnp.maximum(counts, 1), *sizes
    )
    hidden = _turn(reverse, counts, y).swapaxes(0, 1)
    some = counts[:, None] > 0
    ends = tuple(jnp.where(some, a[0], b) for a, b in zip(last, carry, strict=True))
    return ends, hidden, saved[-2:]


def _backward(reverse: bool, residuals: Any, bars: Any) -> Any:
    """Return the cotangents of `x`, the carry, weights and biases by cuDNN."""
    arguments, kept = residuals
    x, carry, weights, biases, valid = arguments
    last_bar, hidden_bar = bars
    counts = _counts(x, valid)
    some = counts[:, None] > 0
    saved = (
        _turn(reverse, counts, x.swapaxes(0, 1)),
        *(state[None] for state in carry),
        pack(weights, biases),
        jnp.maximum(counts, 1),
        *kept,
    )
    y_bar = hidden_bar if valid is None else jnp.where(valid, hidden_bar, 0.0)
    ends = [jnp.where(some, bar, 0.0)[None] for bar in last_bar]
    sizes = x.shape[2], weights[1].shape[0], 1, 0.0, False, None
    y_bar = _turn(reverse, counts, y_bar.swapaxes(0, 1))
    x_bar, *first, packed_bar, _ = _library().lstm_bwd(*sizes, saved, (y_bar, *ends))
    carry_bar = tuple(jnp.where(some, a[0], b) for a, b in zip(first, last_bar, strict=True))
    x_bar = _turn(reverse, counts, x_bar).swapaxes(0, 1)
    return x_bar, carry_bar, *_unpack_gradient(packed_bar, arguments)


def _counts(x: Array, valid: Array | None) -> Array:
    """Return how many steps of each sequence count."""
    if valid is None:
        return jnp.full(x.shape[1], x.shape[0], jnp.int32)
    return valid[..., 0].sum(0, dtype=jnp.int32)


def _turn(reverse: bool, counts: Array, sequences: Array) -> Array:
    """Turn the part of each `(batch, time, features)` sequence around that counts, if `reverse`."""
    if not reverse:
        return sequences
    place = jnp.arange(sequences.shape[1], dtype=jnp.int32)[None]
    turned = jnp.where(place < counts[:, None], counts[:, None] - 1 - place, place)
    return jnp.take_along_axis(sequences, turned[..., None], 1)
