"""Rematerialisation: a layer whose inner results are made again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax

from luxcore import AbstractLuxLayer, NamedTuple, apply

from ._names import not_a_layer

Remat = bool | Callable[..., Any]


def as_remat(owner: str, remat: Any) -> Remat:
    """Whether to keep nothing, all, or what a policy says."""
    layer = isinstance(remat, AbstractLuxLayer)
    if isinstance(remat, bool) or (callable(remat) and not layer):
        return remat
    expected = "True, False or a policy such as luxlib.products_saveable"
    raise not_a_layer(owner, "remat", expected, remat)


def rematerialized(
    layer: AbstractLuxLayer, remat: Remat, *, in_loop: bool = False
) -> Callable[[Any, Any, NamedTuple], tuple[Any, NamedTuple]]:
    """The call of a layer, of which the backward pass keeps what `remat` says."""
    call = partial(apply, layer)
    if remat is False:
        return call
    policy = None if remat is True else remat
    # A loop keeps by itself what is made again apart from what was there.
    return jax.checkpoint(call, policy=policy, prevent_cse=not in_loop)
