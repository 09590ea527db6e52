"""How the mission's staff are called on pages: out of a list of its own, for no log and no service knows their names."""

import csv
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from shared.actors import ABROAD

_log = structlog.get_logger("portal")
# Longer is no list of the staff of a mission.
_MOST_BYTES: Final = 1 << 20

_State = tuple[int, int, int]


@dataclass(slots=True)
class StaffNames:
    """The names by ids that a file says: CSV with the columns ``id`` and ``name``, read again when it is another.

    Nobody is named where there is no such file or it cannot be read; pages tell people apart by their ids as well.
    """

    file: Path | None
    _known: dict[str, str] = field(default_factory=dict)
    _read: _State | None = None

    def told(self, id: str | None, reader: Collection[str]) -> str | None:
        """How the member of staff with this id is called, for a reader with these roles; None where the list does not say.

        Who works abroad, for another house, is told ids and no names, and so is who has no role.
        """
        if id is None or self.file is None or not reader or ABROAD & {*reader}:
            return None
        self._look(self.file)
        return self._known.get(id)

    def _look(self, file: Path) -> None:
        try:
            found = file.stat()
            state = (found.st_mtime_ns, found.st_size, found.st_ino)
            if state == self._read:
                return
            self._read = state
            self._known = _names(file) if found.st_size <= _MOST_BYTES else {}
        except OSError:
            self._known, self._read = {}, None
            return
        if not self._known:
            _log.warning("staff_list_unreadable")


def _names(file: Path) -> dict[str, str]:
    try:
        rows = csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines())
        return {row["id"]: name for row in rows if row["id"] and (name := " ".join((row["name"] or "").split()))}
    except (ValueError, KeyError, csv.Error):
        return {}
