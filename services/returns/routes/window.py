"""What is told of cases, to whom: lists and cases for staff, and the receiving office's window, each look on record."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Protocol, TypeVar, cast, get_args
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.exceptions import RequestValidationError

from services.returns import queries, wiring
from services.returns.domain.case_ref import read_case_ref
from services.returns.domain.case_state import TERMINAL, Case, Status
from services.returns.domain.days import earliest_day
from services.returns.domain.final_report import report_seen_by
from services.returns.domain.holds import told_to
from services.returns.domain.journey_evidence import seen_by
from services.returns.domain.other_parent import other_parent_seen_by
from services.returns.domain.screening_lines import screening_seen_by
from services.returns.domain.support import support_seen_by
from services.returns.domain.window import (
    NOTICE_STANDS,
    Notice,
    PublicState,
    answer,
    may_confirm_arrival,
    statuses_of,
    whose_consent,
)
from services.returns.policy import STAFF
from services.returns.queries import abroad
from shared.access import RecordStatusAsked
from shared.agreeing import agreed as agreed_now
from shared.buckets import Kind
from shared.callers import AuthenticatedRoute
from shared.conditions import etag, idempotency_key, version_shown
from shared.contracts.access import Purpose, StatusReason, Told
from shared.contracts.counselling import Country
from shared.db import UnitOfWork
from shared.disclosure import ConsentUnanswered
from shared.errors import NotFound
from shared.handling import Read, Repeat, given_before, read, states
from shared.http import Call, Calling, Limit, Page, Receipt, View
from shared.ids import uuid7

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)

Place = TypeVar("Place")


class Finds(Protocol[Place]):
    """Finds the places in a list that follow one; None is the beginning."""

    async def __call__(self, unit: UnitOfWork, after: Place | None) -> list[Place]:
        """The places, up to one more than a page holds."""


@router.get("/cases")
async def list_cases(
    call: Calling,
    case_ref: Annotated[str | None, Query(max_length=40)] = None,
    status: Status | PublicState | None = None,
    destination_country: Annotated[Country | None, Query()] = None,
    mine: bool = False,
    open: bool = False,
    overdue: bool = False,
    departure_asked: bool = False,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[queries.CaseRow] | Page[abroad.CaseRowForReceivingOffice]:
    """Cases, oldest first. A reference may be typed in lower case and without its dashes.

    ``mine`` are those of which the caller is the counsellor, ``open`` those that have not ended, ``overdue``, which goes
    with no other, those of whom nobody confirmed in time that they arrived, ``departure_asked``, which goes with no other
    either, those of which an office asks whether they departed; these are for staff.
    A receiving office gets those of its own country that it may know of, by their coarse status; about one reference
    it asks for the status, with its purpose.
    """
    if call.reach.countries is not None:
        # Each look is an event: whoever looks all day long must not fill the log.
        call.take("disclosure")
        for field, asked in (
            ("case_ref", case_ref is not None), ("mine", mine), ("open", open), ("overdue", overdue),
            ("departure_asked", departure_asked),
        ):  # fmt: skip
            if asked:
                raise _not_for_this_reader(field)
        return await _listed_abroad(call, status, destination_country, after, limit)
    alone = "overdue" if overdue else "departure_asked" if departure_asked else None
    if alone is not None:
        both = overdue and departure_asked
        if both or mine or open or any(asked is not None for asked in (case_ref, status, destination_country)):
            raise _not_for_this_reader(alone)
        return await call.page(queries.cases({alone}), queries.CaseRow, after, limit)
    filters: dict[str, str] = {}
    if case_ref is not None:
        # What cannot be a reference is the reference of no case.
        filters["case_ref"] = read_case_ref(case_ref) or ""
    if destination_country is not None:
        filters["destination_country"] = destination_country
    if status is not None:
        if status not in get_args(Status):
            raise _not_for_this_reader("status")
        filters["status"] = status
        if open and status in TERMINAL:
            return Page[queries.CaseRow](items=[], next=None)
    elif open:
        filters["open"] = "true"
    if mine:
        filters["counsellor_id"] = call.context.actor.person_id
    return await call.page(queries.cases(filters), queries.CaseRow, after, limit, **filters)


@router.get("/cases/{case_id}")
async def read_case(case_id: UUID, call: Calling) -> View[Case] | View[abroad.CaseForReceivingOffice]:
    """One return case; for its receiving office what that needs to expect and meet its persons, and what it may do."""
    if call.reach.countries is None:
        return await _for_staff(call, case_id)
    call.take("disclosure")

    async def work(unit: UnitOfWork) -> Read[Case] | None:
        try:
            return await read(unit, wiring.CASE, case_id, call.context, reach=call.reach)
        except NotFound:
            return None

    found = await call.ask(work)
    case = found.state if found is not None else None
    # What is shown is the very state that was judged and put on record.
    told = await _told(call, case_id, case, "unknown", in_vain="search")
    if told is None or found is None or case is None:
        raise NotFound
    view = call.view_of(wiring.CASE, replace(found, version=shown_as(case)))
    return View[abroad.CaseForReceivingOffice](
        id=view.id,
        version=view.version,
        state=abroad.for_receiving_office(view.state),
        # Why something else is not possible would tell the exact status.
        # What it is asked about a family it finds where the consent to that is asked for.
        actions=[action for action in view.actions if action.allowed and action.name != "answer_family_assessment"],
    )


def shown_as(case: Case) -> int:
    """By what an office knows a case: holds, flags and decisions, of which it is not told, do not count."""
    return version_shown(abroad.for_receiving_office(case))


@router.get("/status/{case_ref}")
async def ask_status(
    case_ref: Annotated[str, Path(max_length=40)], purpose: Purpose, call: Calling
) -> abroad.CaseStatus:
    """Where one case stands, for the receiving office of its country, by its exact reference.

    One answer stands for unknown, of another country, not consented and ended; the true reason is on record.
    """
    reason, case_id, case = await call.ask(lambda unit: _looked_up(unit, call, read_case_ref(case_ref)))
    told = await _told(call, case_id, case, reason, purpose)
    if told is None or case is None:
        raise NotFound
    return abroad.CaseStatus(
        case_ref=case.case_ref, status=told, destination_country=case.destination_country
    )


async def _for_staff(call: Call, case_id: UUID) -> View[Case]:
    seen = await call.view(wiring.CASE, case_id)
    actor = call.context.actor
    known = other_parent_seen_by(screening_seen_by(seen_by(seen.state, actor.roles), actor), actor)
    supports = support_seen_by(known.supports, known.counsellor_id, call.context.actor)
    report = report_seen_by(known.final_report, call.context.actor.roles)
    told = replace(known, holds=told_to(known.holds, call.context.actor), supports=supports, final_report=report)
    if not call.context.actor.roles & frozenset(STAFF):
        # A doctor decides on one thing alone: what tickets cost and whom an office misses is no part of it.
        told = replace(told, ticket_costs=(), departure_asked_at=None, departure_confirmed_at=None)
    return seen.model_copy(update={"state": told})


async def answered_before(call: Call, case_id: UUID) -> Receipt | None:
    """What this very order of an office was answered before under its ``Idempotency-Key``; None if it was not given.

    What was done stays done after consent was taken back, and an office that did it and never heard so is told no more.
    """
    repeat = Repeat.of(idempotency_key(call.request), call.operation, case_id, await call.request.body())
    handled = await call.ask(lambda unit: given_before(unit, wiring.CASE.service, call.context.actor, repeat))
    if handled is None:
        return None
    call.response.headers["ETag"] = etag(handled.version)
    return Receipt(id=handled.id, version=handled.version, repeated=True)


async def may_know(call: Call, case_id: UUID) -> None:
    """For an order of an office: raises `NotFound`, on record with the true reason, unless it may know of the case.

    `ConsentUnanswered` if nobody could say who agrees: an order is asked again, a look is answered with no.
    """
    await _may_know(call, case_id, await _within_reach(call, case_id))


async def may_meet(call: Call, case_id: UUID) -> None:
    """For the confirmation of an arrival: as `may_know`, but whoever was told of this arrival needs no consent now."""
    case = await _within_reach(call, case_id)
    noticed = await call.ask(lambda unit: abroad.notices(unit, [case_id]))
    if case is None or not may_confirm_arrival(case, noticed.get(case_id)):
        await _may_know(call, case_id, case)


async def _within_reach(call: Call, case_id: UUID) -> Case | None:
    found = await call.ask(lambda unit: states(unit, wiring.CASE, [case_id], call.context.actor, reach=call.reach))
    return found.get(case_id)


async def _may_know(call: Call, case_id: UUID, case: Case | None) -> None:
    reason, state, _ = await _judged(call, case_id, case, "unknown")
    if reason == "consent_unanswered":
        raise ConsentUnanswered
    if state is None:
        await call.refused(reason, case_id)
        raise NotFound


async def _looked_up(
    unit: UnitOfWork, call: Call, case_ref: str | None
) -> tuple[StatusReason, UUID | None, Case | None]:
    reason, case_id = await abroad.looked_up(unit, case_ref or "")
    # Looked for in any case, like everything below: how long an answer takes must not tell whether there is a case.
    found = await states(unit, wiring.CASE, [case_id or uuid7()], call.context.actor, reach=call.reach)
    case = found.get(case_id) if case_id is not None else None
    return ("not_known_abroad" if reason == "visible" else reason), case_id, case


async def _judged(
    call: Call, case_id: UUID | None, case: Case | None, reason: StatusReason
) -> tuple[StatusReason, PublicState | None, str]:
    asked = whose_consent(case) if case is not None else {uuid7()}
    country = case.destination_country if case is not None else min(call.reach.countries or {"BA"})
    agreed = await agreed_now(call, asked, country, "travel")
    noticed = await call.ask(lambda unit: abroad.notices(unit, [case_id or uuid7()]))
    state: PublicState | None = None
    if case is not None and case_id is not None:
        persons = agreed.persons if agreed is not None else None
        reason, state = answer(case, noticed.get(case_id), persons, call.context.now)
    elif agreed is None:
        reason = "consent_unanswered"
    return reason, state, country


async def _told(
    call: Call, case_id: UUID | None, case: Case | None, reason: StatusReason, purpose: Purpose | None = None,
    in_vain: Kind | None = None,
) -> PublicState | None:
    """What the caller's office is told of one case, after it was put on record; None is nothing, for a reason.

    ``in_vain`` is a further token that whoever is told nothing pays: where there is nothing for them they may look as
    seldom as ask for a status.
    """
    judged, state, country = await _judged(call, case_id, case, reason)
    if state is None and in_vain is not None:
        call.take(in_vain)
    told: tuple[Told, ...] = ()
    if case_id is not None and state is not None:
        told = (Told(case_id=case_id, country=country, status=state),)
    await _on_record(call, purpose, judged if case is not None else reason, case_id, told)
    return state


async def _listed_abroad(
    call: Call, status: str | None, wanted: str | None, after: UUID | None, limit: int
) -> Page[abroad.CaseRowForReceivingOffice]:
    countries = sorted(country for country in call.reach.countries or () if wanted in (None, country))
    given: dict[str, object] = {}
    if status is not None:
        if status not in get_args(PublicState):
            raise _not_for_this_reader("status")
        given["statuses"] = statuses_of(cast("PublicState", status))
    since = call.context.now - NOTICE_STANDS

    async def find(unit: UnitOfWork, after: UUID | None) -> list[UUID]:
        rows = await unit.rows(
            abroad.cases_abroad(given), countries=countries, after=after, limit=limit + 1, not_coming_since=since,
            today=earliest_day(call.context.now), **given,
        )
        return [row["id"] for row in rows]

    told, more = await told_in_a_list(call, countries, find, lambda id: id, after, limit)
    return Page[abroad.CaseRowForReceivingOffice](
        items=[abroad.row_for_receiving_office(id, case) for id, case, _ in told],
        next=call.goes_on_after(str(told[-1][0]), limit) if more else None,
    )


async def told_in_a_list(
    call: Call, countries: Sequence[str], find: Finds[Place],
    id_of: Callable[[Place], UUID], after: Place | None, limit: int,
) -> tuple[list[tuple[Place, Case, PublicState]], bool]:
    """One page of what an office may be told of, put on record, and whether more follows.

    ``find`` answers up to ``limit + 1`` places after one. What tables know here is a little older than what counselling
    answers: whoever took a consent back meanwhile is left out, and the page is filled from behind. A page names no case
    but those it tells of.
    """
    items: list[tuple[Place, Case, PublicState]] = []
    while len(items) <= limit:
        places = await _told_after(call, countries, partial(find, after=after), id_of, items)
        if len(places) <= limit:
            break
        after = places[-1]
    page = items[:limit]
    told = tuple(
        Told(case_id=id_of(place), country=case.destination_country, status=state) for place, case, state in page
    )
    await _on_record(call, None, "told", None, told)
    return page, len(items) > limit


async def _told_after(
    call: Call, countries: Sequence[str], find: Callable[[UnitOfWork], Awaitable[list[Place]]],
    id_of: Callable[[Place], UUID], items: list[tuple[Place, Case, PublicState]],
) -> list[Place]:
    """Adds what may be told of the cases found; answers with all of them."""

    async def work(unit: UnitOfWork) -> tuple[list[Place], dict[UUID, Case], dict[UUID, Notice]]:
        places = await find(unit)
        found = await states(unit, wiring.CASE, [id_of(place) for place in places], call.context.actor, reach=call.reach)
        return places, found, await abroad.notices(unit, found)

    places, found, noticed = await call.ask(work)
    agreed: set[UUID] = set()
    # Counselling is asked even if there is nobody to ask about: when it is away, no list says that there is nothing.
    for country in sorted({case.destination_country for case in found.values()}) or [min(countries, default="BA")]:
        asked = {uuid7()}.union(
            *(whose_consent(case) for case in found.values() if case.destination_country == country)
        )
        answered = await agreed_now(call, asked, country, "travel")
        if answered is None:
            await _on_record(call, None, "consent_unanswered", None, ())
            raise ConsentUnanswered
        agreed |= answered.persons
    for place in places:
        case = found.get(id_of(place))
        state = answer(case, noticed.get(id_of(place)), agreed, call.context.now)[1] if case is not None else None
        if case is not None and state is not None:
            items.append((place, case, state))
    return places


async def _on_record(
    call: Call, purpose: Purpose | None, reason: StatusReason, about: UUID | None, told: tuple[Told, ...]
) -> None:
    order = RecordStatusAsked(
        actor_id=call.context.actor.person_id, operation=call.operation, purpose=purpose, reason=reason,
        about=about, told=told,
    )
    await call.runtime.recorder.told(call.scope(), call.context, call.origin, order)


def _not_for_this_reader(field: str) -> RequestValidationError:
    return RequestValidationError([{"type": "not_for_this_reader", "loc": ("query", field), "msg": "not for you"}])
