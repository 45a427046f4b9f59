"""What importing luxcore and lux costs, over importing what they stand on anyway.

luxcore may take 10 ms more than `dataclasses`, `functools` and `typing`, lux 100 ms more than jax
and optax.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

from ._rounds import interleaved, record, table

# package: what it is compared with, the seconds that it may take more, and the rounds
LIMITS = {
    "luxcore": ("import dataclasses, functools, typing", 0.010, 40),
    "lux": ("import jax, optax", 0.100, 10),
}


def processor_time() -> float:
    """The processor time of the processes that have ended: other load does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Times whole processes in turn."""
    for package, (reference, limit, rounds) in LIMITS.items():
        programs = {reference: reference, f"import {package}": f"{reference}; import {package}"}
        times = interleaved(
            {
                name: lambda program=program: subprocess.run(
                    [sys.executable, "-I", "-c", program], check=True
                )
                for name, program in programs.items()
            },
            rounds=rounds,
            clock=processor_time,
        )
        alone, together = times.values()
        over = statistics.median(b - a for a, b in zip(alone, together, strict=True))
        rows = table(times, reference, unit="ms")
        rows.append({"contestant": f"{package} alone", "median ms": round(1e3 * over, 3)})
        record("import_cost", f"Import of {package} (processor time of whole processes)", rows)
        if over > limit:
            raise SystemExit(f"importing {package} takes {1e3 * over:.1f} ms over {reference!r}")


if __name__ == "__main__":
    main()
