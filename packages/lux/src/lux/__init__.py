"""Neural networks with explicit parameters, on JAX."""
