"""A bank that carries out whatever file it is given, and payers who bring it files and hear of them while everything dies."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import ClassVar, Final
from uuid import UUID
from xml.etree.ElementTree import fromstring

import asyncpg

from ops.demo_year.banking import ACCOUNT, BringBankFile
from ops.demo_year.invented_bank import Booked, rejection, statement
from ops.demo_year.people import day_of, moment
from ops.demo_year.script import Direct, Request
from services.reintegration.domain.bank_file_confirming import ConfirmBankFile, StatementSeen
from services.reintegration.domain.batch import ApproveBatch, MakeBatch, TakeBatchFile
from services.reintegration.domain.own_accounts import ConfirmOwnAccount
from services.reintegration.domain.tranches import ReleaseTranche
from shared.ids import uuid7
from shared.money import Money
from tests.chaos.killing import READY_SECONDS
from tests.chaos.paying import EACH, Payers, Payment
from tests.chaos.system import System
from tests.integration.bus.house import until

_FIRST_DAY: Final = 60
_PAYER, _SECOND_PAYER = "finance-payer", "finance-payer-2"
_BRINGER, _CONFIRMER = "finance-reconciler-2", "finance-approver-2"
_ISO: Final = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
# The bank does not take one payment of so many, for the reason that the account is closed.
_ONE_REFUSED_OF: Final = 6
_CLOSED: Final = "AC04"
_WAITING: Final = "SELECT attempt_id, grant_id FROM payment_attempts WHERE status = 'released'"


class ReadBatchFile(Direct):
    """The file of a batch, read on the day on which it was taken: later it is open to nobody."""

    service: ClassVar[str] = "reintegration"

    def request(self, id: UUID) -> Request:
        """The reading."""
        return Request("GET", f"/v1/payment-batches/{id}/file")


@dataclass(frozen=True, slots=True)
class Ordered:
    """One payment as the bank reads it in a file: whom it knows only by the attempt."""

    attempt_id: UUID
    block: str
    amount: Decimal


@dataclass
class Bank:
    """Carries out every file that it has not had, and says each day what it booked; it asks nobody whether that was meant."""

    asked: int = 0
    executed: Counter[UUID] = field(default_factory=Counter)
    refused: set[UUID] = field(default_factory=set)
    had: dict[str, bytes] = field(default_factory=dict)
    balance: Decimal = Decimal(0)

    def carry_out(self, file: bytes) -> tuple[UUID, list[Ordered], list[Ordered]]:
        """What it did of a file: under which id it had it, what it paid and what it refused; once for each id of a file."""
        document = fromstring(file)  # noqa: S314 our own file
        name = document.findtext(f".//{_ISO}GrpHdr/{_ISO}MsgId") or ""
        assert self.had.setdefault(name, file) == file, "one file has two contents"
        paid: list[Ordered] = []
        refused: list[Ordered] = []
        for block in document.iter(f"{_ISO}PmtInf"):
            for transfer in block.iter(f"{_ISO}CdtTrfTxInf"):
                one = Ordered(
                    UUID(hex=transfer.findtext(f".//{_ISO}EndToEndId")), block.findtext(f"{_ISO}PmtInfId") or "",
                    Decimal(transfer.findtext(f".//{_ISO}InstdAmt") or ""),
                )  # fmt: skip
                self.asked += 1
                (paid if self.asked % _ONE_REFUSED_OF else refused).append(one)
        self.executed.update(one.attempt_id for one in paid)
        self.refused.update(one.attempt_id for one in refused)
        return UUID(hex=name), paid, refused

    def statement_of(self, name: str, on: date, paid: Sequence[Ordered]) -> tuple[bytes, StatementSeen]:
        """The statement of one day, and what the bank's own portal shows of it."""
        lines = [Booked("DBIT", one.amount, f"C-{one.attempt_id.hex[-20:]}", one.attempt_id) for one in paid]
        said = statement(name, ACCOUNT.iban or "", ACCOUNT.currency, self.balance, on, lines)
        self.balance += sum((line.signed for line in lines), Decimal(0))
        return said, StatementSeen(closing=self.balance, line_count=len(lines))


