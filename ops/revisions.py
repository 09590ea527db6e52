"""Where a service's database stands beside the revisions of this release, without loading them all as an upgrade has to."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import asyncpg

from ops.settings import CannotStart

# At the newest of this release, at an earlier one, at one of a later release with which this one runs, at one with which it
# does not, or at something that no release made.
Standing = Literal["newest", "behind", "later", "beyond", "strange"]

NONE: Final = "none"
_FOLDER: Final = Path(__file__).resolve().parent.parent / "migrations"
_NAMED: Final = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.MULTILINE)
_OURS: Final = "{owner}(_[0-9]+)+"
# What a contracting revision leaves behind (migrations/online.py).
_NEEDS: Final = re.compile(r"needs (\w+)")
_THERE: Final = "SELECT version_num, obj_description(to_regclass('alembic_version'), 'pg_class') AS says FROM alembic_version ORDER BY 1"


@dataclass(frozen=True, slots=True)
class Place:
    """At which revision a database is, in its own words, and what that is for this release."""

    revision: str
    standing: Standing

    def refusal(self, owner: str) -> CannotStart | None:
        """Why this release cannot run with the database, or None if it can, be it after an upgrade."""
        if self.standing == "beyond":
            return CannotStart(
                "database_later",
                f"The database of {owner} is at {self.revision}: a later release took away what this one asks for. Start the later one; "
                "docs/upgrading.md, Going back, says what else there is. Nothing was changed.",
            )
        if self.standing == "strange":
            return CannotStart(
                "revision_unknown",
                f"The database of {owner} says that it is at {self.revision!r}, which is no revision of any release. "
                "Find out who wrote that into alembic_version. Nothing was changed.",
            )
        return None


@cache
def newest(owner: str) -> frozenset[str]:
    """The revisions in a service's folder that no other follows: one, in every release.

    ValueError where a file does not name itself and what it follows as all of ours do.
    """
    return frozenset(_known(owner).keys() - _known(owner).values())


@cache
def _known(owner: str) -> dict[str, str]:
    """What each revision of this release follows; the first follows an empty name."""
    follows: dict[str, str] = {}
    for path in (_FOLDER / owner / "versions").glob("*.py"):
        found = dict(_NAMED.findall(path.read_text("utf-8")))
        if set(found) != {"revision", "down_revision"}:
            raise ValueError(f"{path.name} does not name its revision and the one that it follows")
        follows[found["revision"]] = found["down_revision"]
    return follows


def standing(owner: str, there: Collection[str], says: str | None) -> Standing:
    """What the revisions that a database names are for this release, and what a contracting revision left beside them."""
    known = _known(owner)
    if set(there) == newest(owner):
        return "newest"
    if known.keys() >= set(there):
        return "behind"
    if len(there) > 1 or not all(re.fullmatch(_OURS.format(owner=owner), one) for one in there):
        return "strange"
    needs = _NEEDS.fullmatch(says or "")
    return "later" if needs is None or needs[1] in known else "beyond"


async def place_in(owner: str, connection: "asyncpg.Connection[asyncpg.Record]") -> Place:
    """Where a database stands, by whoever may read its revision: the owner, or who verifies."""
    try:
        rows = await connection.fetch(_THERE)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        # Nothing was made yet; and before a certain revision whoever verifies was not told.
        rows = []
    there = [row["version_num"] for row in rows]
    return Place(", ".join(there) or NONE, standing(owner, there, rows[0]["says"] if rows else None))


async def place_of(owner: str, url: str) -> Place:
    """The same of a database that is reached by its migration login.

    What is said is what was so a moment ago; whoever downgrades meanwhile is nobody who starts a system.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"SET ROLE {owner}_owner")
        return await place_in(owner, connection)
    finally:
        await connection.close()
