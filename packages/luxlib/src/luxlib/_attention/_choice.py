"""Which implementation computes an attention, and why.

All rules are in `_RULES`: an implementation is possible where each of its rules holds. The first
possible one of `_ORDER` is taken, and `explain_attention` says what kept those before it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from luxlib._checks import check_one_of, mismatch
from luxlib._dtypes import is_half

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._terms import Options

__all__ = ["AttentionChoice", "Case", "choose"]


@dataclass(frozen=True)
class Case:
    """What a rule can ask for."""

    platform: str
    dtype: Any
    length: int
    key_length: int
    head_dim: int
    value_dim: int
    options: Options
    given: frozenset[str]  # the optional arguments that are arrays and given


@dataclass(frozen=True)
class AttentionChoice:
    """The implementation that was chosen, and why the ones before it in order were not.

    - `implementation`: its name
    - `reason`: what it was chosen for
    - `passed_over`: pairs of a name and of what kept that implementation away
    """

    implementation: str
    reason: str
    passed_over: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.implementation}: {self.reason}"]
        return "\n".join(lines + [f"not {name}: {reason}" for name, reason in self.passed_over])


@dataclass(frozen=True)
class _Rule:
    holds: Callable[[Case], bool]
    otherwise: Callable[[Case], str]


def _without(*names: str) -> _Rule:
    """Have none of some optional arguments."""
    return _Rule(
        lambda case: not case.given & set(names),
        lambda case: f"it has no {', no '.join(sorted(case.given & set(names)))}",
    )


_ON_GPU = _Rule(
    lambda case: case.platform == "gpu", lambda case: f"it runs on GPU, not on {case.platform}"
)
_NO_CAP = _Rule(lambda case: case.options.soft_cap is None, lambda case: "it has no soft_cap")
_ONE_HEAD_DIM = _Rule(
    lambda case: case.head_dim == case.value_dim,
    lambda case: f"value must have the head_dim {case.head_dim} of query, not {case.value_dim}",
)
_SOMETHING = _Rule(
    lambda case: min(case.length, case.key_length) > 0, lambda case: "there is nothing to compute"
)

_RULES: dict[str, tuple[_Rule, ...]] = {
    # The flash attention of the vendor's library, through jax.nn.dot_product_attention.
    "cudnn": (
        _ON_GPU,
        _SOMETHING,
        _Rule(
            lambda case: is_half(case.dtype),
            lambda case: f"it takes float16 and bfloat16, not {case.dtype}",
        ),
        _ONE_HEAD_DIM,
        _Rule(
            lambda case: case.head_dim % 8 == 0 and case.head_dim <= 128,
            lambda case: f"head_dim must be a multiple of 8 up to 128, not {case.head_dim}",
        ),
        _Rule(
            lambda case: case.length % 2 == case.key_length % 2 == 0,
            lambda case: f"lengths must be even, not {case.length} and {case.key_length}",
        ),
        _NO_CAP,
        # It fills masked rows with an average where ours are zero, and has no gradient of a bias
        # that broadcasts.
        _without("bias", "mask", "segment_ids", "sinks", "dropout", "query_offset array"),
        _Rule(
            lambda case: case.options.right in (None, 0),
            lambda case: f"a window may reach 0 keys to the right, not {case.options.right}",
        ),
        _Rule(
            lambda case: case.options.left is None or case.options.right == 0,
            lambda case: "a window to the left must be causal",
        ),
        _Rule(
            lambda case: (
                case.options.right is None
                or (case.options.shift == 0 and case.length == case.key_length)
            ),
            lambda case: "a causal one must have equal lengths and no query_offset",
        ),
        # JAX asks the library for its version while tracing.
        _Rule(lambda case: jax.default_backend() == "gpu", lambda case: "JAX has no GPU here"),
    ),
    # Our own kernel.
    "pallas": (
        _ON_GPU,
        _SOMETHING,
        _Rule(
            lambda case: is_half(case.dtype) or case.dtype == jnp.float32,
            lambda case: f"it takes float32 and half precision, not {case.dtype}",
        ),
        _ONE_HEAD_DIM,
        _Rule(
            lambda case: case.head_dim in (16, 32, 64, 128, 256),
            lambda case: f"head_dim must be 16, 32, 64, 128 or 256, not {case.head_dim}",
        ),
        _without("bias", "mask", "dropout", "query_offset array"),
    ),
    "blocked": (_SOMETHING,),
    "plain": (),
}

# What is taken where nothing is asked for. The kernel of our own was never run on a GPU: it has to
# be asked for. The plain form is the fastest only where there is next to nothing to do.
_ORDER: tuple[tuple[str, _Rule, str], ...] = (
    ("cudnn", _Rule(lambda case: True, lambda case: ""), "the vendor's kernel can do all of it"),
    (
        "pallas",
        _Rule(lambda case: False, lambda case: "it is taken only where it is asked for"),
        "",
    ),
    (
        "blocked",
        _Rule(
            lambda case: case.length > 1 and case.length * case.key_length > 64 * 64,
            lambda case: f"{case.length} × {case.key_length} logits are too few for it to pay",
        ),
        "memory grows with the length alone, and keys out of sight are skipped",
    ),
    ("plain", _Rule(lambda case: True, lambda case: ""), "all logits at once"),
)


def _refusal(name: str, case: Case) -> str | None:
    """Say why an implementation can't be used, or nothing."""
    return next((rule.otherwise(case) for rule in _RULES[name] if not rule.holds(case)), None)


def choose(function: str, case: Case, implementation: str | None) -> AttentionChoice:
    """Return the choice, or refuse one that is asked for and impossible."""
    if implementation is not None:
        check_one_of(function, "implementation", implementation, tuple(_RULES))
        refusal = _refusal(implementation, case)
        if refusal is not None:
            raise mismatch(
                function,
                "implementation",
                "one that is possible here",
                f"{implementation!r}, but {refusal}",
                "Leave it out to let it be chosen.",
            )
        return AttentionChoice(implementation, "it was asked for")
    passed_over: list[tuple[str, str]] = []
    for name, wanted, reason in _ORDER:
        refusal = _refusal(name, case)
        if refusal is None and wanted.holds(case):
            return AttentionChoice(name, reason, tuple(passed_over))
        passed_over.append((name, refusal or wanted.otherwise(case)))
    raise AssertionError("the plain form is always possible")
