"""Interleaved rounds, and the record of a run."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
OURS = ("luxcore", "luxlib", "lux-losses", "lux")
PEERS = ("flax", "equinox", "dm-haiku", "keras", "torch")
VERSIONS = (*OURS, "jax", "jaxlib", "optax", "numpy", *PEERS)


def seconds(run: Callable[[], object], repeats: int, clock: Callable[[], float]) -> float:
    """The time of one run, from a number of runs in a row."""
    start = clock()
    for _ in range(repeats):
        run()
    return (clock() - start) / repeats


def interleaved(
    contestants: dict[str, Callable[[], object]],
    *,
    rounds: int,
    repeats: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """The seconds of every contestant in every round, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(-1, rounds):
        # The order turns, so that no contestant always follows the same one.
        for name in names[number % len(names) :] + names[: number % len(names)]:
            taken = seconds(contestants[name], repeats, clock)
            if number >= 0:
                times[name].append(taken)
    return times


def median_ratio(times: list[float], reference: list[float]) -> float:
    """The median over the rounds of one contestant's time over another's."""
    return statistics.median(a / b for a, b in zip(times, reference, strict=True))


def table(
    times: dict[str, list[float]], reference: str, *, unit: str = "µs"
) -> list[dict[str, Any]]:
    """One row a contestant: the median, the quartiles, and the ratio to the reference."""
    scale = {"s": 1.0, "ms": 1e3, "µs": 1e6}[unit]
    rows = []
    for name, taken in times.items():
        low, middle, high = (scale * q for q in statistics.quantiles(taken, n=4))
        rows.append(
            {
                "contestant": name,
                f"median {unit}": round(middle, 3),
                "quartiles": [round(low, 3), round(high, 3)],
                f"ratio to {reference}": round(median_ratio(taken, times[reference]), 4),
            }
        )
    return rows


def record(name: str, what: str, rows: list[dict[str, Any]]) -> None:
    """Prints the rows and writes them to `results/NAME.json`, with what they were measured on."""
    print(f"\n{what}")
    for row in rows:
        print("  " + ", ".join(f"{key}: {value}" for key, value in row.items()))
    path = RESULTS / f"{name}.json"
    tables = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    tables[what] = {"machine": machine(), "rows": rows}
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(tables, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """What the figures were measured on and with."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    versions = {}
    for distribution in VERSIONS:
        try:
            versions[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
        "load before": round(os.getloadavg()[0], 2),
    }
