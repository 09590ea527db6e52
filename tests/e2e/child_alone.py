"""A child without an adult on its way home, over the public APIs: registered with its guardian, screened, prepared, booked."""

from datetime import datetime

from ops.demo_year import granting, script, travelling
from ops.demo_year.people import Household, Member, day_of, moment
from ops.demo_year.script import Journey
from services.counselling.domain.person import GiveConsent
from services.returns.domain.case_preparation import ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_screening import RecordBestInterests
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision
from shared.contracts.counselling import ConsentKind
from shared.contracts.returns import Agreement, BestInterestsOutcome
from shared.ids import uuid7
from tests.e2e.conftest import Mission
from tests.e2e.test_main_line import Line

COUNSELLOR = "counsellor-3"
EVERYBODY: tuple[Agreement, ...] = ("child", "family", "guardian")


class ChildAlone:
    """A child of its own case, whose guardian stays here; each step is given as the mission's staff give it."""

    def __init__(self, mission: Mission, seed: int) -> None:
        self.mission = mission
        self.child_id, self.guardian_id = uuid7(), uuid7()
        child = Member(self.child_id, "male", 2008, "other_dependant")
        guardian = Member(self.guardian_id, "female", 1980, "principal")
        self.household = Household((child,), "TR", "tur", "trc_borici", COUNSELLOR, "returned", guardian)
        self.line = Line(mission, self.household, seed)
        self.case_id = self.child_id

    async def status(self) -> str:
        return await self.line.status(self.case_id)

    def consent(self, kind: ConsentKind, at: datetime) -> GiveConsent:
        """What the guardian agrees to for the child."""
        return GiveConsent(
            consent=kind, text_version="2023-01", language="tur", method="signature", given_at=at,
            given_by=self.guardian_id, recipient_country="TR" if kind == "transfer" else None,
        )  # fmt: skip

    def best_interests(
        self, at: datetime, outcome: BestInterestsOutcome = "return", agreed: tuple[Agreement, ...] = EVERYBODY
    ) -> RecordBestInterests:
        """What a panel determined on that day, and who agrees."""
        return RecordBestInterests(
            record_id=uuid7(), person_id=self.child_id, procedure="determination", outcome=outcome, established_at=at,
            agreed=agreed,
        )  # fmt: skip

    async def apply(self, agreed: tuple[Agreement, ...] = EVERYBODY) -> None:
        """The wish, everything that screening asks with these agreements, and the application; days 10 to 12."""
        journey = Journey(self.line.dice)
        script.register(journey, self.household, 10)
        self.case_id = script.express_intention(journey, self.household, 10)
        await self.line.go(journey)
        journey = Journey(self.line.dice)
        guardian = RecordGuardian(person_id=self.child_id, guardian_id=self.guardian_id)
        journey.give(moment(10, 20), "protection", self.case_id, guardian)
        script.screen(journey, self.household, self.case_id, 11)
        found = self.best_interests(moment(11, 20), agreed=agreed)
        journey.give(moment(11, 20), "protection", self.case_id, found)
        script.apply_for(journey, self.household, self.case_id, 12)
        await self.line.go(journey)

    async def prepare(self) -> None:
        """Approved, everything arranged and booked for the flight of day 30; days 13 to 24."""
        journey = Journey(self.line.dice)
        travelling.approve(journey, self.case_id, 13)
        lines = granting.plan_lines(self.line.dice, self.household, {})
        travelling.prepare(journey, self.household, self.case_id, uuid7(), lines, 14)
        await self.line.go(journey)
        journey = Journey(self.line.dice)
        supervision = RecordSupervision(
            person_id=self.child_id, travels_with="airline_service", handed_over_by="by_guardian",
            received_by="to_relative", arranged_at=moment(24, 13), valid_from=day_of(29), valid_until=day_of(33),
        )  # fmt: skip
        journey.give(moment(24, 13), "protection", self.case_id, supervision)
        travelling.book(journey, self.household, self.case_id, 24, 30)
        await self.line.go(journey)

    async def make_ready(self, at: datetime) -> None:
        """Ready to travel, and the guardian has confirmed for the child."""
        await self.mission.done("returns", "operations", self.case_id, MarkReadyToTravel(), at)
        confirmed = ConfirmVoluntariness(person_id=self.child_id, confirmed_at=at)
        await self.mission.done("returns", "operations", self.case_id, confirmed, at)
