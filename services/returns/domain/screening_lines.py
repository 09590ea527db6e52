"""What screening has to have found before somebody applies, is approved and travels: lines of the departure checklist."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from services.returns.domain.case_state import Case, CasePerson
from services.returns.domain.of_age import as_recorded, is_adult, is_adult_by, may_answer_for
from services.returns.domain.screening import ALONE, TRAFFICKED, PersonScreening, of_health
from shared.actors import Actor, Role
from shared.errors import RuleViolation

Stage = Literal["applied", "approved"]


@dataclass(frozen=True, slots=True)
class Line:
    """One condition of each person: of whom it is asked, whether it holds, and by which stage it has to."""

    code: str
    needed_for: Stage
    applies: Callable[[CasePerson, PersonScreening], bool]
    holds: Callable[[PersonScreening], bool]


def _to_everybody(_: CasePerson, __: PersonScreening) -> bool:
    return True


def _to_children(person: CasePerson, found: PersonScreening) -> bool:
    return not is_adult_by(found, person)


def _to_the_trafficked(_: CasePerson, found: PersonScreening) -> bool:
    return not TRAFFICKED.isdisjoint(found.indicators)


def _is_for_return(found: PersonScreening) -> bool:
    procedure = found.best_interests
    if procedure is None or not procedure.is_for_return:
        return False
    # For a child on its own an assessment by whoever counsels is not enough (domain reference 2.5, 6).
    return procedure.procedure == "determination" or ALONE.isdisjoint(found.indicators)


def _is_assessed(found: PersonScreening) -> bool:
    return found.voluntariness is not None and found.voluntariness.is_given


def _is_heard_alone(found: PersonScreening) -> bool:
    return found.voluntariness is not None and found.voluntariness.is_heard_freely


def _is_told_of_consequences(found: PersonScreening) -> bool:
    return found.voluntariness is not None and found.voluntariness.is_explained


def _is_unafraid(found: PersonScreening) -> bool:
    return found.fear is not None and not found.fear.fears_return


def _is_screened(found: PersonScreening) -> bool:
    return found.vulnerability is not None


def _is_without_alert(found: PersonScreening) -> bool:
    return not found.alerts


def _is_at_acceptable_risk(found: PersonScreening) -> bool:
    return found.trafficking is not None and found.trafficking.risk == "acceptable"


LINES: Final[tuple[Line, ...]] = (
    Line("voluntariness_not_assessed", "applied", _to_everybody, _is_assessed),
    Line("not_heard_alone", "applied", _to_everybody, _is_heard_alone),
    Line("consequences_not_explained", "applied", _to_everybody, _is_told_of_consequences),
    Line("fear_of_return_open", "applied", _to_everybody, _is_unafraid),
    Line("vulnerability_not_screened", "applied", _to_everybody, _is_screened),
    Line("protection_alert_open", "applied", _to_everybody, _is_without_alert),
    Line("trafficking_risk_open", "approved", _to_the_trafficked, _is_at_acceptable_risk),
    Line("best_interests_open", "approved", _to_children, _is_for_return),
)
CODES: Final[frozenset[str]] = frozenset(line.code for line in LINES)


def lines_of(case: Case) -> Iterator[tuple[Line, CasePerson, bool]]:
    """Each line that is asked of somebody who still travels, and whether it holds for them."""
    for line in LINES:
        for person in case.travelling:
            found = case.screening_of(person.person_id)
            if line.applies(person, found):
                yield line, person, line.holds(found) and _is_enough(line, case, person, found)


def _is_enough(line: Line, case: Case, person: CasePerson, found: PersonScreening) -> bool:
    if line.code == "voluntariness_not_assessed":
        # What somebody answered before it was noted that they may be a child, or a guardian before that was taken back.
        return found.voluntariness is None or may_answer_for(person, found.voluntariness.answered_by, case)
    if line.code != "best_interests_open":
        return True
    # Once the office abroad is asked about the family, what is best for the child waits for its answer.
    family = found.family_assessment
    if family is not None and (family.answer is None or not family.answer.is_ready):
        return False
    # A child beside whom no adult travels is on its own, whatever was noted of it.
    if any(is_adult(one, case) for one in case.travelling):
        return True
    # What was found of a journey beside adults of the case says nothing of one after they have left, nor beside somebody who
    # may be an adult.
    left = [one.departed_at for one in case.gone if one.recorded_as_adult and one.departed_at is not None]
    procedure = found.best_interests
    return procedure is not None and procedure.procedure == "determination" and all(at < procedure.at for at in left)


def is_settled(case: Case, stage: Stage) -> bool:
    """Whether everything that screening has to have found by this stage was found."""
    return all(holds for line, _, holds in lines_of(case) if stage in ("approved", line.needed_for))


def is_shown_screening(case: Case, reader: Actor) -> bool:
    """Whether somebody is shown what screening found: protection, and the counsellor of the case (domain reference 5.4)."""
    return is_shown_screening_of(case.counsellor_id, reader)


def is_shown_screening_of(counsellor_id: str, reader: Actor) -> bool:
    """The same of a case of which no more is at hand than who its counsellor is."""
    return Role.PROTECTION in reader.roles or (Role.COUNSELLOR in reader.roles and reader.person_id == counsellor_id)


def as_told_to(case: Case, reader: Actor) -> Case:
    """The case as somebody may judge it who must not learn from an answer whose age is in doubt; for whoever is shown, as it is."""
    return case if is_shown_screening(case, reader) else as_recorded(case)


def screening_is_open() -> RuleViolation:
    """Something in screening stands against it, and nothing says what; also where that is a doubt of an age alone."""
    return RuleViolation(
        "screening_not_settled",
        "What screening asks of somebody is not settled. The counsellor of the case or "
        "protection can say what is missing.",
    )


def screening_seen_by(case: Case, reader: Actor) -> Case:
    """The case as a member of staff is shown it; to most of them nothing of any screening is there."""
    if Role.PROTECTION in reader.roles:
        return case
    if is_shown_screening(case, reader):
        # What protection assessed is protection's; that it is open, the checklist says.
        seen = tuple(_without_risk(one) for one in case.screening)
    elif Role.MEDICAL in reader.roles:
        seen = tuple(of_health(one) for one in case.screening)
    else:
        seen = ()
    return replace(case, screening=seen, protection_since=None, inquired_since=None)


def _without_risk(found: PersonScreening) -> PersonScreening:
    """The same without protection's own assessment, and without it among what calls protection."""
    alerts = tuple(
        replace(alert, causes=tuple(cause for cause in alert.causes if cause != "trafficking_unacceptable"))
        for alert in found.alerts
    )
    return replace(found, trafficking=None, alerts=alerts)
