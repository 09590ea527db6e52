"""The year's payments through the mission's bank: batches that two persons sign, and what the bank says of each on the day after."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import ClassVar, Final
from uuid import UUID

from ops.demo_year import quotas
from ops.demo_year.invented_bank import Booked, rejection, statement
from ops.demo_year.paying import PAYER, RECONCILER, ByBank, Ordered
from ops.demo_year.people import Dice, day_of, moment
from ops.demo_year.script import Direct, Journey, Request
from services.reintegration.bank.pain001 import Instruction, Payer, Payment, block_of_each, write
from services.reintegration.bank.references import remittance_code
from services.reintegration.domain import own_accounts, payee_details
from services.reintegration.domain.bank_file_confirming import ConfirmBankFile, StatementSeen
from services.reintegration.domain.bank_files import line_id
from services.reintegration.domain.bank_lines import ExplainLine
from services.reintegration.domain.batch import ApproveBatch, MakeBatch, TakeBatchFile
from services.reintegration.domain.own_accounts import ConfirmOwnAccount, RegisterOwnAccount
from services.reintegration.domain.recovery import RecordRecovery
from shared.contracts.bank import BankFileKind, Explanation
from shared.money import Money

ACCOUNT: Final = RegisterOwnAccount(
    account_kind="bank", currency="EUR", holder="Invented mission", iban="BA391290079401028494", bank_code="INVTBA22",
)  # fmt: skip
_SECOND_PAYER: Final = "finance-payer-2"
# Neither of them reconciles what a file of theirs says.
_BRINGER: Final = f"{RECONCILER}-2"
_CONFIRMER: Final = "finance-approver-2"
_ACCOUNT_DAY: Final = 2
# Invented: what headquarters sent for the year, and what the bank takes with the first statement of each month.
_SENT: Final = Decimal(200_000)
_CHARGE: Final = Decimal("12.50")
_CLOSED: Final = "AC04"


class BringBankFile(Direct):
    """A file of the bank's as a reconciler uploads it; ``booked`` are the lines of a statement."""

    service: ClassVar[str] = "reintegration"
    file_kind: BankFileKind
    content: bytes
    booked: tuple[Booked, ...] = ()

    def request(self, id: UUID) -> Request:
        """The upload."""
        return Request("PUT", f"/v1/bank-files/{id}?file_kind={self.file_kind}", self.content, "application/xml")


class ReadBatchFile(Direct):
    """The file of a batch as the payer who took it reads it, for the bank."""

    service: ClassVar[str] = "reintegration"

    def request(self, id: UUID) -> Request:
        """The download."""
        return Request("GET", f"/v1/payment-batches/{id}/file")


def journey(dice: Dice, paid: ByBank) -> Journey:
    """The mission's account, a batch on the day after each day with releases, and what the bank says on the one after that."""
    made = Journey(dice)
    account_id = dice.id(_ACCOUNT_DAY)
    made.give(moment(_ACCOUNT_DAY, 8), RECONCILER, account_id, ACCOUNT)
    made.give(moment(_ACCOUNT_DAY, 9), f"{RECONCILER}-2", account_id, ConfirmOwnAccount())
    booked: dict[int, list[Booked]] = defaultdict(list)
    references = (f"INV-{quotas.YEAR}-{number:05}" for number in count(1))
    released: dict[int, list[Ordered]] = defaultdict(list)
    for one in paid.ordered:
        released[one.day].append(one)
    for day, payments in sorted(released.items()):
        batch_id = dice.id(day + 1)
        blocks = _order(made, batch_id, account_id, day + 1, payments)
        _answer(made, batch_id, day + 1, payments, blocks)
        _book(booked, references, day + 1, payments)
    for back in paid.asked_back:
        booked[back.day].append(Booked("CRDT", back.money.amount, next(references), of_grant=back.grant_id))
    _tell(made, dict(sorted(booked.items())), references)
    return made


