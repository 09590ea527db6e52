"""The lines of a plan: what one person needs and what is planned for it, as it is said, concealed and kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.amounts import PlannedMoney, refuse_two_currencies
from shared.contracts.counselling import Language
from shared.contracts.plans import Activity, Dimension, LineOutcome, PlanLine
from shared.contracts.reintegration import CATEGORIES_OF_HEALTH, Code, GrantCategory, GrantModality
from shared.errors import RuleViolation
from shared.messages import Concealed, Part
from shared.moments import Day
from shared.money import Money, refuse_unpayable
from shared.new_ids import id_unfit, is_new

# The categories of a line, and of its grant, that tell of somebody's health.
OF_HEALTH: Final = CATEGORIES_OF_HEALTH
# Counted apart, so that nobody finds out by the limit whether there are lines that they are not told of.
MOST_LINES: Final = 30
MOST_OF_HEALTH: Final = 10

# What can be done in each dimension, after the template of a plan.
ACTIVITIES: Final[Mapping[Dimension, frozenset[Activity]]] = {
    "immediate": frozenset({"cash", "basic_needs", "accommodation", "medical_support", "other"}),
    "economic": frozenset(
        {
            "new_business", "existing_business", "collective_project", "community_project", "employment",
            "vocational_training", "cash_for_work", "other",
        }
    ),
    "social": frozenset(
        {
            "housing_support", "medical_support", "education_support", "skills_development", "legal_services",
            "social_protection", "childcare", "security_measures", "other",
        }
    ),
    "psychosocial": frozenset({"counselling", "mental_health_care", "family_mediation", "peer_support", "other"}),
}  # fmt: skip

# One line of any script, without what changes the direction of what stands around it.
_TEXT: Final = r"^[^\x00-\x20\x7f-\xa0\u200e\u200f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"
Note = Annotated[str, Field(max_length=400, pattern=_TEXT)]


def may_be_of_health(category: str | None) -> bool:
    """Whether a line or a grant of this category tells of health; of who was erased (None) nobody knows it any more."""
    return category is None or category in OF_HEALTH


class Details(Part):
    """What is planned in a line beyond the money: how, with whom, when and what for, in the language it is written in."""

    activity: Activity | None = None
    modality: GrantModality | None = None
    provider: Code | None = None
    referral: Code | None = None
    begins_on: date | None = None
    ends_on: date | None = None
    feasibility: str | None = None
    objectives: str | None = None
    language: str | None = None


class _Concealed(Details):
    """What a line conceals as one value."""

    dimension: Dimension


class PlannedLine(Part):
    """One need of one person."""

    line_id: UUID
    person_id: UUID
    dimension: Dimension
    category: GrantCategory
    planned: PlannedMoney
    activity: Activity | None = None
    modality: GrantModality | None = None
    provider: Annotated[Code | None, Field(description="The organisation that gives it.")] = None
    referral: Annotated[Code | None, Field(description="The referral under which somebody else gives it.")] = None
    begins_on: Day | None = None
    ends_on: Day | None = None
    feasibility: Note | None = None
    objectives: Note | None = None
    language: Annotated[Language | None, Field(description="The language in which this is written (ISO 639-3).")] = None

    @property
    def details(self) -> Details | None:
        """What is said beyond the money; None if nothing is."""
        said = Details(**{name: getattr(self, name) for name in Details.model_fields})
        return None if said == Details() else said


Lines = Annotated[tuple[PlannedLine, ...], Field(min_length=1, max_length=MOST_LINES + MOST_OF_HEALTH)]


@dataclass(frozen=True, slots=True)
class Line:
    """One need of one person and what is planned for it; nothing planned means a referral without money.

    ``outcome`` is what came of it once the plan is completed. Of who was erased all that may tell of health is None:
    category, dimension, details and outcome.
    """

    line_id: UUID
    person_id: UUID
    dimension: Dimension | None
    category: str | None
    planned: Decimal
    currency: str
    details: Details | None = None
    outcome: LineOutcome | None = None

    @property
    def money(self) -> Money:
        """What is planned."""
        return Money(amount=self.planned, currency=self.currency)

    @property
    def tells_of_health(self) -> bool:
        """Whether the line tells of somebody's health; older ones may by their dimension alone."""
        return self.category in OF_HEALTH or self.dimension == "psychosocial"

    @property
    def may_tell_of_health(self) -> bool:
        """Whether the line does, or nobody knows it any more, for the person was erased."""
        return self.category is None or self.tells_of_health

    def is_said(self, said: PlannedLine) -> bool:
        """Whether this is exactly what is said."""
        return (self.person_id, self.dimension, self.category, self.money, self.details) == (
            said.person_id, said.dimension, said.category, said.planned, said.details
        )  # fmt: skip


