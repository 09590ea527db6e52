"""Which revision a service's database should be at and is at, without loading them all as an upgrade has to."""

import contextlib
import re
from functools import cache
from pathlib import Path
from typing import Final

import asyncpg

_FOLDER: Final = Path(__file__).resolve().parent.parent / "migrations"
_NAMED: Final = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.MULTILINE)


@cache
def newest(owner: str) -> frozenset[str]:
    """The revisions in a service's folder that no other follows: one, in every release.

    ValueError where a file does not name itself and what it follows as all of ours do.
    """
    names: set[str] = set()
    followed: set[str] = set()
    for path in (_FOLDER / owner / "versions").glob("*.py"):
        found = dict(_NAMED.findall(path.read_text("utf-8")))
        if set(found) != {"revision", "down_revision"}:
            raise ValueError(f"{path.name} does not name its revision and the one that it follows")
        names.add(found["revision"])
        followed.add(found["down_revision"])
    return frozenset(names - followed)


async def is_newest(owner: str, url: str) -> bool:
    """Whether a database, reached by its migration login, is at the newest revision: then an upgrade has nothing to do.

    What is said is what was so a moment ago; whoever downgrades meanwhile is nobody who starts a system.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"SET ROLE {owner}_owner")
        rows = []
        with contextlib.suppress(asyncpg.UndefinedTableError):
            rows = await connection.fetch("SELECT version_num FROM alembic_version")
    finally:
        await connection.close()
    return {row["version_num"] for row in rows} == newest(owner)
