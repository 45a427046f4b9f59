"""The same weights in every framework.

A case makes them once, as a list in the order in which the network applies them: that of Lux's
trees, in Lux's layouts (`(in, out)`, `(*window, in / groups, out)`, a scale before its bias). Here
each framework's own parameters are found in that order and get the values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lux

Arrays = Sequence[np.ndarray]


def made(model: lux.AbstractLuxLayer, seed: int = 0) -> list[np.ndarray]:
    """Weights of a network of Lux, in float64: no two alike, so that none can be mistaken."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda: lux.setup(0, model)[0])
    weights = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(shapes)[0]:
        values = rng.normal(size=leaf.shape)
        if len(leaf.shape) > 1:
            values *= math.sqrt(2 / math.prod(leaf.shape[:-1]))
        else:
            values = (path[-1].name == "scale") + 0.1 * values
        weights.append(values)
    return weights


def fitted(weights: Arrays, shapes: Sequence[tuple[int, ...]]) -> list[jax.Array]:
    """Copies in the shapes of a framework, which may split an axis of ours in several."""
    return [jnp.array(w).reshape(shape) for w, shape in zip(weights, shapes, strict=True)]


def in_tree(init: Callable[[], Any], parameters: Callable[[Any], Any]) -> tuple[Any, Callable]:
    """For Linen and Haiku: what `init` makes, and a function that puts weights into its parameters.

    A nested dict is in the order of application where it is made; JAX sorts it afterwards.
    """
    paths: list[tuple[str, ...]] = []

    def recorded() -> Any:
        every = init()
        paths.extend(path for path, _ in walk(parameters(every)))
        return every

    every = jax.jit(recorded)()
    shapes = [leaf.shape for leaf in (at(parameters(every), path) for path in paths)]

    def put(weights: Arrays) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for path, array in zip(paths, fitted(weights, shapes), strict=True):
            branch = tree
            for name in path[:-1]:
                branch = branch.setdefault(name, {})
            branch[path[-1]] = array
        return tree

    return every, put


def walk(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """The leaves of a nested dict with their paths, in its own order."""
    if not hasattr(tree, "items"):
        return [(path, tree)]
    return [found for name, branch in tree.items() for found in walk(branch, (*path, name))]


def at(tree: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        tree = tree[name]
    return tree


def into_nnx(module: Any, weights: Arrays) -> None:
    """Sets the parameters of a module of Flax NNX, which are in the order of its attributes."""
    from flax import nnx

    def parameters(node: Any) -> list[Any]:
        if isinstance(node, nnx.Param):
            return [node]
        if isinstance(node, list | tuple | nnx.List):
            children: Any = iter(node)
        else:
            children = vars(node).values() if isinstance(node, nnx.Module) else ()
        return [found for child in children for found in parameters(child)]

    found = parameters(module)
    for parameter, array in zip(
        found, fitted(weights, [p.get_value().shape for p in found]), strict=True
    ):
        parameter.set_value(array)


def into_equinox(model: Any, weights: Arrays) -> Any:
    """A model of Equinox with these parameters, which are in the order of its fields."""
    import equinox as eqx

    layers = jax.tree.leaves(model, is_leaf=lambda node: isinstance(node, eqx.nn.Embedding))
    shapes = [
        (type(layer).__name__, leaf.shape)
        for layer in layers
        for leaf in jax.tree.leaves(eqx.filter(layer, eqx.is_inexact_array))
    ]
    turned = [
        output_first(kind, array).reshape(shape)
        for (kind, shape), array in zip(shapes, weights, strict=True)
    ]
    parameters, rest = eqx.partition(model, eqx.is_inexact_array)
    filled = jax.tree.unflatten(jax.tree.structure(parameters), [jnp.array(a) for a in turned])
    return eqx.combine(filled, rest)


def into_torch(module: Any, weights: Arrays) -> None:
    """Sets the parameters of a module of PyTorch, which are in the order of its registration."""
    import torch

    owned = [(type(m).__name__, p) for m in module.modules() for p in m.parameters(recurse=False)]
    with torch.no_grad():
        for (kind, parameter), array in zip(owned, weights, strict=True):
            if kind.startswith("ConvTranspose") and array.ndim > 1:  # there the input is first
                array = array.swapaxes(-1, -2)
            turned = np.ascontiguousarray(output_first(kind, array))
            parameter.copy_(torch.from_numpy(turned).reshape(parameter.shape))


def into_keras(model: Any, weights: Arrays) -> None:
    """Sets the trainable variables of a model of Keras, which are in the order of its layers."""
    for variable, array in zip(model.trainable_variables, weights, strict=True):
        variable.assign(np.reshape(array, variable.shape))


def output_first(kind: str, array: np.ndarray) -> np.ndarray:
    """A weight of ours as PyTorch and Equinox have it in a layer of this kind."""
    if array.ndim == 1 or kind == "Embedding":
        return array
    window = tuple(range(array.ndim - 2))
    features_in, features_out = array.ndim - 2, array.ndim - 1
    first = (features_out, features_in)
    return array.transpose(*first, *window)
