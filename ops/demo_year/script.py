"""Who orders what and when: the steps of one journey, written as the services' own commands."""

import re
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from ops.demo_year.people import Dice, Household, Member, moment
from services.counselling.domain.family import RegisterFamily
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.person import GiveConsent, RegisterPerson
from services.counselling.domain.session import HoldSession
from services.returns.domain.case_application import SignDeclaration, StartScreening, SubmitApplication
from services.returns.domain.case_screening import (
    AssessVoluntariness,
    CloseAlert,
    RecordBestInterests,
    RecordFearOfReturn,
    RecordVulnerability,
)
from shared.contracts.counselling import FamilyMember, Modality, SessionOutcome, Topic
from shared.contracts.returns import Indicator
from shared.contracts.sessions import Interpreter, InterpreterKind, Present
from shared.messages import Command

LAST_DAY = 364
INTERPRETERS: Final[tuple[Interpreter, ...]] = ("none", "in_person", "phone")
_SERVICE = re.compile(r"^services\.(\w+)\.")


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the wire for an order without a form, with the path below the service's address."""

    method: str
    path: str
    body: bytes | None = None
    content_type: str = "application/json"


class Direct(Command):
    """An order that is no form's, but a file that is brought or taken."""

    service: ClassVar[str]

    @abstractmethod
    def request(self, id: UUID) -> Request:
        """How it is given of the thing under this id."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command by one persona at one moment."""

    at: datetime
    persona: str
    id: UUID
    order: Command

    @property
    def service(self) -> str:
        """Whose command it is."""
        if isinstance(self.order, Direct):
            return self.order.service
        found = _SERVICE.match(type(self.order).__module__)
        assert found is not None
        return found[1]


@dataclass(slots=True)
class Journey:
    """The steps of one household or one strand of other work until it ends, by default with the year; in order of time."""

    dice: Dice
    ends: datetime = field(default_factory=lambda: moment(LAST_DAY, 22))
    steps: list[Step] = field(default_factory=list)
    sessions: int = 0

    def give(self, at: datetime, persona: str, id: UUID, order: Command) -> None:
        """Adds a step; what would fall after the journey's end does not happen."""
        if at < self.ends:
            self.steps.append(Step(at, persona, id, order))

    def in_order(self) -> list[Step]:
        """The steps by time; those of one moment as they were written."""
        return sorted(self.steps, key=lambda step: step.at)


def hold_session(
    journey: Journey,
    household: Household,
    at: datetime,
    outcome: SessionOutcome,
    modality: Modality = "in_person",
    topics: Iterable[Topic] = ("return_conditions", "reintegration_support"),
) -> UUID:
    """One individual session with everybody of a household; it counts once."""
    session_id = journey.dice.id((at - moment(0, 0)).days)
    interpreter = journey.dice.random.choice(INTERPRETERS)
    journey.give(
        at, household.counsellor, session_id,
        HoldSession(
            session_type="individual", modality=modality,
            site="remote" if modality != "in_person" else household.site, language=household.language,
            interpreter=interpreter, interpreter_kind=kind_of_interpreter(interpreter),
            present=present_of(household), person_ids=household.person_ids,
            held_at=at - timedelta(minutes=50), topics=tuple(topics), outcome=outcome,
            receiving_country=household.country if modality == "virtual_country_of_origin" else None,
        ),
    )  # fmt: skip
    journey.sessions += 1
    return session_id


def hear_alone(journey: Journey, household: Household, day: int) -> None:
    """A session with each adult of a family that nobody else of it sits in, in place of others' sessions of the year."""
    for number, member in enumerate(household.adults if len(household.members) > 1 else ()):
        at = moment(day, 9, 15 + 20 * number)
        journey.give(
            at, household.counsellor, record_of(member.person_id, day << 8 | 5),
            HoldSession(
                session_type="individual", modality="in_person", site=household.site, language=household.language,
                interpreter="phone", interpreter_kind="professional", present=("alone",), person_ids=(member.person_id,),
                held_at=at - timedelta(minutes=20), topics=("return_conditions", "asylum"), outcome="follow_up",
            ),
        )  # fmt: skip
        journey.sessions += 1


def kind_of_interpreter(interpreter: Interpreter) -> InterpreterKind | None:
    """Who interprets in the year's sessions: relatives and residents never do."""
    return None if interpreter == "none" else "professional"


def present_of(household: Household) -> tuple[Present, ...]:
    """Who is present beside the principal when everybody of a household is heard together."""
    others = household.members[1:]
    grown: tuple[Present, ...] = ("spouse",) if any(member.adult for member in others) else ()
    small: tuple[Present, ...] = ("child",) if any(not member.adult for member in others) else ()
    return (*grown, *small) or ("alone",)


def register(journey: Journey, household: Household, day: int) -> None:
    """Makes a household known: persons, their consents, and that they belong together."""
    at = moment(day, 8)
    for number, member in enumerate(household.everybody):
        journey.give(
            at + timedelta(minutes=2 * number), household.counsellor, member.person_id,
            RegisterPerson(
                sex=member.sex, birth_year=member.birth_year, country_of_origin=household.country, site=household.site
            ),
        )  # fmt: skip
        # Whose consent a guardian gives must be known for their ward first.
        ward = household.guardian is not None and not member.adult
        given = at + timedelta(minutes=31 if ward else 2 * number + 1)
        journey.give(
            given, household.counsellor, member.person_id,
            GiveConsent(
                consent="data", text_version="2023-01", language=household.language, method="signature", given_at=given,
                given_by=household.speaker_for(member) if ward else None,
            ),
        )  # fmt: skip
    if len(household.everybody) > 1:
        journey.give(
            at + timedelta(minutes=30), household.counsellor, journey.dice.id(day),
            RegisterFamily(
                members=tuple(
                    FamilyMember(
                        person_id=member.person_id, relation=member.relation,
                        guardian_of=household.person_ids if member == household.guardian else (),
                    )
                    for member in household.everybody
                )
            ),
        )  # fmt: skip


