"""What screening finds out about one person, which of it calls protection, and who is shown what of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from shared.contracts.families import Provision
from shared.contracts.returns import (
    Agreement,
    BestInterestsOutcome,
    BestInterestsProcedure,
    ChildHeard,
    Company,
    Indicator,
    ScreeningInterpreter,
    TraffickingRisk,
)

IndicatorGroup = Literal["protection", "health", "social"]
# The groups in which whoever screens is asked for them (domain reference 1.3 and 3.2).
INDICATOR_GROUPS: Final[Mapping[IndicatorGroup, tuple[Indicator, ...]]] = {
    "protection": (
        "uasc", "unaccompanied", "separated", "vot_presumed", "vot_identified", "gbv", "lgbtqi", "torture_survivor",
    ),
    "health": ("disability", "medical", "mental_health", "pregnant_lactating"),
    "social": ("single_parent", "elderly", "other"),
}  # fmt: skip
ALONE: Final[frozenset[Indicator]] = frozenset({"uasc", "unaccompanied", "separated"})
TRAFFICKED: Final[frozenset[Indicator]] = frozenset({"vot_presumed", "vot_identified"})
AGREEMENTS: Final[frozenset[Agreement]] = frozenset({"guardian", "child", "family"})

AlertCause = Literal[
    Indicator, "several_indicators", "not_free", "not_informed", "not_capable", "fears_return", "trafficking_unacceptable",
    "best_interests_remain", "family_not_ready", "left_uncleared",
]
Response = Literal["nothing", "alert", "hold"]
# What calls protection, and what holds the case by itself until protection lifts that. Whatever a rule does, the gate asks
# for a positive answer all the same.
ALERT_RULES: Final[Mapping[AlertCause, Response]] = {
    "uasc": "alert",
    "unaccompanied": "alert",
    "separated": "alert",
    "vot_presumed": "hold",
    "vot_identified": "hold",
    "gbv": "alert",
    "lgbtqi": "alert",
    "torture_survivor": "alert",
    "disability": "nothing",
    "medical": "nothing",
    # Who decides may be in doubt, which a professional has to look at.
    "mental_health": "alert",
    "pregnant_lactating": "nothing",
    "single_parent": "nothing",
    "elderly": "nothing",
    "other": "alert",
    "several_indicators": "alert",
    "not_free": "hold",
    # The counsellor informs and asks again.
    "not_informed": "nothing",
    "not_capable": "hold",
    "fears_return": "hold",
    "trafficking_unacceptable": "hold",
    "best_interests_remain": "hold",
    "family_not_ready": "hold",
    # Whoever has left cannot be held any more, and is to be found.
    "left_uncleared": "alert",
}
# What calls protection when it is noted, so that protection alone can find that it is not so.
PROTECTED_INDICATORS: Final[frozenset[Indicator]] = frozenset(
    indicator for group in INDICATOR_GROUPS.values() for indicator in group if ALERT_RULES[indicator] != "nothing"
)


@dataclass(frozen=True, slots=True)
class Voluntariness:
    """What somebody's wish to return rests on, as it was assessed; ``answered_by`` is a guardian where they are a child.

    ``company`` is who else was in the room beside whoever interpreted.
    """

    at: datetime
    assessed_by: str
    answered_by: UUID
    free: bool
    informed: bool
    capable: bool
    company: Company
    interpreter: ScreeningInterpreter
    child_heard: ChildHeard | None
    legal_consequences_explained: bool
    alternatives_explained: bool

    @property
    def is_given(self) -> bool:
        """Whether the wish is free, informed, and of somebody who can decide."""
        return self.free and self.informed and self.capable

    @property
    def is_heard_freely(self) -> bool:
        """Whether nobody listened or interpreted before whom one may not speak freely; a child may have its guardian there."""
        alone = self.company == "nobody" or (self.child_heard is not None and self.company == "guardian")
        return alone and self.interpreter in ("none", "professional")

    @property
    def is_explained(self) -> bool:
        """Whether the person knows the ways to stay and what leaving means in law."""
        return self.legal_consequences_explained and self.alternatives_explained


@dataclass(frozen=True, slots=True)
class Fear:
    """That somebody was asked whether they fear to return, and whether they do."""

    at: datetime
    fears_return: bool


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """Everything that was noted of somebody's vulnerability, which may be nothing."""

    at: datetime
    indicators: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True)
class Trafficking:
    """What a risk assessment says of the return of somebody who is, or may be, a victim of trafficking."""

    at: datetime
    risk: TraffickingRisk


