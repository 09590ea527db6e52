"""A payment batch: payments that one payer puts together for the bank, and that nobody sends before another one signed.

Decision 58: what is signed is their number, their sums and the hash of the file; the file is written anew each time.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from services.reintegration.bank.pain001 import execution_day_wrong
from services.reintegration.domain.batch_file import (
    BatchFacts,
    Order,
    another_content,
    block_sums,
    file_of,
    hash_of,
    refuse_unsendable,
    sums_of,
)
from services.reintegration.domain.batch_state import PaymentBatch, evolve
from services.reintegration.domain.lost_payments import restore_not_cleared
from services.reintegration.domain.own_accounts import OwnAccount, own_account_not_active
from shared.contracts.batches import (
    MOST_IN_ONE_EVENT,
    BatchApproved,
    BatchDropAsked,
    BatchDropped,
    BatchDropReason,
    BatchFileTakenAgain,
    BatchHandedOut,
    BatchKept,
    BatchMade,
    PaymentsBatched,
)
from shared.contracts.reintegration import Sha256
from shared.decider import Decider, Events, changing, opening
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Concealed, Context
from shared.moments import Day
from shared.money import Money, refuse_unpayable

MOST_PAYMENTS: Final = 1000
# An example, never a rule of IOM: whatever waits longer is put together anew, by what is known then.
FURTHEST: Final = timedelta(days=30)
# An example as well: a file that was taken may be lost on its way and taken again, but no bank waits longer for it.
LOST_FOR: Final = timedelta(days=5)
_MOST_CURRENCIES: Final = 20

Count = Annotated[int, Field(strict=True, ge=1, le=MOST_PAYMENTS)]
Sums = Annotated[tuple[Money, ...], Field(min_length=1, max_length=_MOST_CURRENCIES)]


class MakeBatch(Command):
    """Put released payments together for the bank, from one account, on one day. Somebody else approves the batch.

    State how many there are and their sums as your own papers have them.
    """

    own_account_id: UUID
    execution_on: Day
    attempts: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MOST_PAYMENTS)]
    expected_count: Count
    expected_sums: Sums


class ApproveBatch(Command):
    """Give the second signature: that number of payments and these sums go to the bank, in the file whose hash you read."""

    expected_count: Count
    expected_sums: Sums
    file_sha256: Sha256


class TakeBatchFile(Command):
    """Take the file to the bank: from the first time on the bank may have it, and each further time is told to auditors."""


class DropBatch(Command):
    """Drop the batch: its payments wait for another one. Once the file was taken a second person confirms it."""

    reason: BatchDropReason


class ConfirmBatchDrop(Command):
    """Confirm that the bank never had the file, or refused it whole, as a colleague stated."""


class KeepBatch(Command):
    """Take back that the batch is dropped, or decline what a colleague asked."""


def not_by_whoever_made_it() -> FourEyes:
    """Refuses a second signature by whoever gave the first; the database's CHECK refuses it in the same words."""
    return FourEyes("You put this batch together, so somebody else has to approve it.")


def not_by_whoever_asked() -> FourEyes:
    """Refuses to drop a file that was taken alone; the database's CHECK refuses it in the same words."""
    return FourEyes("You asked to drop this batch, so somebody else has to confirm that the bank never had it.")


def does_not_add_up() -> RuleViolation:
    """Refuses totals that are not those of the payments."""
    return RuleViolation("batch_does_not_add_up", "The payments make another number or other sums than you gave. Look at them again.")


def bank_had_it() -> RuleViolation:
    """Refuses to drop a batch of which the bank answered for a payment, or to take its file once more."""
    return RuleViolation("bank_had_it", "The bank answered for a payment of this batch, so it had the file.")


def file_not_taken() -> RuleViolation:
    """Refuses the file to whoever has not taken it by an order."""
    return RuleViolation("file_not_taken", "You have not taken the file of this batch. Take it first, which is a step of its own.")


def _refuse_other_totals(order: MakeBatch | ApproveBatch, count: int, sums: Sequence[Money]) -> None:
    stated: Mapping[str, Decimal] = {money.currency: money.amount for money in order.expected_sums}
    one_each = len(stated) == len(order.expected_sums)
    if not one_each or order.expected_count != count or stated != {money.currency: money.amount for money in sums}:
        raise does_not_add_up()


