"""What a bench says of its figures: a value beside its floor, and whether it keeps its bound."""

import cProfile
import os
import pstats
import subprocess
import sys

import pytest
import rfc8785

from ops.bench.figures import Figure, Holds, lines, page, percentile
from ops.bench.footprint import memory_below
from ops.bench.profiled import works_of
from ops.bench.soak import thirds


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (Figure("a", "rate", 40, "/s", 100, least=0.4), "yes"),
        (Figure("a", "rate", 39, "/s", 100, least=0.4), "no"),
        (Figure("a", "list", 20, "ms", 10, most=2), "yes"),
        (Figure("a", "list", 21, "ms", 10, most=2), "no"),
        (Figure("a", "memory", 1301, "MB", most=1300), "no"),
        (Figure("a", "failed", 0, "", most=0), "yes"),
        (Figure("a", "failed", 1, "", most=0), "no"),
        (Figure("a", "p50", 3, "ms", 1), "told"),
    ],
)
def test_a_figure_is_held_to_its_bound_beside_its_floor_or_alone(figure: Figure, holds: Holds) -> None:
    assert figure.holds == holds


def test_nineteen_of_twenty_are_not_above_the_ninety_fifth() -> None:
    assert percentile([float(number) for number in range(1, 21)], 95) == 19
    assert percentile([7.0], 99) == 7


def test_memory_is_flat_or_grows_by_its_thirds_and_not_by_one_look() -> None:
    assert thirds([100, 100, 900, 100, 100, 100, 100, 900, 100]) == (100, 100)
    assert thirds([100, 110, 120, 130, 140, 150, 160, 170, 180]) == (110, 170)
    assert thirds([100]) == (100, 100)


def test_a_page_and_a_table_tell_every_figure_and_what_its_floor_is() -> None:
    figures = [Figure("export", "a log", 50, "events/s", 100, least=0.5, what_floor="COPY"), Figure("soak", "p50", 3, "ms")]
    assert len(lines(figures)) == 3
    said = page(figures, "2 cores", "1 January 2023", "./avrr bench export --events 500")
    assert "Made by `./avrr bench export --events 500` on 1 January 2023: 2 cores." in said
    assert "| export | a log | 50.00 events/s | 100.00 | 0.50 | >= 0.5 | yes |" in said
    assert "- export, a log: COPY" in said


def test_a_page_names_the_three_largest_costs_of_a_command_and_no_waiting_among_them() -> None:
    costs = [
        Figure("profile", "the loop", 5, "ms", 10, waits=True),
        *(Figure("profile", f"work {number}", 4 - number, "ms", 10) for number in range(4)),
    ]
    said = page(costs, "2 cores", "1 January 2023", "./avrr bench profile")
    assert "1. work 0 (4.00 ms)\n2. work 1 (3.00 ms)\n3. work 2 (2.00 ms)\n\n" in said
    assert "| the loop | 5.00 ms | 50 % |" in said


def test_what_python_itself_does_is_counted_to_whoever_asked_for_it() -> None:
    profiler = cProfile.Profile()
    said = [{"invented": str(number)} for number in range(2_000)]
    profiler.runcall(rfc8785.dumps, said)
    profiler.runcall(sorted, said, key=str)
    works = works_of(pstats.Stats(profiler))
    assert next(iter(sorted(works, key=lambda work: -works[work]))).startswith("values")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
def test_memory_is_that_of_what_a_process_started_and_not_its_own() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert sum(memory_below(os.getpid()).values()) > 0
        assert memory_below(child.pid) == {}
        assert child.stdin is not None
        child.stdin.write(b"\n")