def express_intention(journey: Journey, household: Household, day: int) -> UUID:
    """Each adult heard alone, the session in which the wish to return was spoken, and the wish; the answer is the case's id."""
    hear_alone(journey, household, day)
    at = moment(day, 10, journey.dice.between(0, 40))
    session_id = hold_session(journey, household, at, "intention_expressed")
    case_id = journey.dice.id(day)
    journey.give(
        at + timedelta(minutes=5), household.counsellor, case_id,
        ExpressIntention(
            session_id=session_id, principal_id=household.principal.person_id, person_ids=household.person_ids,
            destination_country=household.country,
        ),
    )  # fmt: skip
    return case_id


def screen(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """Everybody is heard alone and screened, protection sees whom it is called for, and declarations are signed."""
    at = moment(day, 9)
    journey.give(at, household.counsellor, case_id, StartScreening())
    for number, member in enumerate(household.members):
        then = at + timedelta(minutes=20 * number + 10)
        for order in _findings(household, number, then):
            journey.give(then, household.counsellor, case_id, order)
        _sign(journey, household, case_id, member, then)
    _protect(journey, household, case_id, day)


def answer_anew_for_children(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """Who goes with the children now signs and answers for them, and protection finds anew what is best for each."""
    for number, member in enumerate(household.members):
        if not member.adult:
            at = moment(day, 9) + timedelta(minutes=20 * number + 10)
            journey.give(at, household.counsellor, case_id, _wish_of(household, member, at))
            _sign(journey, household, case_id, member, at)
            _find_best(journey, case_id, member, at + timedelta(minutes=6))


def _sign(journey: Journey, household: Household, case_id: UUID, member: Member, at: datetime) -> None:
    journey.give(
        at + timedelta(minutes=5), household.counsellor, case_id,
        SignDeclaration(
            person_id=member.person_id, signed_by=household.speaker_for(member), method="signature",
            language=household.language, signed_at=at,
        ),
    )  # fmt: skip


def _wish_of(household: Household, member: Member, at: datetime) -> AssessVoluntariness:
    return AssessVoluntariness(
        record_id=record_of(member.person_id, 2), person_id=member.person_id,
        answered_by=household.speaker_for(member), assessed_at=at, free=True, informed=True, capable=True,
        company="nobody" if member.adult else "guardian", interpreter="professional",
        child_heard=None if member.adult else "heard", legal_consequences_explained=True, alternatives_explained=True,
    )  # fmt: skip


def _findings(household: Household, number: int, at: datetime) -> tuple[Command, ...]:
    member = household.members[number]
    return (
        _wish_of(household, member, at),
        RecordFearOfReturn(
            record_id=record_of(member.person_id, 3), person_id=member.person_id, asked_at=at, fears_return=False
        ),
        RecordVulnerability(
            record_id=record_of(member.person_id, 1), person_id=member.person_id, noted_at=at,
            indicators=_noted_of(household, number),
        ),
    )  # fmt: skip


def _noted_of(household: Household, number: int) -> tuple[Indicator, ...]:
    """What is noted of somebody's vulnerability: every eighth adult has something that calls protection."""
    member = household.members[number]
    noted: list[Indicator] = []
    if member.adult and len(household.adults) == 1 < len(household.members):
        noted.append("single_parent")
    if not member.adult and household.guardian is not None:
        noted.append("uasc")
    if member.adult and _calls_protection(member.person_id):
        noted.append("gbv" if member.sex == "female" else "torture_survivor")
    return tuple(noted)


def _calls_protection(person_id: UUID) -> bool:
    return person_id.int % 8 == 0


def record_of(person_id: UUID, number: int) -> UUID:
    """An id of its own for each part of each person's screening, and for what follows; without a throw of the dice."""
    return UUID(int=person_id.int ^ number)


def _protect(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """Protection closes what it was called for, and finds what is best for each child; of one on its own that takes longer."""
    for number, member in enumerate(household.members):
        at = moment(day, 9) + timedelta(minutes=20 * number + 16)
        on_its_own = not member.adult and household.guardian is not None
        if on_its_own or (member.adult and _calls_protection(member.person_id)):
            closing = CloseAlert(alert_id=record_of(member.person_id, 1), outcome="support_arranged")
            journey.give(at, "protection", case_id, closing)
        if not member.adult and not on_its_own:
            _find_best(journey, case_id, member, at)


def _find_best(journey: Journey, case_id: UUID, child: Member, at: datetime) -> None:
    journey.give(
        at, "protection", case_id,
        RecordBestInterests(
            record_id=record_of(child.person_id, 4), person_id=child.person_id, procedure="assessment", outcome="return",
            established_at=at, agreed=("child", "family", "guardian"),
        ),
    )  # fmt: skip


def apply_for(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """The complete application."""
    journey.give(moment(day, 11), household.counsellor, case_id, SubmitApplication())
