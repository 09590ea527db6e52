"""The events of reintegration about what the bank says: files that were imported, and what persons say of single lines of them.

No event names anybody, or holds the number of an account.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from shared.contracts.counselling import StaffId
from shared.messages import Event, Part
from shared.money import LARGEST, Currency, Money

BankFileKind = Literal["statement", "status_report"]
# Why a line that is no payment of ours is one to leave alone.
Explanation = Literal[
    "charges", "interest", "transfer_between_accounts", "not_ours", "recovery", "exchange", "corrected_by_the_bank", "answered_otherwise",
]  # fmt: skip
# Why a file that somebody brought does not count: the bank knows nothing of it, shows something else, or it was the wrong one.
BankFileDropReason = Literal["not_from_the_bank", "differs_from_the_bank", "brought_by_mistake"]
# What a second person compared with what the bank itself shows: the file, or balances and numbers of lines.
Compared = Literal["file", "balances"]
# Why a line is of another attempt than the one that the bank names.
OtherThanNamed = Literal["quoted_wrongly", "mixed_up_with_another", "named_one_is_over"]
_SIGNED: Final = r"^-?[0-9]{1,14}(\.[0-9]{1,4})?$"


def _from_wire(value: object) -> object:
    if isinstance(value, Decimal) or (isinstance(value, str) and re.fullmatch(_SIGNED, value)):
        return value
    raise ValueError("a balance is written as a string of digits, below zero with a minus before them")


def _bounded(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) > LARGEST:
        raise ValueError("a balance has at most 14 digits before the point")
    return value


# What an account holds; below zero where it is overdrawn.
Balance = Annotated[
    Decimal,
    BeforeValidator(_from_wire, json_schema_input_type=Annotated[str, Field(pattern=_SIGNED)]),
    AfterValidator(_bounded),
    PlainSerializer(lambda value: f"{value:f}", return_type=str),
]
# As the bank calls its statement or report; what does not look like a code is kept as a hash alone.
Identification = Annotated[str, Field(pattern=r"^[A-Za-z0-9./:+_-]{1,40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ImportedStatement(Part):
    """What was booked on one of our accounts between two balances; ``first_on`` is the day of its first line, None without any."""

    own_account_id: UUID
    identification: Identification
    currency: Currency
    opening: Balance
    closing: Balance
    first_on: date | None
    closed_on: date
    lines: Annotated[int, Field(ge=0)]


class BankFileImported(Event, kind="avrr.reintegration.bank_file.imported.v1"):
    """A file of the bank's was read whole: statements of our accounts, or a report on the payments of one of our files.

    ``sha256`` is of the file as it was brought, ``lines_sha256`` of its lines as they are kept; ``identification`` and
    ``instruction_id``, which of our files it speaks of, are a report's. ``unconfirmed``: it counts once a second person confirmed
    it; what was imported before there was that rule counts at once.
    """

    file_kind: BankFileKind
    sha256: Sha256
    lines: Annotated[int, Field(ge=0)]
    lines_sha256: Sha256
    statements: tuple[ImportedStatement, ...]
    identification: Identification | None
    instruction_id: UUID | None
    imported_by: StaffId
    imported_at: datetime
    unconfirmed: bool = False


class BankFileConfirmed(Event, kind="avrr.reintegration.bank_file.confirmed.v1"):
    """Another person compared a file with what the bank itself shows; from here on its lines count."""

    compared: tuple[Compared, ...]
    confirmed_by: StaffId
    confirmed_at: datetime


class BankFileDropped(Event, kind="avrr.reintegration.bank_file.dropped.v1"):
    """Another person found that a file does not count; its lines settle nothing, and it may be imported once more."""

    reason: BankFileDropReason
    dropped_by: StaffId
    dropped_at: datetime


class BankFileRevocationAsked(Event, kind="avrr.reintegration.bank_file.revocation_asked.v1"):
    """Somebody found that a file which counts should not; it counts on until another person decides."""

    reason: BankFileDropReason
    asked_by: StaffId
    asked_at: datetime


class BankFileKept(Event, kind="avrr.reintegration.bank_file.kept.v1"):
    """A file that somebody asked to drop counts on."""

    kept_by: StaffId
    kept_at: datetime


class BankLineExplained(Event, kind="avrr.reintegration.bank_line.explained.v1"):
    """Somebody found what a line is that is no payment of ours; nothing follows from it.

    Of a line that names a payment of ours two persons say so, and ``asked_by`` is the first of them.
    """

    explanation: Explanation
    explained_by: StaffId
    explained_at: datetime
    asked_by: StaffId | None = None


class BankLineExplanationAsked(Event, kind="avrr.reintegration.bank_line.explanation_asked.v1"):
    """Somebody found that a line is no payment of ours though it names one; it waits for a second person."""

    explanation: Explanation
    asked_by: StaffId
    asked_at: datetime


class BankLineExplanationDropped(Event, kind="avrr.reintegration.bank_line.explanation_dropped.v1"):
    """It may be a payment of ours after all, or nobody is sure of it."""

    dropped_by: StaffId
    dropped_at: datetime


class BankLineMatchAsked(Event, kind="avrr.reintegration.bank_line.match_asked.v1"):
    """Somebody found of which attempt to pay a line is, where the bank lost what we had written; it waits for a second person.

    ``other_than_named`` says why it is not the attempt that the bank names, where it names one of ours. ``paid_part`` is how much of
    what was ordered it paid, where the line is of another amount or says none.
    """

    attempt_id: UUID
    asked_by: StaffId
    asked_at: datetime
    other_than_named: OtherThanNamed | None = None
    paid_part: Money | None = None


class BankLineMatchDropped(Event, kind="avrr.reintegration.bank_line.match_dropped.v1"):
    """It is not of that attempt after all, or nobody is sure of it."""

    dropped_by: StaffId
    dropped_at: datetime


class BankLineMatched(Event, kind="avrr.reintegration.bank_line.matched.v1"):
    """Two persons found of which attempt to pay a line is; from here on it is settled as if the bank had said so.

    ``part_worth`` is what the part that they found is worth in the currency of the line, by the rate of the day on which it was
    booked, where that is another one than the payment's.
    """

    attempt_id: UUID
    asked_by: StaffId
    matched_by: StaffId
    matched_at: datetime
    part_worth: Money | None = None


class BankLineUndoAsked(Event, kind="avrr.reintegration.bank_line.undo_asked.v1"):
    """Somebody found that a line which settled nothing yet is not of that attempt; it waits for a second person."""

    attempt_id: UUID
    asked_by: StaffId
    asked_at: datetime


class BankLineMatchKept(Event, kind="avrr.reintegration.bank_line.match_kept.v1"):
    """The line is of that attempt all the same."""

    kept_by: StaffId
    kept_at: datetime


class BankLineMatchUndone(Event, kind="avrr.reintegration.bank_line.match_undone.v1"):
    """Two persons found that the line is not of that attempt: it is again of the one that the bank names, or of none."""

    attempt_id: UUID
    asked_by: StaffId
    undone_by: StaffId
    undone_at: datetime


class BankLineApartAsked(Event, kind="avrr.reintegration.bank_line.apart_asked.v1"):
    """Somebody found that a line is another one than that for which it was taken; it waits for a second person."""

    asked_by: StaffId
    asked_at: datetime


class BankLineApartDropped(Event, kind="avrr.reintegration.bank_line.apart_dropped.v1"):
    """It is the same line after all, or nobody is sure of it."""

    dropped_by: StaffId
    dropped_at: datetime


class BankLineToldApart(Event, kind="avrr.reintegration.bank_line.told_apart.v1"):
    """Two persons found that it is another line; it settles, or waits, as any other one does."""

    asked_by: StaffId
    confirmed_by: StaffId
    confirmed_at: datetime


EVENTS: tuple[type[Event], ...] = (
    BankLineApartAsked, BankLineApartDropped, BankLineToldApart,
    BankFileImported, BankFileConfirmed, BankFileDropped, BankFileRevocationAsked, BankFileKept, BankLineExplanationAsked, BankLineExplanationDropped, BankLineExplained,
    BankLineMatchAsked, BankLineMatchDropped, BankLineMatched, BankLineUndoAsked, BankLineMatchKept, BankLineMatchUndone,
)  # fmt: skip
