"""As which logs the archive holds what it set apart from a log: what that lost in a restore, and what nobody ever signed of it."""

from collections.abc import Mapping
from math import inf
from typing import Final

from shared.db import Sql, UnitOfWork

# `lost_log` and `tail_log`; each has to be told from what it was set apart from wherever the name of a log is asked for.
LOG_PATTERN: Final = r"[a-z]{1,32}(?:\.t?[1-9][0-9]{0,3})?"
# As which logs the archive holds what others lost, and what was never signed of them.
APART = Sql(
    "SELECT log || '.' || (generation - 1) AS log FROM archive_breaks "
    "UNION ALL SELECT log || '.t' || number FROM archive_tails ORDER BY 1"
)
# The same of some logs, with how many entries went before it where nothing else tells that.
APART_OF = Sql(
    "SELECT log || '.' || (generation - 1) AS log, NULL AS kept FROM archive_breaks WHERE log = ANY (cast(:logs AS text[])) "
    "UNION ALL SELECT log || '.t' || number, kept FROM archive_tails WHERE log = ANY (cast(:logs AS text[])) ORDER BY 1"
)
_EXAMINED = Sql("SELECT last_idx FROM archive_examined WHERE log = :log FOR UPDATE")
_KEPT = Sql("SELECT generation, kept FROM archive_breaks WHERE log = :log AND generation > :generation ORDER BY generation")
_TAIL = Sql("SELECT generation, kept FROM archive_tails WHERE log = :log AND number = :number")


def lost_log(log: str, generation: int) -> str:
    """As which log the archive holds what a generation of a log had and the next one has not."""
    return f"{log}.{generation}"


def tail_log(log: str, number: int) -> str:
    """As which log the archive holds entries that nobody signed and the log has others in place of, the first time that this was so or a later one."""
    return f"{log}.t{number}"


def is_apart(log: str) -> bool:
    """Whether an entry of this log is no entry of the log that it came from any more: it was lost in a restore, or never signed."""
    return "." in log


def is_tail(log: str) -> bool:
    """Whether an entry of this log was never signed, and set apart for that."""
    return ".t" in log


async def examined_first(unit: UnitOfWork, log: str) -> None:
    """Waits for whoever examines a log before anything is set apart from it: how far they came goes with what they looked at.

    They would come to a place behind what was kept, and nobody would look at the entries that the log has there from then on.
    """
    await unit.rows(_EXAMINED, log=log)


async def parts_of(unit: UnitOfWork, name: str) -> Mapping[str, float]:
    """As which logs the archive holds the history of which the entries of a log are a part, and below which index of each.

    Of what was set apart that is what went before it: it stands where the generations since then kept it, each as far as it did.
    """
    log, _, apart = name.partition(".")
    parts, below = {name: inf}, inf
    if not apart:
        return parts
    generation: int
    if is_tail(name):
        tail = await unit.row(_TAIL, log=log, number=int(apart[1:]))
        if tail is None:
            return parts
        generation, below = tail["generation"], tail["kept"]
    else:
        generation = int(apart)
    rows = await unit.rows(_KEPT, log=log, generation=generation)
    if is_tail(name):
        parts[lost_log(log, generation) if rows else log] = below
    for row in rows:
        below = min(below, row["kept"])
        parts[log if row is rows[-1] else lost_log(log, row["generation"])] = below
    return parts
