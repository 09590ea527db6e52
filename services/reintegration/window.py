"""What a receiving office may know after an arrival: what persons agree to now, and what it recorded itself.

It keeps its own records until the money of the case is accounted for, whoever takes a consent back and whether or not
counselling answers: nobody could account for an advance of which they may not know. What tells of somebody's health,
medical lines and medical grants, it may know where the consent names health.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol, Self, TypeVar
from uuid import UUID

from services.reintegration import grant_told, grant_wiring, lists, queries
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.papers import as_shown
from services.reintegration.domain.plan_lines import may_be_of_health
from shared.aggregate import Aggregate
from shared.agreeing import agreed as agreed_now
from shared.conditions import etag
from shared.contracts.counselling import DataCategory
from shared.db import UnitOfWork
from shared.disclosure import Agreed, ConsentUnanswered
from shared.errors import NotFound
from shared.handling import states
from shared.http import Call, View
from shared.ids import uuid7

State = TypeVar("State")
Facts = TypeVar("Facts")
Row = TypeVar("Row", bound="Listed")


class OfAGrant(Protocol):
    """A row that is about a grant."""

    @property
    def grant_id(self) -> UUID:
        """The grant's."""


Found = TypeVar("Found", bound=OfAGrant)
Told = TypeVar("Told")
Place = TypeVar("Place", UUID, str)
# How many grants are opened for one page, of which it may be that none is told, and how many at once after the first of them.
_MOST_OPENED: Final = 500
_AT_ONCE: Final = 100


class Listed(Protocol):
    """A row of a list with what decides whether an office may be shown it."""

    @property
    def id(self) -> UUID:
        """By what the list goes on."""

    @property
    def sharing(self) -> queries.Sharing:
        """Whose consent its case goes by, and whether money of that is to be accounted for."""

    def kept(self) -> Self | None:
        """The row as an office keeps it that recorded it, without anybody's consent; None: it does not."""

    def without_health(self) -> Self | None:
        """The row as it is told where nothing of health may be; None: not at all."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What of a case an office may be told: ``withheld`` is why nothing is, ``health`` whether also what tells of health.

    ``owed_lines`` are those for which money is still to be accounted for, ``persons`` who belongs to it now; None where
    all is told. Unless somebody has ``arrived`` an office hears of nothing but a plan that is shared.
    """

    withheld: str | None = None
    health: bool = True
    arrived: bool = True
    owed_lines: frozenset[UUID] = frozenset()
    persons: frozenset[UUID] | None = None

    @property
    def owed(self) -> bool:
        """Whether money of it is still to be accounted for."""
        return bool(self.owed_lines)

    def of(self, category: str | None) -> "Judged":
        """The same, of a line or a grant of this category."""
        if self.withheld is None and may_be_of_health(category) and not self.health:
            return replace(self, withheld="not_consented")
        return self


def is_abroad(call: Call) -> bool:
    """Whether somebody of an office asks, to whom not everything is told."""
    return call.reach.countries is not None


async def view(
    call: Call,
    aggregate: Aggregate[State, Facts],
    id: UUID,
    case_of: Callable[[State], UUID],
    category: DataCategory,
    *,
    own: Callable[[State], bool] = lambda _: False,
    needs: Callable[[State], str | None] = lambda _: "",
    recorded: bool = False,
) -> tuple[View[State], Judged]:
    """One resource for this reader, and what of it may be told; ``needs`` is the category of need that it stands for.

    Of a case whose persons do not agree an office sees what it recorded itself, and nothing else is there for it:
    `NotFound`, on record with the true reason. ``recorded`` says that the reading is put on record elsewhere.
    """
    try:
        found = await call.view(aggregate, id, recorded=recorded or is_abroad(call))
    except NotFound:
        if is_abroad(call):
            # How long an answer takes must not tell whether there is something.
            await agreed_now(call, {uuid7()}, min(call.reach.countries or {"BA"}), category)
        raise
    if not is_abroad(call):
        return found, Judged()
    judged = (await _judged(call, case_of(found.state), category)).of(needs(found.state))
    if judged.withheld is not None and not (own(found.state) and judged.owed):
        await call.refused(judged.withheld, id)
        raise NotFound
    if not recorded:
        await call.on_record(id)
    return found, judged


