"""One training step in each framework, as its documentation writes the fastest one.

A network is a module of `networks` with a function for each framework:

    of_lux(**sizes)                  a layer
    of_linen(**sizes)                a module, called as `module(x, train)`
    of_nnx(rngs, **sizes)            a module, called as `module(x)`
    of_equinox(key, **sizes)         a module for one example, called as `module(x, state, key)`,
                                     that returns the state too
    of_haiku(x, train, **sizes)      the output, to be transformed
    of_keras(shape, **sizes)         a model for inputs of a shape without the batch
    of_torch(**sizes)                a module

`contestants` makes the competitors of a `Case` of these: its inputs are `(x, target, *weights)`,
with the weights in the order of `_weights`. Where a framework orders or splits them in its own way,
the network has a function `weights_of_linen(weights)`, and so on, that gives them in that way.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from functools import cache, partial
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lux
from lux.training import AutoReverse, TrainState, single_train_step

from . import _weights
from ._race import Contestant, training
from ._recipes import CROSS_ENTROPY as CROSS_ENTROPY
from ._recipes import MEAN_SQUARE as MEAN_SQUARE
from ._recipes import Loss, Optimizer
from ._recipes import adam as adam
from ._recipes import sgd as sgd

os.environ.setdefault("KERAS_BACKEND", "jax")

BASELINE = "Flax Linen"
OURS = "lux"


def contestants(
    network: ModuleType,
    loss: Loss,
    optimizer: Optimizer,
    *,
    random: bool = False,
    images: bool = False,
    **sizes: Any,
) -> dict[str, Contestant]:
    """A contestant for each framework that is installed.

    `random` says that there is dropout, `images` that the order of axes in memory makes a
    difference in PyTorch.
    """
    made: dict[str, Contestant] = {}
    for name, word in installed(images=images):
        step = FRAMEWORKS[name][2]
        build = partial(getattr(network, f"of_{word}"), **sizes)
        arranged = getattr(network, f"weights_of_{word}", list)
        made[name] = training(partial(_made, step, build, arranged, loss, optimizer, random))
    return made


def installed(*, images: bool) -> Iterator[tuple[str, str]]:
    """The frameworks that are there, and the word by which networks know each."""
    for name, (package, word, _) in FRAMEWORKS.items():
        if name == "PyTorch, channels last" and not images:
            continue
        if importlib.util.find_spec(package):
            yield name, word
        else:
            absent(name)


@cache
def absent(name: str) -> None:
    """Tells once that a framework is not there."""
    print(f"{name} is not installed, and does not compete")


def _made(
    step: Callable[..., Any],
    build: Callable[..., Any],
    arranged: Callable[..., Any],
    loss: Loss,
    optimizer: Optimizer,
    random: bool,
    x: np.ndarray,
    target: np.ndarray,
    *weights: np.ndarray,
    options: dict[str, str],
) -> Any:
    return step(build, loss, optimizer, x, target, arranged(weights), options, random)


def key(random: bool) -> Any:
    """A key for dropout; none where there is none, since a step shouldn't carry it for nothing."""
    return jax.random.key(0) if random else None


def of_lux(build, loss, optimizer, x, target, weights, options, random):
    """The step sets the compiler options by itself, so `options` are those of the others."""
    model = build()
    ps, st = lux.setup(0, model)
    structure, shapes = jax.tree.structure(ps), [p.shape for p in jax.tree.leaves(ps)]
    data = (jnp.asarray(x), jnp.asarray(target))
    ad = AutoReverse()

    def start():
        ps = jax.tree.unflatten(structure, _weights.fitted(weights, shapes))
        return TrainState(model, ps, jax.tree.map(jnp.copy, st), optimizer.optax)

    def step(ts):
        _, loss_value, _, ts = single_train_step(
            ad, loss.lux, data, ts, return_gradients=False, donate=True
        )
        return ts, loss_value

    return start, step


