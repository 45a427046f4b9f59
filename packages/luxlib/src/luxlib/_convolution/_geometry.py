"""Where a convolution's windows stand: the geometry that all its formulations share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from jax import lax

from luxlib._windows import places, span

if TYPE_CHECKING:
    from jax import Array

    from luxlib._windows import Pairs

__all__ = ["Geometry", "padded", "turn"]


@dataclass(frozen=True)
class Geometry:
    """The spatial side of a convolution, all of it static: one entry for each spatial axis."""

    space: tuple[int, ...]
    window: tuple[int, ...]
    stride: tuple[int, ...]
    pairs: Pairs
    dilation: tuple[int, ...]
    groups: int

    @property
    def axes(self) -> int:
        """How many axes are spatial."""
        return len(self.space)

    @property
    def places(self) -> tuple[int, ...]:
        """At how many places the window stands."""
        return tuple(map(places, self.space, self.window, self.stride, self.pairs, self.dilation))

    @property
    def positions(self) -> list[tuple[int, ...]]:
        """Every position in the window."""
        return list(itertools.product(*map(range, self.window)))

    @property
    def met(self) -> Pairs:
        """The padding that windows reach: a stride may leave some of it at the end."""
        return tuple(
            (before, (n - 1) * s + span(k, d) - size - before)
            for size, n, k, s, (before, _), d in zip(
                self.space,
                self.places,
                self.window,
                self.stride,
                self.pairs,
                self.dilation,
                strict=True,
            )
        )

    @property
    def transposed(self) -> Geometry:
        """The geometry of the gradient for the input.

        It is the convolution, with the kernel turned around and stride 1, of the output's gradient
        that is spread to the distance of the places.
        """
        spread = tuple((n - 1) * s + 1 for n, s in zip(self.places, self.stride, strict=True))
        reach = [span(k, d) - 1 for k, d in zip(self.window, self.dilation, strict=True)]
        pairs = tuple(
            (r - before, size + before - n)
            for size, n, r, (before, _) in zip(self.space, spread, reach, self.pairs, strict=True)
        )
        return replace(self, space=spread, stride=(1,) * self.axes, pairs=pairs)

    def without(self, axis: int) -> Geometry:
        """The same without one axis."""

        def others(values: tuple[Any, ...]) -> tuple[Any, ...]:
            return values[:axis] + values[axis + 1 :]

        return Geometry(
            others(self.space),
            others(self.window),
            others(self.stride),
            others(self.pairs),
            others(self.dilation),
            self.groups,
        )

    def along(self, *axes: int) -> Geometry:
        """The same with windows that reach along these axes only, one element wide elsewhere."""

        def only(values: tuple[Any, ...], other: object) -> tuple[Any, ...]:
            return tuple(v if i in axes else other for i, v in enumerate(values))

        return Geometry(
            self.space,
            only(self.window, 1),
            only(self.stride, 1),
            only(self.pairs, (0, 0)),
            only(self.dilation, 1),
            self.groups,
        )

    def at(self, padded: Array, position: tuple[int, ...]) -> Array:
        """Take, from a padded input, the elements at one position of all windows."""
        start = [i * d for i, d in zip(position, self.dilation, strict=True)]
        stop = [
            i + (n - 1) * s + 1 for i, n, s in zip(start, self.places, self.stride, strict=True)
        ]
        return lax.slice(
            padded,
            (0, *start, 0),
            (padded.shape[0], *stop, padded.shape[-1]),
            (1, *self.stride, 1),
        )

    def back(self, elements: Array, position: tuple[int, ...]) -> Array:
        """Put elements of all windows where `at` took them from, without the padding."""
        edges = []
        for i, d, (before, _), n, size, s in zip(
            position, self.dilation, self.pairs, self.places, self.space, self.stride, strict=True
        ):
            low = i * d - before
            edges.append((low, size - low - (n - 1) * s - 1, s - 1))
        return lax.pad(elements, jnp.zeros((), elements.dtype), ((0, 0, 0), *edges, (0, 0, 0)))


def padded(x: Array, pairs: Pairs, stride: tuple[int, ...] | None = None) -> Array:
    """Return `x` with zeros around it and, with a stride, between its elements; as an array.

    The barrier keeps XLA from computing the zeros again in everything that is read from it: the
    weight gradient of a 3x3 convolution takes half as long.
    """
    steps = stride or (1,) * len(pairs)
    if all(pair == (0, 0) for pair in pairs) and set(steps) == {1}:
        return x
    edges = [(before, after, s - 1) for (before, after), s in zip(pairs, steps, strict=True)]
    zero = jnp.zeros((), x.dtype)
    return lax.optimization_barrier(lax.pad(x, zero, ((0, 0, 0), *edges, (0, 0, 0))))


def turn(weight: Array, groups: int) -> Array:
    """Return the kernel of the gradient for the input: turned around, its channels exchanged."""
    *window, inner, features = weight.shape
    axes = len(window)
    weight = lax.rev(weight, range(axes)).reshape(*window, inner, groups, features // groups)
    weight = jnp.moveaxis(weight, -1, axes)
    weight = jnp.moveaxis(weight, -1, axes + 1)
    return weight.reshape(*window, features // groups, groups * inner)