def planned(lines: Sequence[PlannedLine], covered: Sequence[UUID], before: Iterable[Line] = ()) -> tuple[PlanLine, ...]:
    """The lines of a new version of a plan that covers these persons; refused where they do not fit together.

    A line of the version ``before`` goes on under its id, whichever that is.
    """
    known = {line.line_id for line in before}
    if not all(line.line_id in known or is_new(line.line_id) for line in lines):
        raise id_unfit()
    if len({line.line_id for line in lines}) < len(lines):
        raise line_twice()
    if not {line.person_id for line in lines} <= set(covered):
        raise RuleViolation("line_for_a_stranger", "A line is for somebody whom the plan does not cover.")
    of_health = sum(line.category in OF_HEALTH for line in lines)
    if of_health > MOST_OF_HEALTH or len(lines) - of_health > MOST_LINES:
        raise RuleViolation(
            "too_many_lines",
            f"A plan has at most {MOST_OF_HEALTH} lines of health and {MOST_LINES} others. Put together what belongs together.",
        )
    refuse_two_currencies(line.planned for line in lines)
    refuse_unpayable(line.planned for line in lines)
    for line in lines:
        _refuse_unlike(line)
    return tuple(
        _line(line.line_id, line.person_id, line.dimension, line.category, line.planned, line.details) for line in lines
    )


def standing(lines: Iterable[Line]) -> tuple[PlanLine, ...]:
    """Lines that stay as they are, as lines of a new version; those of who was erased cannot."""
    return tuple(
        _line(line.line_id, line.person_id, line.dimension, line.category, line.money, line.details)
        for line in lines
        if line.category is not None and line.dimension is not None
    )


def kept(line: PlanLine) -> Line:
    """A line as the row keeps it; of one whose concealed parts are not known any more what is left."""
    category = line.category.value
    dimension, details = (line.dimension if category is not None else None), None
    if line.details is not None:
        dimension = None
        if line.details.value is not None:
            told = _Concealed.model_validate_json(line.details.value)
            dimension = told.dimension
            details = Details(**{name: getattr(told, name) for name in Details.model_fields})
    return Line(
        line_id=line.line_id, person_id=line.person_id, dimension=dimension, category=category,
        planned=line.planned.amount, currency=line.planned.currency,
        details=None if details == Details() else details,
    )  # fmt: skip


def line_twice() -> RuleViolation:
    """Refuses two lines under one id."""
    return RuleViolation("line_twice", "Two lines of the plan have the same id.")


def _refuse_unlike(line: PlannedLine) -> None:
    if line.activity is not None and line.activity not in ACTIVITIES[line.dimension]:
        raise RuleViolation("activity_elsewhere", "This activity belongs to another dimension of the plan.")
    of_health = line.dimension == "psychosocial" or line.activity == "medical_support"
    if of_health and line.category not in OF_HEALTH:
        # Who may read of it is decided by the category, of the line as of its grant.
        raise RuleViolation("category_not_of_health", "What tells of health is planned under a category of health.")
    if line.begins_on is not None and line.ends_on is not None and line.ends_on < line.begins_on:
        raise RuleViolation("ends_before_it_begins", "What is planned cannot end before it begins.")


def _line(
    line_id: UUID, person_id: UUID, dimension: Dimension, category: str, money: Money, details: Details | None
) -> PlanLine:
    concealed = _Concealed(dimension=dimension, **(details or Details()).model_dump())
    return PlanLine(
        line_id=line_id, person_id=person_id, category=Concealed.of(category), planned=money,
        details=Concealed.of(concealed.model_dump_json(exclude_none=True)),
    )  # fmt: skip
