"""What it costs to pass a model as a static argument of `jax.jit`, over closing over it.

A layer's hash is computed once and identity is the shortcut of its equality, so a call with a
50-layer model finds its compiled program as fast as one whose function holds the model. The limit
is 5 %. The model called in a loop (`traces`) shows that nothing of the library runs after tracing.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

import lux

from ._rounds import interleaved, record, table

LAYERS, WIDTH, BATCH = 50, 16, 8
LIMIT = 1.05


def main() -> None:
    """Times the gradient of a 50-layer network of width 16, in three ways."""
    model = lux.Chain(*(lux.Dense(WIDTH, WIDTH, lux.tanh) for _ in range(LAYERS)))
    ps, st = lux.setup(0, model)
    x = jnp.ones((BATCH, WIDTH))
    traces = 0

    def loss(model, ps, st, x):
        nonlocal traces
        traces += 1
        y, st = model(x, ps, st)
        return (y * y).mean()

    gradient = jax.grad(loss, argnums=1)
    static = jax.jit(gradient, static_argnums=0)
    closed = jax.jit(lambda ps, st, x: gradient(model, ps, st, x))
    again = jax.jit(lambda ps, st, x: gradient(model, ps, st, x))

    times = interleaved(
        {
            "model closed over": lambda: jax.block_until_ready(closed(ps, st, x)),
            "model as a static argument": lambda: jax.block_until_ready(static(model, ps, st, x)),
            "model closed over, again": lambda: jax.block_until_ready(again(ps, st, x)),
        },
        rounds=60,
        repeats=50,
    )
    rows = table(times, "model closed over")
    record(
        "static_model", f"Gradient of {LAYERS} dense layers of width {WIDTH}, batch {BATCH}", rows
    )
    if traces != len(times):
        raise SystemExit(f"the model was traced {traces} times for {len(times)} programs")
    ratio = rows[1]["ratio to model closed over"]
    if ratio > LIMIT:
        raise SystemExit(f"a static model costs {ratio} of a closed-over one; the limit is {LIMIT}")


if __name__ == "__main__":
    main()
