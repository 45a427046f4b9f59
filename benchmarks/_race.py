"""A race of formulations: the same values first, then the times, round by round.

A benchmark of kernels is a module with a list `CASES`. A `Case` has inputs in float64, which every
contestant gets in the case's dtype, and a contestant for each formulation: a function that gets the
inputs as NumPy arrays and returns a `Timed`, ready to run. `jax_function` and `torch_function` make
contestants of functions, `training` one of the start and the step of a training loop in any
framework.

Before anything is timed, every contestant's values are compared with those of the baseline computed
in float64, and one that computes something else ends the run with an error. Then they run in turn,
so that a change in the machine's speed meets all of them. A race that other programs disturbed is
run again, and after the third time reported without figures.

    CASES = [
        Case(
            "softmax, forward and backward, 8192 × 256",
            (x, y_bar),
            {
                "luxlib": jax_function(forward_and_backward(luxlib.softmax)),
                "plain JAX": jax_function(forward_and_backward(jax.nn.softmax)),
                "PyTorch": torch_function(softmax_of_torch),
            },
            target=0.6,
        ),
    ]
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import luxlib

from ._rounds import interleaved, median_ratio, seconds

BASELINE = "plain JAX"
OURS = "luxlib"
BUSY = 0.05  # the share of the processors that other programs may take during a race
OPTIONS = {"default": {}, "lean": luxlib.compiler_options("cpu")}


@dataclass(frozen=True)
class Timed:
    """A contestant ready to run: one timed unit of work, and the values that it computes."""

    run: Callable[[], object]
    values: Callable[[], Sequence[np.ndarray]]


Contestant = Callable[[Sequence[np.ndarray], str, str], Timed]


@dataclass(frozen=True)
class Case:
    """One row: what is computed, on what, and by whom.

    `tolerance` is the largest difference from the float64 baseline, relative to the largest value
    of each output. `check`, where values are random, takes its place: it gets the values of a
    contestant and returns what is wrong with them, or nothing. `target` is the ratio of the time of
    `ours` that is promised under the default options, and `lean_target` under the lean ones: to the
    baseline's time or, where there are `peers`, to that of the fastest of them.
    """

    name: str
    inputs: tuple[np.ndarray, ...]
    contestants: Mapping[str, Contestant]
    target: float | None = None
    lean_target: float | None = None
    tolerance: float = 1e-4
    check: Callable[[Sequence[np.ndarray]], str | None] | None = None
    dtype: str = "float32"
    baseline: str = BASELINE
    ours: str = OURS
    peers: tuple[str, ...] = ()
    options: tuple[str, ...] = ("default", "lean")
    guarded: bool = True  # whether `--guard` races it too

    def promised(self, options: str) -> float | None:
        """The target under these options."""
        return {"default": self.target, "lean": self.lean_target}[options]


@dataclass(frozen=True)
class Race:
    """The times of a case's contestants, in seconds by round; none where the machine was busy."""

    case: Case
    options: str
    times: dict[str, list[float]] = field(default_factory=dict)
    others: float = 0.0

    def ratio(self, name: str) -> float:
        """The median over the rounds of a contestant's time over the baseline's."""
        return median_ratio(self.times[name], self.times[self.case.baseline])

    def against_best(self, names: Sequence[str]) -> tuple[str, float] | None:
        """The fastest of some contestants and our ratio to it, if any of them raced."""
        raced = [name for name in names if name in self.times]
        if not raced:
            return None
        best = min(raced, key=lambda name: statistics.median(self.times[name]))
        return best, median_ratio(self.times[self.case.ours], self.times[best])

    def promised_ratio(self) -> float | None:
        """The ratio that the target bounds."""
        best = self.against_best(self.case.peers or [self.case.baseline])
        return best and best[1]


def forward_and_backward(function: Callable[..., Any]) -> Callable[..., Any]:
    """The value of a function and its gradients, from its inputs and a cotangent that come last."""

    def both(*arguments: Any) -> Any:
        value, pull_back = jax.vjp(function, *arguments[:-1])
        return value, pull_back(arguments[-1])

    return both


def backward(function: Callable[..., Any], argument: int) -> Callable[..., Any]:
    """The gradient with respect to one argument; XLA drops what it doesn't need of the value."""

    def gradient(*arguments: Any) -> Any:
        given = list(arguments[:-1])

        def of_one(value: Any) -> Any:
            given[argument] = value
            return function(*given)

        return jax.vjp(of_one, given[argument])[1](arguments[-1])[0]

    return gradient


def jax_function(function: Callable[..., Any]) -> Contestant:
    """A jitted function of the inputs, compiled under the race's options."""

    def prepare(inputs: Sequence[np.ndarray], dtype: str, options: str) -> Timed:
        def told(*arrays: Any) -> Any:
            with luxlib.compiling_for(compiler_options=OPTIONS[options]):
                return function(*arrays)

        program = jax.jit(told, compiler_options=OPTIONS[options])
        arrays = [jnp.asarray(cast(array, dtype)) for array in inputs]
        return Timed(
            lambda: jax.block_until_ready(program(*arrays)),
            lambda: [np.asarray(leaf) for leaf in jax.tree.leaves(program(*arrays))],
        )

    return prepare


