"""Who orders what and when: the steps of one journey, written as the services' own commands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from ops.demo_year.people import Dice, Household, moment
from services.counselling.domain.family import RegisterFamily
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.person import GiveConsent, RegisterPerson
from services.counselling.domain.session import HoldSession
from services.returns.domain.case_application import (
    RecordScreening,
    SignDeclaration,
    StartScreening,
    SubmitApplication,
)
from shared.contracts.counselling import FamilyMember, Modality, SessionOutcome, Topic
from shared.messages import Command

LAST_DAY = 364
_SERVICE = re.compile(r"^services\.(\w+)\.")


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
    journey.give(
        at, household.counsellor, session_id,
        HoldSession(
            session_type="individual", modality=modality,
            site="remote" if modality != "in_person" else household.site, language=household.language,
            interpreter=journey.dice.random.choice(("none", "in_person", "phone")), person_ids=household.person_ids,
            held_at=at - timedelta(minutes=50), topics=tuple(topics), outcome=outcome,
            receiving_country=household.country if modality == "virtual_country_of_origin" else None,
        ),
    )  # fmt: skip
    journey.sessions += 1
    return session_id


def register(journey: Journey, household: Household, day: int) -> None:
    """Makes a household known: persons, their consents, and that they belong together."""
    at = moment(day, 8)
    for number, member in enumerate(household.members):
        journey.give(
            at + timedelta(minutes=2 * number), household.counsellor, member.person_id,
            RegisterPerson(
                sex=member.sex, birth_year=member.birth_year, country_of_origin=household.country, site=household.site
            ),
        )  # fmt: skip
        given = at + timedelta(minutes=2 * number + 1)
        journey.give(
            given, household.counsellor, member.person_id,
            GiveConsent(
                consent="data", text_version="2023-01", language=household.language, method="signature", given_at=given
            ),
        )  # fmt: skip
    if len(household.members) > 1:
        journey.give(
            at + timedelta(minutes=30), household.counsellor, journey.dice.id(day),
            RegisterFamily(
                members=tuple(
                    FamilyMember(person_id=member.person_id, relation=member.relation) for member in household.members
                )
            ),
        )  # fmt: skip


def express_intention(journey: Journey, household: Household, day: int) -> UUID:
    """The session in which the wish to return was spoken, and the wish; the answer is the case's id."""
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
    """Screening and declaration of everybody."""
    at = moment(day, 9)
    journey.give(at, household.counsellor, case_id, StartScreening())
    for number, member in enumerate(household.members):
        then = at + timedelta(minutes=20 * number + 10)
        journey.give(
            then, household.counsellor, case_id,
            RecordScreening(
                person_id=member.person_id, screened_at=then, alternatives_explained=True,
                legal_consequences_explained=True, voluntary=True,
            ),
        )  # fmt: skip
        journey.give(
            then + timedelta(minutes=5), household.counsellor, case_id,
            SignDeclaration(
                person_id=member.person_id,
                signed_by=member.person_id if member.adult else household.principal.person_id,
                method="signature", language=household.language, signed_at=then,
            ),
        )  # fmt: skip


def apply_for(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """The complete application."""
    journey.give(moment(day, 11), household.counsellor, case_id, SubmitApplication())
