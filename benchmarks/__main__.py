"""Runs the benchmarks that are named, or with `--guard` the guard over all that race."""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
from pathlib import Path
from types import ModuleType

from . import _guard, _report
from ._race import Race, race

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def benchmark(name: str) -> ModuleType:
    return importlib.import_module(f"{__package__}.{name}")


def run_races(name: str, module: ModuleType, pattern: str) -> None:
    """Races the cases of a module, tells what comes out as it comes, and keeps it."""
    races = []
    for case in module.CASES:
        for options in case.options:
            if pattern not in case.name:
                races.append(Race(case, options))
                continue
            result = race(case, options)
            races.append(result)
            shown = []
            for contestant, taken in result.times.items():
                middle = 1e3 * statistics.median(taken)
                shown.append(f"{contestant} {middle:.3g} ms ({result.ratio(contestant):.3g})")
            told = ", ".join(shown) or f"no figures: others took {result.others:.0%} of the machine"
            print(f"{case.name} [{options}]: {told}", flush=True)
            target, ratio = case.promised(options), result.promised_ratio()
            if target and ratio:
                met = "met" if ratio <= target else "NOT MET"
                print(f"  promised ≤ {target:g}: {ratio:.3g}, {met}", flush=True)
    _report.keep(name, races)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--guard", action="store_true", help="compare with the committed ratios")
    parser.add_argument("--case", default="", help="only the cases whose name has this in it")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(NAMES))
    if unknown or not (arguments.names or arguments.guard):
        parser.error(f"unknown {unknown}" if unknown else f"name some of {', '.join(NAMES)}")
    modules = {name: benchmark(name) for name in arguments.names or NAMES}
    if arguments.guard:
        raced = {name: m.CASES for name, m in modules.items() if hasattr(m, "CASES")}
        lost = _guard.guard(raced)
        sys.exit("\n".join(["slower than committed, twice:", *lost]) if lost else 0)
    for name, module in modules.items():
        if hasattr(module, "CASES"):
            run_races(name, module, arguments.case)
        else:
            module.main()


if __name__ == "__main__":
    main()
