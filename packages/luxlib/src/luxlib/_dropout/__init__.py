"""Dropout.

- `_masks`: which elements are kept, drawn from a key by one of two generators;
- `_dropout`: dropout, and the checks that both functions share;
- `_alpha_dropout`: the one that keeps mean and variance.

Masks are drawn again in the backward pass: keeping one would cost a byte for every element between
the two passes. To JAX the functions are linear in `x` with a rematerialised mask, so they have
every derivative, forward mode included.
"""

from ._alpha_dropout import alpha_dropout as alpha_dropout
from ._dropout import dropout as dropout

__all__ = ["alpha_dropout", "dropout"]
