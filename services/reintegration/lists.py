"""The lists of reintegration: a statement for each combination of filters, each of which walks an index of its own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import combinations
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, Field

from services.reintegration.domain.grant_state import Grant, GrantStatus
from services.reintegration.domain.plan_lines import Line, may_be_of_health
from services.reintegration.domain.plan_state import AGREED, PlanStatus
from services.reintegration.domain.plan_told import looks_like_a_draft
from services.reintegration.domain.turns import Step, TurnOf
from services.reintegration.queries import Sharing, sharing_of, sharings
from services.reintegration.sealed import categories_of, lines_of
from shared.contracts.reintegration import GrantModality
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.moments import EPOCH, MICROSECONDS, from_microseconds, in_microseconds
from shared.money import Amount

_FILTERS = ("case_id", "status")
_AFTER = "id > coalesce(cast(:after AS uuid), cast('00000000-0000-0000-0000-000000000000' AS uuid))"


def _lists(
    columns: str, table: str, needs: str, known_abroad: str = "", told_as: str = "ARRAY[cast(:status AS text)]"
) -> Mapping[frozenset[str], Sql]:
    """A statement for each combination of filters; one with optional filters would be planned without their indexes.

    Abroad it says also ``needs``, by which it is known what of a row tells of somebody's health; ``told_as`` are the statuses
    of rows that may be told there as ones at the status that is asked for.

    Each walks an index that begins with what it is narrowed by. Were that a plain equality, the order by id could be
    had from the primary key as well, and for a rare status or a small country the whole table would be walked: it is
    a list of one, and named in the order.
    """
    made: dict[frozenset[str], Sql] = {}
    for how_many in range(len(_FILTERS) + 1):
        for filters in combinations(_FILTERS, how_many):
            equal = "".join(f"{name} = :{name} AND " for name in filters)
            walked = ""
            if filters == ("status",):
                equal, walked = "status = ANY (ARRAY[:status]) AND ", "status, "
            made[frozenset(filters)] = Sql(
                f"SELECT {columns} FROM {table} WHERE {equal}{_AFTER} ORDER BY {walked}id LIMIT :limit"
            )
            equal = "".join(f"{name} = {'at.status' if name == 'status' else f':{name}'} AND " for name in filters)
            at = f", unnest({told_as}) at(status)" if "status" in filters else ""
            # Country by country, and status by status, so that each walks its own part of the index; an office has one or a few.
            made[frozenset((*filters, "countries"))] = Sql(
                f"SELECT found.*, {sharing_of('found.case_id')} AS sharing FROM unnest(cast(:countries AS text[])) own(country){at} "
                f"CROSS JOIN LATERAL (SELECT {columns}, {needs} FROM {table} "
                f" WHERE destination_country = ANY (ARRAY[own.country]) AND {known_abroad}{equal}{_AFTER} "
                " ORDER BY destination_country, id LIMIT :limit) found ORDER BY found.id LIMIT :limit"
            )
    return made


_PLANS: Final = _lists(
    "id, case_id, destination_country, status, plan_version, agreed_on, cardinality(person_ids) AS persons, "
    "jsonb_array_length(lines) AS lines",
    "plans",
    "version, person_ids, lines::text AS needs",
    # With an offset it cannot become a read of all cases beforehand.
    "EXISTS (SELECT FROM cases c WHERE c.id = plans.case_id AND (jsonb_array_length(c.arrived) > 0 "
    "OR plans.status = 'shared' AND c.status <> 'ended' AND c.programme IS NOT NULL) OFFSET 0) AND ",
    # A confirmed plan of which nothing may be told is told as a draft.
    "CASE cast(:status AS text) WHEN 'draft' THEN ARRAY['draft', 'own_plan', 'shared'] ELSE ARRAY[cast(:status AS text)] END",
)
_GRANTS: Final = _lists("id, case_id", "grants", "version, category, submitted_version IS NOT NULL AS asked_for")

# A grant that waits for two hats of one reader at the same moment is two rows, so the hat is part of the order; the
# moment is compared once more alone, where the index begins. With a coalesce() a plan that does not know the values
# could not begin there: under row security it counts as a function that might tell of rows.
_FURTHER = "t.since >= :since AND (t.since, t.grant_id, t.hat) > (:since, :grant_id, :hat) "
_FIRST: Final = (EPOCH, UUID(int=0), "")
_OLDEST_FIRST = "ORDER BY found.since, found.grant_id, found.hat LIMIT :limit"
TURNS = Sql(
    "SELECT found.* FROM unnest(cast(:hats AS text[])) own(hat) CROSS JOIN LATERAL "
    "(SELECT t.grant_id, t.hat, t.step, t.since FROM grant_turns t "
    f" WHERE t.hat = ANY (ARRAY[own.hat]) AND {_FURTHER} ORDER BY t.hat, t.since, t.grant_id LIMIT :limit) found "
    f"{_OLDEST_FIRST}"
)
TURNS_ABROAD = Sql(
    "SELECT found.* FROM unnest(cast(:hats AS text[])) own(hat) CROSS JOIN unnest(cast(:countries AS text[])) abroad(country) "
    "CROSS JOIN LATERAL (SELECT t.grant_id, t.hat, t.step, t.since FROM grant_turns t "
    f" WHERE t.destination_country = ANY (ARRAY[abroad.country]) AND t.hat = ANY (ARRAY[own.hat]) AND {_FURTHER} "
    f" ORDER BY t.destination_country, t.hat, t.since, t.grant_id LIMIT :limit) found {_OLDEST_FIRST}"
)


class PlanRow(BaseModel):
    """One plan in a list: how far it is, how many persons it covers and how many lines it has."""

    id: UUID
    case_id: UUID
    destination_country: str
    status: PlanStatus
    plan_version: int
    agreed_on: date | None
    persons: int
    lines: int


@dataclass(frozen=True, slots=True)
class PlanAbroad:
    """A plan in an office's list, with what decides whether it is shown: an office records what was agreed."""

    row: PlanRow
    sharing: Sharing
    of_health: frozenset[UUID]

    @property
    def id(self) -> UUID:
        """The plan's."""
        return self.row.id

    def kept(self) -> Self | None:
        """As its office recorded it, while money is owed: of the medical lines those alone for which it is are counted."""
        if self.row.status not in AGREED or not self.sharing.owed:
            return None
        return self._without(self.of_health - self.sharing.owed_lines)

    def without_health(self) -> Self:
        """The plan without its medical lines, which are not counted either."""
        return self._without(self.of_health)

    def _without(self, lines: frozenset[UUID]) -> Self:
        return replace(self, row=self.row.model_copy(update={"lines": self.row.lines - len(lines)}))


