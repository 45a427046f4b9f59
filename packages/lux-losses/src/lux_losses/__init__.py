"""Loss functions and metrics for JAX."""
