"""What a bench says of its figures: a value beside its floor, and whether it keeps its bound."""

import os
import subprocess
import sys

import pytest

from ops.bench.figures import Figure, Holds, lines, page, percentile
from ops.bench.footprint import memory_below


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


def test_a_page_and_a_table_tell_every_figure_and_what_its_floor_is() -> None:
    figures = [Figure("export", "a log", 50, "events/s", 100, least=0.5, what_floor="COPY"), Figure("soak", "p50", 3, "ms")]
    assert len(lines(figures)) == 3
    said = page(figures, "2 cores", "1 January 2023")
    assert "| export | a log | 50.00 events/s | 100.00 | 0.50 | >= 0.5 | yes |" in said
    assert "- export, a log: COPY" in said


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
def test_memory_is_that_of_what_a_process_started_and_not_its_own() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert sum(memory_below(os.getpid()).values()) > 0
        assert memory_below(child.pid) == {}
        assert child.stdin is not None
        child.stdin.write(b"\n")
