"""Measurements of what a process does only once: each in a process of its own, in turn.

A benchmark `measures` its contestants, each in so many processes that run the benchmark's own
module with the contestant's name; there it measures with `timed` and prints what it got by `tell`.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from ._race import BUSY, Processors, disturbance, processors

TRIES = 3


def measures(
    module: str, names: Sequence[str], baseline: str, rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """What the processes told, by contestant, without those whom other programs disturbed."""
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(rounds):
        for name in [*names[number:], *names[:number]]:
            for _ in range(TRIES):
                command = [sys.executable, "-m", module, name]
                result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                one = json.loads(result.stdout.splitlines()[-1])
                if one["others"] <= BUSY:
                    told[name].append(one)
                    break
            print(f"{name}: {one}", flush=True)
    undisturbed = {name: ones for name, ones in told.items() if len(ones) == rounds}
    if baseline not in undisturbed:
        raise SystemExit(f"no figures: other programs took more than {BUSY:.0%} of the machine")
    return undisturbed


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """The result of some work, its seconds, and what other programs took of the machine."""
    before, start = everything(), time.perf_counter()
    result = work()
    seconds, after = time.perf_counter() - start, everything()
    return result, {"seconds": seconds, "others": disturbance(before, after)}


def everything() -> Processors:
    """What was taken so far, with the programs that this one ran among its own."""
    now, children = processors(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return Processors(now.everything, now.own + children.ru_utime + children.ru_stime, now.wall)


def tell(**figures: float) -> None:
    """Say what was measured to the process that asked."""
    print("\n" + json.dumps(figures), flush=True)