@dataclass(frozen=True, slots=True)
class BestInterests:
    """How far the procedure on a child's best interests is, what it found, and who agrees with the return."""

    at: datetime
    procedure: BestInterestsProcedure
    outcome: BestInterestsOutcome
    agreed: tuple[Agreement, ...]

    @property
    def is_for_return(self) -> bool:
        """Whether it found return to be best, guardian and child agree, and the family is ready to receive."""
        return self.outcome == "return" and {*self.agreed} >= AGREEMENTS


@dataclass(frozen=True, slots=True)
class FamilyAnswer:
    """How an office abroad found the family that would receive a child, on which day."""

    assessed_on: date
    family_found: bool
    ready_to_receive: bool
    family_agrees: bool
    housing: Provision
    livelihood: Provision
    school: Provision
    medical_care: Provision

    @property
    def is_ready(self) -> bool:
        """Whether the family was found, can receive the child, and agrees to."""
        return self.family_found and self.ready_to_receive and self.family_agrees


@dataclass(frozen=True, slots=True)
class FamilyAssessment:
    """That the office abroad is asked how the family is that would receive a child, and what it answered.

    ``at`` is when it was asked or, once it has answered, when it did.
    """

    at: datetime
    asked_at: datetime
    inquiry_id: UUID
    answer: FamilyAnswer | None = None


Finding = Voluntariness | Fear | Vulnerability | Trafficking | BestInterests | FamilyAssessment


@dataclass(frozen=True, slots=True)
class Alert:
    """One call for protection, until protection has closed it; ``causes`` are the rules that asked for it."""

    alert_id: UUID
    raised_at: datetime
    causes: tuple[AlertCause, ...]


@dataclass(frozen=True, slots=True)
class PersonScreening:
    """What screening found out about one person of a case, the latest of each part, and the alerts that are open."""

    person_id: UUID
    voluntariness: Voluntariness | None = None
    fear: Fear | None = None
    vulnerability: Vulnerability | None = None
    trafficking: Trafficking | None = None
    best_interests: BestInterests | None = None
    family_assessment: FamilyAssessment | None = None
    alerts: tuple[Alert, ...] = ()

    @property
    def indicators(self) -> frozenset[Indicator]:
        """What was noted of this person's vulnerability."""
        return frozenset(self.vulnerability.indicators) if self.vulnerability is not None else frozenset()

    def without_findings(self) -> "PersonScreening":
        """What is kept once the person does not travel by this case any more: whom protection still has to see."""
        return PersonScreening(self.person_id, alerts=self.alerts)


def causes_of(finding: Finding | None) -> tuple[AlertCause, ...]:
    """Every rule of the table that a finding meets, whatever the rule answers with."""
    found: dict[AlertCause, bool] = {}
    match finding:
        case Voluntariness():
            found = {
                "not_free": not finding.free, "not_informed": not finding.informed, "not_capable": not finding.capable,
            }  # fmt: skip
        case Fear():
            found = {"fears_return": finding.fears_return}
        case Vulnerability():
            found = dict.fromkeys(finding.indicators, True)
            found["several_indicators"] = len(finding.indicators) > 1
        case Trafficking():
            found = {"trafficking_unacceptable": finding.risk == "unacceptable"}
        case BestInterests():
            found = {"best_interests_remain": finding.outcome == "remain"}
        case FamilyAssessment():
            found = {"family_not_ready": finding.answer is not None and not finding.answer.is_ready}
        case None:
            pass
    return tuple(cause for cause, met in found.items() if met)


def calls(finding: Finding, before: Finding | None) -> tuple[AlertCause, ...]:
    """The rules that call protection for what is new in a finding; what was known before called it then."""
    known = causes_of(before)
    return tuple(cause for cause in causes_of(finding) if cause not in known and ALERT_RULES[cause] != "nothing")


def holds_the_case(causes: Collection[AlertCause]) -> bool:
    """Whether one of these rules holds the case by itself."""
    return any(ALERT_RULES[cause] == "hold" for cause in causes)


def of_health(screening: PersonScreening) -> PersonScreening:
    """What a doctor is shown: the indicators of health, and nothing else."""
    noted = screening.vulnerability
    if noted is None:
        return PersonScreening(screening.person_id)
    known = tuple(one for one in noted.indicators if one in INDICATOR_GROUPS["health"])
    return PersonScreening(screening.person_id, vulnerability=replace(noted, indicators=known))
