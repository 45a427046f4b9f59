"""Running statistics: what a normalization remembers of its batches for inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lux.initializers import ones, zeros
from lux.layers._affine import check_shape
from luxcore import NamedTuple, Val

from ._norm import Norm

if TYPE_CHECKING:
    from jax import Array


class TrackingNorm(Norm, abstract=True):
    """The base of the normalizations of channels that may track their statistics."""

    def _sizes(self) -> tuple[int, ...]:
        return (self.channels,)  # type: ignore[attr-defined]

    def initial_states(self, rng: Any) -> NamedTuple:
        if not self._expected_fields()[1]:
            return NamedTuple()
        mean, var = zeros(rng, self._sizes()), ones(rng, self._sizes())
        return NamedTuple(running_mean=mean, running_var=var, training=Val(True))

    def _tracked(self, st: Any) -> tuple[Array | None, Array | None, bool]:
        """The running mean and variance, and whether the input's own statistics count."""
        if not self._expected_fields()[1]:
            return None, None, True
        for name in ("running_mean", "running_var"):
            check_shape(name, getattr(st, name), self._sizes(), of="states")
        return st.running_mean, st.running_var, bool(st.training)

    def _new(self, st: Any, running: tuple[Any, Any]) -> NamedTuple:
        """The state with new running statistics, if there are any."""
        if not self._expected_fields()[1] or not st.training:
            return st
        mean, var = running
        return NamedTuple(running_mean=mean, running_var=var, training=st.training)

    def _refuse_one(self, x: Array, elements: int) -> None:
        """Refuse statistics of a single element: it would be its mean, and give 0."""
        if elements == 1:
            advice = ": lux.test_mode(st) normalizes by the running statistics"
            raise ValueError(
                f"{type(self).__name__}: x: expected more than one element to normalize together, "
                f"got shape {x.shape}{advice if self._expected_fields()[1] else ''}"
            )
