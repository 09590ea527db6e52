"""Many grants that are ready to be paid, and payers who give up waiting, ask again, and pay the same twice at the same moment."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from itertools import count
from random import Random
from typing import Final
from uuid import UUID

import httpx

from ops.demo_year import granting, script, travelling
from ops.demo_year.calling import Caller
from ops.demo_year.people import Dice, Household, Member, moment
from ops.demo_year.script import Journey, Step
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import ApproveGrant, DraftGrant, EndorseGrant, SubmitGrant
from services.reintegration.domain.grant_facts import RequestedTranche
from services.reintegration.domain.payee import ConfirmPayee
from services.reintegration.domain.plan_lines import MOST_LINES, PlannedLine
from services.reintegration.domain.tranches import ConfirmDelivery, ConfirmPayment, ReleaseTranche
from shared.ids import uuid7
from shared.messages import Command
from tests.integration.bus.house import until

COUNTRY: Final = "TR"
OFFICE: Final = "receiving-office-tr"
# Invented: one grant is one tranche of so much, so that none of a person's passes what they may be granted.
EACH: Final = granting.euro(Decimal(50))
LEAVES: Final = 30
AGREED: Final = 45
PAID_ON: Final = moment(60, 9)
# How long a payer waits for an answer before asking again, and each time so much longer; shorter than most answers now and then.
PATIENCE_SECONDS: Final = (0.03, 0.6)
GIVES_UP_SECONDS: Final = 180.0


@dataclass(frozen=True, slots=True)
class Payment:
    """One tranche that is to be paid exactly once."""

    grant_id: UUID
    person_id: UUID
    payee_id: UUID


@dataclass
class Mission:
    """Whom money goes to: a fund, a vendor, and persons who came home with a plan of many lines."""

    dice: Dice
    fund_id: UUID = field(default_factory=uuid7)
    payee_id: UUID = field(default_factory=uuid7)

    def opening(self, payments: int) -> list[Step]:
        """The money for so many payments, and the one vendor that is paid."""
        journey = Journey(self.dice)
        fund = OpenFund(
            project="AVRR-1", donor="DONOR-1", granted=granting.euro(EACH.amount * payments * 2), valid_from=moment(0, 0).date(),
            valid_until=moment(364, 0).date(),
        )
        journey.give(moment(1, 9), "manager", self.fund_id, fund)
        journey.give(moment(1, 10), "chief-of-mission", self.fund_id, ConfirmFund(change_no=1))
        journey.give(moment(1, 11), OFFICE, self.payee_id, granting.vendor(COUNTRY, f"V-{self.payee_id.hex[-12:]}"))
        journey.give(moment(1, 12), "finance-reconciler", self.payee_id, ConfirmPayee())
        return journey.in_order()

    def returned(self, grants: int) -> tuple[list[Step], list[tuple[list[Step], Payment]]]:
        """One person's way home to an agreed plan, and each of their grants from its request to its approval."""
        person_id, plan_id = uuid7(), uuid7()
        household = Household((Member(person_id, "male", 1990, "principal"),), COUNTRY, "tur", "trc_borici", "counsellor-3", "returned")
        lines = tuple(
            PlannedLine(line_id=uuid7(), person_id=person_id, dimension="immediate", category="other", planned=EACH)
            for _ in range(grants)
        )
        journey = Journey(self.dice)
        script.register(journey, household, 10)
        case_id = script.express_intention(journey, household, 10)
        script.screen(journey, household, case_id, 11)
        script.apply_for(journey, household, case_id, 12)
        travelling.approve(journey, case_id, 13)
        travelling.prepare(journey, household, case_id, plan_id, lines, 14)
        travelling.book(journey, household, case_id, LEAVES - 6, LEAVES)
        travelling.on_the_eve(journey, household, case_id, LEAVES)
        travelling.depart(journey, household, case_id, LEAVES)
        travelling.arrive(journey, household, case_id, LEAVES)
        granting.agree(journey, household, plan_id, lines, AGREED)
        return journey.in_order(), [self._granted(case_id, plan_id, line) for line in lines]

    def _granted(self, case_id: UUID, plan_id: UUID, line: PlannedLine) -> tuple[list[Step], Payment]:
        grant_id = uuid7()
        draft = DraftGrant(
            case_id=case_id, person_id=line.person_id, plan_id=plan_id, plan_line_id=line.line_id, category=line.category,
            modality="in_kind_vendor", money=EACH, tranches=(RequestedTranche(number=1, money=EACH),),
            **granting.budget(grant_id, line.category, EACH),
        )  # fmt: skip
        shown = {"request_version": 1, "content_hash": granting.hash_of(draft)}
        orders: Sequence[tuple[str, Command]] = (
            (OFFICE, draft), (OFFICE, SubmitGrant.model_validate(shown)), ("coordinator", EndorseGrant.model_validate(shown)),
            ("finance-approver", ApproveGrant.model_validate({**shown, "fund_id": self.fund_id, "money": EACH})),
        )  # fmt: skip
        steps = [Step(moment(AGREED + 1 + day, 9), who, grant_id, order) for day, (who, order) in enumerate(orders)]
        return steps, Payment(grant_id, line.person_id, self.payee_id)


