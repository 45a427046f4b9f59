"""The layers that transformers are stacked of.

- `_sublayers`: a layer with a norm and dropout, added to its input: what both are made of;
- `_encoder`, `_decoder`: attention and a network for each token;
- `_gated_mlp`: another such network.
"""

from ._decoder import TransformerDecoderLayer as TransformerDecoderLayer
from ._encoder import TransformerEncoderLayer as TransformerEncoderLayer
from ._gated_mlp import GatedMLP as GatedMLP

__all__ = ["GatedMLP", "TransformerDecoderLayer", "TransformerEncoderLayer"]
