"""What is kept of a benchmark: figures for programs, a table to read, and a picture.

`results/NAME.json` has the figures with the machine and the versions, `results/NAME.md` the tables
and `results/NAME.png` a bar for each contestant and case: its time over the baseline's.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from itertools import product
from typing import Any

from ._race import Race, spread
from ._rounds import RESULTS, machine

COLUMNS = {"default": "default options", "lean": "luxlib.compiler_options()"}
BEST = ("of the best JAX peer", "of the best PyTorch")  # columns for cases with peers


def rows(races: Sequence[Race]) -> list[dict[str, Any]]:
    """One row for each contestant of each race."""
    made = []
    for race in races:
        for name, taken in race.times.items():
            low, high = (1e3 * t for t in spread(taken))
            made.append(
                {
                    "case": race.case.name,
                    "options": race.options,
                    "contestant": name,
                    "median ms": round(1e3 * statistics.median(taken), 4),
                    "quartiles ms": [round(low, 4), round(high, 4)],
                    f"ratio to {race.case.baseline}": round(race.ratio(name), 4),
                    "rounds": len(taken),
                }
            )
            if race.case.peers and name == race.case.ours:
                made[-1] |= {kind: found for kind in BEST if (found := best(race, kind))}
    return made


def best(race: Race, kind: str) -> tuple[str, float] | None:
    """The fastest JAX peer or kind of PyTorch, and our ratio to it."""
    torch = [name for name in race.times if name.startswith("PyTorch")]
    found = race.against_best(race.case.peers if kind == BEST[0] else torch)
    return found and (found[0], round(found[1], 4))


def keep(name: str, races: Sequence[Race]) -> None:
    """Writes the three files of a benchmark; a race without figures keeps those it had."""
    path = RESULTS / f"{name}.json"
    old = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    new = rows(races)
    raced = {(row["case"], row["options"]) for row in new}
    known = {(race.case.name, race.options) for race in races}
    kept = [
        row
        for row in old
        if (row["case"], row["options"]) in known and (row["case"], row["options"]) not in raced
    ]
    here = machine()
    every = [{**row, "machine": here} for row in new] + kept
    order = [(race.case.name, race.options) for race in races]
    every.sort(key=lambda row: order.index((row["case"], row["options"])))
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"rows": every}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    (RESULTS / f"{name}.md").write_text(markdown(name, races, every), encoding="utf-8")
    picture(name, every)


def markdown(name: str, races: Sequence[Race], every: Sequence[dict[str, Any]]) -> str:
    """The tables, one for each set of compiler options."""
    lines = [f"# {name}", ""]
    for options, title in COLUMNS.items():
        chosen = [race for race in races if race.options == options]
        if not chosen:
            continue
        contestants = list(dict.fromkeys(n for race in chosen for n in race.case.contestants))
        bests = list(BEST) if any(race.case.peers for race in chosen) else []
        lines += [
            f"Milliseconds (and ratio to {chosen[0].case.baseline}), {title}",
            "",
            "| case | " + " | ".join([*contestants, *bests]) + " | promised |",
            "| --- |" + " --- |" * (len(contestants) + len(bests) + 1),
        ]
        for race in chosen:
            own = [
                row for row in every if (row["case"], row["options"]) == (race.case.name, options)
            ]
            cells = {
                row["contestant"]: f"{row['median ms']:.3g} ({row[ratio_of(row)]:.3g})"
                for row in own
            }
            for kind, row in product(bests, own):
                if kind in row:
                    cells[kind] = f"{row[kind][1]:.3g} ({row[kind][0]})"
            target = race.case.promised(options)
            promised = "" if target is None else f"≤ {target:g}"
            shown = [cells.get(column, "") for column in (*contestants, *bests)]
            lines.append(f"| {race.case.name} | " + " | ".join([*shown, promised]) + " |")
        lines.append("")
    machines = {json.dumps(row["machine"], sort_keys=True) for row in every}
    for text in sorted(machines):
        on = json.loads(text)
        versions = ", ".join(f"{k} {v}" for k, v in on["versions"].items())
        lines.append(f"{on['processor']}, {on['cores']} cores, Python {on['python']}; {versions}")
    return "\n".join(lines) + "\n"


def ratio_of(row: dict[str, Any]) -> str:
    """The name of the column with the ratio."""
    return next(key for key in row if key.startswith("ratio to "))


def picture(name: str, every: Sequence[dict[str, Any]]) -> None:
    """Draws the ratios under the default options."""
    from matplotlib.figure import Figure

    shown = [row for row in every if row["options"] == "default"]
    cases = list(dict.fromkeys(row["case"] for row in shown))
    contestants = list(dict.fromkeys(row["contestant"] for row in shown))
    if not cases:
        return
    height = 0.8 / len(contestants)
    figure = Figure(figsize=(9, 1 + 0.22 * len(cases) * max(2, len(contestants))))
    axes = figure.add_subplot()
    for j, contestant in enumerate(contestants):
        places, lengths = [], []
        for i, case in enumerate(cases):
            for row in shown:
                if (row["case"], row["contestant"]) == (case, contestant):
                    places.append(i + j * height)
                    lengths.append(row[ratio_of(row)])
        bars = axes.barh(places, lengths, height, label=contestant)
        axes.bar_label(bars, fmt="%.2g", padding=2, fontsize=7)
    axes.axvline(1, color="gray", linewidth=0.8)
    axes.set_yticks([i + 0.4 - height / 2 for i in range(len(cases))], cases, fontsize=8)
    axes.invert_yaxis()
    baseline = ratio_of(shown[0]).removeprefix("ratio to ")
    axes.set_xlabel(f"time over that of {baseline} (shorter is faster)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
    figure.tight_layout()
    figure.savefig(RESULTS / f"{name}.png", dpi=110)
