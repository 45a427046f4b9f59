"""What the normalizations of inputs have in common: their parameters, and their input.

Each takes `x`, or `(x, mask)`, where the mask says which elements are valid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from lux.layers._affine import check_shape
from lux.layers._checks import check_callable, check_positive
from lux.layers._leaf import Leaf, Names
from luxcore import NamedTuple, child

if TYPE_CHECKING:
    from jax import Array
    from jaxtyping import Bool, Real

    Input: TypeAlias = (
        Real[Array, "*batch_and_space channels"]
        | tuple[Real[Array, "*batch_and_space channels"], Bool[Array, "*batch_and_space channels"]]
    )


class Norm(Leaf, abstract=True):
    """The base of the normalizations, whose parameters each have the sizes of the last axes."""

    def _check(self) -> None:
        """Check the fields that all of them have."""
        initializers = [f"init_{name}" for name in self._parameters]
        check_callable(self, "activation", *initializers)
        check_positive(self, "epsilon")

    def _expected_fields(self) -> tuple[Names, Names]:
        affine, tracked = getattr(self, "affine", True), getattr(self, "track_stats", True)
        return self._parameters if affine else (), self._states if tracked else ()

    def _sizes(self) -> tuple[int, ...]:
        """The sizes of the last axes of an input, and the shape of the parameters."""
        raise NotImplementedError

    def initial_parameters(self, rng: Any) -> NamedTuple:
        names, sizes = self._expected_fields()[0], self._sizes()
        return NamedTuple(
            **{name: getattr(self, f"init_{name}")(child(rng, name), sizes) for name in names}
        )

    def _given(self, x: Input, ps: Any) -> tuple[Array, Array | None, Array | None, Array | None]:
        """The input and its mask, the scale and the bias, which have to fit this layer."""
        x, mask = x if isinstance(x, tuple) else (x, None)
        sizes = self._sizes()
        if x.shape[-len(sizes) :] != sizes:
            expected = ", ".join(("...", *map(str, sizes)))
            name = type(self).__name__
            raise ValueError(f"{name}: x: expected shape ({expected}), got {x.shape}")
        names = self._expected_fields()[0]
        scale = ps.scale if "scale" in names else None
        bias = ps.bias if "bias" in names else None
        check_shape("scale", scale, sizes)
        check_shape("bias", bias, sizes)
        return x, mask, scale, bias
