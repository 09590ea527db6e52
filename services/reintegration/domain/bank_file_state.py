"""A file of the bank's as it stands: brought by one person, and of no effect before another one confirmed it. Decision 69."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from shared.contracts.bank import (
    BankFileConfirmed,
    BankFileDropped,
    BankFileDropReason,
    BankFileImported,
    BankFileKept,
    BankFileKind,
    BankFileRevocationAsked,
    ImportedStatement,
)
from shared.messages import Event
from shared.transitions import moved

BankFileStatus = Literal["unconfirmed", "confirmed", "dropped"]
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "unconfirmed": frozenset({"confirmed", "dropped"}), "confirmed": frozenset({"dropped"}), "dropped": frozenset(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BankFile:
    """What was imported, by whom and when, the hashes of the file and of the lines as they are kept, and whether it counts.

    ``before_rule``: it was imported before a second person had to confirm, and counts by the word of whoever imported it.
    ``acted_by`` is whoever acted on it last. ``revocation_asked_by`` found that it should count no more, and ``drop_reason`` says
    why; ``kept_by`` let it count on after that.
    """

    file_kind: BankFileKind
    sha256: str
    lines: int
    lines_sha256: str
    statements: tuple[ImportedStatement, ...]
    identification: str | None
    instruction_id: UUID | None
    imported_by: str
    imported_at: datetime
    acted_by: str
    status: BankFileStatus = "unconfirmed"
    before_rule: bool = False
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    dropped_by: str | None = None
    dropped_at: datetime | None = None
    drop_reason: BankFileDropReason | None = None
    revocation_asked_by: str | None = None
    kept_by: str | None = None


@dataclass(frozen=True, slots=True)
class BankFileFacts:
    """What is known beside the file; whatever was not looked up refuses to confirm.

    ``imported_already``: the file, not dropped, that has the same content, or the same statement or report in it. ``i_paid`` and
    ``importer_paid``: whether whoever acts, or whoever imported it, released one of the payments that the file names or
    signed a batch with one. ``waiting``: how many files that whoever acts imported wait for a second person.
    ``followed``: whether a line of it settled something, or somebody said what it is, or another file tells it again.
    """

    imported_already: UUID | None = None
    i_paid: bool = True
    importer_paid: bool = True
    waiting: int = 0
    followed: bool = True


def evolve(state: BankFile | None, event: Event) -> BankFile:
    """The file after one fact; TypeError for one that does not fit, `IllegalTransition` for a move that is not declared."""
    match event:
        case BankFileImported() if state is None:
            return BankFile(
                event.file_kind, event.sha256, event.lines, event.lines_sha256, event.statements, event.identification,
                event.instruction_id, event.imported_by, event.imported_at, acted_by=event.imported_by,
                status="unconfirmed" if event.unconfirmed else "confirmed", before_rule=not event.unconfirmed,
            )  # fmt: skip
        case BankFileConfirmed() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "confirmed"), acted_by=event.confirmed_by,
                confirmed_by=event.confirmed_by, confirmed_at=event.confirmed_at,
            )  # fmt: skip
        case BankFileDropped() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "dropped"), acted_by=event.dropped_by, drop_reason=event.reason,
                dropped_by=event.dropped_by, dropped_at=event.dropped_at,
            )  # fmt: skip
        case BankFileRevocationAsked() if state is not None and state.status == "confirmed":
            return replace(
                state, acted_by=event.asked_by, revocation_asked_by=event.asked_by, drop_reason=event.reason, kept_by=None
            )  # fmt: skip
        case BankFileKept() if state is not None and state.status == "confirmed":
            return replace(state, acted_by=event.kept_by, revocation_asked_by=None, drop_reason=None, kept_by=event.kept_by)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a file of the bank's here")
