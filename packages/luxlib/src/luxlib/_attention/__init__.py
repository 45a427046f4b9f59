"""Attention: queries take weighted means of values.

- `_arguments`: what is refused, and what an implementation is chosen by;
- `_choice`: the rules of that choice, in one table;
- `_axes`: from the caller's axes to heads before time, and back;
- `_terms`: logits, masks, softmax and dropout, shared by all formulations;
- `_plain`, `_blocked`: the formulations in JAX;
- `_scaled_dot_product`: the function.
"""

from __future__ import annotations

from ._choice import AttentionChoice as AttentionChoice
from ._scaled_dot_product import explain_attention as explain_attention
from ._scaled_dot_product import scaled_dot_product_attention as scaled_dot_product_attention

__all__ = ["AttentionChoice", "explain_attention", "scaled_dot_product_attention"]