async def grant(call: Call, grant_id: UUID, *, recorded: bool = False) -> View[Grant]:
    """A grant as far as its reader may know it: where persons do not agree, an office sees what offices filed.

    Papers that tell a diagnosis are there for those alone to whom `papers` shows them.
    """
    found, judged = await view(
        call, grant_wiring.GRANT, grant_id, lambda grant: grant.case_id, "grants", own=_asked_for,
        needs=lambda grant: grant.category, recorded=recorded,
    )
    found = found.model_copy(update={"state": as_shown(found.state, call.context.actor)})
    if (by := grant_told.shown_as(call.context.actor)) is not None:
        found = found.model_copy(update={"version": by(found.state)})
        call.response.headers["ETag"] = etag(found.version)
    if judged.withheld is None:
        return found
    own = tuple(filed for filed in found.state.evidence if filed.filed_as == "receiving_office")
    told = {filed.evidence_id for filed in own}
    papers = tuple(paper for paper in found.state.papers if paper in told)
    return found.model_copy(update={"state": replace(found.state, evidence=own, papers=papers)})


def _asked_for(grant: Grant) -> bool:
    """Whether the grant was ever submitted: a draft is begun with consent, and goes on with nothing less."""
    return grant.submitted_version is not None


async def may_go_on(call: Call, grant_id: UUID) -> None:
    """For an office's order on its grant: `NotFound` unless it may know of it, be it as its own record once it is submitted.

    `ConsentUnanswered` if nobody could say who agrees: an order is given again, a look is answered with no.
    """
    if is_abroad(call):
        found = await call.ask(
            lambda unit: states(unit, grant_wiring.GRANT, [grant_id], call.context.actor, reach=call.reach)
        )
        if grant_id not in found:
            # Of what is not there the command itself says so.
            await refuse_unanswered(call, "grants")
        else:
            judged = await _judged(call, found[grant_id].case_id, "grants")
            await refuse_unless_told(call, grant_id, judged.of(found[grant_id].category), own=_asked_for(found[grant_id]))


async def may_go_on_with(call: Call, about: UUID, case_id: UUID) -> None:
    """For an office's order on a record of its own about a case: as `may_go_on`."""
    if is_abroad(call):
        await refuse_unless_told(call, about, await _judged(call, case_id, "grants"), own=True)


async def may_begin(call: Call, case_id: UUID, category: DataCategory, needs: Sequence[str]) -> Judged:
    """For an office's order that begins something for a case: `NotFound`, on record, unless its persons agree.

    ``needs`` are the categories of need that the order names; a medical one needs consent that names health.
    `ConsentUnanswered` if nobody could say. Of a case of which nobody arrived the order itself says that it is not known.
    """
    if not is_abroad(call):
        return Judged()
    judged = await _judged(call, case_id, category)
    if not judged.arrived:
        return Judged(arrived=False)
    await refuse_unless_told(call, case_id, of_each(judged, needs), own=False)
    return judged


async def may_change(call: Call, about: UUID, case_id: UUID, category: DataCategory) -> Judged:
    """For an office's order on what was begun for a case, and that is no record of its own: as `may_begin`, by consent alone."""
    if not is_abroad(call):
        return Judged()
    judged = await _judged(call, case_id, category)
    await refuse_unless_told(call, about, judged, own=False)
    return judged


def of_each(judged: Judged, needs: Sequence[str]) -> Judged:
    """The same, of something that is about all of these categories of need."""
    for category in needs:
        judged = judged.of(category)
    return judged


async def refuse_unless_told(call: Call, about: UUID, judged: Judged, *, own: bool) -> None:
    """Refuses an order of an office about what it may not be told of, and that is no record of its ``own`` with money owed.

    `NotFound`, on record with the true reason, or `ConsentUnanswered` if nobody could say who agrees.
    """
    if judged.withheld is None or (own and judged.owed):
        return
    if judged.withheld == "consent_unanswered":
        raise ConsentUnanswered
    await call.refused(judged.withheld, about)
    raise NotFound


async def refuse_unanswered(call: Call, category: DataCategory) -> None:
    """For an office's order on what is not there: `ConsentUnanswered` as on what is, while nobody could say who agrees."""
    if await agreed_now(call, {uuid7()}, min(call.reach.countries or {"BA"}), category) is None:
        raise ConsentUnanswered


async def listed(
    call: Call, find: Callable[[UUID | None, UnitOfWork], Awaitable[list[Row]]], category: DataCategory, after: UUID | None,
    limit: int, tell: Callable[[Row], Row | None] = lambda row: row,
) -> tuple[list[Row], bool]:
    """One page of what an office may be told of, and whether more follows; ``find`` answers up to ``limit + 1`` rows.

    ``tell`` says how a row is shown of which only so much may be told. A page is filled from behind what is left out. Its own records it keeps also while counselling is away; where that has
    to be asked of others and does not answer, no list says that there is nothing (`ConsentUnanswered`).
    """
    items: list[Row] = []
    while len(items) <= limit:
        rows = await call.ask(partial(find, after))
        items += [shown for row in await _told(call, rows, category) if (shown := tell(row)) is not None]
        if len(rows) <= limit:
            break
        after = rows[-1].id
    return items[:limit], len(items) > limit