def torch_function(
    make: Callable[..., tuple[Callable[[], Any], Callable[[Any], Any]]],
) -> Contestant:
    """A contestant of PyTorch, with as many threads as there are processors.

    `make` gets the inputs as tensors in their layout here, and returns two functions: one that
    does the work, and one that turns its result into tensors in the layout of the others' values.
    """

    def prepare(inputs: Sequence[np.ndarray], dtype: str, options: str) -> Timed:
        import torch

        torch.set_num_threads(os.cpu_count() or 1)
        run, layout = make(*(torch.from_numpy(cast(array, dtype).copy()) for array in inputs))
        return Timed(run, lambda: [t.detach().numpy() for t in layout(run())])

    return prepare


def training(
    make: Callable[..., tuple[Callable[[], Any], Callable[[Any], tuple[Any, Any]]]],
) -> Contestant:
    """A contestant that trains: each unit of work is a step, its values the first steps' losses.

    `make` gets the inputs as NumPy arrays and the compiler options, and returns two functions:
    `start()` gives the state of training before the first step, always the same and each time anew
    (a step may give its arrays away), and `step(state)` the next state and the loss.
    """

    def prepare(inputs: Sequence[np.ndarray], dtype: str, options: str) -> Timed:
        start, step = make(*(cast(array, dtype) for array in inputs), options=OPTIONS[options])
        state = start()

        def run() -> None:
            nonlocal state
            state, loss = step(state)
            float(loss)

        def values() -> list[np.ndarray]:
            fresh, losses = start(), []
            for _ in range(3):
                fresh, loss = step(fresh)
                losses.append(float(loss))
            return [np.asarray(losses)]

        return Timed(run, values)

    return prepare


def cast(array: np.ndarray, dtype: str) -> np.ndarray:
    """Floating numbers in the case's dtype, others as they are."""
    array = np.asarray(array)
    return array.astype(dtype) if np.issubdtype(array.dtype, np.floating) else array


def prepare(case: Case, options: str, contestants: Mapping[str, Contestant]) -> dict[str, Timed]:
    """Makes the contestants ready, and refuses those that compute something else."""
    ready = {name: make(case.inputs, case.dtype, options) for name, make in contestants.items()}
    if case.check is None:
        with jax.enable_x64(True):
            exact = case.contestants[case.baseline](case.inputs, "float64", "default").values()
    for name, timed in ready.items():
        values = timed.values()
        problem = case.check(values) if case.check else difference(values, exact, case.tolerance)
        if problem:
            raise AssertionError(
                f"{case.name} ({options}): {name} computes other values: {problem}"
            )
    return ready


def difference(
    values: Sequence[np.ndarray], exact: Sequence[np.ndarray], tolerance: float
) -> str | None:
    """What tells values from the exact ones, or nothing."""
    shapes = [value.shape for value in values], [value.shape for value in exact]
    if shapes[0] != shapes[1]:
        return f"shapes {shapes[0]} for {shapes[1]}"
    for i, (value, right) in enumerate(zip(values, exact, strict=True)):
        scale = np.abs(right).max(initial=0) or 1
        error = np.abs(value.astype("float64") - right).max(initial=0) / scale
        if not error <= tolerance:
            return f"output {i} differs by {error:.1e} of its largest value (limit {tolerance:.0e})"
    return None


def race(
    case: Case, options: str, *, budget: float = 6.0, only: Sequence[str] | None = None
) -> Race:
    """Races a case's contestants, `only` some of them where named, in about `budget` seconds."""
    contestants = {n: c for n, c in case.contestants.items() if only is None or n in only}
    ready = prepare(case, options, contestants)
    runs = {name: timed.run for name, timed in ready.items()}
    once = {name: seconds(run, 1, time.perf_counter) for name, run in runs.items()}
    # A round of each is long enough for the clock, and there are enough rounds for a median.
    repeats = {name: max(1, round(0.01 / taken)) for name, taken in once.items()}
    length = sum(once[name] * repeats[name] for name in runs)
    rounds = min(41, max(7, round(budget / length)))
    others = 0.0
    for _ in range(3):
        before = processors()
        batches = {name: repeated(run, repeats[name]) for name, run in runs.items()}
        times = interleaved(batches, rounds=rounds)
        others = disturbance(before, processors())
        if others <= BUSY:
            scaled = {name: [t / repeats[name] for t in taken] for name, taken in times.items()}
            return Race(case, options, scaled, others)
    return Race(case, options, {}, others)


def repeated(run: Callable[[], object], times: int) -> Callable[[], None]:
    """A function that calls another so many times."""

    def runs() -> None:
        for _ in range(times):
            run()

    return runs


@dataclass(frozen=True)
class Processors:
    """The seconds that all programs took of all processors, this one's share, and the time."""

    everything: float
    own: float
    wall: float


def processors() -> Processors:
    """What was taken so far; where the system doesn't tell, as if no other program ran."""
    own = time.process_time()
    stat = Path("/proc/stat")
    if not stat.exists():
        return Processors(own, own, time.perf_counter())
    user, nice, system, _, _, interrupts, soft, steal, *_ = map(
        int, stat.read_text(encoding="ascii").splitlines()[0].split()[1:]
    )
    ticks = user + nice + system + interrupts + soft + steal
    return Processors(ticks / os.sysconf("SC_CLK_TCK"), own, time.perf_counter())


def disturbance(before: Processors, after: Processors) -> float:
    """The share of the processors' time that other programs took meanwhile."""
    others = (after.everything - before.everything) - (after.own - before.own)
    return max(0.0, others) / ((after.wall - before.wall) * (os.cpu_count() or 1))


def spread(times: Sequence[float]) -> tuple[float, float]:
    """The quartiles."""
    low, _, high = statistics.quantiles(times, n=4)
    return low, high