def persons_for(payments: int) -> Iterator[int]:
    """For how many grants each person is to be there, so that there are so many payments, several at a time."""
    each = min(MOST_LINES, max(1, payments // 6))
    for first in range(0, payments, each):
        yield min(each, payments - first)


@dataclass
class Payers:
    """Clients that pay: through any of several processes, each order twice at once, and against somebody who pays it as well."""

    callers: Sequence[Caller]
    dice: Random
    # Who kills says how many answers there may be before the next part dies.
    allowed: int = 0
    answered: int = 0
    unheard: int = 0
    refused: int = 0

    async def pay(self, payment: Payment) -> None:
        """One tranche from its release to its delivery; AssertionError where a part of it was done by nobody or by both."""
        await self.once("finance-payer", [(payment.grant_id, self._release(payment)) for _ in range(2)], PAID_ON)
        await self.once("finance-payer", [(payment.grant_id, self._payment(payment, number)) for number in range(2)], PAID_ON)
        await self.deliver(payment, PAID_ON)

    async def deliver(self, payment: Payment, at: datetime) -> None:
        """The receiving office says that what was paid for is there."""
        await self.insist(OFFICE, payment.grant_id, ConfirmDelivery(number=1), at, str(uuid7()))

    async def once(self, persona: str, orders: Sequence[tuple[UUID, Command]], at: datetime) -> UUID:
        """Orders of which one may be done, each sent twice under its key, all at once: of which thing it was done."""
        await until(lambda: self.answered < self.allowed, GIVES_UP_SECONDS)
        keys = [str(uuid7()) for _ in orders]
        asked = [self.insist(persona, id, order, at, key) for (id, order), key in zip(orders, keys, strict=True) for _ in range(2)]
        done = await asyncio.gather(*asked)
        by_order = [{*done[place : place + 2]} for place in range(0, len(done), 2)]
        assert sorted(map(sorted, by_order)) == [[False], [True]], f"{type(orders[0][1]).__name__} of {orders[0][0]} was told {by_order}"
        return orders[by_order.index({True})][0]

    async def insist(self, persona: str, id: UUID, order: Command, at: datetime, key: str) -> bool:
        """One command until it is answered: whether it was done, or refused because it was done already."""
        async with asyncio.timeout(GIVES_UP_SECONDS):
            for tries in count(1):
                caller = self.dice.choice(self.callers)
                try:
                    async with asyncio.timeout(self.dice.uniform(*PATIENCE_SECONDS) * tries):
                        answer = await caller.give("reintegration", persona, id, order, at, key)
                except (TimeoutError, httpx.TransportError):
                    self.unheard += 1
                    continue
                if answer.is_success:
                    self.answered += 1
                    return True
                code = str(answer.json().get("code"))
                if answer.status_code == HTTPStatus.CONFLICT and code in ALREADY:
                    self.answered += 1
                    self.refused += 1
                    return False
                # Whether a returnee agrees is asked elsewhere, which may be away for a moment.
                asks_elsewhere = persona == OFFICE and answer.status_code == HTTPStatus.NOT_FOUND
                assert asks_elsewhere or code in NOT_NOW, f"{type(order).__name__} of {id}: {answer.status_code} {code}"
        raise AssertionError("whoever counts goes on for ever")

    def _release(self, payment: Payment) -> ReleaseTranche:
        return ReleaseTranche(number=1, attempt_id=uuid7(), payee_id=payment.payee_id, method="office_account")

    def _payment(self, payment: Payment, number: int) -> ConfirmPayment:
        return ConfirmPayment(number=1, reference=f"B{number}-{payment.grant_id.hex}", paid_on=PAID_ON.date())


# By what whoever comes second is told that it is done: nothing is paid twice.
ALREADY: Final = frozenset(
    {
        "no_tranche_left", "attempt_under_way", "open_advance", "previous_tranche_not_delivered", "paid_already", "wrong_status",
        "in_another_batch", "imported_already", "file_confirmed",
    }
)
NOT_NOW: Final = frozenset({"unavailable"})
