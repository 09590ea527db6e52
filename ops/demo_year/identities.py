"""Who the invented people are: told to their counsellor with the consent, sometimes set right days later."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

from ops.demo_year.names import NAMINGS, Naming, Written
from ops.demo_year.people import Household, Member, moment
from ops.demo_year.script import Journey, register
from services.counselling.domain.host_status import HostStatus, RecordHostStatus
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.identity_parts import (
    Contact,
    Document,
    Education,
    Nationality,
    OtherName,
    Skill,
)
from services.returns.domain.case_preparation import RecordTravelDocument
from shared.contracts.counselling import CorrectionReason

# Of a hundred persons: of how many the date of birth is known to the day, or to the month; of the others to the year.
_TO_THE_DAY: Final = 50
_TO_THE_MONTH: Final = 20
# What they worked as, what else they can do, and the highest level of schooling that they completed.
_WORK: Final[Sequence[tuple[str, tuple[str, ...], Education]]] = (
    ("baker", ("baking", "book-keeping of a small shop"), "lower_secondary"), ("tailor", ("sewing",), "vocational"),
    ("farmer", ("keeping sheep", "irrigation"), "primary"), ("electrician", ("wiring of houses",), "vocational"),
    ("driver", ("repairing engines", "driving licence C"), "upper_secondary"), ("teacher", ("English",), "tertiary"),
    ("day labourer", ("bricklaying",), "no_schooling"), ("cook", ("cooking for many",), "lower_secondary"),
)
# How those stay in this country of whom it is known.
_STATUSES: Final[Sequence[HostStatus]] = ("irregular", "registered_intention_asylum", "asylum_seeker", "rejected", "unknown")
# From where people come of whom some have no nationality.
_WITH_STATELESS: Final = ("IQ", "SY")


class _Correction(NamedTuple):
    """What was believed at first, and for which reason it was set right later."""

    before: Mapping[str, Any]
    reason: CorrectionReason


def make_known(journey: Journey, household: Household, day: int) -> None:
    """Registers a household with its consents, and records who they are before the session of that day."""
    register(journey, household, day)
    identify(journey, household, moment(day, 8, 40))


def identify(journey: Journey, household: Household, at: datetime) -> None:
    """The counsellor records who everybody of a household is, and corrects some of it in the days that follow."""
    chance = _chance(household.principal.person_id)
    naming = chance.choice(NAMINGS[household.country])
    family = chance.choice(naming.family)
    for number, member in enumerate(household.everybody):
        told = at + timedelta(minutes=number)
        _identify(journey, household, member, naming, family, told)


def _identify(
    journey: Journey, household: Household, member: Member, naming: Naming, family: Written, at: datetime
) -> None:
    # Chance of each person's own: what is recorded of one changes nothing else in the year.
    chance = _chance(member.person_id)
    true = _true(chance, household, member, naming, family)
    correction = _correction(chance, true)
    first = {**true, **correction.before} if correction is not None else true
    journey.give(at, household.counsellor, member.person_id, RecordIdentity.model_validate(first))
    if member.adult and chance.random() < 0.25:
        status = RecordHostStatus(host_status=chance.choice(_STATUSES))
        journey.give(at + timedelta(minutes=10), household.counsellor, member.person_id, status)
    if correction is not None:
        later = at + timedelta(days=chance.randint(1, 6), hours=5)
        set_right = {field: true[field] for field in correction.before}
        order = RecordIdentity.model_validate({**set_right, "reason": correction.reason})
        journey.give(later, household.counsellor, member.person_id, order)


def _true(
    chance: Random, household: Household, member: Member, naming: Naming, family: Written
) -> dict[str, Any]:
    given, also = chance.sample(naming.female if member.sex == "female" else naming.male, 2)
    told: dict[str, Any] = {
        "family_name": family[0], "given_names": given[0], "family_name_own_script": family[1],
        "given_names_own_script": given[1], "birth_date": _birth_date(chance, member.birth_year),
        "languages": tuple(dict.fromkeys((naming.tongue, household.language, *(("eng",) if chance.random() < 0.2 else ())))),
    }  # fmt: skip
    if household.country in _WITH_STATELESS and chance.random() < 0.2:
        told["stateless"] = True
    else:
        told["nationalities"] = (Nationality(nationality=household.country),)
    if chance.random() < 0.1:
        told["other_names"] = (OtherName(other_name=also[1] or also[0]),)
    if member.adult and chance.random() < 0.5:
        told["contacts"] = (_contact(chance),)
    if member.adult and chance.random() < 0.6:
        occupation, skills, education = chance.choice(_WORK)
        told |= {"occupation": occupation, "education": education, "skills": tuple(Skill(skill=one) for one in skills)}
    return told


def _correction(chance: Random, true: Mapping[str, Any]) -> _Correction | None:
    drawn = chance.random()
    if drawn < 0.06:
        return _Correction({"family_name": _misspelt(chance, true["family_name"])}, "misspelt")
    if drawn < 0.12 and len(true["birth_date"]) > len("2023"):
        return _Correction({"birth_date": true["birth_date"][:4]}, "document_seen")
    return None


def _misspelt(chance: Random, name: str) -> str:
    # Two letters beside each other change places, as they do under a hurried hand; if they are alike, one is lost.
    place = chance.randrange(1, len(name) - 1)
    swapped = name[:place] + name[place + 1] + name[place] + name[place + 2 :]
    return swapped if swapped != name else name[:place] + name[place + 1 :]


def _birth_date(chance: Random, year: int) -> str:
    known = chance.randrange(100)
    month, day = chance.randint(1, 12), chance.randint(1, 28)
    if known < _TO_THE_DAY:
        return f"{year}-{month:02}-{day:02}"
    return f"{year}-{month:02}" if known < _TO_THE_DAY + _TO_THE_MONTH else f"{year}"


def _contact(chance: Random) -> Contact:
    # No network of this country begins with two zeros.
    number = f"+387 00 {chance.randrange(1000):03} {chance.randrange(1000):03}"
    return Contact(kind=chance.choice(("phone", "messaging")), contact=number, safe=chance.random() < 0.9)


def show_documents(journey: Journey, household: Household) -> None:
    """The counsellor records each document with which somebody will travel when it is seen; its number is invented."""
    seen = [(step.at, step.order) for step in journey.steps if isinstance(step.order, RecordTravelDocument)]
    for at, order in seen:
        shown = Document(
            document_type=order.document, document_number=_number(order.person_id, household.country),
            issuing_country=household.country, expires_on=order.valid_until,
        )  # fmt: skip
        journey.give(at - timedelta(minutes=30), household.counsellor, order.person_id, RecordIdentity(documents=(shown,)))


def _number(person_id: UUID, country: str) -> str:
    return f"{country}{person_id.int % 10_000_000:07}"


def _chance(id: UUID) -> Random:
    return Random(id.int)  # noqa: S311 -- invented people, not secrets
