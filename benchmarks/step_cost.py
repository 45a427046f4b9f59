"""What a training step of Lux costs beside the same step written by hand with `jax.jit`.

Both do the same work, Adam on a small network whose step is so short that every microsecond of
Python shows, with and without returned gradients and given-away arrays. A step of Lux may cost 3 %
or 5 µs more, whichever is more. What is counted is the time of the calling thread, which Python's
share of a step is part of and other programs on the machine are not.
"""

from __future__ import annotations

import functools
import time

import jax
import jax.numpy as jnp
import optax

import lux
from lux.training import AutoReverse, TrainState, single_train_step

from ._rounds import interleaved, record, table

WIDTH, BATCH = 32, 8
OPTIMIZER = optax.adam(1e-3)


def mean_square(model, ps, st, data):
    """The objective of both."""
    x, target = data
    y, st = model(x, ps, st)
    return ((y - target) ** 2).mean(), st, lux.NamedTuple()


def hand_written(model, data, return_gradients, donate):
    """A function that makes one step of a loop that knows nothing of `lux.training`."""

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2, 3) if donate else ())
    def step(ps, st, optimizer_state, count, data):
        def loss(ps):
            value, new_st, stats = mean_square(model, ps, st, data)
            return value, (new_st, stats)

        (value, (st, stats)), grads = jax.value_and_grad(loss, has_aux=True)(ps)
        updates, optimizer_state = OPTIMIZER.update(grads, optimizer_state, ps)
        ps = optax.apply_updates(ps, updates)
        grads = grads if return_gradients else None
        return grads, value, stats, ps, st, optimizer_state, count + 1

    ps, st = lux.setup(0, model)
    optimizer_state, count = OPTIMIZER.init(ps), jnp.zeros((), jnp.int32)

    def run():
        nonlocal ps, st, optimizer_state, count
        _, loss, _, ps, st, optimizer_state, count = step(ps, st, optimizer_state, count, data)
        loss.block_until_ready()

    return run


def with_lux(model, data, return_gradients, donate):
    """A function that makes one step by `single_train_step`."""
    ad = AutoReverse()
    ts = TrainState(model, *lux.setup(0, model), OPTIMIZER)

    def run():
        nonlocal ts
        _, loss, _, ts = single_train_step(
            ad, mean_square, data, ts, return_gradients=return_gradients, donate=donate
        )
        loss.block_until_ready()

    return run


def main() -> None:
    """Times the steps of a 4-layer and a 50-layer network, in four ways each."""
    data = (jnp.ones((BATCH, WIDTH)), jnp.zeros((BATCH, WIDTH)))
    for layers in (4, 50):
        model = lux.Chain(*(lux.Dense(WIDTH, WIDTH, lux.tanh) for _ in range(layers)))
        for return_gradients in (True, False):
            for donate in (False, True):
                arguments = (model, data, return_gradients, donate)
                contestants = {"by hand": hand_written(*arguments), "lux": with_lux(*arguments)}
                times = interleaved(contestants, rounds=60, repeats=50, clock=time.thread_time)
                rows = table(times, "by hand")
                given = "gradients returned" if return_gradients else "gradients not returned"
                donated = "arrays given away" if donate else "arrays kept"
                record("step_cost", f"{layers} layers, {given}, {donated}", rows)
                extra = rows[1]["median µs"] - rows[0]["median µs"]
                print(f"  lux costs {extra:+.1f} µs a step")


if __name__ == "__main__":
    main()
