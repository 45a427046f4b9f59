"""The compiled application of a network in each framework, in its mode for inference.

Networks are those of `_steps`; a case's inputs are `(x, *weights)`. Running statistics are what
they begin with, 0 and 1, in every framework.
"""

from __future__ import annotations

import os
from functools import partial
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lux

from . import _weights
from ._race import OPTIONS, Contestant, Timed, cast
from ._steps import OURS, installed


def contestants(
    network: ModuleType, *, images: bool = False, **sizes: Any
) -> dict[str, Contestant]:
    """A contestant for each framework that is installed; `images` as for steps."""
    made: dict[str, Contestant] = {}
    for name, word in installed(images=images):
        build = partial(getattr(network, f"of_{word}"), **sizes)
        arranged = getattr(network, f"weights_of_{word}", list)
        made[name] = partial(_timed, APPLICATIONS[name], build, arranged)
    return made


def _timed(apply, build, arranged, inputs, dtype, options):
    x, *weights = (cast(array, dtype) for array in inputs)
    run = apply(build, x, arranged(weights), OPTIONS[options])
    return Timed(lambda: jax.block_until_ready(run()), lambda: [np.asarray(run())])


def of_lux(build, x, weights, options):
    model, x = build(), jnp.asarray(x)
    ps, st = lux.setup(0, model)
    ps = jax.tree.unflatten(jax.tree.structure(ps), [jnp.array(w) for w in weights])
    apply, st = lux.compile_apply(model), lux.test_mode(st)
    return lambda: apply(x, ps, st)[0]


def of_linen(build, x, weights, options):
    model, x = build(), jnp.asarray(x)
    init = partial(model.init, jax.random.key(0), x[:1], False)
    variables, put = _weights.in_tree(init, lambda variables: variables["params"])
    variables = {**variables, "params": put(weights)}
    apply = jax.jit(lambda variables, x: model.apply(variables, x, False), compiler_options=options)
    return lambda: apply(variables, x)


def of_nnx(build, x, weights, options):
    from flax import nnx

    model, x = build(nnx.Rngs(0)), jnp.asarray(x)
    model.eval()
    _weights.into_nnx(model, weights)
    graphdef, state = nnx.split(model)
    apply = jax.jit(
        lambda graphdef, state, x: nnx.merge(graphdef, state)(x), compiler_options=options
    )
    return lambda: apply(graphdef, state, x)


def of_equinox(build, x, weights, options):
    import equinox as eqx

    x = jnp.asarray(x.transpose(0, 3, 1, 2) if x.ndim == 4 else x)
    model, state = eqx.nn.make_with_state(build)(jax.random.key(0))
    model = eqx.nn.inference_mode(_weights.into_equinox(model, weights))
    parameters, static = eqx.partition(model, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten((parameters, state))

    @partial(jax.jit, compiler_options=options)
    def apply(leaves, x):
        parameters, state = jax.tree.unflatten(structure, leaves)
        model = eqx.combine(parameters, static)
        batched = jax.vmap(model, axis_name="batch", in_axes=(0, None, None), out_axes=(0, None))
        return batched(x, state, None)[0]

    return lambda: apply(leaves, x)


def of_haiku(build, x, weights, options):
    import haiku as hk

    model, x = hk.transform_with_state(build), jnp.asarray(x)
    init = partial(model.init, jax.random.key(0), x[:1], True)
    (_, state), put = _weights.in_tree(init, lambda both: both[0])
    # Its running statistics begin with those of the batch.
    state = {
        module: jax.tree.map(jnp.ones_like if module.endswith("var_ema") else jnp.zeros_like, own)
        for module, own in state.items()
    }
    params = put(weights)

    @partial(jax.jit, compiler_options=options)
    def apply(params, state, x):
        return model.apply(params, state, None, x, False)[0]

    return lambda: apply(params, state, x)


def of_keras(build, x, weights, options):
    model, x = build(x.shape[1:]), jnp.asarray(x)
    _weights.into_keras(model, weights)
    every = model.trainable_variables, model.non_trainable_variables
    trainable, rest = ([variable.value for variable in variables] for variables in every)

    @partial(jax.jit, compiler_options=options)
    def apply(trainable, rest, x):
        return model.stateless_call(trainable, rest, x, training=False)[0]

    return lambda: apply(trainable, rest, x)


def of_torch(build, x, weights, options, *, last=False, compiled=False):
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    layout = torch.channels_last if last and x.ndim == 4 else torch.contiguous_format
    x = torch.from_numpy(x.copy())
    if x.ndim == 4:
        x = x.permute(0, 3, 1, 2).contiguous(memory_format=layout)
    model = build().to(memory_format=layout).eval()
    _weights.into_torch(model, weights)
    apply = torch.compile(model) if compiled else model

    def run():
        with torch.inference_mode():
            return apply(x)

    return run


APPLICATIONS = {
    OURS: of_lux,
    "Flax Linen": of_linen,
    "Flax NNX": of_nnx,
    "Equinox": of_equinox,
    "Haiku": of_haiku,
    "Keras": of_keras,
    "PyTorch": of_torch,
    "PyTorch, channels last": partial(of_torch, last=True),
    "PyTorch, compiled": partial(of_torch, last=True, compiled=True),
}
