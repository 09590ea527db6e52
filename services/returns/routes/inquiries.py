"""Family assessments: staff ask, and the office abroad is told of whom, under a consent of its own, and answers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.returns import wiring
from services.returns.domain.case_inquiry import (
    AnswerFamilyAssessment,
    AskForFamilyAssessment,
    inquiries_of,
)
from services.returns.domain.case_state import Case
from services.returns.queries.inquiries import (
    AskedAssessment,
    InquiryPlace,
    InquiryPlaceText,
    asked,
    place,
)
from services.returns.routes.window import answered_before
from shared.agreeing import agreed
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.disclosure import ConsentUnanswered
from shared.errors import NotFound
from shared.handling import states
from shared.http import Call, Calling, Limit, Page, Receipt
from shared.ids import uuid7

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/family-assessments")
async def list_family_assessments(
    call: Calling,
    after: Annotated[InquiryPlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[AskedAssessment]:
    """What an office is asked about families in its own countries, the longest asked first, while a consent to it stands."""
    call.take("disclosure")
    countries = sorted(call.reach.countries or ())
    begins = place(after) if after is not None else None
    told: list[tuple[InquiryPlace, AskedAssessment]] = []
    more = True
    while more and len({where.id for where, _ in told}) <= limit:

        async def work(unit: UnitOfWork, begins: InquiryPlace | None = begins) -> tuple[list[InquiryPlace], dict[UUID, Case]]:
            places = await asked(unit, countries, begins, limit + 1)
            ids = [one.id for one in places]
            return places, await states(unit, wiring.CASE, ids, call.context.actor, reach=call.reach)

        places, found = await call.ask(work)
        told += await _told(call, [(one, found[one.id]) for one in places if one.id in found])
        more, begins = len(places) > limit, places[-1] if places else begins
    shown = list(dict.fromkeys(where for where, _ in told))[:limit]
    items = [row for where, row in told if where in shown]
    await call.on_record(shown=tuple(dict.fromkeys(row.person_id for row in items)))
    goes_on = len({where for where, _ in told}) > limit
    return Page[AskedAssessment](items=items, next=call.goes_on_after(str(shown[-1]), limit) if goes_on else None)


@router.post("/cases/{case_id}/ask-for-family-assessment")
async def ask_for_family_assessment(case_id: UUID, body: AskForFamilyAssessment, call: Calling) -> Receipt:
    """Asks the office abroad how the family is that would receive a child."""
    return await call.order(wiring.CASE, case_id, body)


@router.post("/cases/{case_id}/answer-family-assessment")
async def answer_family_assessment(case_id: UUID, body: AnswerFamilyAssessment, call: Calling) -> Receipt:
    """Answers how the family is; without consent at this moment there is nothing that could be answered."""
    before = await answered_before(call, case_id)
    if before is not None:
        return before
    found = await call.ask(lambda unit: states(unit, wiring.CASE, [case_id], call.context.actor, reach=call.reach))
    case = found.get(case_id)
    about = [person.person_id for person, one in inquiries_of(case) if one.inquiry_id == body.inquiry_id] if case else []
    # Asked in any case: how long an answer takes must not tell whether there is something.
    country = case.destination_country if case is not None else min(call.reach.countries or {"BA"})
    consents = await agreed(call, about or [uuid7()], country, "family", consent="family_assessment")
    if consents is None:
        raise ConsentUnanswered
    if not about or not consents.persons >= set(about):
        await call.refused("not_consented" if about else "unknown", case_id)
        raise NotFound
    # What else became of the case is not the office's to know, so no version is told.
    return await call.order(wiring.CASE, case_id, body, shown_as=lambda _: 1)


async def _told(call: Call, cases: list[tuple[InquiryPlace, Case]]) -> list[tuple[InquiryPlace, AskedAssessment]]:
    """What of these cases may be told at this moment; counselling is asked even if there is nobody to ask about."""
    agreeing: set[UUID] = set()
    for country in sorted({case.destination_country for _, case in cases}) or [min(call.reach.countries or {"BA"})]:
        about = {
            person.person_id for _, case in cases if case.destination_country == country for person, _ in inquiries_of(case)
        }
        consents = await agreed(call, about or {uuid7()}, country, "family", consent="family_assessment")
        if consents is None:
            raise ConsentUnanswered
        agreeing |= consents.persons
    return [
        (where, AskedAssessment(
            inquiry_id=one.inquiry_id, case_id=where.id, person_id=person.person_id, sex=person.sex,
            age_group=person.age_group, country_of_origin=person.country_of_origin, asked_at=one.asked_at,
            answered=one.answer is not None,
        ))
        for where, case in cases for person, one in inquiries_of(case) if person.person_id in agreeing
    ]  # fmt: skip
