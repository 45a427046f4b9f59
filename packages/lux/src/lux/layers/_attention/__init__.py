"""Attention and what belongs to it.

- `_cache`: what a model remembers while it decodes, and `init_cache`, which turns that on;
- `_memory`: writing keys and values there, and what the next tokens see;
- `_inputs`: inputs of several arrays;
- `_dot_product`: attention over heads, the only layer that knows the two above;
- `_multi_head`: projections around it;
- `_positions`, `_rotary`: positions, added or as rotations.
"""

from ._cache import init_cache as init_cache
from ._dot_product import DotProductAttention as DotProductAttention
from ._multi_head import MultiHeadAttention as MultiHeadAttention
from ._positions import LearnedPositionalEmbedding as LearnedPositionalEmbedding
from ._positions import SinusoidalPositionalEmbedding as SinusoidalPositionalEmbedding
from ._rotary import RotaryPositionalEmbedding as RotaryPositionalEmbedding

__all__ = [
    "DotProductAttention",
    "LearnedPositionalEmbedding",
    "MultiHeadAttention",
    "RotaryPositionalEmbedding",
    "SinusoidalPositionalEmbedding",
    "init_cache",
]