@dataclass(frozen=True, slots=True)
class GrantAbroad:
    """A grant in an office's list, with what decides whether it is shown: offices ask for all grants themselves."""

    id: UUID
    sharing: Sharing
    of_health: bool
    asked_for: bool

    def kept(self) -> Self | None:
        """As it is while money of its case is owed; a draft asks for nothing yet, and is not."""
        return self if self.asked_for and self.sharing.owed else None

    def without_health(self) -> Self | None:
        """Of a medical grant nothing is left without what tells of health."""
        return None if self.of_health else self


@dataclass(frozen=True, slots=True)
class GrantFound:
    """A grant that a list found, before it is known whether its reader is told of it."""

    grant_id: UUID


class GrantRow(BaseModel):
    """One grant in a list, ``waiting_since`` its last step. Its category, which may tell of health, stands only in the grant itself."""

    id: UUID
    case_id: UUID
    destination_country: str
    status: GrantStatus
    modality: GrantModality
    amount: Amount
    currency: str
    committed: Amount
    paid: Amount
    requested_at: datetime
    approved_at: datetime | None
    waiting_since: datetime

    @classmethod
    def of(cls, id: UUID, grant: Grant) -> Self:
        """The row of this grant."""
        return cls(
            id=id, case_id=grant.case_id, destination_country=grant.destination_country, status=grant.status,
            modality=grant.modality, amount=grant.amount, currency=grant.currency, committed=grant.committed,
            paid=grant.paid, requested_at=grant.requested_at, approved_at=grant.approved_at,
            waiting_since=grant.waiting_since,
        )


@dataclass(frozen=True, slots=True)
class DueTurn:
    """A hat's turn on a grant, and its place in the order of such a list, written ``<since in microseconds>-<grant>-<hat>``."""

    grant_id: UUID
    hat: TurnOf
    step: Step
    since: datetime

    @property
    def place(self) -> str:
        """What a list takes to go on after this."""
        return f"{in_microseconds(self.since)}-{self.grant_id}-{self.hat}"


def asked_for(
    case_id: UUID | None, status: str | None, countries: frozenset[str] | None
) -> dict[str, object]:
    """By what a list is narrowed; ``countries`` None is somebody who sees all of them."""
    given = {"case_id": case_id, "status": status, "countries": None if countries is None else sorted(countries)}
    return {name: value for name, value in given.items() if value is not None}


