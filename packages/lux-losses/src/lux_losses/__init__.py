"""Loss functions and metrics for JAX."""

from ._cross_entropy import CrossEntropyLoss as CrossEntropyLoss

__all__ = ["CrossEntropyLoss"]
