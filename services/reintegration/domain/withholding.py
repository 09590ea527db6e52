"""A table of counts and amounts that leaves the mission: counts of one to four, and what would reveal them, are withheld.

Decision 62 says by which rules; pure, and the same table is always withheld in the same way.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from services.reintegration.domain.amounts import NOTHING

# A count of fewer tells of persons whom somebody may know.
LEAST_SHOWN: Final = 5
# What rows and columns of fewer are put together as.
MERGED: Final = "all_other"
Measure = Literal["committed", "spent"]
MEASURES: Final[tuple[Measure, ...]] = ("committed", "spent")
Cell = tuple[str, str]
_Node = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """How many grants, and what they have committed and spent of their fund, in its currency."""

    grants: int = 0
    committed: Decimal = NOTHING
    spent: Decimal = NOTHING

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(self.grants + other.grants, self.committed + other.committed, self.spent + other.spent)


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a cell or a sum; None is withheld."""

    grants: int | None
    committed: Decimal | None
    spent: Decimal | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its sums, by row, by column and in all; where all of it is withheld it has no rows."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[Cell, Told]
    by_row: Mapping[str, Told]
    by_column: Mapping[str, Told]
    total: Told


def in_full(figures: Mapping[Cell, Figures]) -> Table:
    """The table with nothing withheld, for whoever answers for the fund."""
    found = _Summed.of(figures)
    return found.told(frozenset(), dict.fromkeys(MEASURES, "all"))


def withheld(figures: Mapping[Cell, Figures]) -> Table:
    """The table as it leaves the mission, in which nothing that is withheld can be computed from what is shown.

    Rows and columns of fewer than five are put together, then each count of one to four is withheld, and as few others as
    keep each of these from being known by the sums. A zero is shown. An amount is withheld with its count, and where what is
    left of a sum would pin one, amounts are shown by their sums alone, or in all alone.
    """
    everything = sum(figures.values(), Figures())
    if 0 < everything.grants < LEAST_SHOWN:
        return Table((), (), {}, {}, {}, Told(None, None, None))
    found = _Summed.of(_merged(_merged(figures, 0), 1))
    hidden = _hidden(found)
    counted = hidden or frozenset()
    shown: dict[Measure, _Shown] = {}
    for measure in MEASURES:
        amounts = {cell: getattr(one, measure) for cell, one in found.cells.items()}
        # That a cell without grants has no amount is known.
        used = frozenset(found.cells) if counted == frozenset(found.cells) else frozenset(cell for cell, one in found.cells.items() if one.grants)
        if not _pins(counted, amounts, NOTHING):
            shown[measure] = "all"
        else:
            shown[measure] = "total" if _pins(used, amounts, NOTHING) else "sums"
    return found.told(counted, shown)


_Shown = Literal["all", "sums", "total"]


@dataclass(frozen=True, slots=True)
class _Summed:
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[Cell, Figures]

    @classmethod
    def of(cls, figures: Mapping[Cell, Figures]) -> "_Summed":
        rows, columns = (_in_order({cell[at] for cell in figures}) for at in (0, 1))
        return cls(rows, columns, {(row, column): figures.get((row, column), Figures()) for row in rows for column in columns})

    def told(self, hidden: Collection[Cell], shown: Mapping[Measure, _Shown]) -> Table:
        def cell(at: Cell) -> Told:
            one = self.cells[at]
            amounts = [getattr(one, name) if at not in hidden and shown[name] == "all" else None for name in MEASURES]
            return Told(None if at in hidden else one.grants, *amounts)

        def margin(cells: Iterable[Cell]) -> Told:
            one = sum((self.cells[at] for at in cells), Figures())
            return Told(one.grants, *(None if shown[name] == "total" else getattr(one, name) for name in MEASURES))

        total = sum(self.cells.values(), Figures())
        return Table(
            self.rows, self.columns, {at: cell(at) for at in self.cells},
            {row: margin((row, column) for column in self.columns) for row in self.rows},
            {column: margin((row, column) for row in self.rows) for column in self.columns},
            Told(total.grants, total.committed, total.spent),
        )  # fmt: skip


def _in_order(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(labels, key=lambda label: (label == MERGED, label)))


