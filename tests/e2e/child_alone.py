"""A child without an adult on its way home, over the public APIs: registered with its guardian, screened, prepared, booked."""

from datetime import datetime

from ops.demo_year import granting, travelling
from ops.demo_year.people import Household, Member, day_of, moment
from ops.demo_year.script import Journey, express_intention
from services.counselling.domain.family import RegisterFamily
from services.counselling.domain.person import GiveConsent, RegisterPerson
from services.returns.domain.case_application import SignDeclaration, StartScreening, SubmitApplication
from services.returns.domain.case_preparation import ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_screening import (
    AssessVoluntariness,
    CloseAlert,
    RecordBestInterests,
    RecordFearOfReturn,
    RecordVulnerability,
)
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision
from shared.contracts.counselling import ConsentKind, FamilyMember
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
        child = Member(self.child_id, "male", 2008, "principal")
        self.household = Household((child,), "TR", "tur", "trc_borici", COUNSELLOR, "returned")
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
        self._register(journey)
        self.case_id = express_intention(journey, self.household, 10)
        await self.line.go(journey)
        journey = Journey(self.line.dice)
        self._screen(journey, agreed)
        await self.line.go(journey)

    async def prepare(self) -> None:
        """Approved, everything arranged and booked for the flight of day 30; days 13 to 24."""
        journey = Journey(self.line.dice)
        travelling.approve(journey, self.case_id, 13)
        lines = granting.plan_lines(self.line.dice, self.household, {})
        journey.give(moment(14, 7), COUNSELLOR, self.child_id, self.consent("transfer", moment(14, 7)))
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

    def _register(self, journey: Journey) -> None:
        at = moment(10, 8)
        for person_id, sex, born in ((self.child_id, "male", 2008), (self.guardian_id, "female", 1980)):
            person = RegisterPerson(sex=sex, birth_year=born, country_of_origin="TR", site="trc_borici")
            journey.give(at, COUNSELLOR, person_id, person)
        family = RegisterFamily(
            members=(
                FamilyMember(person_id=self.guardian_id, relation="principal", guardian_of=(self.child_id,)),
                FamilyMember(person_id=self.child_id, relation="other_dependant"),
            )
        )
        journey.give(moment(10, 8, 10), COUNSELLOR, self.line.dice.id(10), family)
        journey.give(moment(10, 8, 20), COUNSELLOR, self.child_id, self.consent("data", moment(10, 8, 20)))

    def _screen(self, journey: Journey, agreed: tuple[Agreement, ...]) -> None:
        at, alert_id, case_id = moment(11, 9), uuid7(), self.case_id
        journey.give(at, COUNSELLOR, case_id, StartScreening())
        guardian = RecordGuardian(person_id=self.child_id, guardian_id=self.guardian_id)
        journey.give(at, "protection", case_id, guardian)
        heard = AssessVoluntariness(
            record_id=uuid7(), person_id=self.child_id, answered_by=self.guardian_id, assessed_at=at, free=True,
            informed=True, capable=True, company="guardian", interpreter="professional", child_heard="heard",
            legal_consequences_explained=True, alternatives_explained=True,
        )  # fmt: skip
        unafraid = RecordFearOfReturn(record_id=uuid7(), person_id=self.child_id, asked_at=at, fears_return=False)
        noted = RecordVulnerability(record_id=alert_id, person_id=self.child_id, noted_at=at, indicators=("uasc",))
        for finding in (heard, unafraid, noted):
            journey.give(moment(11, 10), COUNSELLOR, case_id, finding)
        closed = CloseAlert(alert_id=alert_id, outcome="support_arranged")
        journey.give(moment(11, 11), "protection", case_id, closed)
        journey.give(moment(11, 12), "protection", case_id, self.best_interests(moment(11, 12), agreed=agreed))
        declared = SignDeclaration(
            person_id=self.child_id, signed_by=self.guardian_id, method="signature", language="tur", signed_at=moment(12, 8)
        )
        journey.give(moment(12, 8), COUNSELLOR, case_id, declared)
        journey.give(moment(12, 9), COUNSELLOR, case_id, SubmitApplication())
