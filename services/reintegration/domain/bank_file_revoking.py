"""What two others do with a file that counts and should not: one asks to revoke it, another revokes it or keeps it. Decision 81.

Two people err as well, and a confirmed file would keep the true one out for ever.
"""

from services.reintegration.domain.bank_file_state import BankFile, BankFileFacts
from shared.actors import Role
from shared.contracts.bank import BankFileDropped, BankFileDropReason, BankFileKept, BankFileRevocationAsked
from shared.decider import Events, ReadsFacts, Rule, changing
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context


class AskToRevokeBankFile(Command):
    """Ask a second person to drop a file that counts, of which nothing has followed yet."""

    reason: BankFileDropReason


class RevokeBankFile(Command):
    """Drop a file that counts, as a colleague asked; what the bank really sent can be imported afterwards."""


class KeepBankFile(Command):
    """Let a file count on that a colleague asked to drop."""


def something_followed() -> RuleViolation:
    """Refuses to drop what something rests on."""
    return RuleViolation(
        "something_followed",
        "A line of this file settled a payment, or somebody said what it is, or another file tells it again. It stays.",
    )


def not_by_the_two() -> FourEyes:
    """Refuses whoever imported or confirmed the file, or asked; the database's CHECKs refuse it in the same words."""
    return FourEyes("You imported, confirmed or asked to drop this file, so somebody else has to decide.")


def _counts(state: BankFile, _: BankFileFacts, __: Context) -> None:
    if state.status != "confirmed":
        raise RuleViolation("file_does_not_count", "This file does not count, so nothing of it is to be revoked.")


def _unasked(state: BankFile, _: BankFileFacts, __: Context) -> None:
    if state.revocation_asked_by is not None:
        raise RuleViolation("revocation_asked", "Somebody asked to drop this file already.")


def _asked(state: BankFile, _: BankFileFacts, __: Context) -> None:
    if state.revocation_asked_by is None:
        raise RuleViolation("revocation_not_asked", "Nobody asked to drop this file.")


def _by_another(state: BankFile, _: BankFileFacts, context: Context) -> None:
    if context.actor.person_id in (state.imported_by, state.confirmed_by, state.revocation_asked_by):
        raise not_by_the_two()


def _never_by_a_payer(_: BankFile, __: BankFileFacts, context: Context) -> None:
    if context.actor.roles & {Role.FINANCE_PAYER, Role.OFFICE_PAYER}:
        raise FourEyes("Whoever pays says nothing of what the bank did.")


@ReadsFacts
def _by_nobody_who_paid(_: BankFile, facts: BankFileFacts, __: Context) -> None:
    if facts.i_paid:
        raise FourEyes("You released or signed a payment that this file names, so somebody else has to say what the bank did.")


@ReadsFacts
def _nothing_followed(_: BankFile, facts: BankFileFacts, __: Context) -> None:
    if facts.followed:
        raise something_followed()


def _ask(_: BankFile, order: AskToRevokeBankFile, __: BankFileFacts, context: Context) -> Events:
    return (BankFileRevocationAsked(reason=order.reason, asked_by=context.actor.person_id, asked_at=context.now),)


def _revoke(state: BankFile, _: RevokeBankFile, __: BankFileFacts, context: Context) -> Events:
    assert state.drop_reason is not None
    return (BankFileDropped(reason=state.drop_reason, dropped_by=context.actor.person_id, dropped_at=context.now),)


def _keep(_: BankFile, __: KeepBankFile, ___: BankFileFacts, context: Context) -> Events:
    return (BankFileKept(kept_by=context.actor.person_id, kept_at=context.now),)


_OTHERS = (_by_another, _never_by_a_payer, _by_nobody_who_paid)
REVOKING_RULES: tuple[Rule[BankFile, BankFileFacts], ...] = (
    changing(AskToRevokeBankFile, "Ask to drop a file that counts", _ask, _counts, _unasked, *_OTHERS, _nothing_followed),
    changing(RevokeBankFile, "Drop the file that counts", _revoke, _counts, _asked, *_OTHERS, _nothing_followed),
    changing(KeepBankFile, "Let the file count on", _keep, _counts, _asked, *_OTHERS),
)
