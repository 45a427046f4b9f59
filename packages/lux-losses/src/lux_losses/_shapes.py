"""Shapes that do not fit, and the small change that would make them fit.

Broadcasting is the quietest bug of a loss: `(4, 1)` against `(4,)` becomes `(4, 4)` and trains. So
shapes are compared exactly, and where one indexing expression is all that is missing, it is named.
"""

from __future__ import annotations

__all__ = ["reshaping"]


def reshaping(name: str, got: tuple[int, ...], wanted: tuple[int, ...]) -> str | None:
    """Return the expression that turns the array `name` of one shape into another, if it is short.

    It adds or drops one axis of size one, or transposes a matrix.
    """
    for axis in range(len(wanted)):
        if len(wanted) == len(got) + 1 and wanted == (*got[:axis], 1, *got[axis:]):
            return f"{name}[{_index(axis, 'None', len(wanted))}]"
    for axis in range(len(got)):
        if got[axis] == 1 and got[:axis] + got[axis + 1 :] == wanted:
            return f"{name}[{_index(axis, '0', len(got))}]"
    if len(got) == 2 and got[::-1] == wanted:
        return f"{name}.T"
    return None


def _index(axis: int, entry: str, rank: int) -> str:
    """Write the index that has `entry` at one axis: from the nearer end."""
    if axis == rank - 1 and rank > 2:
        return f"..., {entry}"
    return ", ".join([":"] * axis + [entry])
