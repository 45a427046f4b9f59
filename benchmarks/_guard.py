"""The guard: whether the kernels are as fast, beside plain JAX, as the committed results say.

Only luxlib and the baseline race, for a short time each. A case whose ratio is more than 15 % worse
than the committed one races again, longer; one that is worse twice fails.
"""

from __future__ import annotations

import json

from ._race import OURS, Case, race
from ._report import ratio_of
from ._rounds import RESULTS

ALLOWED = 1.15


def committed(name: str) -> dict[str, float]:
    """The ratios to the baseline in the results of a benchmark, by case."""
    path = RESULTS / f"{name}.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    return {
        row["case"]: row[ratio_of(row)]
        for row in rows
        if row["contestant"] == OURS and row["options"] == "default"
    }


def guard(cases: dict[str, list[Case]], *, budget: float = 100.0) -> list[str]:
    """Races what is guarded, in about `budget` seconds, and returns what was lost."""
    chosen = [
        (case, ratio)
        for name, listed in cases.items()
        for case in listed
        if case.guarded and (ratio := committed(name).get(case.name)) is not None
    ]
    lost = []
    for case, ratio in chosen:
        share = budget / len(chosen) / 2  # the other half is compilation
        for longer in (1, 2):
            result = race(case, "default", budget=longer * share, only=(OURS, case.baseline))
            if not result.times:
                lost.append(f"{case.name}: the machine was busy ({result.others:.0%} by others)")
                break
            now = result.ratio(OURS)
            print(f"{case.name}: {now:.3g}, committed {ratio:.3g}")
            if now <= ALLOWED * ratio:
                break
        else:
            lost.append(f"{case.name}: {now:.3g} of {case.baseline}, committed {ratio:.3g}")
    return lost
