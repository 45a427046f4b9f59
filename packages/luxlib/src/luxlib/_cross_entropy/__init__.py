"""Cross-entropy from logits: of logits that there are, and of a product that never is there.

A label is an integer that stands for a one-hot distribution and is never written out as such; the
gradient is an elementwise expression, without a scatter.
"""

from __future__ import annotations

from ._from_logits import softmax_cross_entropy
from ._linear_head import linear_cross_entropy

__all__ = ["linear_cross_entropy", "softmax_cross_entropy"]
