"""A reintegration plan: the returnee's own plan before departure, then the versions agreed after arrival."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.amounts import PlannedMoney, earliest_day, refuse_two_currencies
from services.reintegration.domain.case import Case, refuse_unless_open
from shared.contracts.reintegration import (
    CATEGORIES_OF_HEALTH,
    Dimension,
    GrantCategory,
    OwnPlanRecorded,
    PlanAgreed,
    PlanLine,
)
from shared.decider import Decider, Events, changing, opening
from shared.errors import NotFound, RuleViolation
from shared.messages import Command, Concealed, Context, Event, Part
from shared.moments import Day
from shared.money import Money, refuse_unpayable
from shared.transitions import moved

PlanStatus = Literal["own_plan", "agreed"]
# The categories of a line, and of its grant, that tell of somebody's health.
OF_HEALTH: Final = CATEGORIES_OF_HEALTH
# Counted apart, so that nobody finds out by the limit whether there are lines that they are not told of.
MOST_LINES: Final = 30
MOST_OF_HEALTH: Final = 10

BEGINNINGS: frozenset[str] = frozenset({"own_plan", "agreed"})
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "own_plan": frozenset({"agreed"}),
    "agreed": frozenset({"agreed"}),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One need of one person and what is planned for it; nothing planned means a referral without money.

    Of who was erased the category, which may tell of health, is None.
    """

    line_id: UUID
    person_id: UUID
    dimension: Dimension
    category: str | None
    planned: Decimal
    currency: str

    @property
    def money(self) -> Money:
        """What is planned."""
        return Money(amount=self.planned, currency=self.currency)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one return case in its present version; the own plan is version 1.

    ``recorded_at`` is when the own plan was recorded, ``agreed_on`` the day of the present version's agreement,
    ``first_agreed_on`` that of the first one, by which a report counts.
    """

    case_id: UUID
    destination_country: str
    person_ids: tuple[UUID, ...]
    lines: tuple[Line, ...]
    status: PlanStatus = "own_plan"
    plan_version: int = 1
    agreed_on: date | None = None
    recorded_at: datetime | None = None
    first_agreed_on: date | None = None

    def line(self, line_id: UUID) -> Line | None:
        """The line of the present version under this id."""
        return next((line for line in self.lines if line.line_id == line_id), None)

    def without_health(self) -> "Plan":
        """The plan without the lines that tell of somebody's health."""
        return replace(self, lines=tuple(line for line in self.lines if line.category not in OF_HEALTH))

    def about(self, person_ids: Collection[UUID]) -> "Plan":
        """The plan as far as it is about these persons."""
        return replace(
            self, person_ids=tuple(id for id in self.person_ids if id in person_ids),
            lines=tuple(line for line in self.lines if line.person_id in person_ids),
        )

    def stands(self, said: "PlannedLine") -> bool:
        """Whether the present version has exactly this line."""
        line = self.line(said.line_id)
        return line is not None and (line.person_id, line.dimension, line.category, line.money) == (
            said.person_id, said.dimension, said.category, said.planned
        )


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The plan's case, whether that case has a plan under another id, and the mission's calendar day."""

    case: Case | None = None
    case_has_a_plan: bool = True
    today: date = date.min


class PlannedLine(Part):
    """One need of one person."""

    line_id: UUID
    person_id: UUID
    dimension: Dimension
    category: GrantCategory
    planned: PlannedMoney


Lines = Annotated[tuple[PlannedLine, ...], Field(min_length=1, max_length=MOST_LINES + MOST_OF_HEALTH)]
CoveredPersons = Annotated[tuple[UUID, ...], Field(min_length=1, max_length=30)]


class RecordOwnPlan(Command):
    """Record the plan that the returnee made before departure. It covers every person of the case."""

    case_id: UUID
    person_ids: CoveredPersons
    lines: Lines


class AgreePlan(Command):
    """Record what returnee and receiving office agreed after arrival. It replaces all lines that you may be told of.

    What you cannot see stays in the plan as it is.
    """

    lines: Lines
    agreed_on: Day


class AgreePlanWithoutHealth(AgreePlan):
    """Record what was agreed by an office that may not be told of somebody's health.

    Lines that tell of it stand as they are.
    """


class AgreeFirstPlan(Command):
    """Record the agreement after arrival for a case that travelled without an own plan."""

    case_id: UUID
    person_ids: CoveredPersons
    lines: Lines
    agreed_on: Day


def _someone_arrived(state: Plan, facts: PlanFacts, context: Context) -> None:
    _refuse_before_arrival(refuse_unless_open(facts.case))


def _record_own_plan(order: RecordOwnPlan, facts: PlanFacts, context: Context) -> Events:
    case = refuse_unless_open(facts.case)
    if case.arrived:
        raise RuleViolation(
            "already_arrived",
            "Somebody of this case has arrived. An own plan is made before departure; now the plan is "
            "agreed with the receiving office.",
        )
    _refuse_second_plan(facts)
    _refuse_unless_covering(case, order.person_ids)
    return (
        OwnPlanRecorded(
            case_id=order.case_id,
            destination_country=case.destination_country,
            person_ids=order.person_ids,
            lines=_lines(order.lines, order.person_ids),
            recorded_at=context.now,
        ),
    )


def _agree(state: Plan, order: AgreePlan, facts: PlanFacts, context: Context) -> Events:
    case = refuse_unless_open(facts.case)
    _refuse_impossible_day(order.agreed_on, case, facts)
    covered = _covered(state, case)
    return (_agreed_anew(state, _lines(order.lines, covered), order, covered),)


def _agree_without_health(state: Plan, order: AgreePlanWithoutHealth, facts: PlanFacts, context: Context) -> Events:
    case = refuse_unless_open(facts.case)
    _refuse_impossible_day(order.agreed_on, case, facts)
    covered = _covered(state, case)
    # Whoever goes on in another case takes along what is planned for them.
    before = state.about(covered)
    standing = tuple(line for line in before.lines if line.category in OF_HEALTH)
    # An office sees medical lines that it agreed itself while money is owed, and says them again with all the others.
    said = tuple(line for line in order.lines if not (line.category in OF_HEALTH and state.stands(line)))
    if any(line.category in OF_HEALTH for line in said):
        raise NotFound
    if {line.line_id for line in said} & {line.line_id for line in standing}:
        raise _line_twice()
    lines = _lines(said, covered)
    # Held against the plan as it was, so that the same is refused whether or not there is a line that is not told.
    refuse_two_currencies((*(line.planned for line in said), *(line.money for line in before.lines)))
    kept = tuple(_line(line.line_id, line.person_id, line.dimension, line.category, line.money) for line in standing if line.category)
    return (_agreed_anew(state, (*lines, *kept), order, covered),)


def _covered(state: Plan, case: Case) -> tuple[UUID, ...]:
    """Whom a new version covers: everybody of the case, also who came to it when a family was joined again."""
    return state.person_ids if set(state.person_ids) == set(case.person_ids) else case.person_ids


def _agreed_anew(
    state: Plan, lines: tuple[PlanLine, ...], order: AgreePlan, covered: tuple[UUID, ...]
) -> PlanAgreed:
    return PlanAgreed(
        case_id=state.case_id, destination_country=state.destination_country, person_ids=covered,
        plan_version=state.plan_version + 1, lines=lines, agreed_on=order.agreed_on,
    )  # fmt: skip


def _agree_first(order: AgreeFirstPlan, facts: PlanFacts, context: Context) -> Events:
    case = refuse_unless_open(facts.case)
    _refuse_before_arrival(case)
    _refuse_second_plan(facts)
    _refuse_unless_covering(case, order.person_ids)
    _refuse_impossible_day(order.agreed_on, case, facts)
    return (
        PlanAgreed(
            case_id=order.case_id,
            destination_country=case.destination_country,
            person_ids=order.person_ids,
            plan_version=1,
            lines=_lines(order.lines, order.person_ids),
            agreed_on=order.agreed_on,
        ),
    )


def _refuse_before_arrival(case: Case) -> None:
    if not case.arrived:
        raise RuleViolation(
            "not_arrived_yet",
            "Nobody of this case has arrived yet. The plan is agreed once the receiving office has "
            "confirmed an arrival.",
        )


def _refuse_second_plan(facts: PlanFacts) -> None:
    if facts.case_has_a_plan:
        raise RuleViolation(
            "case_has_a_plan", "This case has a plan already; it is changed by agreeing a new version."
        )


def _refuse_unless_covering(case: Case, person_ids: Sequence[UUID]) -> None:
    if len(set(person_ids)) < len(person_ids):
        raise RuleViolation("person_twice", "A person is named twice among those whom the plan covers.")
    if not set(case.person_ids) <= set(person_ids):
        raise RuleViolation("person_not_covered", "The plan must cover every person of the case.")
    if not set(person_ids) <= set(case.person_ids):
        raise RuleViolation("not_in_the_case", "The plan covers somebody who does not belong to the case.")


def _refuse_impossible_day(agreed_on: date, case: Case, facts: PlanFacts) -> None:
    if agreed_on > facts.today:
        raise RuleViolation(
            "in_the_future", "The plan cannot have been agreed on a day that is still to come."
        )
    if agreed_on < min(earliest_day(arrival.arrived_at) for arrival in case.arrived):
        raise RuleViolation(
            "agreed_before_arrival", "The plan cannot have been agreed before anybody arrived."
        )


def _lines(lines: Sequence[PlannedLine], covered: Sequence[UUID]) -> tuple[PlanLine, ...]:
    if len({line.line_id for line in lines}) < len(lines):
        raise _line_twice()
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
    return tuple(
        _line(line.line_id, line.person_id, line.dimension, line.category, line.planned) for line in lines
    )


def _line(line_id: UUID, person_id: UUID, dimension: Dimension, category: str, planned: Money) -> PlanLine:
    return PlanLine(
        line_id=line_id, person_id=person_id, dimension=dimension, category=Concealed.of(category), planned=planned
    )


def _line_twice() -> RuleViolation:
    return RuleViolation("line_twice", "Two lines of the plan have the same id.")


def evolve(state: Plan | None, event: Event) -> Plan:
    """The plan after one of its events; TypeError for an event that is not one of its own."""
    match event:
        case OwnPlanRecorded():
            return Plan(
                case_id=event.case_id,
                destination_country=event.destination_country,
                person_ids=event.person_ids,
                lines=_kept(event.lines),
                recorded_at=event.recorded_at,
            )
        case PlanAgreed():
            if state is None:
                return Plan(
                    case_id=event.case_id,
                    destination_country=event.destination_country,
                    person_ids=event.person_ids,
                    lines=_kept(event.lines),
                    status="agreed",
                    plan_version=event.plan_version,
                    agreed_on=event.agreed_on,
                    first_agreed_on=event.agreed_on,
                )
            return replace(
                state,
                person_ids=event.person_ids,
                lines=_kept(event.lines),
                status=moved(TRANSITIONS, state.status, "agreed"),
                plan_version=event.plan_version,
                agreed_on=event.agreed_on,
                first_agreed_on=state.first_agreed_on or event.agreed_on,
            )
        case _:
            raise TypeError(f"{type(event).__name__} is not an event of a plan")


def _kept(lines: Sequence[PlanLine]) -> tuple[Line, ...]:
    return tuple(
        Line(
            line_id=line.line_id,
            person_id=line.person_id,
            dimension=line.dimension,
            category=line.category.value,
            planned=line.planned.amount,
            currency=line.planned.currency,
        )
        for line in lines
    )


PLAN: Decider[Plan, PlanFacts] = Decider(
    rules=(
        opening(RecordOwnPlan, "Record the own plan", _record_own_plan),
        changing(AgreePlan, "Agree the plan", _agree, _someone_arrived),
        changing(AgreePlanWithoutHealth, "Agree the plan but for what tells of health", _agree_without_health, _someone_arrived),
        opening(AgreeFirstPlan, "Agree a first plan after arrival", _agree_first),
    ),
    evolve=evolve,
    events=(OwnPlanRecorded, PlanAgreed),
)
