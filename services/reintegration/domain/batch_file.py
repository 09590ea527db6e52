"""What a batch would send to the bank, and which of its payments cannot go: each attempt is looked at by itself, pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final
from uuid import UUID

from services.reintegration.bank.pain001 import Instruction, Payer, Payment, block_of_each, write
from services.reintegration.bank.references import remittance_code
from services.reintegration.domain.grant_facts import GrantFacts, while_in
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import may_wear
from services.reintegration.domain.lost_payments import paid_before_restore, restore_not_cleared
from services.reintegration.domain.own_accounts import OwnAccount
from services.reintegration.domain.payable import refuse_unless_payable
from services.reintegration.domain.payee_details import PayeeDetails
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.domain.stops import no_recovery
from shared.errors import NotFound, Refusal, RuleViolation
from shared.messages import Context
from shared.money import Money

# So many are named, and of the rest how many they are: whoever sets these right is told the next ones.
MOST_NAMED: Final = 20
_NOT_LOOKED_UP: Final = GrantFacts()
_GUARDS: Final = (while_in("sent to the bank", "approved", "in_disbursement"), no_recovery, may_wear("payer"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An attempt to pay as it stands when somebody puts it into a batch, with its grant and whom it is paid to.

    ``known`` says what stands against the payee, ``details`` what was stated of the account that the attempt names.
    ``elsewhere`` says that it stands in another batch that was not dropped, ``line_waits`` that a line of the bank's names it as
    if money had left for it, and nobody has found out yet what that is. ``answered`` says that a file of the bank's that counts
    speaks of it in a way that only who had its file can. ``not_cleared`` says that a restore lost payments which finance has not cleared,
    ``lost`` that an entry which it lost says more of this one, and nobody stated that no money left.
    """

    money: Money
    status: str
    method: str | None
    account_no: int | None
    elsewhere: bool
    line_waits: bool
    answered: bool
    grant: Grant
    known: Payable
    not_cleared: bool
    lost: bool
    details: PayeeDetails | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What is known beside a batch itself; whatever was not looked up refuses.

    ``today`` is the mission's. ``over`` is how many of its attempts are not released any more, so that the bank had it.
    ``not_cleared`` says that a restore lost payments which finance has not cleared, so that nobody knows what the bank had.
    """

    batch_id: UUID | None = None
    today: date = date.min
    account: OwnAccount | None = None
    candidates: Mapping[UUID, Candidate] = field(default_factory=dict)
    over: int = 0
    not_cleared: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """What a file orders of the bank, and when it was made."""

    batch_id: UUID
    made_at: datetime
    account: OwnAccount
    execution_on: date
    attempts: Sequence[UUID]


def another_content() -> RuleViolation:
    """Refuses a file that would say something else than what was signed."""
    return RuleViolation(
        "batch_changed", "What would be written now is not what was signed: somebody who is paid was changed or erased since. Drop it."
    )


def in_another_batch() -> RuleViolation:
    """Refuses an attempt that stands in another batch; the database's key refuses it in the same words."""
    return RuleViolation("in_another_batch", "One of these payments stands in another batch that was not dropped.")


def sums_of(payments: Iterable[Money]) -> tuple[Money, ...]:
    """The sum of each currency, in the order of their codes."""
    sums: dict[str, Decimal] = {}
    for money in payments:
        sums[money.currency] = sums.get(money.currency, Decimal(0)) + money.amount
    return tuple(Money(amount=sums[currency], currency=currency) for currency in sorted(sums))


