"""Counselling's API: each route gives one command or answers one question."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.counselling import identities, queries, wiring
from services.counselling.domain.family import Family, RegisterFamily
from services.counselling.domain.group_session import GroupSession, RecordGroupSession
from services.counselling.domain.identity import RecordIdentity, Shown
from services.counselling.domain.intention import ExpressIntention, Intention
from services.counselling.domain.outreach import Outreach, RecordOutreach
from services.counselling.domain.person import GiveConsent, Person, RegisterPerson, WithdrawConsent
from services.counselling.domain.session import HoldSession, MarkSessionNotHeld, ScheduleSession, Session
from shared.callers import AuthenticatedRoute
from shared.contracts.access import UnmaskingPurpose
from shared.contracts.counselling import Country, Sex, TransferConsents
from shared.disclosure import MOST_PERSONS
from shared.errors import NotFound
from shared.http import Calling, Limit, Page, Receipt, View
from shared.ids import LAST
from shared.policy import ALL_SITES, EVERYWHERE
from shared.statistics import First, Last, Statistics, period

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class PersonView(View[Person]):
    """A person with their family, and with the wish to return that has not ended for whoever may read that one.

    ``identity_shown`` is how much of who the person is its reader is shown without a purpose; None is nothing at all.
    """

    family_id: UUID | None
    intention_id: UUID | None
    identity_shown: Shown | None


class FamilyView(View[Family]):
    """A family with what tells its members apart."""

    persons: list[queries.PersonRow]


@router.get("/persons")
async def find_persons(
    call: Calling,
    country_of_origin: Annotated[Country, Query()],
    birth_year: Annotated[int, Query(ge=1000, le=9999)],
    birth_year_within: Annotated[int, Query(ge=0, le=3)] = 0,
    sex: Annotated[Sex | None, Query()] = None,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[queries.PersonRow]:
    """Persons registered at any site, oldest first, so that nobody is registered twice; each search is on record.

    There is no list of everybody: a country and a year of birth, give or take up to three years, must be named.
    """
    asked: dict[str, object] = {
        "country_of_origin": country_of_origin, "birth_year": birth_year, "birth_year_within": birth_year_within
    }  # fmt: skip
    if sex is not None:
        asked["sex"] = sex
    found = await call.page(queries.persons(asked), queries.PersonRow, after, limit, **asked)
    await call.on_record(shown=tuple(person.id for person in found.items))
    return found


@router.post("/persons/{person_id}")
async def register_person(person_id: UUID, body: RegisterPerson, call: Calling) -> Receipt:
    """Registers a person under an id that the caller chose."""
    return await call.order(wiring.PERSON, person_id, body)


@router.get("/persons/{person_id}")
async def read_person(person_id: UUID, call: Calling) -> PersonView:
    """What counselling knows of a person, and to which family and wish to return that leads on."""
    view = await call.view(wiring.PERSON, person_id)
    found = await call.ask(lambda unit: queries.belonging(unit, person_id, call.context.actor.person_id))
    reader, reach = identities.Reader(view.state.site, found.counsels), call.reach_of("read_identity")
    return PersonView(
        id=view.id, version=view.version, state=view.state, actions=view.actions, family_id=found.family_id,
        intention_id=found.intention_id if call.may("read_intention") else None,
        identity_shown=reader.sees(None)[0] if reach is not None and reader.may_read(reach) else None,
    )  # fmt: skip


@router.post("/persons/{person_id}/record-identity")
async def record_identity(person_id: UUID, body: RecordIdentity, call: Calling) -> Receipt:
    """Records who a person is, as a further version; what was believed before is kept."""
    return await call.order_privately(wiring.PERSON, person_id, body, identities.kept(person_id, body, call.context))


@router.get("/persons/{person_id}/identity")
async def read_identity(
    person_id: UUID,
    call: Calling,
    purpose: Annotated[UnmaskingPurpose | None, Query()] = None,
    every: Annotated[bool, Query(alias="all")] = False,
) -> identities.IdentityView:
    """Who a person is; each reading is on record with its purpose.

    Without a purpose it is masked, but whoever counsels the person sees the names. ``all`` shows every version.
    """
    actor = call.context.actor
    reader = await call.ask(lambda unit: identities.reader_of(unit, person_id, actor.person_id))
    if reader is None or not reader.may_read(call.reach):
        if call.reach != EVERYWHERE:
            await call.refused("not_found", person_id)
        raise NotFound
    how_far, said = reader.sees(purpose)
    # Whoever counsels somebody of another site sees that one site's rows as well, for this one question.
    scope = replace(call.scope(), sites=call.scope().sites | {reader.site})
    found = await call.runtime.database.attempt(
        scope, lambda unit: identities.found(unit, call.person_keys, person_id, how_far, with_versions=every)
    )
    await call.on_record(person_id, purpose=said)
    return found


@router.post("/persons/{person_id}/give-consent")
async def give_consent(person_id: UUID, body: GiveConsent, call: Calling) -> Receipt:
    """Records a consent."""
    return await call.order(wiring.PERSON, person_id, body)


@router.post("/persons/{person_id}/withdraw-consent")
async def withdraw_consent(person_id: UUID, body: WithdrawConsent, call: Calling) -> Receipt:
    """Takes a consent back."""
    return await call.order(wiring.PERSON, person_id, body)


@router.post("/families/{family_id}")
async def register_family(family_id: UUID, body: RegisterFamily, call: Calling) -> Receipt:
    """Registers persons as one family."""
    return await call.order(wiring.FAMILY, family_id, body)


@router.get("/families/{family_id}")
async def read_family(family_id: UUID, call: Calling) -> FamilyView:
    """A family and its members, who are on record as shown."""
    view = await call.view(wiring.FAMILY, family_id, recorded=True)
    persons = await call.ask(lambda unit: queries.together(unit, family_id))
    await call.on_record(family_id, tuple(person.id for person in persons))
    return FamilyView(id=view.id, version=view.version, state=view.state, actions=view.actions, persons=persons)


@router.get("/sessions")
async def list_sessions(
    call: Calling,
    person_id: UUID | None = None,
    newest: bool = False,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[queries.SessionRow]:
    """The caller's own sessions, or those with one person that the caller may read, which is on record.

    Oldest first by their ids, or with ``newest`` by their time, the latest first and those to come before them.
    """
    found = await call.page(
        queries.sessions(with_person=person_id is not None, newest=newest), queries.SessionRow,
        after or (LAST if newest else None), limit, counsellor_id=call.context.actor.person_id, person_id=person_id,
        sites=sorted(ALL_SITES if call.reach.sites is None else call.reach.sites),
    )  # fmt: skip
    if person_id is not None:
        await call.on_record(person_id, tuple(session.id for session in found.items))
    return found


@router.post("/sessions/{session_id}/schedule")
async def schedule_session(session_id: UUID, body: ScheduleSession, call: Calling) -> Receipt:
    """Agrees a session for a coming time."""
    return await call.order(wiring.SESSION, session_id, body)


@router.post("/sessions/{session_id}/hold")
async def hold_session(session_id: UUID, body: HoldSession, call: Calling) -> Receipt:
    """Records a session that took place."""
    return await call.order(wiring.SESSION, session_id, body)


@router.post("/sessions/{session_id}/mark-not-held")
async def mark_session_not_held(session_id: UUID, body: MarkSessionNotHeld, call: Calling) -> Receipt:
    """Records that a scheduled session did not take place."""
    return await call.order(wiring.SESSION, session_id, body)


@router.get("/sessions/{session_id}")
async def read_session(session_id: UUID, call: Calling) -> View[Session]:
    """One counselling session."""
    return await call.view(wiring.SESSION, session_id)


@router.post("/group-sessions/{group_session_id}")
async def record_group_session(group_session_id: UUID, body: RecordGroupSession, call: Calling) -> Receipt:
    """Records that a group was informed."""
    return await call.order(wiring.GROUP_SESSION, group_session_id, body)


@router.get("/group-sessions/{group_session_id}")
async def read_group_session(group_session_id: UUID, call: Calling) -> View[GroupSession]:
    """One group session."""
    return await call.view(wiring.GROUP_SESSION, group_session_id)


@router.post("/outreach/{outreach_id}")
async def record_outreach(outreach_id: UUID, body: RecordOutreach, call: Calling) -> Receipt:
    """Records how many people were reached at a place."""
    return await call.order(wiring.OUTREACH, outreach_id, body)


@router.get("/outreach/{outreach_id}")
async def read_outreach(outreach_id: UUID, call: Calling) -> View[Outreach]:
    """One outreach visit."""
    return await call.view(wiring.OUTREACH, outreach_id)


@router.post("/intentions/{intention_id}")
async def express_intention(intention_id: UUID, body: ExpressIntention, call: Calling) -> Receipt:
    """Records that somebody wishes to return; returns opens a case under the same id."""
    return await call.order(wiring.INTENTION, intention_id, body)


@router.get("/intentions/{intention_id}")
async def read_intention(intention_id: UUID, call: Calling) -> View[Intention]:
    """One return attempt as counselling knows it."""
    return await call.view(wiring.INTENTION, intention_id)


@router.get("/transfer-consents")
async def check_transfer_consents(
    recipient_country: Annotated[Country, Query()],
    person_id: Annotated[list[UUID], Query(min_length=1, max_length=MOST_PERSONS)],
    call: Calling,
) -> TransferConsents:
    """Who of these persons agrees, now, that the office in this country is told of them; for our own services."""
    agreed = await call.ask(lambda unit: queries.agreed_to_transfer(unit, person_id, recipient_country))
    return TransferConsents(recipient_country=recipient_country, agreed=agreed)


@router.get("/statistics")
async def read_statistics(first: First, last: Last, call: Calling) -> Statistics:
    """Counselling's figures for a period."""
    asked = period(first, last, call.runtime.mission_time_zone)
    found = await call.ask(lambda unit: queries.figures(unit, asked))
    return Statistics(
        service="counselling", first=asked.first, last=asked.last, time_zone=asked.zone, figures=found
    )