def of_linen(build, loss, optimizer, x, target, weights, options, random):
    """Flax Linen: "Managing parameters and state", with the state given away."""
    model, tx = build(), optimizer.optax
    x, target = jnp.asarray(x), jnp.asarray(target)
    init = partial(model.init, jax.random.key(0), x[:1], False)
    variables, put = _weights.in_tree(init, lambda variables: variables["params"])
    rest = {name: tree for name, tree in variables.items() if name != "params"}

    def start():
        params = put(weights)
        dtype = weights[0].dtype  # the baseline is computed in float64 too
        begun = jax.tree.map(lambda a: jnp.array(a, dtype), rest)
        return params, begun, tx.init(params), key(random)

    @partial(jax.jit, donate_argnums=0, compiler_options=options)
    def update(state, x, target):
        params, rest, opt_state, rng = state
        rngs = {}
        if random:
            rng, rngs["dropout"] = jax.random.split(rng)

        def objective(params):
            y, updated = model.apply(
                {"params": params, **rest}, x, True, mutable=list(rest), rngs=rngs
            )
            return loss.jax(y, target), updated

        (value, rest), grads = jax.value_and_grad(objective, has_aux=True)(params)
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), rest, opt_state, rng), value

    return start, lambda state: update(state, x, target)


def of_nnx(build, loss, optimizer, x, target, weights, options, random):
    """Flax NNX: "Performance considerations", the functional training loop."""
    from flax import nnx

    x, target = jnp.asarray(x), jnp.asarray(target)

    def start():
        model = build(nnx.Rngs(0))
        model.train()
        _weights.into_nnx(model, weights)
        return nnx.split((model, nnx.Optimizer(model, optimizer.optax, wrt=nnx.Param)))

    @partial(jax.jit, donate_argnums=1, compiler_options=options)
    def update(graphdef, state, x, target):
        model, optimizer = nnx.merge(graphdef, state)
        value, grads = nnx.value_and_grad(lambda model: loss.jax(model(x), target))(model)
        optimizer.update(model, grads)
        return nnx.state((model, optimizer)), value

    def step(both):
        graphdef, state = both
        state, value = update(graphdef, state, x, target)
        return (graphdef, state), value

    return start, step


def of_equinox(build, loss, optimizer, x, target, weights, options, random):
    """Equinox: "All of Equinox" (partition and `jax.jit`) and "Low-overhead training loops"."""
    import equinox as eqx

    x = x.transpose(0, 3, 1, 2) if x.ndim == 4 else x  # its images have the channels first
    x, target, tx = jnp.asarray(x), jnp.asarray(target), optimizer.optax
    model, state = eqx.nn.make_with_state(build)(jax.random.key(0))
    _, static = eqx.partition(model, eqx.is_inexact_array)
    structures = []

    def start():
        params = eqx.filter(_weights.into_equinox(model, weights), eqx.is_inexact_array)
        whole = (params, jax.tree.map(jnp.copy, state), tx.init(params), key(random))
        leaves, structure = jax.tree.flatten(whole)
        structures[:] = [structure]
        return leaves

    @partial(jax.jit, donate_argnums=0, compiler_options=options)
    def update(leaves, x, target):
        params, state, opt_state, rng = jax.tree.unflatten(structures[0], leaves)
        keys = None
        if random:
            rng, now = jax.random.split(rng)
            keys = jax.random.split(now, len(x))

        def objective(params):
            model = eqx.combine(params, static)
            axes = (0, None, 0 if random else None)
            batched = jax.vmap(model, axis_name="batch", in_axes=axes, out_axes=(0, None))
            y, updated = batched(x, state, keys)
            return loss.jax(y, target), updated

        (value, state), grads = jax.value_and_grad(objective, has_aux=True)(params)
        updates, opt_state = tx.update(grads, opt_state, params)
        whole = (eqx.apply_updates(params, updates), state, opt_state, rng)
        return jax.tree.leaves(whole), value

    return start, lambda leaves: update(leaves, x, target)


