"""What a bench measured, what it was held to, and how that is told."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Holds = Literal["yes", "no", "told"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; ``ratio`` is it beside its floor, ``least`` and ``most`` are what that ratio, or else the value, is held to."""

    section: str
    name: str
    value: float
    unit: str
    floor: float | None = None
    least: float | None = None
    most: float | None = None
    what_floor: str = ""
    waits: bool = False
    """Whether it holds waiting too, and so is no cost by itself."""

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of its floor."""
        return None if not self.floor else self.value / self.floor

    @property
    def holds(self) -> Holds:
        """Whether it is within its bounds; ``told`` where it has none."""
        if self.least is None and self.most is None:
            return "told"
        held = self.value if self.ratio is None else self.ratio
        return "yes" if (self.least or -math.inf) <= held <= (math.inf if self.most is None else self.most) else "no"

    def as_json(self) -> dict[str, Any]:
        """For a file that is read by programs."""
        return {
            "section": self.section, "name": self.name, "value": round(self.value, 3), "unit": self.unit,
            "floor": None if self.floor is None else round(self.floor, 3), "ratio": None if self.ratio is None else round(self.ratio, 3),
            "least": self.least, "most": self.most, "holds": self.holds, "floor_is": self.what_floor,
        }  # fmt: skip


def median(times: Sequence[float]) -> float:
    """Half of them are below it."""
    return statistics.median(times)


def percentile(times: Sequence[float], of_hundred: int) -> float:
    """So many of a hundred are not above it (nearest rank)."""
    return sorted(times)[max(0, math.ceil(of_hundred / 100 * len(times)) - 1)]


def lines(figures: Sequence[Figure]) -> list[str]:
    """A table for a terminal."""
    head = f"{'':12} {'figure':52} {'value':>12} {'unit':8} {'floor':>12} {'ratio':>7} {'bound':>9} holds"
    return [head, *(_line(one) for one in figures)]


def page(figures: Sequence[Figure], machine: str, day: str, command: str) -> str:
    """The same as a page of the documentation, which says by which command it was made."""
    rows = [
        f"| {one.section} | {one.name} | {one.value:,.2f} {one.unit} | {'' if one.floor is None else f'{one.floor:,.2f}'} "
        f"| {'' if one.ratio is None else f'{one.ratio:.2f}'} | {_bound(one)} | {'' if one.holds == 'told' else one.holds} |"
        for one in figures if one.section != "profile"
    ]
    costs = [one for one in figures if one.section == "profile"]
    floors = sorted({f"- {one.section}, {one.name}: {one.what_floor}" for one in figures if one.what_floor and one.section != "profile"})
    return "\n".join([
        "# Bench", "",
        f"Made by `{command}` on {day}: {machine}. A figure counts beside the floor of its own run; what a machine can do is in the floors.", "",
        "| part | figure | measured | floor | ratio | bound | holds |", "|---|---|---|---|---|---|---|", *rows, "",
        *_profile(costs), "## What each floor is", "", *floors, "",
    ])  # fmt: skip


def _profile(costs: Sequence[Figure]) -> list[str]:
    if not costs:
        return []
    # Who waits costs nobody anything; what the loop does of its own, its system calls, a profiler does not tell from that.
    named = [f"{number}. {one.name} ({one.value:.2f} ms)" for number, one in enumerate([one for one in costs if not one.waits][:3], 1)]
    shares = [f"| {one.name} | {one.value:.2f} ms | {100 * (one.ratio or 0):.0f} % |" for one in costs]
    return [
        "## Where the time of a command goes", "",
        "Own time within the service's process under Python's profiler, which takes time itself, of small functions more than of large ones. The three largest costs:", "",
        *named, "", "| what | of a command | share |", "|---|---|---|", *shares, "",
    ]  # fmt: skip


def _line(one: Figure) -> str:
    floor = "" if one.floor is None else f"{one.floor:12.2f}"
    ratio = "" if one.ratio is None else f"{one.ratio:7.2f}"
    return f"{one.section:12} {one.name:52} {one.value:12.2f} {one.unit:8} {floor:>12} {ratio:>7} {_bound(one):>9} {one.holds}"


def _bound(one: Figure) -> str:
    if one.least is not None:
        return f">= {one.least:g}"
    return "" if one.most is None else f"<= {one.most:g}"
