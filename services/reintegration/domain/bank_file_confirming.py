"""What a second person does with a file of the bank's: finds in the bank's own portal what it says, or drops it. Decision 69.

Whoever could bring an invented statement alone could settle payments that nobody made, and keep the true one out.
"""

from typing import Annotated, Final

from pydantic import Field

from services.reintegration.domain.bank_file_state import BankFile, BankFileFacts
from shared.actors import Role
from shared.contracts.bank import (
    Balance,
    BankFileConfirmed,
    BankFileDropped,
    BankFileDropReason,
    Compared,
    Sha256,
)
from shared.decider import Events, ReadsFacts, Rule, changing
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Part

_MOST_STATEMENTS: Final = 100
_MOST_LINES: Final = 100_000


class StatementSeen(Part):
    """What the bank's own portal shows of one statement: the balance that it closes with, and how many lines it has."""

    closing: Annotated[Balance, Field(json_schema_extra={"x-written": "decimal"})]
    line_count: Annotated[int, Field(strict=True, ge=0, le=_MOST_LINES)]


class ConfirmBankFile(Command):
    """Confirm a file that a colleague imported, after you took the same file from the bank's own portal yourself.

    Say its SHA-256 as you took it, and of statements what the portal shows: closing balance and number of lines of each, in
    their order. Balances alone would not tell whose payment a line is.
    """

    file_sha256: Annotated[Sha256, Field(description="The SHA-256 of the file as you took it from the bank yourself.")]
    statements: Annotated[
        tuple[StatementSeen, ...],
        Field(max_length=_MOST_STATEMENTS, description="Each statement as the bank's own portal shows it, in their order; nothing for a report."),
    ] = ()


class DropBankFile(Command):
    """Drop a file that does not count; what the bank really sent can be imported afterwards."""

    reason: BankFileDropReason


def not_by_whoever_imported() -> FourEyes:
    """Refuses to decide on what one imported oneself; the database's CHECKs refuse it in the same words."""
    return FourEyes("You imported this file, so somebody else has to look at it in the bank's portal.")


def not_by_whoever_paid() -> FourEyes:
    """Refuses whoever released or signed one of the payments that the file names."""
    return FourEyes("You released or signed a payment that this file names, so somebody else has to say what the bank did.")


def _unconfirmed(state: BankFile, _: BankFileFacts, __: Context) -> None:
    if state.status == "confirmed":
        raise RuleViolation("file_confirmed", "This file counts already, and stays as it is.")
    if state.status == "dropped":
        raise RuleViolation("file_dropped", "This file is dropped.")


def _by_another(state: BankFile, _: BankFileFacts, context: Context) -> None:
    if context.actor.person_id == state.imported_by:
        raise not_by_whoever_imported()


def _never_by_a_payer(_: BankFile, __: BankFileFacts, context: Context) -> None:
    if context.actor.roles & {Role.FINANCE_PAYER, Role.OFFICE_PAYER}:
        raise FourEyes("Whoever pays says nothing of what the bank did.")


@ReadsFacts
def _by_nobody_who_paid(_: BankFile, facts: BankFileFacts, __: Context) -> None:
    if facts.i_paid:
        raise not_by_whoever_paid()


@ReadsFacts
def _imported_by_nobody_who_paid(_: BankFile, facts: BankFileFacts, __: Context) -> None:
    if facts.importer_paid:
        raise FourEyes("Whoever imported this file released or signed a payment that it names. Drop it, and bring it anew.")


def _confirm(state: BankFile, order: ConfirmBankFile, _: BankFileFacts, context: Context) -> Events:
    compared: tuple[Compared, ...] = ("file",)
    if order.file_sha256 != state.sha256:
        raise RuleViolation("another_file", "The file that you took from the bank is another one than was imported.")
    if order.statements:
        seen = [(one.closing, one.line_count) for one in order.statements]
        if seen != [(one.closing, one.lines) for one in state.statements]:
            raise RuleViolation(
                "balances_differ", "The file closes with other balances, or has other numbers of lines, than you saw at the bank."
            )
        compared = ("file", "balances")
    elif state.file_kind == "statement":
        raise RuleViolation("nothing_compared", "Say what the bank's own portal shows of each statement: closing balance and number of lines.")
    return (
        BankFileConfirmed(compared=compared, confirmed_by=context.actor.person_id, confirmed_at=context.now),
    )  # fmt: skip


def _drop(_: BankFile, order: DropBankFile, __: BankFileFacts, context: Context) -> Events:
    return (BankFileDropped(reason=order.reason, dropped_by=context.actor.person_id, dropped_at=context.now),)


CONFIRMING_RULES: tuple[Rule[BankFile, BankFileFacts], ...] = (
    changing(
        ConfirmBankFile, "Confirm the file", _confirm, _unconfirmed, _by_another, _never_by_a_payer, _by_nobody_who_paid,
        _imported_by_nobody_who_paid,
    ),
    changing(DropBankFile, "Drop the file", _drop, _unconfirmed, _by_another, _never_by_a_payer, _by_nobody_who_paid),
)