def _account(facts: BatchFacts, execution_on: date) -> OwnAccount:
    if facts.account is None:
        raise RuleViolation("own_account_unknown", "There is no such account of our own.")
    if facts.account.kind != "bank":
        raise RuleViolation("not_at_a_bank", "A cash box is at no bank, so no file can order a payment from it.")
    if facts.account.status != "active":
        raise own_account_not_active()
    if not facts.today <= execution_on <= facts.today + FURTHEST:
        raise execution_day_wrong()
    return facts.account


def _make(order: MakeBatch, facts: BatchFacts, context: Context) -> Events:
    refuse_unpayable(order.expected_sums)
    if len(set(order.attempts)) < len(order.attempts):
        raise RuleViolation("attempt_twice", "One of these payments stands here twice.")
    account = _account(facts, order.execution_on)
    assert facts.batch_id is not None
    ordered = Order(facts.batch_id, context.now, account, order.execution_on, order.attempts)
    refuse_unsendable(ordered, facts, context)
    sums = sums_of(facts.candidates[id].money for id in order.attempts)
    _refuse_other_totals(order, len(order.attempts), sums)
    made = BatchMade(
        own_account_id=order.own_account_id, execution_on=order.execution_on, count=len(order.attempts), sums=sums,
        file_sha256=Concealed.of(hash_of(file_of(ordered, facts.candidates))), made_by=context.actor.person_id,
        made_at=context.now, block_sums=block_sums(ordered, facts.candidates),
    )  # fmt: skip
    parts = range(0, len(order.attempts), MOST_IN_ONE_EVENT)
    return made, *(PaymentsBatched(attempts=order.attempts[at : at + MOST_IN_ONE_EVENT]) for at in parts)


def ordered_by(batch_id: UUID, state: PaymentBatch, account: OwnAccount) -> Order:
    """What the file of a batch orders, as it was made."""
    return Order(batch_id, state.made_at, account, state.execution_on, state.attempts)


def _as_signed(state: PaymentBatch, facts: BatchFacts, order: Order) -> bytes:
    file = file_of(order, facts.candidates)
    if hash_of(file) != state.file_sha256:
        raise another_content()
    return file


def _made(state: PaymentBatch, _: BatchFacts, __: Context) -> None:
    if state.status != "made":
        raise RuleViolation("wrong_status", "This batch was approved already, or is dropped.")


def _approved(state: PaymentBatch, _: BatchFacts, __: Context) -> None:
    if state.status == "made":
        raise RuleViolation("batch_not_approved", "Nothing goes to the bank before a second person approved it.")


def _not_who_made_it(state: PaymentBatch, _: BatchFacts, context: Context) -> None:
    if state.made_by == context.actor.person_id:
        raise not_by_whoever_made_it()


def _not_dropped(state: PaymentBatch, _: BatchFacts, __: Context) -> None:
    if state.status == "dropped":
        raise RuleViolation("batch_dropped", "This batch is dropped.")


def _no_drop_waits(state: PaymentBatch, _: BatchFacts, __: Context) -> None:
    if state.drop_asked_by is not None and state.status != "dropped":
        raise RuleViolation("drop_asked", "A colleague asked to drop this batch already. It waits for a second person.")


def _drop_waits(state: PaymentBatch, _: BatchFacts, __: Context) -> None:
    if state.drop_asked_by is None or state.status == "dropped":
        raise RuleViolation("nothing_waits", "Nobody asked to drop this batch.")


def _not_who_asked(state: PaymentBatch, _: BatchFacts, context: Context) -> None:
    if state.drop_asked_by == context.actor.person_id:
        raise not_by_whoever_asked()


def _approve(state: PaymentBatch, order: ApproveBatch, facts: BatchFacts, context: Context) -> Events:
    refuse_unpayable(order.expected_sums)
    account = _account(facts, state.execution_on)
    assert facts.batch_id is not None
    ordered = ordered_by(facts.batch_id, state, account)
    refuse_unsendable(ordered, facts, context)
    _refuse_other_totals(order, state.count, state.sums)
    if order.file_sha256 != state.file_sha256:
        raise another_content()
    _as_signed(state, facts, ordered)
    return (
        BatchApproved(
            count=state.count, sums=state.sums, file_sha256=Concealed.of(state.file_sha256),
            approved_by=context.actor.person_id, approved_at=context.now,
        ),
    )  # fmt: skip