def _merged(figures: Mapping[Cell, Figures], at: Literal[0, 1]) -> dict[Cell, Figures]:
    """With the rows, or columns, of fewer than five put together, and with the smallest other ones until they are five."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for cell, one in figures.items():
        sizes[cell[at]] += one.grants
    together = {label for label, size in sizes.items() if size < LEAST_SHOWN}
    rest = sorted((size, label) for label, size in sizes.items() if size >= LEAST_SHOWN)
    if together and sum(sizes[label] for label in together) < LEAST_SHOWN and rest:
        together.add(rest[0][1])
    found: defaultdict[Cell, Figures] = defaultdict(Figures)
    for (row, column), one in figures.items():
        label = MERGED if (row, column)[at] in together else (row, column)[at]
        found[(label, column) if at == 0 else (row, label)] += one
    return dict(found)


def _hidden(found: _Summed) -> frozenset[Cell]:
    """The cells that are withheld: those of one to four, and as few others as are needed."""
    counts = {cell: one.grants for cell, one in found.cells.items()}
    small = sorted(cell for cell, count in counts.items() if 0 < count < LEAST_SHOWN)
    hidden = set(small)
    for cell in small:
        # That a zero is shown tells that what is withheld is at least one.
        if _is_pinned(cell, hidden, counts, 1):
            way = _cheapest_way(cell, hidden, counts)
            if way is None:
                return frozenset(counts)
            hidden |= way
    for cell in sorted(hidden - set(small), key=lambda cell: (-counts[cell], cell)):
        if not _pins(hidden - {cell}, counts, 1):
            hidden.discard(cell)
    return frozenset(hidden)


def _pins(hidden: Collection[Cell], values: Mapping[Cell, int] | Mapping[Cell, Decimal], least: int | Decimal) -> bool:
    """Whether the sums say of any of these cells exactly what it is, where each is known to be at least so much."""
    return any(_is_pinned(cell, hidden, values, least) for cell in hidden)


def _is_pinned(
    cell: Cell, hidden: Collection[Cell], values: Mapping[Cell, int] | Mapping[Cell, Decimal], least: int | Decimal
) -> bool:
    # A cell can be another one where some of what is hidden can be moved round a ring of rows and columns through it.
    row, column = (False, cell[0]), (True, cell[1])
    others = [other for other in hidden if other != cell]
    more: defaultdict[_Node, list[_Node]] = defaultdict(list)
    for other in others:
        more[False, other[0]].append((True, other[1]))
        if values[other] > least:
            more[True, other[1]].append((False, other[0]))
    return not (_reaches(more, column, row) or (values[cell] > least and _reaches(more, row, column)))


def _reaches(ways: Mapping[_Node, list[_Node]], start: _Node, end: _Node) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        for node in ways.get(waiting.pop(), ()):
            if node == end:
                return True
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return False


def _cheapest_way(cell: Cell, hidden: Collection[Cell], counts: Mapping[Cell, int]) -> frozenset[Cell] | None:
    """The ring through a cell by which it can be another one that hides the fewest others; None where there is none."""
    row, column = (False, cell[0]), (True, cell[1])
    ways: defaultdict[_Node, list[tuple[_Node, Cell]]] = defaultdict(list)
    for other in sorted(other for other, count in counts.items() if count and other != cell):
        ways[False, other[0]].append(((True, other[1]), other))
        if counts[other] > 1:
            ways[True, other[1]].append(((False, other[0]), other))
    found = [_cheapest(ways, column, row, hidden)]
    if counts[cell] > 1:
        found.append(_cheapest(ways, row, column, hidden))
    possible = [one for one in found if one is not None]
    return frozenset(min(possible)[1]) if possible else None


def _cheapest(
    ways: Mapping[_Node, list[tuple[_Node, Cell]]], start: _Node, end: _Node, hidden: Collection[Cell]
) -> tuple[int, tuple[Cell, ...]] | None:
    waiting: list[tuple[int, tuple[Cell, ...], _Node]] = [(0, (), start)]
    done: set[_Node] = set()
    while waiting:
        cost, way, node = heapq.heappop(waiting)
        if node == end:
            return cost, way
        if node in done:
            continue
        done.add(node)
        for following, cell in ways.get(node, ()):
            if following not in done:
                heapq.heappush(waiting, (cost + (cell not in hidden), (*way, cell), following))
    return None
