"""The mission that the tests of returns are made in: a database, invented people, and a way to bring a case along."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg

from services.returns import queries
from services.returns.domain.case_application import (
    ApproveCase,
    RecordIntention,
    SignDeclaration,
    StartScreening,
    SubmitApplication,
)
from services.returns.domain.case_evidence import RecordExitFormalities, RecordReceptionArranged
from services.returns.domain.case_final_report import WriteFinalReport
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_other_parent import SettleOtherParent
from services.returns.domain.case_preparation import (
    ClearToBoard,
    ConfirmBooking,
    ConfirmVoluntariness,
    MarkReadyToTravel,
    RecordOwnPlan,
    RecordTravelDocument,
    StartPreparation,
)
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_screening import (
    AssessVoluntariness,
    RecordBestInterests,
    RecordFearOfReturn,
    RecordVulnerability,
)
from services.returns.domain.case_state import Case
from services.returns.domain.person import RecordConsent, RecordCounselled
from services.returns.wiring import CASE, PERSON, WIRING
from shared.actors import Actor
from shared.aggregate import AnyAggregate
from shared.contracts.counselling import AgeGroup, CoveredPerson, Sex
from shared.contracts.returns import BestInterestsOutcome
from shared.handling import Handled, Repeat, handle, read, transact
from shared.ids import uuid7
from shared.ledger import rows_of
from shared.messages import Command, Context, Origin
from shared.policy import EVERYWHERE
from shared.statistics import Period
from shared.verify import Findings, verify
from tests.given import NOON, staff
from tests.integration.conftest import ServiceDatabase

ANNA = staff("anna", "counsellor")
BERIN = staff("berin", "counsellor")
ZORAN = staff("zoran", "coordinator")
MIRA = staff("mira", "coordinator")
OLEG = staff("oleg", "operations")
PETRA = staff("petra", "protection")
ANKARA = staff("aylin", "receiving_office", countries=("TR",))
RETURNS = Actor.service("returns")

DEPARTS = NOON + timedelta(days=10)
ARRIVES = DEPARTS + timedelta(hours=8)
EVE = DEPARTS - timedelta(hours=6)

Stretch = Literal["intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board"]


@dataclass(frozen=True)
class Attempt:
    """One case and the persons whom it covers, the principal first."""

    id: UUID
    persons: tuple[CoveredPerson, ...]

    @property
    def ids(self) -> tuple[UUID, ...]:
        return tuple(person.person_id for person in self.persons)

    @property
    def adults(self) -> tuple[UUID, ...]:
        return tuple(person.person_id for person in self.persons if person.age_group == "adult")


def somebody(sex: Sex = "male", age_group: AgeGroup = "adult") -> CoveredPerson:
    return CoveredPerson(person_id=uuid7(), sex=sex, age_group=age_group, country_of_origin="TR")


def best_interests(
    child_id: UUID, outcome: BestInterestsOutcome = "return", at: datetime = NOON
) -> RecordBestInterests:
    """A procedure on a child's best interests, with everybody's agreement."""
    return RecordBestInterests(
        record_id=uuid7(), person_id=child_id, procedure="determination", outcome=outcome, established_at=at,
        agreed=("child", "family", "guardian"),
    )  # fmt: skip


def other_parent(child_id: UUID) -> SettleOtherParent:
    """The consent of the parent who does not travel with a child."""
    return SettleOtherParent(person_id=child_id, settled_by="consent_signed", settled_on=NOON.date())


def final_report(at: datetime = ARRIVES) -> WriteFinalReport:
    """A report with which a case can be closed."""
    return WriteFinalReport(
        report_id=uuid7(), final_meeting="held_in_person", met_on=at.date(), contributed_to=("health", "income"),
        plan_outcome="reached", partner_feedback="positive", follow_up="done",
    )  # fmt: skip


def family() -> tuple[CoveredPerson, ...]:
    return (somebody("female"), somebody("male", "child"))


class Mission:
    """One database of returns. Orders are given as the API or a reaction gives them, at the time that a test says."""

    def __init__(self, database: ServiceDatabase) -> None:
        self.database = database

    async def order(
        self, id: UUID, command: Command, by: Actor = RETURNS, at: datetime = NOON, aggregate: AnyAggregate = CASE
    ) -> Handled:
        repeat = None if by == RETURNS else Repeat.of(str(uuid7()), type(command).__name__, id, b"")
        login = self.database.worker if by == RETURNS else self.database.api
        return await transact(
            login, EVERYWHERE.scope(by),
            lambda unit: handle(
                unit, aggregate, id, command, Context(by, at), Origin("test-correlation"), repeat=repeat, reach=EVERYWHERE
            ),
            WIRING.refusals,
        )  # fmt: skip

    async def note(self, id: UUID, command: Command, at: datetime = NOON) -> Handled:
        """Takes note of something about a person."""
        return await self.order(id, command, RETURNS, at, PERSON)

    async def case(self, id: UUID, at: datetime = NOON) -> Case:
        found = await transact(
            self.database.api, EVERYWHERE.scope(ANNA),
            lambda unit: read(unit, CASE, id, Context(ANNA, at), reach=EVERYWHERE),
        )  # fmt: skip
        return found.state

    async def figures(self, first: date, last: date) -> dict[str, int]:
        asked = Period(first, last, "Europe/Sarajevo")
        found = await transact(self.database.api, EVERYWHERE.scope(MIRA, log=True), lambda unit: queries.figures(unit, asked))
        return {figure.key: figure.value for figure in found}

    async def in_clear(self, attempt: Attempt) -> str:
        """What is kept sealed of a case, as a command hands it to the database to be checked."""
        told = rows_of(CASE).dump(await self.case(attempt.id))
        return json.dumps({part.column: told[part.column] for part in CASE.sealed if part.checked})

    async def verified(self) -> Findings:
        return await verify(self.database.verify, "returns", WIRING.by_name, WIRING.checks)

    @contextlib.asynccontextmanager
    async def owner(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """Somebody who writes SQL past all rules, with the rights of the tables' owner."""
        connection = await asyncpg.connect(self.database.logins.migrate)
        await connection.execute("SET ROLE returns_owner")
        try:
            yield connection
        finally:
            await connection.close()

    async def caught_up(self, *sources: str, seconds_ago: float = 0) -> None:
        """Says of these sources when the worker last had nothing left to read, as its consumer does."""
        connection = await asyncpg.connect(self.database.logins.worker)
        for source in sources or WIRING.service.follows:
            await connection.execute(
                "INSERT INTO cursor (source, last_idx, caught_up_at) "
                "VALUES ($1, -1, clock_timestamp() - make_interval(secs => $2)) "
                "ON CONFLICT (source) DO UPDATE SET caught_up_at = excluded.caught_up_at",
                source, seconds_ago,
            )  # fmt: skip
        await connection.close()

    async def opened(
        self, *persons: CoveredPerson, country: str = "TR", at: datetime = NOON, counselled: bool = True,
        alone: bool = True, counsellor: Actor = ANNA,
    ) -> Attempt:
        """A case at its beginning, everybody's consent given."""
        attempt = Attempt(uuid7(), persons or (somebody(),))
        for person_id in attempt.ids:
            await self.note(person_id, RecordConsent(consent="data", active=True), at)
            if counselled:
                heard = RecordCounselled(session_id=uuid7(), held_at=at - timedelta(days=1), alone=alone)
                await self.note(person_id, heard, at)
        intention = RecordIntention(
            case_ref=case_ref(attempt.id), principal_id=attempt.ids[0], persons=attempt.persons,
            destination_country=country, counsellor_id=counsellor.person_id, expressed_at=at,
        )  # fmt: skip
        await self.order(attempt.id, intention, at=at)
        return attempt

    async def brought_to(self, stretch: Stretch, *persons: CoveredPerson, country: str = "TR") -> Attempt:
        """A case that got this far on the usual way."""
        attempt = await self.opened(*persons, country=country)
        steps: Sequence[tuple[Stretch, Callable[[Attempt], Awaitable[None]]]] = (
            ("screening", self.screen), ("applied", self.apply), ("approved", self.approve),
            ("preparing", self.prepare), ("ready_to_travel", self.make_ready), ("cleared_to_board", self.clear),
        )  # fmt: skip
        for reached, step in steps:
            if (await self.case(attempt.id)).status == stretch:
                break
            await step(attempt)
            assert (await self.case(attempt.id)).status == reached
        return attempt

    async def screen(self, attempt: Attempt) -> None:
        await self.order(attempt.id, StartScreening(), ANNA)

    async def apply(self, attempt: Attempt) -> None:
        for person_id in attempt.ids:
            for finding in self.findings(attempt, person_id):
                by = PETRA if isinstance(finding, RecordBestInterests) else ANNA
                await self.order(attempt.id, finding, by)
            signer = person_id if person_id in attempt.adults else attempt.adults[0]
            declaration = SignDeclaration(
                person_id=person_id, signed_by=signer, method="signature", language="tur", signed_at=NOON
            )
            await self.order(attempt.id, declaration, ANNA)
        await self.order(attempt.id, SubmitApplication(), ANNA)

    def findings(self, attempt: Attempt, person_id: UUID) -> Sequence[Command]:
        """Everything that screening has to find about somebody, and nothing that stands against their journey."""
        adult = person_id in attempt.adults
        found: list[Command] = [
            AssessVoluntariness(
                record_id=uuid7(), person_id=person_id, answered_by=person_id if adult else attempt.adults[0],
                assessed_at=NOON, free=True, informed=True, capable=True, company="nobody", interpreter="professional",
                child_heard=None if adult else "heard", legal_consequences_explained=True, alternatives_explained=True,
            ),
            RecordFearOfReturn(record_id=uuid7(), person_id=person_id, asked_at=NOON, fears_return=False),
            RecordVulnerability(record_id=uuid7(), person_id=person_id, noted_at=NOON),
        ]  # fmt: skip
        if not adult:
            found.append(best_interests(person_id))
        return found

    async def approve(self, attempt: Attempt) -> None:
        await self.order(attempt.id, ApproveCase(), ZORAN)

    async def prepare(self, attempt: Attempt) -> None:
        country = (await self.case(attempt.id)).destination_country
        await self.order(attempt.id, StartPreparation(programme="avrr_wb", receiving_country=country), OLEG)

    async def make_ready(self, attempt: Attempt, departs_at: datetime = DEPARTS, arrives_at: datetime = ARRIVES) -> None:
        country = (await self.case(attempt.id)).destination_country
        for person_id in attempt.ids:
            document = RecordTravelDocument(person_id=person_id, document="passport", valid_until=date(2030, 1, 1))
            await self.order(attempt.id, document, OLEG)
        await self.order(attempt.id, RecordExitFormalities(person_ids=attempt.ids, recorded_at=NOON), OLEG)
        for one in attempt.persons:
            if one.age_group == "child" and not one.parent_ids:
                await self.order(attempt.id, other_parent(one.person_id), ANNA)
        await self.order(attempt.id, RecordOwnPlan(plan_id=uuid7(), person_ids=attempt.ids))
        booking = ConfirmBooking(
            departs_at=departs_at, arrives_at=arrives_at, destination_country=country, person_ids=attempt.ids
        )
        await self.order(attempt.id, booking, OLEG)
        await self.order(attempt.id, RecordReceptionArranged(arranged_at=NOON), OLEG)
        await self.order(attempt.id, MarkReadyToTravel(), OLEG)

    async def confirm(self, attempt: Attempt) -> None:
        for person_id in attempt.adults:
            await self.order(attempt.id, ConfirmVoluntariness(person_id=person_id, confirmed_at=EVE), OLEG, EVE)

    async def clear(self, attempt: Attempt) -> None:
        await self.caught_up()
        await self.confirm(attempt)
        await self.order(attempt.id, ClearToBoard(), OLEG, EVE)

    async def depart(self, attempt: Attempt, departed_at: datetime = DEPARTS) -> None:
        departure = RecordDeparture(person_ids=attempt.ids, departed_at=departed_at)
        await self.order(attempt.id, departure, OLEG, departed_at)

    async def arrive(self, attempt: Attempt, arrived_at: datetime = ARRIVES) -> None:
        for person_id in attempt.ids:
            arrival = ConfirmArrival(person_id=person_id, arrived_at=arrived_at, known_by="met")
            await self.order(attempt.id, arrival, ANKARA, arrived_at)