def file_for(state: PaymentBatch, facts: BatchFacts, context: Context) -> bytes:
    """The file, the same bytes each time, for who took it and as long as it may go; changes nothing.

    Refused as ``file_not_taken`` for anybody else, and as taking it once more would be.
    """
    if context.actor.person_id not in state.takers:
        raise file_not_taken()
    _not_dropped(state, facts, context)
    _no_drop_waits(state, facts, context)
    return _may_go(state, facts, context)


def _refuse_what_the_bank_had(state: PaymentBatch, facts: BatchFacts) -> None:
    """A file that was taken is lost or not: what the bank answered for, and is paid anew since, the file would pay once more."""
    if any(one.status != "released" or one.answered for one in facts.candidates.values()):
        raise bank_had_it()
    if facts.account is not None and facts.account.status != "active":
        raise own_account_not_active()
    if facts.today > state.execution_on + LOST_FOR:
        raise execution_day_wrong()


def _may_go(state: PaymentBatch, facts: BatchFacts, context: Context) -> bytes:
    if state.status == "sent":
        _refuse_what_the_bank_had(state, facts)
    if facts.account is None:
        raise another_content()
    assert facts.batch_id is not None
    ordered = ordered_by(facts.batch_id, state, facts.account)
    file = _as_signed(state, facts, ordered)
    if state.status != "sent":
        _account(facts, state.execution_on)
    refuse_unsendable(ordered, facts, context)
    return file


def _take(state: PaymentBatch, _: TakeBatchFile, facts: BatchFacts, context: Context) -> Events:
    _may_go(state, facts, context)
    if state.status == "sent":
        return (BatchFileTakenAgain(taken_by=context.actor.person_id, taken_at=context.now),)
    return (BatchHandedOut(handed_out_to=context.actor.person_id, handed_out_at=context.now),)


def _refuse_not_cleared(facts: BatchFacts) -> None:
    """That the file was taken may be among what a restore lost: whoever drops it would free what the bank may pay."""
    if facts.not_cleared:
        raise restore_not_cleared()


def _drop(state: PaymentBatch, order: DropBatch, facts: BatchFacts, context: Context) -> Events:
    _refuse_not_cleared(facts)
    if state.status != "sent":
        return (
            BatchDropped(reason=order.reason, asked_by=None, dropped_by=context.actor.person_id, dropped_at=context.now),
        )
    if facts.over:
        raise bank_had_it()
    return (BatchDropAsked(reason=order.reason, asked_by=context.actor.person_id, asked_at=context.now),)


def _confirm_drop(state: PaymentBatch, _: ConfirmBatchDrop, facts: BatchFacts, context: Context) -> Events:
    _refuse_not_cleared(facts)
    if facts.over:
        raise bank_had_it()
    assert state.drop_reason is not None
    return (
        BatchDropped(
            reason=state.drop_reason, asked_by=state.drop_asked_by, dropped_by=context.actor.person_id, dropped_at=context.now
        ),
    )


def _keep(_: PaymentBatch, __: KeepBatch, ___: BatchFacts, context: Context) -> Events:
    return (BatchKept(kept_by=context.actor.person_id, kept_at=context.now),)


PAYMENT_BATCH: Decider[PaymentBatch, BatchFacts] = Decider(
    rules=(
        opening(MakeBatch, "Make a payment batch", _make),
        changing(ApproveBatch, "Approve the batch", _approve, _made, _not_who_made_it),
        changing(TakeBatchFile, "Take the file for the bank", _take, _approved, _not_dropped, _no_drop_waits),
        changing(DropBatch, "Drop the batch", _drop, _not_dropped, _no_drop_waits),
        changing(ConfirmBatchDrop, "Confirm that it is dropped", _confirm_drop, _drop_waits, _not_who_asked),
        changing(KeepBatch, "Keep the batch", _keep, _drop_waits),
    ),
    evolve=evolve,
    events=(
        BatchMade, PaymentsBatched, BatchApproved, BatchHandedOut, BatchFileTakenAgain, BatchDropAsked, BatchKept, BatchDropped,
    ),
)
