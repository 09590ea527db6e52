"""Rows that bear another transaction than their newest event: they wait to be compared, the newest first, some at a time."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

# So many wait at most; what is older is the next round's. Whoever seals all rows anew touches each.
MOST_WAITING: Final = 100_000


class Apart(NamedTuple):
    """One such row: how many transactions ago it was written, by which, in which table, under which id."""

    age: int
    xmin: int
    table: str
    id: UUID


class ApartRows:
    """What waits, and what was compared of what each look reads again while a long transaction lasts."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._waiting: dict[tuple[str, UUID], int] = {}
        self._compared: dict[tuple[str, UUID], int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def newest(self, rows: Iterable[Apart]) -> list[Apart]:
        """As many of these rows as can wait, the newest first."""
        return sorted(rows)[: self._most]

    def read(self, rows: Sequence[Apart]) -> None:
        """Takes what a look read, the whole of it: what was compared since it was written waits no more."""
        found = {(row.table, row.id): row.xmin for row in self.newest(rows)}
        self._compared = {key: xmin for key, xmin in self._compared.items() if found.get(key) == xmin}
        new = {key: xmin for key, xmin in found.items() if key not in self._compared}
        waiting = [*new.items(), *((key, xmin) for key, xmin in self._waiting.items() if key not in new)]
        self._waiting = dict(waiting[: self._most])

    def following(self, most: int) -> list[tuple[str, UUID]]:
        """So many that wait, the newest first."""
        return [key for key, _ in zip(self._waiting, range(most), strict=False)]

    def compared(self, rows: Iterable[tuple[str, UUID]]) -> None:
        """These were compared and wait no more."""
        for key in rows:
            self._compared[key] = self._waiting.pop(key)
