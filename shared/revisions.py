"""Which revision of a service's database this program knows, and whether the database is at it."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import asyncpg

from shared.db import Database, Sql, UnitOfWork

_FOLDER: Final = Path(__file__).resolve().parent.parent / "migrations"
_SAYS: Final = re.compile(r'^(revision|down_revision) = "([a-z0-9_]+)"$', re.MULTILINE)
_THERE: Final = Sql("SELECT version_num FROM alembic_version")


class OtherRevision(Exception):
    """A database is being migrated, or is of another release than this program; ``reason`` names both revisions."""

    def __init__(self, there: str, known: str) -> None:
        super().__init__()
        self.reason = f"the database is at {there}, this program knows {known}"


@cache
def newest_of(service: str) -> str:
    """The newest revision that this program brings along for a service's database; RuntimeError where there is not one."""
    said = [_SAYS.findall(path.read_text(encoding="utf-8")) for path in (_FOLDER / service / "versions").glob("*.py")]
    made: set[str] = {number for one in said for name, number in one if name == "revision"}
    newest = made - {number for one in said for name, number in one if name == "down_revision"}
    if len(newest) != 1:
        raise RuntimeError(f"{service}: its revisions have {len(newest)} ends")
    return newest.pop()


class Revision:
    """Holds a service's database to the revision that this program knows: what another one left there is no difference."""

    def __init__(self, service: str) -> None:
        self._known = newest_of(service)

    async def holds(self, unit: UnitOfWork) -> None:
        """`OtherRevision` where this transaction sees another one; to be asked before anything else in it."""
        try:
            rows = await unit.rows(_THERE)
        except asyncpg.InsufficientPrivilegeError:
            # Who verifies may ask for it since the revision that told them so.
            raise OtherRevision("an older one", self._known) from None
        self._compared([row["version_num"] for row in rows])

    async def held(self, database: Database) -> None:
        """`OtherRevision` where it is another one by now: what was read meanwhile may be of either."""
        row = await database.alone(_THERE)
        self._compared([] if row is None else [row["version_num"]])

    def _compared(self, there: list[str]) -> None:
        if there != [self._known]:
            raise OtherRevision(", ".join(there) or "none", self._known)
