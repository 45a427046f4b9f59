"""What the benchmarks refuse, what they keep, and when the guard fails."""

import json
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from benchmarks import _guard, _race, _report, dense
from benchmarks._race import Case, Processors, Race, jax_function, prepare, race, training

INPUTS = (np.linspace(-1, 1, 12).reshape(3, 4),)


def case(ours=jnp.sin, **options):
    contestants = {"luxlib": jax_function(ours), "plain JAX": jax_function(jnp.sin)}
    return Case("sine", INPUTS, contestants, **options)


def test_times_come_by_contestant_and_round():
    result = race(case(), "default", budget=0.1)
    assert set(result.times) in ({"luxlib", "plain JAX"}, set())  # empty on a busy machine
    for taken in result.times.values():
        assert len(taken) >= 7
        assert min(taken) > 0


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (jnp.cos, "output 0 differs by 1.7e+00 of its largest value (limit 1e-04)"),
        (lambda x: jnp.sin(x)[:1], "shapes [(1, 4)] for [(3, 4)]"),
        (
            lambda x: jnp.sin(x) * jnp.nan,
            "output 0 differs by nan of its largest value (limit 1e-04)",
        ),
    ],
)
def test_other_values_are_refused_before_anything_is_timed(other, problem):
    chosen = case(other)
    with pytest.raises(AssertionError) as raised:
        race(chosen, "default")
    message = f"sine (default): luxlib computes other values: {problem}"
    assert str(raised.value) == message


def test_values_are_compared_in_float64():
    """A formulation that is only as exact as float32 allows is within the tolerance of one."""
    prepare(case(tolerance=1e-6), "lean", case().contestants)
    with pytest.raises(AssertionError):
        prepare(case(tolerance=1e-12), "default", case().contestants)


def test_random_values_have_a_check_of_their_own():
    random = case(jnp.cos, check=lambda values: None if values[0].shape == (3, 4) else "a shape")
    prepare(random, "default", random.contestants)
    never = case(check=lambda values: "never right")
    with pytest.raises(AssertionError) as raised:
        prepare(never, "default", never.contestants)
    assert str(raised.value) == "sine (default): luxlib computes other values: never right"


def test_a_busy_machine_gives_no_figures(monkeypatch):
    readings = iter(Processors(everything=10.0 * i, own=0.0, wall=float(i)) for i in range(100))
    monkeypatch.setattr(_race, "processors", lambda: next(readings))
    monkeypatch.setattr(_race.os, "cpu_count", lambda: 20)
    result = race(case(), "default", budget=0.05)
    assert result.times == {}
    assert result.others == 0.5


def test_other_programs_are_told_from_this_one():
    before = Processors(everything=100.0, own=50.0, wall=0.0)
    own = Processors(everything=102.0, own=52.0, wall=1.0)
    assert _race.disturbance(before, own) == 0
    start = _race.processors()
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end:
        pass
    now = _race.processors()
    assert now.own - start.own > 0.1
    assert now.everything - start.everything > 0.1


def descent(rate):
    """Gradient descent on a parabola, which gives its state away."""

    def make(start, options):
        step = jax.jit(
            lambda w: (w - rate * 2 * w, (w**2).sum()), compiler_options=options, donate_argnums=0
        )
        return lambda: jnp.asarray(start), step

    return training(make)


def test_training_is_compared_by_its_first_losses():
    contestants = {"luxlib": descent(0.1), "plain JAX": descent(0.1)}
    same = Case("descent", (np.ones(3),), contestants)
    losses = prepare(same, "lean", contestants)["luxlib"].values()
    np.testing.assert_allclose(losses, [[3, 3 * 0.64, 3 * 0.64**2]], rtol=1e-6)
    race(same, "default", budget=0.05)
    other = {**contestants, "luxlib": descent(0.2)}
    with pytest.raises(AssertionError) as raised:
        prepare(Case("descent", (np.ones(3),), other), "default", other)
    assert str(raised.value) == (
        "descent (default): luxlib computes other values: "
        "output 0 differs by 2.8e-01 of its largest value (limit 1e-04)"
    )


def figures(ratio, **options):
    return Race(case(**options), "default", {"luxlib": [ratio] * 8, "plain JAX": [1.0] * 8})


@pytest.fixture
def results(tmp_path, monkeypatch):
    for module in (_guard, _report):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    return tmp_path


@pytest.mark.slow  # where matplotlib is
def test_a_report_has_figures_a_table_and_a_picture(results):
    lean = Race(case(target=0.9), "lean", {"luxlib": [0.004] * 8, "plain JAX": [0.002] * 8})
    _report.keep("waves", [figures(0.5, target=0.9), lean])
    rows = json.loads((results / "waves.json").read_text())["rows"]
    assert [
        (r["options"], r["contestant"], r["median ms"], r["ratio to plain JAX"]) for r in rows
    ] == [
        ("default", "luxlib", 500.0, 0.5),
        ("default", "plain JAX", 1000.0, 1.0),
        ("lean", "luxlib", 4.0, 2.0),
        ("lean", "plain JAX", 2.0, 1.0),
    ]
    assert all(row["machine"]["versions"]["jax"] for row in rows)
    table = (results / "waves.md").read_text()
    assert "| sine | 500 (0.5) | 1e+03 (1) | ≤ 0.9 |" in table
    assert "| sine | 4 (2) | 2 (1) |  |" in table
    assert (results / "waves.png").stat().st_size > 1000


@pytest.mark.slow  # where matplotlib is
def test_a_race_without_figures_keeps_the_old_ones(results):
    _report.keep("waves", [figures(0.5)])
    _report.keep("waves", [Race(case(), "default")])
    assert "| sine | 500 (0.5) | 1e+03 (1) |  |" in (results / "waves.md").read_text()
    assert _guard.committed("waves") == {"sine": 0.5}


@pytest.mark.parametrize(
    ("ratios", "lost"),
    [
        ([0.57], []),
        ([0.7, 0.57], []),
        ([0.58, 0.6], ["sine: 0.6 of plain JAX, committed 0.5"]),
        ([None], ["sine: the machine was busy (50% by others)"]),
    ],
)
def test_the_guard_fails_where_a_ratio_is_lost_twice(results, monkeypatch, ratios, lost):
    (results / "waves.json").write_text(json.dumps({"rows": _report.rows([figures(0.5)])}))
    coming = iter(Race(case(), "default", others=0.5) if r is None else figures(r) for r in ratios)
    monkeypatch.setattr(_guard, "race", lambda *_, **__: next(coming))
    assert _guard.guard({"waves": [case()]}) == lost
    assert next(coming, None) is None
    assert _guard.guard({"waves": [case(guarded=False)], "others": [case()]}) == []


def test_the_cases_of_dense_layers_compute_the_same():
    small = dense.case((2, 3), 5, 4)
    without_torch = {n: c for n, c in small.contestants.items() if n != "PyTorch"}
    prepare(small, "default", without_torch)