def of_haiku(build, loss, optimizer, x, target, weights, options, random):
    """Haiku: its README and the ImageNet example."""
    import haiku as hk

    x, target, tx = jnp.asarray(x), jnp.asarray(target), optimizer.optax
    model = hk.transform_with_state(build)
    init = partial(model.init, jax.random.key(0), x[:1], True)
    (_, state), put = _weights.in_tree(init, lambda both: both[0])

    def start():
        params = put(weights)
        return params, jax.tree.map(jnp.copy, state), tx.init(params), key(random)

    @partial(jax.jit, donate_argnums=0, compiler_options=options)
    def update(whole, x, target):
        params, state, opt_state, rng = whole
        now = None
        if random:
            rng, now = jax.random.split(rng)

        def objective(params):
            y, updated = model.apply(params, state, now, x, True)
            return loss.jax(y, target), updated

        (value, state), grads = jax.value_and_grad(objective, has_aux=True)(params)
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), state, opt_state, rng), value

    return start, lambda whole: update(whole, x, target)


def of_keras(build, loss, optimizer, x, target, weights, options, random):
    """Keras: "Writing a training loop from scratch in JAX", the state given away as `fit` does."""
    import keras

    x, target = jnp.asarray(x), jnp.asarray(target)
    model, objective, chosen = build(x.shape[1:]), loss.keras(keras), optimizer.keras(keras)
    _weights.into_keras(model, weights)
    chosen.build(model.trainable_variables)
    every = model.trainable_variables, model.non_trainable_variables, chosen.variables
    values = [[np.asarray(variable.value) for variable in variables] for variables in every]

    def compute(trainable, rest, x, target):
        y, rest = model.stateless_call(trainable, rest, x, training=True)
        return objective(target, y), rest

    @partial(jax.jit, donate_argnums=0, compiler_options=options)
    def update(state, x, target):
        trainable, rest, opt_variables = state
        gradient = jax.value_and_grad(compute, has_aux=True)
        (value, rest), grads = gradient(trainable, rest, x, target)
        trainable, opt_variables = chosen.stateless_apply(opt_variables, grads, trainable)
        return (trainable, rest, opt_variables), value

    return lambda: jax.tree.map(jnp.array, tuple(values)), lambda state: update(state, x, target)


def of_torch(
    build, loss, optimizer, x, target, weights, options, random, *, last=False, compiled=False
):
    """PyTorch; `last` has the channels last in memory, as its performance guide advises."""
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    layout = torch.channels_last if last and x.ndim == 4 else torch.contiguous_format
    x, target = torch.from_numpy(x.copy()), torch.from_numpy(target.copy())
    if x.ndim == 4:
        x = x.permute(0, 3, 1, 2).contiguous(memory_format=layout)
    model = build().to(memory_format=layout).train()
    objective = torch.compile(lambda x, y: loss.torch(model(x), y)) if compiled else None

    def start():
        _weights.into_torch(model, weights)
        return optimizer.torch(model.parameters())

    def step(chosen):
        chosen.zero_grad()
        value = objective(x, target) if objective else loss.torch(model(x), target)
        value.backward()
        chosen.step()
        return chosen, value.detach()

    return start, step


# Each with the package that it needs and the word by which networks know it.
FRAMEWORKS = {
    OURS: ("lux", "lux", of_lux),
    "Flax Linen": ("flax", "linen", of_linen),
    "Flax NNX": ("flax", "nnx", of_nnx),
    "Equinox": ("equinox", "equinox", of_equinox),
    "Haiku": ("haiku", "haiku", of_haiku),
    "Keras": ("keras", "keras", of_keras),
    "PyTorch": ("torch", "torch", of_torch),
    "PyTorch, channels last": ("torch", "torch", partial(of_torch, last=True)),
    "PyTorch, compiled": ("torch", "torch", partial(of_torch, last=True, compiled=True)),
}
PEERS = tuple(name for name in FRAMEWORKS if name != OURS and not name.startswith("PyTorch"))
