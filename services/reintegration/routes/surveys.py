"""Reintegration's API for surveys: what is asked when, who is due, what somebody answered, and averages of many."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.reintegration import queries, survey_answers, survey_queries, window
from services.reintegration.domain.instruments import Instrument
from services.reintegration.domain.survey_averages import LEAST_COUNTED
from services.reintegration.domain.survey_rounds import (
    MOST_BYTES,
    EndRound,
    PlanRound,
    PublishInstrument,
)
from services.reintegration.domain.surveys import (
    CorrectSurvey,
    GivenAnswer,
    RecordSurvey,
    RefuseSurvey,
    Survey,
)
from services.reintegration.survey_wiring import INSTRUMENT, SURVEY, SURVEY_ROUND
from shared.callers import AuthenticatedRoute
from shared.contracts.surveys import SurveyCode
from shared.errors import NotFound, RuleViolation
from shared.handling import Repeat, states
from shared.http import Call, Calling, Limit, Page, Receipt, View
from shared.new_ids import NewId
from shared.settings import MISSION
from shared.unprinted import Unprinted
from shared.uploads import takes_file

TOML_SENT: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string", "format": "binary"}}}}
}

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)

Version = Annotated[int, Path(ge=1, le=10_000)]


class RecordedAnswers(Unprinted):
    """What was recorded once, under its number: an option by its question, and the scores as they were counted."""

    answers_no: int
    answers: Mapping[str, str]
    scores: Mapping[str, Any]


class SurveyView(View[Survey]):
    """A survey with all that was ever recorded as its answers, the last ones last; nothing where they went with the person.

    ``untold`` are the dimensions of which its reader is told nothing, for they may tell of health; the composite, to which
    they are counted, is left out with them.
    """

    recorded: list[RecordedAnswers]
    untold: list[str]


class Instruments(BaseModel):
    """Every version of every survey there is."""

    items: list[survey_queries.InstrumentRow]


class Averages(BaseModel):
    """How people were doing on average by one survey, by its ended rounds."""

    items: list[survey_queries.Average]
    least_counted: int


@router.put("/instruments/{instrument_id}", openapi_extra=TOML_SENT)
@takes_file(PublishInstrument, MOST_BYTES)
async def publish_instrument(instrument_id: NewId, call: Calling) -> Receipt:
    """Takes a version of a survey as TOML, whole or not at all."""
    async with call.file() as sent:
        try:
            content = sent.decode()
        except UnicodeDecodeError:
            raise RuleViolation("instrument_unreadable", "This is not a survey as it is read here.") from None
        read = survey_queries.instrument_in(content)
        order = PublishInstrument(
            instrument=read.code, instrument_version=read.version, items=len(read.items), sha256=sha256(sent).hexdigest()
        )
        again = Repeat.of(f"instrument:{instrument_id}", call.operation, instrument_id, order.model_dump_json().encode())
        return await call.order(
            INSTRUMENT, instrument_id, order, repeat=again, beside=survey_queries.kept(instrument_id, content)
        )


@router.get("/instruments")
async def list_instruments(call: Calling) -> Instruments:
    """Every version of every survey that can be asked, shipped or published."""
    return Instruments(items=await call.ask(survey_queries.instruments))


@router.get("/instruments/{instrument}/{instrument_version}")
async def read_instrument(
    instrument: Annotated[SurveyCode, Path()], instrument_version: Version, call: Calling
) -> Instrument:
    """One version of a survey, with everything that it asks in every language."""
    found = await call.ask(lambda unit: survey_queries.instrument(unit, instrument, instrument_version))
    if found is None:
        raise NotFound
    return found


@router.post("/survey-rounds/{round_id}")
async def plan_round(round_id: NewId, body: PlanRound, call: Calling) -> Receipt:
    """Plans a round under an id that the caller chose."""
    return await call.order(SURVEY_ROUND, round_id, body)


@router.post("/survey-rounds/{round_id}/end")
async def end_round(round_id: UUID, body: EndRound, call: Calling) -> Receipt:
    """Ends a round, and keeps how people were doing on average by it: what changes later is not told."""
    averages = await call.ask(lambda unit: survey_queries.averages_told(unit, call.person_keys, round_id))
    return await call.order(SURVEY_ROUND, round_id, body, beside=averages)


@router.get("/survey-rounds")
async def list_rounds(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[survey_queries.RoundRow]:
    """Every round that was planned, oldest first."""
    return await call.page(survey_queries.ROUNDS, survey_queries.RoundRow, after, limit)


@router.get("/due-surveys")
async def list_due_surveys(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[survey_queries.DueRow]:
    """Who is to be asked now and by what, case by case; an office sees who agreed, in its countries."""
    now, zone = call.context.now, MISSION.mission_time_zone
    countries = sorted(call.reach.countries) if call.reach.countries is not None else None
    if countries is None:
        rows = await call.ask(lambda unit: survey_queries.due(unit, None, after, limit + 1, now, zone))
        items, more = rows[:limit], len(rows) > limit
    else:
        items, more = await window.listed(
            call, lambda place, unit: survey_queries.due(unit, countries, place, limit + 1, now, zone), "grants", after, limit
        )
    return Page(items=[one.row for one in items], next=call.goes_on_after(str(items[-1].id), limit) if more and items else None)


@router.post("/surveys/{survey_id}")
async def record_survey(survey_id: NewId, body: RecordSurvey, call: Calling) -> Receipt:
    """Records what a returnee answered, under an id that the caller chose; answers and scores are sealed."""
    await window.may_begin(call, body.case_id, "grants", ())
    country = await _country_of(call, body.case_id)
    return await call.order_privately(
        SURVEY, survey_id, body, survey_answers.kept(survey_id, 1, country, body.person_id),
        key_of=(body.person_id, body.person_id), apart=True,
    )  # fmt: skip


@router.post("/surveys/{survey_id}/refusal")
async def refuse_survey(survey_id: NewId, body: RefuseSurvey, call: Calling) -> Receipt:
    """Records that a returnee does not wish to be asked, under an id that the caller chose."""
    await window.may_begin(call, body.case_id, "grants", ())
    return await call.order(SURVEY, survey_id, body)


@router.post("/surveys/{survey_id}/correct")
async def correct_survey(survey_id: UUID, body: CorrectSurvey, call: Calling) -> Receipt:
    """Records answers anew; those of before stay. What an office is not told, for it may tell of health, stands as it is."""
    survey = await _known(call, survey_id)
    if survey is None:
        return await call.order(SURVEY, survey_id, body)
    judged = await window.may_change(call, survey_id, survey.case_id, "grants")
    order = body if judged.health else await _with_untold(call, survey_id, survey, body)
    return await call.order_privately(
        SURVEY, survey_id, order, survey_answers.kept(survey_id, survey.answers_no + 1, survey.country, survey.person_id),
        key_of=(survey.person_id, survey.person_id), apart=True,
    )  # fmt: skip


@router.get("/cases/{case_id}/surveys")
async def list_surveys(
    case_id: UUID, call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[survey_queries.SurveyRow]:
    """The surveys of one case, oldest first; an office sees them while the persons agree."""
    judged = await window.may_begin(call, case_id, "grants", ())
    if not judged.arrived or not await _country_of(call, case_id):
        # As of a case whose persons do not agree.
        raise NotFound
    return await call.page(survey_queries.OF_A_CASE, survey_queries.SurveyRow, after, limit, case_id=case_id)


@router.get("/surveys/{survey_id}")
async def read_survey(survey_id: UUID, call: Calling) -> SurveyView:
    """One survey with its answers and scores; the reading is on record.

    An office is told what may tell of health where the consent names that, be it that a colleague asked.
    """
    # Of what is not there it takes as long to say so.
    view, judged = await window.view(call, SURVEY, survey_id, lambda survey: survey.case_id, "grants")
    found = await call.ask(lambda unit: survey_answers.found(unit, call.person_keys, [survey_id]))
    untold, items = frozenset[str](), frozenset[str]()
    if not judged.health:
        asked = await _asked(call, view.state)
        untold, items = asked.of_health, asked.items_of(asked.of_health)
    recorded = [survey_answers.without(one, untold, items) for one in found]
    return SurveyView(
        id=view.id, version=view.version, state=view.state, actions=view.actions, untold=sorted(untold),
        recorded=[RecordedAnswers(answers_no=one.answers_no, answers=one.answers, scores=one.scores) for one in recorded],
    )  # fmt: skip


@router.get("/survey-averages/{instrument}")
async def read_survey_averages(instrument: Annotated[SurveyCode, Path()], call: Calling) -> Averages:
    """How people were doing on average by one survey, by ended round and country; nothing of fewer than five people."""
    found = await call.ask(lambda unit: survey_queries.averages(unit, instrument))
    return Averages(items=found, least_counted=LEAST_COUNTED)


async def _with_untold(call: Call, survey_id: UUID, survey: Survey, order: CorrectSurvey) -> CorrectSurvey:
    """The order of an office with what it is not told as that was recorded last; `NotFound` if it says anything of that."""
    asked = await _asked(call, survey)
    untold = asked.items_of(asked.of_health)
    if any(given.item in untold for given in order.answers):
        await call.refused("not_consented", survey_id)
        raise NotFound
    found = await call.ask(lambda unit: survey_answers.found(unit, call.person_keys, [survey_id]))
    last = found[-1].answers if found else {}
    # Whoever corrected it meanwhile has recorded answers under the same number, so that this is refused.
    standing = tuple(GivenAnswer(item=item, option=option) for item, option in last.items() if item in untold)
    return order.model_copy(update={"answers": (*order.answers, *standing)})


async def _asked(call: Call, survey: Survey) -> Instrument:
    found = await call.ask(lambda unit: survey_queries.instrument(unit, survey.instrument, survey.instrument_version))
    # A version never goes once somebody was asked by it.
    assert found is not None
    return found


async def _known(call: Call, survey_id: UUID) -> Survey | None:
    found = await call.ask(lambda unit: states(unit, SURVEY, [survey_id], call.context.actor, reach=call.reach))
    return found.get(survey_id)


async def _country_of(call: Call, case_id: UUID) -> str:
    sharing = await call.ask(lambda unit: queries.sharing(unit, case_id))
    # Of a case that is not known the order itself says so.
    return sharing.country if sharing is not None else ""