def plans(asked: Mapping[str, object]) -> Sql:
    """The list of plans narrowed by this; an office abroad sees a plan once it is shared, or somebody of its case arrived."""
    return _PLANS[frozenset(asked)]


async def plans_abroad(unit: UnitOfWork, asked: Mapping[str, object], after: UUID | None, limit: int) -> list[PlanAbroad]:
    """The plans of an office's countries that follow one; of ``asked`` countries are a part."""
    rows = await unit.rows(plans(asked), after=after, limit=limit, **asked)
    lines = await lines_of(unit, [{**row, "lines": row["needs"]} for row in rows])
    return [_abroad(dict(row), of_one) for row, of_one in zip(rows, lines, strict=True)]


def plan_told(asked: Mapping[str, object]) -> Callable[[PlanAbroad], PlanAbroad | None]:
    """How a list of an office, narrowed by this, shows a plan of which only so much may be told; None: not at all."""

    def told(plan: PlanAbroad) -> PlanAbroad | None:
        if looks_like_a_draft(plan.row.status, plan.row.lines):
            if not plan.sharing.arrived:
                return None
            plan = replace(plan, row=plan.row.model_copy(update={"status": "draft", "plan_version": 0}))
        return plan if asked.get("status", plan.row.status) == plan.row.status else None

    return told


def _abroad(row: Mapping[str, Any], lines: Sequence[Line]) -> PlanAbroad:
    """A plan as far as it is about those who belong to its case now, as the window tells it."""
    sharing = Sharing.of(row["sharing"])
    # Nobody abroad reads what stands in a draft.
    told = [line for line in lines if line.person_id in sharing.person_ids and row["status"] != "draft"]
    persons = sharing.person_ids.intersection(row["person_ids"])
    counted = PlanRow.model_validate({**row, "persons": len(persons), "lines": len(told)})
    return PlanAbroad(counted, sharing, frozenset(line.line_id for line in told if line.may_tell_of_health))


async def grants_abroad(
    unit: UnitOfWork, asked: Mapping[str, object], after: UUID | None, limit: int
) -> list[GrantAbroad]:
    """The grants of an office's countries that follow one; of ``asked`` countries are a part."""
    rows = await unit.rows(grants(asked), after=after, limit=limit, **asked)
    return [
        GrantAbroad(row["id"], Sharing.of(row["sharing"]), may_be_of_health(category), row["asked_for"])
        for row, category in zip(rows, await categories_of(unit, rows), strict=True)
    ]


async def drafts_abroad(unit: UnitOfWork, drafts: Mapping[UUID, Grant]) -> list[GrantAbroad]:
    """These drafts, with what decides whether an office is shown each of them."""
    found = await sharings(unit, {draft.case_id for draft in drafts.values()})
    return [
        GrantAbroad(id, found[draft.case_id], may_be_of_health(draft.category), asked_for=False) for id, draft in drafts.items()
    ]


def grants(asked: Mapping[str, object]) -> Sql:
    """The list of grants narrowed by this."""
    return _GRANTS[frozenset(asked)]


async def grants_found(unit: UnitOfWork, asked: Mapping[str, object], after: UUID | None, limit: int) -> list[GrantFound]:
    """The grants that follow one, narrowed by this."""
    return [GrantFound(row["id"]) for row in await unit.rows(grants(asked), after=after, limit=limit, **asked)]


def _place(text: str) -> tuple[datetime, UUID, str]:
    since, _, rest = text.partition("-")
    return from_microseconds(since), UUID(rest[:36]), rest[37:]


Place = Annotated[str, Field(pattern=f"^{MICROSECONDS}-{UUID_PATTERN}-[a-z]{{1,20}}$")]


async def due_turns(
    unit: UnitOfWork, hats: Collection[TurnOf], countries: frozenset[str] | None, after: Place | None, limit: int
) -> list[DueTurn]:
    """The turns of these hats in these countries (None: in all), the longest waiting first."""
    since, grant_id, hat = _place(after) if after is not None else _FIRST
    asked = {"hats": sorted(hats), "since": since, "grant_id": grant_id, "hat": hat, "limit": limit}
    if countries is None:
        rows = await unit.rows(TURNS, **asked)
    else:
        rows = await unit.rows(TURNS_ABROAD, countries=sorted(countries), **asked)
    return [DueTurn(**dict(row)) for row in rows]