@dataclass
class ByBank:
    """One day after the other: releases, a batch, its file at the bank, and what the bank says of it."""

    system: System
    payers: Payers
    bank: Bank
    account_id: UUID = field(default_factory=uuid7)
    failed: Counter[UUID] = field(default_factory=Counter)
    days: int = 0

    async def open_account(self) -> None:
        """The mission's account, of which two persons say that it is its own."""
        at = moment(2, 9)
        await self.payers.insist("finance-reconciler", self.account_id, ACCOUNT, at, str(uuid7()))
        await self.payers.insist("finance-reconciler-2", self.account_id, ConfirmOwnAccount(), at, str(uuid7()))

    async def pay_all(self, persons: Sequence[Sequence[Payment]]) -> None:
        """Of each person one payment a day, because no more than one advance is open; what the bank refused goes again."""
        left = [list(payments) for payments in persons]
        while any(left):
            today = [payments[0] for payments in left if payments]
            self.days += 1
            refused = await self._day(today, _FIRST_DAY + self.days)
            for payments in left:
                if payments and payments[0].grant_id not in refused:
                    del payments[0]

    async def _day(self, payments: Sequence[Payment], day: int) -> set[UUID]:
        """Of which grants the bank refused the payment on that day."""
        await asyncio.gather(*(self._release(payment, moment(day, 9)) for payment in payments))
        of_grant = {UUID(bytes=row["attempt_id"].bytes): UUID(bytes=row["grant_id"].bytes) for row in await self._waiting()}
        assert sorted(of_grant.values()) == sorted(payment.grant_id for payment in payments)
        batch_id = await self._batch(tuple(of_grant), day)
        file = await self._file(batch_id, moment(day, 12))
        name, paid, refused = self.bank.carry_out(file)
        assert {one.attempt_id for one in (*paid, *refused)} == of_grant.keys()
        for one in refused:
            said = rejection(f"R-{one.attempt_id.hex[-20:]}", name, one.block, one.attempt_id, _CLOSED, day_of(day))
            await self._bring("status_report", said, ConfirmBankFile(file_sha256=sha256(said).hexdigest()), moment(day, 15))
        if paid:
            said, seen = self.bank.statement_of(f"S-{self.days:04}", day_of(day), paid)
            await self._bring("statement", said, ConfirmBankFile(file_sha256=sha256(said).hexdigest(), statements=(seen,)), moment(day, 17))
        await until(lambda: self.payers.answered < self.payers.allowed, READY_SECONDS)
        await self._settled(moment(day, 18))
        back = {of_grant[one.attempt_id] for one in refused}
        self.failed.update(back)
        await asyncio.gather(
            *(self.payers.deliver(payment, moment(day, 19)) for payment in payments if payment.grant_id not in back)
        )
        return back

    async def _release(self, payment: Payment, at: datetime) -> None:
        orders = [
            ReleaseTranche(number=1, attempt_id=uuid7(), payee_id=payment.payee_id, method="bank_file") for _ in range(2)
        ]
        await self.payers.once(_PAYER, [(payment.grant_id, order) for order in orders], at)

    async def _batch(self, attempts: tuple[UUID, ...], day: int) -> UUID:
        """One batch of them all, that two tried to make and two to sign, taken by an order that is sent twice."""
        totals = {
            "expected_count": len(attempts), "expected_sums": (Money(amount=EACH.amount * len(attempts), currency=EACH.currency),),
        }  # fmt: skip
        made = MakeBatch(own_account_id=self.account_id, execution_on=day_of(day), attempts=attempts, **totals)
        batch_id = await self.payers.once(_PAYER, [(uuid7(), made) for _ in range(2)], moment(day, 10))
        shown = await self.payers.callers[0].read("reintegration", _SECOND_PAYER, f"/v1/payment-batches/{batch_id}")
        signed = ApproveBatch(file_sha256=shown.raise_for_status().json()["state"]["file_sha256"], **totals)
        await self.payers.once(_SECOND_PAYER, [(batch_id, signed) for _ in range(2)], moment(day, 11))
        key = str(uuid7())
        taken = [self.payers.insist(_PAYER, batch_id, TakeBatchFile(), moment(day, 12), key) for _ in range(2)]
        assert await asyncio.gather(*taken) == [True, True]
        return batch_id

    async def _file(self, batch_id: UUID, at: datetime) -> bytes:
        read = [caller.give("reintegration", _PAYER, batch_id, ReadBatchFile(), at, str(uuid7())) for caller in self.payers.callers]
        one, *others = [answer.raise_for_status().content for answer in await asyncio.gather(*read)]
        assert all(other == one for other in others)
        return one

    async def _bring(self, kind: str, content: bytes, confirm: ConfirmBankFile, at: datetime) -> None:
        """A file that is brought under two ids at once, and confirmed twice."""
        order = BringBankFile.model_validate({"file_kind": kind, "content": content})
        file_id = await self.payers.once(_BRINGER, [(uuid7(), order) for _ in range(2)], at)
        await self.payers.once(_CONFIRMER, [(file_id, confirm) for _ in range(2)], at)

    async def _settled(self, at: datetime) -> None:
        """The bank's word reaches each grant, by the clock where whoever had to bring it there died."""
        async with asyncio.timeout(READY_SECONDS):
            while await self._waiting():
                await self.payers.callers[0].day_is_over(at)

    async def _waiting(self) -> Sequence[dict[str, UUID]]:
        """What waits for the bank; while the server is away whoever looks waits as well."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                try:
                    return [dict(row) for row in await self.system.ask("reintegration", _WAITING)]
                except (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
                    await asyncio.sleep(0.1)
