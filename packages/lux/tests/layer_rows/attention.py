"""Attention, positions, and what transformers are made of."""

import numpy as np

import lux

from ._points import normal
from ._row import Row

SEGMENTS = np.array([[0, 0, 1], [0, 1, 1]])
POSITIONS = np.array([[0, 1, 0], [0, 0, 1]])
MASK = np.array([[True, False, True], [True, True, False]])[:, None, None, :]
LLAMA = lux.TransformerEncoderLayer(
    4,
    lux.MultiHeadAttention(
        4, 2, n_key_heads=1, is_causal=True, rotary=lux.RotaryPositionalEmbedding(2)
    ),
    lux.GatedMLP(4, 6),
    norm=lux.RMSNorm(4),
    norm_first=True,
    dropout_rate=0.0,
)

# Rows of whole transformer layers have the second derivative where they are smallest.
ROWS = {
    "DotProductAttention": Row(
        lux.DotProductAttention(2, 3, n_key_heads=1, value_head_dim=2, is_causal=True),
        (normal(0, 2, 3, 2, 3), normal(1, 2, 3, 1, 3), normal(2, 2, 3, 1, 2)),
    ),
    "DotProductAttention dropout_rate=0.5": Row(
        lux.DotProductAttention(1, 2, dropout_rate=0.5, soft_cap=2.0, use_sinks=True),
        lux.NamedTuple(
            query=normal(3, 2, 3, 1, 2),
            key=normal(4, 2, 3, 1, 2),
            value=normal(5, 2, 3, 1, 2),
            bias=normal(6, 2, 1, 3, 3),
        ),
        wrong=normal(7, 2, 3, 1, 2),
    ),
    "MultiHeadAttention": Row(lux.MultiHeadAttention(4, 2, use_bias=True), normal(8, 2, 3, 4)),
    "MultiHeadAttention cross": Row(
        lux.MultiHeadAttention(4, 2, key_dims=3, value_dims=2, out_dims=5, return_weights=True),
        (normal(9, 2, 2, 4), normal(10, 2, 3, 3), normal(11, 2, 3, 2), MASK),
    ),
    "MultiHeadAttention packed": Row(
        lux.MultiHeadAttention(
            4,
            2,
            n_key_heads=1,
            head_dim=4,
            qk_norm=lux.RMSNorm(4),
            rotary=lux.RotaryPositionalEmbedding(2, max_sequence_length=3),
            sliding_window=(1, 1),
        ),
        lux.NamedTuple(query=normal(12, 2, 3, 4), segment_ids=SEGMENTS, positions=POSITIONS),
    ),
    "MultiHeadAttention dropout_rate=0.5": Row(
        lux.MultiHeadAttention(4, is_causal=True, dropout_rate=0.5), normal(13, 2, 3, 4)
    ),
    "SinusoidalPositionalEmbedding": Row(
        lux.SinusoidalPositionalEmbedding(4), normal(14, 2, 3), wrong=None
    ),
    "SinusoidalPositionalEmbedding full_turns": Row(
        lux.SinusoidalPositionalEmbedding(2, full_turns=True, scale=2.0), normal(15, 3), wrong=None
    ),
    "RotaryPositionalEmbedding": Row(
        lux.RotaryPositionalEmbedding(4, max_sequence_length=3),
        normal(16, 2, 3, 1, 4),
        wrong=normal(17, 2, 4, 1, 4),
    ),
    "RotaryPositionalEmbedding interleaved": Row(
        lux.RotaryPositionalEmbedding(2, base=10.0, interleaved=True),
        (normal(18, 2, 3, 2, 4), POSITIONS),
        wrong=normal(19, 2, 3, 2, 1),
    ),
    "LearnedPositionalEmbedding": Row(lux.LearnedPositionalEmbedding(5, 2), normal(20, 2, 3, 2)),
    "LearnedPositionalEmbedding positions": Row(
        lux.LearnedPositionalEmbedding(3, 2), (normal(21, 2, 3, 2), POSITIONS)
    ),
    "GatedMLP": Row(lux.GatedMLP(3, 4), normal(22, 2, 3)),
    "GatedMLP use_bias": Row(lux.GatedMLP(2, 3, lux.gelu, use_bias=True), normal(23, 2, 2, 2)),
    "TransformerEncoderLayer": Row(
        lux.TransformerEncoderLayer(4, 2, 3, lux.tanh, dropout_rate=0.0),
        normal(24, 2, 3, 4),
        derivatives=1,
        roundings=32,
    ),
    "TransformerEncoderLayer dropout_rate=0.1": Row(
        lux.TransformerEncoderLayer(4, 2, 3, lux.tanh), normal(24, 2, 3, 4), roundings=32
    ),
    "TransformerEncoderLayer norm_first": Row(
        lux.TransformerEncoderLayer(
            4, 1, 3, lux.gelu, norm_first=True, is_causal=True, use_bias=False, dropout_rate=0.0
        ),
        lux.NamedTuple(x=normal(25, 2, 3, 4), mask=MASK | np.eye(3, dtype=bool)),
        roundings=32,
    ),
    "TransformerEncoderLayer llama": Row(LLAMA, normal(26, 2, 3, 4), roundings=32),
    "TransformerDecoderLayer": Row(
        lux.TransformerDecoderLayer(4, 2, 3, lux.tanh, dropout_rate=0.0),
        (normal(27, 2, 3, 4), normal(28, 2, 2, 4)),
        derivatives=1,
        roundings=32,
    ),
    "TransformerDecoderLayer dropout_rate=0.1": Row(
        lux.TransformerDecoderLayer(4, 2, 3, lux.tanh),
        (normal(27, 2, 3, 4), normal(28, 2, 2, 4)),
        derivatives=1,
        roundings=32,
    ),
    "TransformerDecoderLayer norm_first": Row(
        lux.TransformerDecoderLayer(
            4,
            2,
            lux.GatedMLP(4, 3),
            cross_attention=1,
            norm=lux.RMSNorm(4),
            norm_first=True,
            dropout_rate=0.0,
        ),
        lux.NamedTuple(x=normal(29, 2, 3, 4), memory=normal(30, 2, 3, 4), memory_mask=MASK),
        roundings=32,
    ),
}
