"""Reads what the bank says of payments that it was given: a payment status report, pain.002 of ISO 20022.

Only codes are kept. Why a payment was rejected in words may hold names and is never read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar, get_args
from uuid import UUID
from xml.etree.ElementTree import Element

from services.reintegration.bank.messages import (
    child,
    codes,
    contradicts_itself,
    named,
    needed,
    read_message,
    text,
)
from services.reintegration.bank.references import identified, identified_block
from shared.errors import RuleViolation

_VERSIONS: Final = frozenset({"001.03", "001.10"})
_REASONS: Final = "StsRsnInf/Rsn"

# ISO's codes for the status of a payment, a block of them, or a file. Of those that settle money ACSC says that it left the
# payer's account, ACCC that it is on the payee's.
StatusCode = Literal[
    "ACCC", "ACCP", "ACFC", "ACIS", "ACPD", "ACSC", "ACSP", "ACTC", "ACWC", "ACWP", "APCD", "BLCK", "CANC", "CPUC", "PART", "PATC",
    "PDNG", "PRES", "RCVD", "RJCT",
]  # fmt: skip
_CODES: Final[Mapping[str, StatusCode]] = {code: code for code in get_args(StatusCode)}
_NOT_DONE: Final = frozenset({"RJCT", "CANC"})
# ISO's reasons for refusing what the bank has had before: a file, a block, a transaction, an end-to-end identification.
HAD_BEFORE: Final = frozenset({"AM05", "DU01", "DU02", "DU03", "DU04", "DU05"})

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Status:
    """What the bank says of something, and the codes of why; no code where it says nothing of it."""

    code: StatusCode | None
    reasons: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the bank says that it has not paid and will not.

        It does not say so of what it rejects as a duplicate: the one that it had before may have been paid, and whoever took
        this for a failure would pay again.
        """
        return self.not_done and not self.had_before

    @property
    def not_done(self) -> bool:
        """Whether the bank says that it does not do this; it may have done the same before (`had_before`)."""
        return self.code in _NOT_DONE

    @property
    def had_before(self) -> bool:
        """Whether the bank says that it has had the same file or payment before, so that somebody has to look."""
        return not HAD_BEFORE.isdisjoint(self.reasons)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What one report says of one of our files: as a whole, of its blocks, and of single attempts to pay."""

    id: str
    instruction: UUID
    of_file: Status
    of_blocks: Mapping[str, Status]
    of_attempts: Mapping[UUID, Status]

    def of(self, attempt: UUID, block: str) -> Status:
        """What the report says of an attempt that was sent in a block: of itself, else what is true of all in block or file.

        The status has no code where nothing is said of this one: a file that is accepted in part says nothing of a payment
        that is not listed.
        """
        levels = (self.of_attempts.get(attempt), self.of_blocks.get(block), self.of_file)
        said = [status for status in levels if status is not None and status.code is not None]
        if not said or said[0].code == "PART":
            return Status(None)
        # Why a payment was rejected may be said of its block or file alone, and that the bank had it before must not be lost.
        rejected = [status for status in said[1:] if status.code in _NOT_DONE]
        return Status(said[0].code, tuple(dict.fromkeys(code for status in (said[0], *rejected) for code in status.reasons)))


def read_status_report(file: bytes) -> StatusReport:
    """The report in a file of pain.002.001.03 or .10.

    Refused as ``read_message`` refuses files, ``not_our_file`` and ``not_our_payment`` where it speaks of what does not bear
    an identification of ours, ``status_unknown`` for a code that ISO 20022 has not, ``file_contradicts_itself`` where one
    attempt is said to be both or one of a rejected file or block is said to be accepted, and ``file_incomplete``.
    """
    report = read_message(file, "pain.002", _VERSIONS)
    original = child(report, "OrgnlGrpInfAndSts")
    instruction = identified(needed(original, "OrgnlMsgId"))
    if instruction is None:
        raise _not_our_file()
    of_file = _status(original, "GrpSts")
    of_blocks: dict[str, Status] = {}
    of_attempts: dict[UUID, Status] = {}
    for block in report.iterfind("OrgnlPmtInfAndSts"):
        of_block = _status(block, "PmtInfSts")
        block_id = identified_block(needed(block, "OrgnlPmtInfId"))
        if block_id is None:
            raise _not_our_file()
        _put(of_blocks, block_id, of_block)
        for transaction in block.iterfind("TxInfAndSts"):
            attempt = identified(text(transaction, "OrgnlEndToEndId")) or identified(text(transaction, "OrgnlInstrId"))
            if attempt is None:
                raise RuleViolation("not_our_payment", "This report speaks of a payment that is not ours.")
            status = _status(transaction, "TxSts")
            _refuse_accepted_of_failed(status, (of_file, of_block))
            _put(of_attempts, attempt, status)
    for of_block in of_blocks.values():
        _refuse_accepted_of_failed(of_block, (of_file,))
    return StatusReport(named(report, "GrpHdr/MsgId"), instruction, of_file, of_blocks, of_attempts)


def _not_our_file() -> RuleViolation:
    return RuleViolation("not_our_file", "This report speaks of a file that we did not write.")


def _status(element: Element, tag: str) -> Status:
    written = text(element, tag)
    if written is not None and written not in _CODES:
        raise RuleViolation("status_unknown", "The bank gives a status that ISO 20022 does not know.")
    return Status(None if written is None else _CODES[written], codes(element, _REASONS))


def _refuse_accepted_of_failed(status: Status, above: Sequence[Status]) -> None:
    # Whoever takes a payment for rejected that was accepted pays it again.
    if status.code is not None and status.code not in _NOT_DONE and any(one.code in _NOT_DONE for one in above):
        raise contradicts_itself()


def _put(known: dict[Key, Status], key: Key, status: Status) -> None:
    if known.setdefault(key, status) != status:
        raise contradicts_itself()
