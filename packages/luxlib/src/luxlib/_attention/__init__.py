"""Attention: queries take weighted means of values.

- `_arguments`: what is refused, and what an implementation is chosen by;
- `_choice`: the rules of that choice, in one table;
- `_axes`: from the caller's axes to heads before time, and back;
- `_terms`: logits, masks, softmax and dropout, shared by all formulations;
- `_plain`, `_blocked`: the formulations in JAX;
- `_kernels`, `_cudnn`, `_pallas`: kernels for GPUs;
- `_scaled_dot_product`: the function;
- `_dot_product`: the one that returns the weights too.
"""

from __future__ import annotations

from ._choice import AttentionChoice as AttentionChoice
from ._dot_product import dot_product_attention as dot_product_attention
from ._dot_product import dot_product_attention_scores as dot_product_attention_scores
from ._dot_product import make_causal_mask as make_causal_mask
from ._scaled_dot_product import explain_attention as explain_attention
from ._scaled_dot_product import scaled_dot_product_attention as scaled_dot_product_attention

__all__ = [
    "AttentionChoice",
    "dot_product_attention",
    "dot_product_attention_scores",
    "explain_attention",
    "make_causal_mask",
    "scaled_dot_product_attention",
]