def refuse_unsendable(order: Order, facts: BatchFacts, context: Context) -> None:
    """Refused where one of the attempts cannot go, by whoever signs, with each one's id and why.

    By the one code that all of these have, else as ``payments_refused``: ``attempt_unknown``, ``attempt_not_released``,
    ``restore_not_cleared``, ``paid_before_restore``,
    ``another_method``, ``in_another_batch``, ``bank_line_waits``, ``wrong_status`` and ``recovery_open`` of its grant, ``four_eyes`` for whoever wears
    another hat on it or had a part in the payee, ``account_changed``, and as `refuse_unless_payable` and the file refuse.
    """
    refused = [
        (attempt_id, code)
        for attempt_id in order.attempts
        if (code := _refusal(order, attempt_id, facts.candidates.get(attempt_id), context)) is not None
    ]
    if not refused:
        return
    named = "; ".join(f"{id} ({code.replace('_', ' ')})" for id, code in refused[:MOST_NAMED])
    more = f"; and {len(refused) - MOST_NAMED} more" if len(refused) > MOST_NAMED else ""
    codes = {code for _, code in refused}
    sentence = f"Of these payments {len(refused)} can't go: {named}{more}."
    if len(codes) == 1:
        raise RuleViolation(codes.pop(), sentence)
    raise RuleViolation("payments_refused", sentence)


def file_of(order: Order, candidates: Mapping[UUID, Candidate]) -> bytes:
    """The file for the bank, the same bytes each time; refused as ``batch_changed`` where somebody is not known any more."""
    return write(_instruction_of(order, candidates))


def block_sums(order: Order, candidates: Mapping[UUID, Candidate]) -> tuple[Money, ...]:
    """What each block of the file orders together, in their order; a bank may book it as one. Refused as `file_of`."""
    instruction = _instruction_of(order, candidates)
    block = block_of_each(instruction)
    found: dict[str, list[Money]] = {}
    for payment in instruction.payments:
        found.setdefault(block[payment.attempt], []).append(payment.money)
    return tuple(one for id in sorted(found) for one in sums_of(found[id]))


def _instruction_of(order: Order, candidates: Mapping[UUID, Candidate]) -> Instruction:
    payments = []
    for attempt_id in order.attempts:
        candidate = candidates.get(attempt_id)
        if candidate is None or candidate.details is None:
            raise another_content()
        payments.append(_payment(order, attempt_id, candidate, candidate.details))
    return _instruction(order, payments)


def hash_of(file: bytes) -> str:
    """What is signed of a file."""
    return sha256(file).hexdigest()


def _refusal(order: Order, attempt_id: UUID, candidate: Candidate | None, context: Context) -> str | None:
    if candidate is None:
        return "attempt_unknown"
    if candidate.not_cleared:
        return restore_not_cleared().code
    if candidate.lost:
        return paid_before_restore().code
    if candidate.status != "released":
        return "attempt_not_released"
    if candidate.method != "bank_file":
        return "another_method"
    if candidate.elsewhere:
        return in_another_batch().code
    if candidate.line_waits:
        return "bank_line_waits"
    try:
        for guard in _GUARDS:
            guard(candidate.grant, _NOT_LOOKED_UP, context)
        account_no = refuse_unless_payable(candidate.known, candidate.money.currency, context.actor.person_id, context.now)
        if account_no != candidate.account_no or candidate.details is None:
            return "account_changed"
        # Whatever no file can bear of this one is found where it is alone in one.
        write(_instruction(order, [_payment(order, attempt_id, candidate, candidate.details)]))
    except NotFound:
        return "payee_unknown"
    except Refusal as refusal:
        return refusal.code
    return None


def _payment(order: Order, attempt_id: UUID, candidate: Candidate, details: PayeeDetails) -> Payment:
    payee = candidate.known.payee
    return Payment(
        attempt=attempt_id, money=candidate.money, payee=details.holder, account=details.account, bank=details.bank,
        reference=remittance_code(attempt_id), on=order.execution_on, town=details.town,
        country=payee.country if payee is not None else None,
    )  # fmt: skip


def _instruction(order: Order, payments: Sequence[Payment]) -> Instruction:
    ours = order.account.details
    bank = ours.bank
    assert bank is not None, "an account at a bank has one"
    return Instruction(order.batch_id, order.made_at, ours.holder, Payer(ours.holder, ours.account, bank), payments)
