"""Persons: who they are, what they agreed to, and how they are called."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.counselling import (
    birth_years,
    correcting,
    finding,
    host_statuses,
    identities,
    queries,
    turns,
    wiring,
)
from services.counselling.domain.age import age_group
from services.counselling.domain.days import home_day
from services.counselling.domain.erasure import OF_ERASURES
from services.counselling.domain.host_status import RecordHostStatus
from services.counselling.domain.identity import RecordIdentity, Shown
from services.counselling.domain.person import CorrectBirthYear, Person, RegisterPerson
from services.counselling.domain.search import PersonSearch
from shared.callers import AuthenticatedRoute
from shared.contracts.access import UnmaskingPurpose
from shared.contracts.counselling import Country, Sex
from shared.db import Scope, UnitOfWork
from shared.errors import NotFound
from shared.http import Calling, Limit, Page, Receipt, View
from shared.ids import FIRST
from shared.messages import Context
from shared.new_ids import NewId
from shared.policy import EVERYWHERE

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)

# As many as a page of any list holds.
MOST_NAMES = 100


class PersonView(View[Person]):
    """A person with their family, and with the wish to return that has not ended for whoever may read that one.

    ``identity_shown`` is how much of who the person is its reader is shown without a purpose; None is nothing at all.
    ``may_agree`` are the ids of whoever may agree for the person today, who counts as a child; None of an adult. Of who
    was erased no ``birth_year`` is known.
    """

    birth_year: int | None
    family_id: UUID | None
    intention_id: UUID | None
    identity_shown: Shown | None
    may_agree: tuple[UUID, ...] | None


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
    call.take("person_search")
    asked: dict[str, object] = {"country_of_origin": country_of_origin, "today": home_day(call.context.now)}
    if sex is not None:
        asked["sex"] = sex
    years = (birth_year - birth_year_within, birth_year + birth_year_within)
    items, last = await call.ask(lambda unit: queries.persons(unit, asked, years, after or FIRST, limit))
    await call.on_record(shown=tuple(person.id for person in items))
    return Page(items=items, next=call.goes_on_after(str(last), limit) if last is not None else None)


@router.post("/person-searches")
async def search_persons(body: PersonSearch, call: Calling) -> finding.Candidates:
    """Who may be meant by a document, or by a name and a year of birth, at any site; each search is on record.

    It is posted, so that nothing that was looked for stands in an address, and nothing of it is kept.
    """
    call.take("person_search")
    actor_id, today = call.context.actor.person_id, home_day(call.context.now)
    found = await call.ask(lambda unit: finding.found(unit, call.person_keys, body, actor_id, today))
    await call.on_record(shown=tuple(person.id for person in found.items))
    return found


@router.post("/persons/{person_id}")
async def register_person(person_id: NewId, body: RegisterPerson, call: Calling) -> Receipt:
    """Registers a person under an id that the caller chose."""
    born = birth_years.Registration(call.person_keys.index, person_id, body)
    return await call.order_privately(wiring.PERSON, person_id, body, born.writes, beside=born.hashed, apart=True)


@router.get("/persons/{person_id}")
async def read_person(person_id: UUID, call: Calling) -> PersonView:
    """What counselling knows of a person, and to which family and wish to return that leads on."""
    view = await call.view(wiring.PERSON, person_id)
    found, birth_year, may_agree = await call.ask(lambda unit: _belonging(unit, person_id, call.context))
    # Why somebody must be kept, and what can be done about it, is for who decides on erasures.
    state = replace(view.state, legal_hold_reason=None)
    actions = [action for action in view.actions if action.name not in {*OF_ERASURES, "request_erasure_when_due"}]
    reader, reach = identities.Reader(view.state.site, found.counsels), call.reach_of("read_identity")
    return PersonView(
        id=view.id, version=view.version, state=state, actions=actions, birth_year=birth_year, family_id=found.family_id,
        intention_id=found.intention_id if call.may("read_intention") else None,
        identity_shown=reader.sees(None)[0] if reach is not None and reader.may_read(reach) else None,
        may_agree=may_agree,
    )  # fmt: skip


async def _belonging(
    unit: UnitOfWork, person_id: UUID, context: Context
) -> tuple[queries.Belonging, int | None, tuple[UUID, ...] | None]:
    found, today = await queries.belonging(unit, person_id, context.actor.person_id), home_day(context.now)
    born = (await birth_years.birth_years_of(unit, [person_id])).get(person_id)
    child = born is not None and age_group(born, today) == "child"
    return found, born, await turns.may_agree(unit, person_id, today) if child else None


@router.post("/persons/{person_id}/record-identity")
async def record_identity(person_id: UUID, body: RecordIdentity, call: Calling) -> Receipt:
    """Records who a person is, as a further version; what was believed before is kept."""
    return await call.order_privately(
        wiring.PERSON, person_id, body, identities.kept(person_id, body, call.context),
        beside=finding.replaced(call.person_keys.index, person_id, body),
    )  # fmt: skip


@router.post("/persons/{person_id}/correct-birth-year")
async def correct_birth_year(person_id: UUID, body: CorrectBirthYear, call: Calling) -> Receipt:
    """Corrects in which year a person was born; whether they are a child goes for their open return case as well."""
    year = correcting.Correction(call.person_keys, call.context, person_id, body)
    return await call.order_privately(wiring.PERSON, person_id, body, year.writes, beside=year.hashed, apart=True)


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
    reader = await _reader(call, person_id)
    how_far, said = reader.sees(purpose)
    found = await call.runtime.database.attempt(
        _scope_of(call, reader), lambda unit: identities.found(unit, call.person_keys, person_id, how_far, with_versions=every)
    )
    await call.on_record(person_id, purpose=said)
    return found


@router.post("/persons/{person_id}/record-host-status")
async def record_host_status(person_id: UUID, body: RecordHostStatus, call: Calling) -> Receipt:
    """Records how a person stays in the host country, as a further version; what was recorded before is kept."""
    return await call.order_privately(wiring.PERSON, person_id, body, host_statuses.kept(person_id, body, call.context))


@router.get("/persons/{person_id}/host-status")
async def read_host_status(
    person_id: UUID, call: Calling, purpose: Annotated[UnmaskingPurpose, Query()]
) -> host_statuses.HostStatusView:
    """How a person stays in the host country, with all that was recorded before; each reading is on record."""
    reader = await _reader(call, person_id)
    found = await call.runtime.database.attempt(
        _scope_of(call, reader), lambda unit: host_statuses.found(unit, call.person_keys, person_id)
    )
    await call.on_record(person_id, purpose=purpose)
    return found


async def _reader(call: Calling, person_id: UUID) -> identities.Reader:
    """How the caller stands to a person; `NotFound` for whoever may not know who that is."""
    reader = await call.ask(lambda unit: identities.reader_of(unit, person_id, call.context.actor.person_id))
    if reader is None or not reader.may_read(call.reach):
        if call.reach != EVERYWHERE:
            await call.refused("not_found", person_id)
        raise NotFound
    return reader


def _scope_of(call: Calling, reader: identities.Reader) -> Scope:
    # Whoever counsels somebody of another site sees that one site's rows as well, for this one question.
    return replace(call.scope(), sites=call.scope().sites | {reader.site})


@router.get("/names")
async def read_names(
    call: Calling, person_id: Annotated[list[UUID], Query(min_length=1, max_length=MOST_NAMES)]
) -> identities.Names:
    """How those of these persons are called whom the caller counsels; one reading, which is on record with who was named.

    Whoever does not exist, is not counselled by the caller or has no name recorded is left out.
    """
    actor_id, asked = call.context.actor.person_id, dict.fromkeys(person_id)
    found = await call.ask(lambda unit: identities.names(unit, call.person_keys, asked.keys(), actor_id))
    if found:
        await call.on_record(shown=tuple(one.person_id for one in found), purpose="counselling")
    return identities.Names(items=found)