def _order(made: Journey, batch_id: UUID, account_id: UUID, day: int, payments: Sequence[Ordered]) -> Mapping[UUID, str]:
    at = moment(day, 8)
    sums = (Money(amount=sum((one.money.amount for one in payments), Decimal(0)), currency=ACCOUNT.currency),)
    totals = {"expected_count": len(payments), "expected_sums": sums}
    ours = own_accounts.details_of(ACCOUNT)
    assert ours.bank is not None
    instruction = Instruction(
        batch_id, at, ours.holder, Payer(ours.holder, ours.account, ours.bank), [_payment(one, day_of(day)) for one in payments]
    )
    attempts = tuple(one.attempt_id for one in payments)
    made.give(at, PAYER, batch_id, MakeBatch(own_account_id=account_id, execution_on=day_of(day), attempts=attempts, **totals))
    # The second one has the hash from the same papers, and so signs what was made and nothing else.
    signed = ApproveBatch(file_sha256=sha256(write(instruction)).hexdigest(), **totals)
    made.give(moment(day, 9), _SECOND_PAYER, batch_id, signed)
    made.give(moment(day, 10), PAYER, batch_id, TakeBatchFile())
    made.give(moment(day, 10), PAYER, batch_id, ReadBatchFile())
    return block_of_each(instruction)


def _payment(one: Ordered, on: date) -> Payment:
    stated = one.payee.stated
    details = payee_details.details_of(stated, stated.payee_kind, stated.currency)
    return Payment(
        attempt=one.attempt_id, money=one.money, payee=details.holder, account=details.account, bank=details.bank,
        reference=remittance_code(one.attempt_id), on=on, town=details.town, country=stated.country,
    )  # fmt: skip


def _answer(made: Journey, batch_id: UUID, day: int, payments: Sequence[Ordered], blocks: Mapping[UUID, str]) -> None:
    for one in (one for one in payments if one.trouble == "failed"):
        name = f"R-{quotas.YEAR}-{day:03}"
        said = rejection(name, batch_id, blocks[one.attempt_id], one.attempt_id, _CLOSED, day_of(day))
        file_id = made.dice.id(day + 1)
        made.give(moment(day + 1, 7, 30), _BRINGER, file_id, BringBankFile(file_kind="status_report", content=said))
        made.give(moment(day + 1, 7, 45), _CONFIRMER, file_id, ConfirmBankFile(file_sha256=sha256(said).hexdigest()))


def _book(booked: dict[int, list[Booked]], references: Iterator[str], day: int, payments: Sequence[Ordered]) -> None:
    for one in payments:
        if one.trouble != "failed":
            booked[day].append(Booked("DBIT", one.money.amount, next(references), one.attempt_id))
        if one.trouble == "came_back":
            booked[day + 1].append(Booked("CRDT", one.money.amount, next(references), one.attempt_id, _CLOSED))


def _tell(made: Journey, booked: Mapping[int, list[Booked]], references: Iterator[str]) -> None:
    """A statement of each day on which something was booked, and a reconciler says what else stands in it."""
    balance, months = Decimal(0), set[int]()
    for number, (day, lines) in enumerate(booked.items(), 1):
        others: list[Booked] = []
        if number == 1:
            others.append(Booked("CRDT", _SENT, next(references)))
        if day_of(day).month not in months:
            months.add(day_of(day).month)
            others.append(Booked("DBIT", _CHARGE, next(references)))
        told = (*lines, *others)
        said = statement(f"INV-{number:03}", ACCOUNT.iban or "", ACCOUNT.currency, balance, day_of(day), told)
        balance += sum((line.signed for line in told), Decimal(0))
        file_id = made.dice.id(day + 1)
        made.give(moment(day + 1, 7), _BRINGER, file_id, BringBankFile(file_kind="statement", content=said, booked=told))
        # What the bank's own portal shows, and the file as the second one took it from there.
        seen = StatementSeen(closing=balance, line_count=len(told))
        confirmed = ConfirmBankFile(file_sha256=sha256(said).hexdigest(), statements=(seen,))
        made.give(moment(day + 1, 7, 15), _CONFIRMER, file_id, confirmed)
        for place, line in enumerate(told, 1):
            if line.attempt_id is None:
                at, its_id = moment(day + 1, 8), line_id(file_id, place, 1)
                if line.of_grant is None:
                    made.give(at, RECONCILER, its_id, ExplainLine(explanation=_explanation(line)))
                else:
                    came = RecordRecovery(
                        money=Money(amount=line.amount, currency=ACCOUNT.currency), received_on=day_of(day),
                        reference=line.reference, bank_line=its_id,
                    )  # fmt: skip
                    made.give(at, RECONCILER, line.of_grant, came)


def _explanation(line: Booked) -> Explanation:
    return "transfer_between_accounts" if line.direction == "CRDT" else "charges"
