"""When what changed for a grant is told of a fund: together with four others at least, so that no two views tell one apart.

Decision 76; pure, and the same postings are always told in the same months.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from services.reintegration.domain.withholding import LEAST_SHOWN, MERGED, Cell, Figures

# What is told of a cell: how many grants it has, what they were given in all, and what of that was spent.
Told = Literal["grants", "granted", "spent"]
_TOLD: Final[tuple[Told, ...]] = ("grants", "granted", "spent")
_QUARTERS: Final = frozenset({3, 6, 9, 12})


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted for one grant in one month, in the fund's currency: how committed and spent changed."""

    month: date
    grant_id: UUID
    cell: Cell
    committed: Decimal
    spent: Decimal


@dataclass(slots=True)
class _Told:
    """What is known so far, what was told of it, and where each grant is counted once it was told."""

    known: dict[Told, defaultdict[UUID, Decimal]] = field(default_factory=lambda: {one: defaultdict(Decimal) for one in _TOLD})
    told: dict[Told, defaultdict[UUID, Decimal]] = field(default_factory=lambda: {one: defaultdict(Decimal) for one in _TOLD})
    cells: dict[UUID, Cell] = field(default_factory=dict)
    place: dict[UUID, Cell] = field(default_factory=dict)

    def note(self, one: Posted) -> None:
        """Takes note of what was posted, and tells nothing of it."""
        self.cells[one.grant_id] = one.cell
        self.known["granted"][one.grant_id] += one.committed + one.spent
        self.known["spent"][one.grant_id] += one.spent
        # A grant whose money is free again, of which nothing was spent, is counted no more.
        holds = bool(self.known["granted"][one.grant_id])
        self.known["grants"][one.grant_id] = Decimal(holds)

    def tell(self, within: Callable[[Cell], Cell]) -> None:
        """Tells of each place, as wide as ``within`` makes it of a cell, what enough grants there have to tell."""
        for what in _TOLD:
            for place, grants in self._waiting(what, within).items():
                if self._may_be_told(what, place, grants):
                    for grant_id in grants:
                        self.told[what][grant_id] = self.known[what][grant_id]
                        self.place[grant_id] = place

    def figures(self) -> dict[Cell, Figures]:
        """What is told, by place."""
        found: defaultdict[Cell, Figures] = defaultdict(Figures)
        for grant_id, place in self.place.items():
            granted, spent = self.told["granted"][grant_id], self.told["spent"][grant_id]
            found[place] += Figures(int(self.told["grants"][grant_id]), granted - spent, spent)
        return {place: one for place, one in found.items() if one != Figures()}

    def _waiting(self, what: Told, within: Callable[[Cell], Cell]) -> Mapping[Cell, list[UUID]]:
        found: defaultdict[Cell, list[UUID]] = defaultdict(list)
        for grant_id, cell in self.cells.items():
            place = self.place.get(grant_id)
            # Where a grant is counted it stays, and its money is told once it is counted.
            if place is None and what == "grants":
                place = within(cell)
            if place is not None and self.known[what][grant_id] != self.told[what][grant_id]:
                found[place].append(grant_id)
        return found

    def _may_be_told(self, what: Told, place: Cell, grants: list[UUID]) -> bool:
        if len(grants) < LEAST_SHOWN:
            return False
        there = {*grants, *(grant_id for grant_id, at in self.place.items() if at == place)}
        after = {id: self.known[what][id] if id in grants else self.told[what][id] for id in there}
        if 0 < sum(value != 0 for value in after.values()) < LEAST_SHOWN:
            return False
        # More spent than given would tell that the one is told before the other.
        given, spent = (
            sum((after if what == name else self.told[name])[id] for id in there) for name in ("granted", "spent")
        )
        return given >= spent


def known(posted: Iterable[Posted]) -> dict[Cell, Figures]:
    """What grants hold or spent after all that was posted, by category and country, whole: for whoever answers for the fund."""
    found = _Told()
    for one in posted:
        found.note(one)
    found.told, found.place = found.known, {id: cell for id, cell in found.cells.items() if found.known["grants"][id]}
    return found.figures()


def told_at_the_end_of(month: date, posted: Iterable[Posted]) -> dict[Cell, Figures]:
    """What is told of a fund at the end of a month, by category and country, or of some together as `MERGED`.

    Of each cell a number changes once it changed for five grants there at least, and never so that of one to four of them
    anything is left. At the end of a quarter what waits is told by category, and what still waits after that all together.
    """
    found = _Told()
    by_month: defaultdict[date, list[Posted]] = defaultdict(list)
    for one in posted:
        by_month[one.month].append(one)
    for at in _months(min(by_month, default=month), month):
        for one in by_month[at]:
            found.note(one)
        found.tell(lambda cell: cell)
        if at.month in _QUARTERS:
            found.tell(lambda cell: (cell[0], MERGED))
            found.tell(lambda _: (MERGED, MERGED))
    return found.figures()


def _months(first: date, last: date) -> Iterable[date]:
    while first <= last:
        yield first
        first = date(first.year + first.month // 12, first.month % 12 + 1, 1)
