"""What importing luxcore costs, over importing three modules of the standard library.

The limit is `dataclasses`, `functools` and `typing` plus 10 ms.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

from ._rounds import interleaved, record, table

STANDARD = "import dataclasses, functools, typing"
LIMIT = 0.010


def processor_time() -> float:
    """The processor time of the processes that have ended: other load does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Times whole processes in turn."""
    programs = {"standard library": STANDARD, "luxcore": "import luxcore", "nothing": "pass"}
    times = interleaved(
        {
            name: lambda program=program: subprocess.run(
                [sys.executable, "-I", "-c", program], check=True
            )
            for name, program in programs.items()
        },
        rounds=40,
        clock=processor_time,
    )
    over = statistics.median(
        a - b for a, b in zip(times["luxcore"], times["standard library"], strict=True)
    )
    rows = table(times, "standard library", unit="ms")
    rows.append(
        {"contestant": "luxcore over the standard library", "median ms": round(1e3 * over, 3)}
    )
    record("import_cost", "Import of luxcore (processor time of whole processes)", rows)
    if over > LIMIT:
        raise SystemExit(f"importing luxcore takes {1e3 * over:.1f} ms more than {STANDARD!r}")


if __name__ == "__main__":
    main()
