"""Rows of a table, and the gradient of the table."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

import luxlib

from ._race import Case, forward_and_backward, jax_function, torch_function


def of_table(lookup):
    """The rows and the table's gradient: indices have none."""

    def both(ids, table, bar):
        return forward_and_backward(lambda table: lookup(ids, table))(table, bar)

    return both


def of_torch(ids, table, bar):
    import torch

    table.requires_grad_()

    def run():
        rows = torch.nn.functional.embedding(ids, table)
        return rows, *torch.autograd.grad(rows, (table,), bar)

    return run, lambda made: made


def case(batch, entries, features):
    rng = np.random.default_rng(0)
    return Case(
        f"embedding, forward and backward, {' × '.join(map(str, batch))} of {entries} × {features}",
        (
            rng.integers(0, entries, batch, dtype=np.int32),
            rng.normal(size=(entries, features)),
            rng.normal(size=(*batch, features)),
        ),
        {
            "luxlib": jax_function(of_table(luxlib.embedding_lookup)),
            "plain JAX": jax_function(of_table(lambda ids, table: jnp.take(table, ids, axis=0))),
            "PyTorch": torch_function(of_torch),
        },
    )


CASES = [case((8, 256), 8192, 256), case((4, 256), 32000, 256), case((32, 64), 100, 64)]
