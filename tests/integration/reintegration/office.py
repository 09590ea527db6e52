"""The house that reintegration's tests are made in: a database, invented people, and a way to give them orders."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from uuid import UUID

from services.reintegration.domain.authority import EndAuthority, GiveAuthority
from services.reintegration.domain.budget import BudgetLine
from services.reintegration.domain.case import RecordArrival, RecordCase, RecordProgramme, SealCase
from services.reintegration.domain.certificate import CertifyMedicalNeed
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import (
    ApproveGrant,
    DraftGrant,
    EndorseGrant,
    ReviseGrant,
    SubmitGrant,
)
from services.reintegration.domain.grant_facts import RequestedTranche
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.plan import AgreeFirstPlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.domain.policies import EXAMPLE, PublishPolicy
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
)
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import AUTHORITY, CASE, FUND, FUNDING_POLICY, PLAN, WIRING
from shared.actors import Actor
from shared.aggregate import AnyAggregate
from shared.contracts.authority import ApprovingRole
from shared.contracts.reintegration import CATEGORIES_OF_HEALTH, GrantCategory
from shared.db import Database, Sql
from shared.disclosure import Agreed, Question
from shared.errors import Refusal
from shared.handling import Handled, Read, Repeat, handle, read, transact
from shared.ids import uuid7
from shared.messages import Command, Context, Origin
from shared.money import Money
from shared.policy import EVERYWHERE, Reach
from shared.verify import Findings, verify
from tests.given import NOON, SIGNED_IN, staff
from tests.integration.bus.house import until
from tests.integration.conftest import ServiceDatabase
from tests.integration.reintegration.vendors import Vendors
from tests.unit.reintegration import examples
from tests.unit.reintegration.examples import (
    APPROVER,
    ARRIVED_AT,
    CHIEF,
    COUNSELLOR,
    ENDORSER,
    MANAGER,
    PAYER,
    RECONCILER,
    TODAY,
    eur,
)

EARLY = datetime(2022, 1, 1, 12, tzinfo=UTC)

def authority_for(holder: Actor, up_to: str = "5000.00", role: ApprovingRole = "finance_approver") -> GiveAuthority:
    return GiveAuthority(
        holder_id=holder.person_id, role=role, up_to=eur(up_to), valid_from=EARLY.date(), valid_until=date(2030, 12, 31)
    )


WORKER = Actor.service("reintegration")
# The receiving office in the country of these cases: who asks, and a colleague who sees deliveries.
REQUESTER = replace(examples.REQUESTER, countries=frozenset({"PK"}))
MEDICAL = staff("doctor", "medical")
LENIENT_POLICY = EXAMPLE.model_copy(
    update={
        "programme": "default", "quotations_above": eur("100000.00"), "required_papers": (), "next_tranche_needs": (), "reconciling_needs": (),
        # One approves all that the cap lets ask for.
        "one_approver_up_to": eur("3000.00"), "two_approvers_up_to": eur("5000.00"),
    }
)
OFFICE = replace(examples.OFFICE, countries=frozenset({"PK"}))

_BALANCE = Sql("SELECT committed, spent FROM fund_balances WHERE fund_id = :fund_id")
_WAITING = Sql("SELECT pid FROM pg_locks WHERE NOT granted")


@dataclass(frozen=True)
class Line:
    """One line of an agreed plan of an arrived case, ready to ask a grant for."""

    case_id: UUID
    person_id: UUID
    plan_id: UUID
    line_id: UUID
    category: GrantCategory

    def request(self, amount: str, *tranches: str) -> DraftGrant:
        return DraftGrant(
            case_id=self.case_id,
            person_id=self.person_id,
            plan_id=self.plan_id,
            plan_line_id=self.line_id,
            category=self.category,
            modality="in_kind_vendor",
            money=eur(amount),
            tranches=numbered(tranches or (amount,)),
            budget_lines=(BudgetLine(what="goods", money=eur(amount)),),
        )


def numbered(amounts: Sequence[str]) -> tuple[RequestedTranche, ...]:
    return tuple(
        RequestedTranche(number=number, money=eur(amount)) for number, amount in enumerate(amounts, start=1)
    )


def revision(amount: str, *tranches: str) -> ReviseGrant:
    """A request changed to this amount, in one tranche unless said otherwise."""
    return ReviseGrant(
        modality="service", money=eur(amount), tranches=numbered(tranches or (amount,)),
        budget_lines=(BudgetLine(what="rent", money=eur(amount)),),
    )  # fmt: skip


@dataclass
class Register:
    """What counselling would answer: everybody agrees but those who took it back, as long as it answers at all.

    ``health_untold`` are those who agreed to all but that their health is told, which is the usual consent.
    """

    taken_back: set[UUID] = field(default_factory=set)
    health_untold: set[UUID] = field(default_factory=set)
    away: bool = False
    asked: list[Question] = field(default_factory=list)

    async def agreed(self, person_ids: Collection[UUID], question: Question) -> Agreed | None:
        self.asked.append(question)
        agreed = frozenset(person_ids) - self.taken_back
        return None if self.away else Agreed(agreed, agreed - self.health_untold)

    async def is_adult(self, _: UUID, __: str, ___: datetime | None) -> bool | None:
        return None if self.away else True


@dataclass
class House:
    """Reintegration's database with everybody who acts on it."""

    made: ServiceDatabase
    references: list[str] = field(default_factory=list)
    register: Register = field(default_factory=Register)
    policy_id: UUID | None = None
    authority_id: UUID | None = None

    @property
    def api(self) -> Database:
        return self.made.api

    @cached_property
    def vendors(self) -> Vendors:
        return Vendors(self.made)

    async def give(
        self,
        aggregate: AnyAggregate,
        id: UUID,
        command: Command,
        by: Actor,
        at: datetime = NOON,
        reach: Reach = EVERYWHERE,
        key: str | None = None,
    ) -> Handled:
        """One command as a route would give it."""
        repeat = Repeat.of(key or str(uuid7()), type(command).__name__, id, b"")
        return await transact(
            self.made.api,
            reach.scope(by),
            lambda unit: handle(
                unit, aggregate, id, command, Context(by, at, SIGNED_IN), Origin("test-correlation"),
                repeat=repeat, reach=reach,
            ),
            WIRING.refusals,
        )  # fmt: skip

    async def try_to(self, aggregate: AnyAggregate, id: UUID, command: Command, by: Actor, at: datetime = NOON) -> str:
        """What became of a command: ``done``, or the code by which it was refused."""
        try:
            await self.give(aggregate, id, command, by, at)
        except Refusal as refusal:
            return refusal.code
        return "done"

    async def react(self, case_id: UUID, command: Command) -> Handled:
        """One command as a reaction would give it."""
        return await transact(
            self.made.worker,
            EVERYWHERE.scope(WORKER),
            lambda unit: handle(
                unit, CASE, case_id, command, Context(WORKER, NOON), Origin("test-correlation"), reach=EVERYWHERE
            ),
        )

    @contextlib.asynccontextmanager
    async def half_done(
        self, aggregate: AnyAggregate, id: UUID, command: Command, by: Actor, at: datetime = NOON
    ) -> AsyncIterator[None]:
        """A command whose changes are made and which commits when the block ends."""
        login = self.made.worker if by == WORKER else self.made.api
        async with login.unit_of_work(EVERYWHERE.scope(by)) as unit:
            context = Context(by, at, SIGNED_IN)
            await handle(unit, aggregate, id, command, context, Origin("test-correlation"), reach=EVERYWHERE)
            await unit.flush()
            yield

    async def somebody_waits(self) -> bool:
        """Whether a command stands before another's lock."""
        return bool(await self.rows(_WAITING))

    async def meanwhile(self, second: Awaitable[str]) -> asyncio.Task[str]:
        """Begins a second command beside a half done one, up to where it has to wait."""
        task = asyncio.ensure_future(second)
        waiting = asyncio.ensure_future(until(self.somebody_waits))
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), "the second command did not wait for the first"
        await waiting
        return task

    async def seal(self, case_id: UUID) -> str:
        await self.react(case_id, SealCase())
        found: Read[object] = await self.read(CASE, case_id, ENDORSER)
        return str(getattr(found.state, "status"))  # noqa: B009 -- the state of any aggregate

    async def read(
        self, aggregate: AnyAggregate, id: UUID, by: Actor, reach: Reach = EVERYWHERE
    ) -> Read[object]:
        return await transact(
            self.made.api, reach.scope(by), lambda unit: read(unit, aggregate, id, Context(by, NOON), reach=reach)
        )

    async def case(
        self, *person_ids: UUID, country: str = "PK", arrived: bool = True, programme: str | None = None
    ) -> UUID:
        """A case that was opened, and with ``programme`` approved and in preparation."""
        case_id = uuid7()
        opened = RecordCase(person_ids=person_ids, destination_country=country, counsellor_id=COUNSELLOR.person_id)
        await self.react(case_id, opened)
        if programme is not None:
            await self.react(case_id, RecordProgramme(programme=programme))
        for person_id in person_ids if arrived else ():
            await self.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
        return case_id

    async def lines(
        self,
        *categories: GrantCategory,
        planned: str = "3000.00",
        country: str = "PK",
        agreed_on: date = TODAY,
        at: datetime = NOON,
        currency: str = "EUR",
    ) -> list[Line]:
        """An arrived person's case whose agreed plan has a line for each of these."""
        person_id = uuid7()
        case_id = await self.case(person_id, country=country)
        plan_id = uuid7()
        planned_lines = tuple(
            PlannedLine(
                line_id=uuid7(),
                person_id=person_id,
                dimension="economic",
                category=category,
                planned=Money(amount=Decimal(planned), currency=currency),
            )
            for category in categories
        )
        await self.give(
            PLAN,
            plan_id,
            AgreeFirstPlan(
                case_id=case_id, person_ids=(person_id,), lines=planned_lines, agreed_on=agreed_on, method="signed",
            ),
            OFFICE,
            at,
        )
        return [Line(case_id, person_id, plan_id, line.line_id, line.category) for line in planned_lines]

    async def line(self, category: GrantCategory = "business") -> Line:
        return (await self.lines(category))[0]

    async def fund(self, granted: str = "10000.00") -> UUID:
        fund_id = uuid7()
        await self.give(
            FUND,
            fund_id,
            OpenFund(
                project="CE-0412", donor="EU", granted=eur(granted),
                valid_from=date(2022, 1, 1), valid_until=date(2024, 12, 31),
            ),
            MANAGER,
        )  # fmt: skip
        await self.give(FUND, fund_id, ConfirmFund(change_no=1), CHIEF)
        return fund_id

    async def lenient(self) -> None:
        """A policy that asks for no papers and no quotations, published once; without one the example asks for some."""
        await self.authorised()
        if self.policy_id is None:
            await self.publish(LENIENT_POLICY)

    async def publish(self, policy: PublishPolicy) -> None:
        """The policy of this house, or its next version."""
        self.policy_id = self.policy_id or uuid7()
        await self.give(FUNDING_POLICY, self.policy_id, policy, MANAGER)

    async def certified(self, grant_id: UUID, price: str = "100000.00", by: Actor = MEDICAL) -> None:
        """What medical staff say of a request for somebody's health."""
        prices = {"price_from": eur("1.00"), "price_to": eur(price)}
        await self.give(GRANT, grant_id, CertifyMedicalNeed.model_validate({**await self.shown(grant_id), **prices}), by)

    async def shown(self, grant_id: UUID) -> dict[str, object]:
        """The version of a request and the hash of its content, as whoever decides on it read them."""
        state = await self.grant(grant_id)
        return {"request_version": state.request_version, "content_hash": state.content_hash}

    async def grant(self, grant_id: UUID) -> Grant:
        state = (await self.read(GRANT, grant_id, ENDORSER)).state
        assert isinstance(state, Grant)
        return state

    async def authorised(self) -> None:
        """Once in a house: an authority by which one approves all that the cap lets ask for."""
        if self.authority_id is None:
            self.authority_id = uuid7()
            await self.give(AUTHORITY, self.authority_id, authority_for(APPROVER), CHIEF, EARLY)

    async def without_authority(self) -> None:
        """Ends that authority, so that nobody has any but what a test gives."""
        await self.authorised()
        assert self.authority_id is not None
        await self.give(AUTHORITY, self.authority_id, EndAuthority(reason="left_the_post"), CHIEF, EARLY)

    async def approval(self, grant_id: UUID, fund_id: UUID) -> ApproveGrant:
        """The order to approve a grant as it stands."""
        money = (await self.grant(grant_id)).money
        return ApproveGrant.model_validate({**await self.shown(grant_id), "fund_id": fund_id, "money": money})

    async def submitted(
        self, request: DraftGrant, at: datetime = NOON, *, id: UUID | None = None, by: Actor = REQUESTER,
        reach: Reach = EVERYWHERE,
    ) -> UUID:
        """A grant that waits for its endorsement."""
        grant_id = id or uuid7()
        await self.lenient()
        await self.give(GRANT, grant_id, request, by, at, reach)
        await self.give(GRANT, grant_id, SubmitGrant.model_validate(await self.shown(grant_id)), by, at, reach)
        return grant_id

    async def endorsed(self, request: DraftGrant, at: datetime = NOON, by: Actor = ENDORSER) -> UUID:
        """A grant that waits for its approval."""
        grant_id = await self.submitted(request, at)
        if request.category in CATEGORIES_OF_HEALTH:
            await self.certified(grant_id)
        await self.give(GRANT, grant_id, EndorseGrant.model_validate(await self.shown(grant_id)), by, at)
        return grant_id

    async def approved(self, request: DraftGrant, fund_id: UUID, at: datetime = NOON) -> UUID:
        grant_id = await self.endorsed(request, at)
        await self.give(GRANT, grant_id, await self.approval(grant_id, fund_id), APPROVER, at)
        return grant_id

    async def paid(self, grant_id: UUID, number: int) -> None:
        """One tranche released and paid."""
        grant = await self.grant(grant_id)
        await self.give(GRANT, grant_id, await self.vendors.release(number, grant.currency, grant.destination_country), PAYER)
        await self.give(GRANT, grant_id, self.payment(number), PAYER)

    async def accounted_for(self, grant_id: UUID, number: int) -> None:
        """One tranche from its release to its reconciliation."""
        await self.paid(grant_id, number)
        await self.give(GRANT, grant_id, ConfirmDelivery(number=number), OFFICE)
        await self.give(GRANT, grant_id, ReconcileTranche(number=number), RECONCILER)

    def payment(self, number: int) -> ConfirmPayment:
        """A payment under a reference that no other one has."""
        self.references.append(f"BANK-{len(self.references) + 1:04d}")
        return ConfirmPayment(number=number, reference=self.references[-1], paid_on=TODAY)

    async def balance(self, fund_id: UUID) -> tuple[Decimal, Decimal]:
        """What is committed and what is spent of a fund."""
        row = (await self.rows(_BALANCE, fund_id=fund_id))[0]
        return row["committed"], row["spent"]

    async def rows(self, sql: Sql, **values: object) -> list[dict[str, Decimal]]:
        found = await transact(self.made.verify, EVERYWHERE.scope(WORKER), lambda unit: unit.rows(sql, **values))
        return [dict(row) for row in found]

    async def findings(self) -> Findings:
        return await verify(self.made.verify, "reintegration", WIRING.by_name, WIRING.checks)
