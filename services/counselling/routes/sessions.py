"""Families, sessions with one and with many, outreach, wishes to return, and the figures of it all."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.counselling import figures, queries, wiring
from services.counselling.domain.attempt import Intention
from services.counselling.domain.days import home_day
from services.counselling.domain.family import (
    AddFamilyMember,
    Family,
    NameGuardian,
    RegisterFamily,
    RemoveFamilyMember,
)
from services.counselling.domain.group_session import GroupSession, RecordGroupSession
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.outreach import Outreach, RecordOutreach
from services.counselling.domain.session import (
    AmendSession,
    HoldSession,
    MarkSessionNotHeld,
    ScheduleSession,
    Session,
)
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View
from shared.ids import LAST
from shared.new_ids import NewId
from shared.policy import ALL_SITES
from shared.statistics import First, Last, Statistics, period

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class FamilyView(View[Family]):
    """A family with what tells its members apart; of who was erased no more than the id."""

    persons: list[queries.PersonRow]


@router.post("/families/{family_id}")
async def register_family(family_id: NewId, body: RegisterFamily, call: Calling) -> Receipt:
    """Registers persons as one family."""
    return await call.order(wiring.FAMILY, family_id, body)


@router.post("/families/{family_id}/add-member")
async def add_family_member(family_id: UUID, body: AddFamilyMember, call: Calling) -> Receipt:
    """Records that somebody belongs to a family as well."""
    return await call.order(wiring.FAMILY, family_id, body)


@router.post("/families/{family_id}/remove-member")
async def remove_family_member(family_id: UUID, body: RemoveFamilyMember, call: Calling) -> Receipt:
    """Records that somebody does not belong to a family any more."""
    return await call.order(wiring.FAMILY, family_id, body)


@router.post("/families/{family_id}/name-guardian")
async def name_guardian(family_id: UUID, body: NameGuardian, call: Calling) -> Receipt:
    """Records of which children a member of a family is the guardian."""
    return await call.order(wiring.FAMILY, family_id, body)


@router.get("/families/{family_id}")
async def read_family(family_id: UUID, call: Calling) -> FamilyView:
    """A family and its members, who are on record as shown."""
    view = await call.view(wiring.FAMILY, family_id, recorded=True)
    persons = await call.ask(lambda unit: queries.together(unit, family_id, home_day(call.context.now)))
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
async def schedule_session(session_id: NewId, body: ScheduleSession, call: Calling) -> Receipt:
    """Agrees a session for a coming time."""
    return await call.order(wiring.SESSION, session_id, body)


@router.post("/sessions/{session_id}/hold")
async def hold_session(session_id: UUID, body: HoldSession, call: Calling) -> Receipt:
    """Records a session that took place."""
    return await call.order(wiring.SESSION, session_id, body)


@router.post("/sessions/{session_id}/amend")
async def amend_session(session_id: UUID, body: AmendSession, call: Calling) -> Receipt:
    """Sets right who was present in a session that was held, and who interpreted."""
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
async def record_group_session(group_session_id: NewId, body: RecordGroupSession, call: Calling) -> Receipt:
    """Records that a group was informed."""
    return await call.order(wiring.GROUP_SESSION, group_session_id, body)


@router.get("/group-sessions/{group_session_id}")
async def read_group_session(group_session_id: UUID, call: Calling) -> View[GroupSession]:
    """One group session."""
    return await call.view(wiring.GROUP_SESSION, group_session_id)


@router.post("/outreach/{outreach_id}")
async def record_outreach(outreach_id: NewId, body: RecordOutreach, call: Calling) -> Receipt:
    """Records how many people were reached at a place."""
    return await call.order(wiring.OUTREACH, outreach_id, body)


@router.get("/outreach/{outreach_id}")
async def read_outreach(outreach_id: UUID, call: Calling) -> View[Outreach]:
    """One outreach visit."""
    return await call.view(wiring.OUTREACH, outreach_id)


@router.post("/intentions/{intention_id}")
async def express_intention(intention_id: NewId, body: ExpressIntention, call: Calling) -> Receipt:
    """Records that somebody wishes to return; returns opens a case under the same id."""
    return await call.order(wiring.INTENTION, intention_id, body)


@router.get("/intentions/{intention_id}")
async def read_intention(intention_id: UUID, call: Calling) -> View[Intention]:
    """One return attempt as counselling knows it."""
    return await call.view(wiring.INTENTION, intention_id)


@router.get("/statistics")
async def read_statistics(first: First, last: Last, call: Calling) -> Statistics:
    """Counselling's figures for a period."""
    asked = period(first, last, call.runtime.mission_time_zone)
    found = await call.ask(lambda unit: figures.figures(unit, asked))
    return Statistics(
        service="counselling", first=asked.first, last=asked.last, time_zone=asked.zone, figures=found
    )