async def opened(
    call: Call, find: Callable[[Place | None, int, UnitOfWork], Awaitable[Sequence[Found]]], tell: Callable[[Found, Grant], Told | None],
    place_of: Callable[[Found], Place], after: Place | None, limit: int,
) -> tuple[list[Told], Place | None]:
    """One page of what is told of grants, and the place that the next one goes on after; ``find`` answers up to so many.

    Whom a grant concerns may be sealed in it, so that it is known once it is opened: a page is filled from behind what is
    left out, in a few transactions however short it is. It ends short where it would open too many, and goes on from there.
    """
    items: list[tuple[Place, Told]] = []
    size, opened = limit, 0
    while opened <= _MOST_OPENED:
        rows, found = await call.ask(partial(_opened, call, partial(find, after, size + 1), size))
        found = await _without_hidden_drafts(call, found)
        known = [(row, found[row.grant_id]) for row in rows[:size] if row.grant_id in found]
        items += [(place_of(row), told) for row, grant in known if (told := tell(row, grant)) is not None]
        more = len(rows) > size
        after = place_of(rows[size - 1]) if more else None
        opened, size = opened + size, max(limit, _AT_ONCE)
        if len(items) > limit or (len(items) == limit and more):
            return [told for _, told in items[:limit]], items[limit - 1][0]
        if not more:
            break
    return [told for _, told in items], after


async def _opened(
    call: Call, find: Callable[[UnitOfWork], Awaitable[Sequence[Found]]], size: int, unit: UnitOfWork
) -> tuple[Sequence[Found], dict[UUID, Grant]]:
    rows = await find(unit)
    ids = {row.grant_id for row in rows[:size]}
    return rows, await states(unit, grant_wiring.GRANT, ids, call.context.actor, reach=call.reach)


async def _without_hidden_drafts(call: Call, found: dict[UUID, Grant]) -> dict[UUID, Grant]:
    """The grants but for drafts of which an office may not be told; the others are records of its own, with money owed."""
    drafts = {id: grant for id, grant in found.items() if not _asked_for(grant)} if is_abroad(call) else {}
    if not drafts:
        return found
    rows = await call.ask(lambda unit: lists.drafts_abroad(unit, drafts))
    told = {row.id for row in await _told(call, rows, "grants")}
    return {id: grant for id, grant in found.items() if id in told or id not in drafts}


async def _told(call: Call, rows: Sequence[Row], category: DataCategory) -> list[Row]:
    # Where consent changes nothing of a row, nobody is asked for it.
    asked = [row for row in rows if row.kept() != row]
    agreed: dict[str, Agreed | None] = {}
    for country in sorted({row.sharing.country for row in asked}):
        persons = frozenset[UUID]().union(*(row.sharing.whose_consent for row in asked if row.sharing.country == country))
        agreed[country] = await agreed_now(call, persons, country, category)
        if agreed[country] is None and any(row.kept() is None for row in asked if row.sharing.country == country):
            raise ConsentUnanswered
    return [told for row in rows if (told := _as_agreed(row, agreed.get(row.sharing.country)))]


def _as_agreed(row: Row, agreed: Agreed | None) -> Row | None:
    persons, health = (agreed.persons, agreed.health) if agreed is not None else (frozenset[UUID](), frozenset[UUID]())
    if row.sharing.whose_consent <= persons & health:
        return row
    return row.kept() or (row.without_health() if row.sharing.whose_consent <= persons else None)


async def _judged(call: Call, case_id: UUID, category: DataCategory) -> Judged:
    sharing = await call.ask(lambda unit: queries.sharing(unit, case_id))
    if sharing is None:
        # Nothing is known of such a case here; the command says so itself.
        await agreed_now(call, {uuid7()}, min(call.reach.countries or {"BA"}), category)
        return Judged(arrived=False)
    return await judged_by(call, sharing, category)


async def judged_by(call: Call, sharing: queries.Sharing, category: DataCategory) -> Judged:
    """What of a case may be told of which this is known, as its persons agree to it now."""
    agreed = await agreed_now(call, sharing.whose_consent, sharing.country, category)
    if agreed is None:
        return Judged("consent_unanswered", False, sharing.arrived, sharing.owed_lines, sharing.person_ids)
    withheld = None if sharing.whose_consent <= agreed.persons else "not_consented"
    return Judged(
        withheld, sharing.whose_consent <= agreed.health, sharing.arrived, sharing.owed_lines, sharing.person_ids
    )
