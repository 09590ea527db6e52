"""How far a log is signed under the name that it has, where its database says that it was set back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from ops.checkpointer.generations import Begun
from ops.checkpointer.reading import SetBackTo
from shared.durable_files import write_durably
from shared.tlog.refusals import LogRefused

_UNSIGNED: Final = "unsigned"


@dataclass(frozen=True, slots=True)
class Bound:
    """A setting back behind which the present generation does not go on, and how many ``entries`` at most are signed under its name.

    Whatever was ever signed under it begins with these: they were kept, and so is the acceptance by which the generation began.
    """

    mark: UUID
    entries: int

    @property
    def refusal(self) -> LogRefused:
        """Why nothing more is signed under this name."""
        return LogRefused("log_set_back", f"The database was set back and kept {self.entries} entries; that two persons accepted it was not shown.")


def bounds_of(marks: Sequence[SetBackTo], begun: Sequence[Begun], signed: int | None) -> list[Bound]:
    """What this generation does not go on behind, the oldest first; nothing where all of the log is signed under its name.

    ``signed`` is how many entries were, None if nothing was. Where more was signed than was kept, what was signed is held against
    the log as ever. What was marked before the restore by whose acceptance this generation began is over with that.
    """
    least = begun[-1].end if begun else 0
    known = {one.accepts for one in begun}
    newer = [mark for mark in marks if mark.id not in known and (not begun or mark.id > begun[-1].accepts or mark.kept >= least)]
    found = [Bound(mark.id, max(mark.kept, least)) for mark in newer]
    return [bound for bound in found if signed is None or bound.entries >= signed]


def refuse_unknown(folder: Path, marks: Sequence[SetBackTo]) -> None:
    """LogRefused where a log of which nothing is known here may have been signed under a name that is not known here either.

    Two persons accepted in its database that it was set back, so that it may have gone on under another name since. Whoever knew it
    before that, or is told by who runs the system that nothing was ever signed of it (`note_unsigned`), knows under which name it
    stands; they wait for the two persons alone, and sign no more of it under its first name than was kept.
    """
    waits = any(not mark.accepted for mark in marks)
    if waits and not any(mark.accepted for mark in marks):
        note_unsigned(folder)
    if marks and not (folder / _UNSIGNED).exists():
        raise generation_unknown()
    if waits:
        raise LogRefused("set_back_waits", "The database was set back, and two persons have not accepted that yet.")


def note_unsigned(folder: Path) -> None:
    """Keeps that nothing was ever signed of a log by the time when two persons accepted that it was set back."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / _UNSIGNED).exists():
        write_durably(folder / _UNSIGNED, b"")


def generation_unknown() -> LogRefused:
    """Under which name the log was signed last is not known here."""
    return LogRefused("generation_unknown", "The log was set back before, and under which name it was signed since is not known here any more.")
