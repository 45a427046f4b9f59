"""GPT with PyTorch, its attention as in the tutorial of `scaled_dot_product_attention`."""

from __future__ import annotations

import torch
from torch import nn

from . import EPSILON, Sizes


class Block(nn.Module):
    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.heads, self.rate = sizes.heads, sizes.rate
        self.projection = nn.Linear(sizes.width, 3 * sizes.width)
        self.out = nn.Linear(sizes.width, sizes.width)
        self.norm_1 = nn.LayerNorm(sizes.width, eps=EPSILON)
        self.up = nn.Linear(sizes.width, sizes.hidden)
        self.down = nn.Linear(sizes.hidden, sizes.width)
        self.norm_2 = nn.LayerNorm(sizes.width, eps=EPSILON)
        self.dropout = nn.Dropout(sizes.rate)

    def attention(self, x):
        apart = self.projection(x).chunk(3, -1)
        q, k, v = (a.unflatten(-1, (self.heads, -1)).transpose(1, 2) for a in apart)
        rate = self.rate if self.training else 0.0
        attend = nn.functional.scaled_dot_product_attention
        y = attend(q, k, v, dropout_p=rate, is_causal=True)
        return self.out(y.transpose(1, 2).flatten(-2))

    def forward(self, x):
        x = x + self.dropout(self.attention(self.norm_1(x)))
        y = self.dropout(nn.functional.gelu(self.up(self.norm_2(x)), approximate="tanh"))
        return x + self.dropout(self.down(y))


class GPT(nn.Module):
    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.table = nn.Embedding(sizes.vocabulary, sizes.width)
        self.positions = nn.Embedding(sizes.length, sizes.width)
        self.dropout = nn.Dropout(sizes.rate)
        self.blocks = nn.Sequential(*(Block(sizes) for _ in range(sizes.layers)))
        self.norm = nn.LayerNorm(sizes.width, eps=EPSILON)
        self.head = nn.Linear(sizes.width, sizes.vocabulary)

    def forward(self, ids):
        positions = self.positions(torch.arange(ids.shape[1]))
        x = self.dropout(self.table(ids) + positions)
        return self.head(self.norm(self.blocks(x)))
