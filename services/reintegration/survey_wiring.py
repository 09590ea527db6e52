"""Surveys put together: core, table and facts."""

from uuid import UUID

from services.reintegration import survey_queries, survey_tables
from services.reintegration.domain import survey_rounds, surveys
from services.reintegration.policy import POLICY
from shared.actors import Actor, Role
from shared.aggregate import Aggregate
from shared.db import UnitOfWork
from shared.messages import Command, Context
from shared.policy import Reach
from shared.settings import MISSION


async def _instrument_facts(
    unit: UnitOfWork, _: UUID, state: survey_rounds.InstrumentVersion | None, command: Command | None, __: Context
) -> survey_rounds.InstrumentFacts:
    if state is not None or not isinstance(command, survey_rounds.PublishInstrument):
        return survey_rounds.InstrumentFacts()
    return await survey_queries.behind_an_instrument(unit, command.instrument)


async def _round_facts(
    unit: UnitOfWork, _: UUID, state: survey_rounds.SurveyRound | None, command: Command | None, __: Context
) -> survey_rounds.RoundFacts:
    if state is not None or not isinstance(command, survey_rounds.PlanRound):
        return survey_rounds.RoundFacts()
    return await survey_queries.behind_a_round(unit, command.instrument, command.instrument_version, command.round)


async def _survey_facts(
    unit: UnitOfWork, _: UUID, state: surveys.Survey | None, command: Command | None, context: Context
) -> surveys.SurveyFacts:
    actor_id = context.actor.person_id
    if state is not None:
        return await survey_queries.behind_a_correction(unit, state, actor_id)
    if not isinstance(command, surveys.AsksSomebody):
        # Of a survey that is not there the order itself says so.
        return surveys.SurveyFacts()
    facts = await survey_queries.behind_a_survey(
        unit, command.case_id, command.person_id, command.round_id, actor_id, context.now, MISSION.mission_time_zone
    )
    if Role.RECEIVING_OFFICE in context.actor.roles and facts.case is not None:
        reach = POLICY.reach(context.actor, "read_case")
        if reach.countries is not None and not (facts.case.arrived and reach.covers(facts.case.destination_country)):
            # Before an arrival a receiving office knows of no case here.
            return surveys.SurveyFacts(today=facts.today)
    return facts


def _within(known: surveys.Survey, reach: Reach, _: Actor) -> bool:
    return reach.covers(known.country)


INSTRUMENT: Aggregate[survey_rounds.InstrumentVersion, survey_rounds.InstrumentFacts] = Aggregate(
    service="reintegration", name="instrument", decider=survey_rounds.INSTRUMENT, table=survey_tables.INSTRUMENTS,
    state=survey_rounds.InstrumentVersion, facts=_instrument_facts,
)

SURVEY_ROUND: Aggregate[survey_rounds.SurveyRound, survey_rounds.RoundFacts] = Aggregate(
    service="reintegration", name="survey_round", decider=survey_rounds.SURVEY_ROUND, table=survey_tables.SURVEY_ROUNDS,
    state=survey_rounds.SurveyRound, facts=_round_facts,
)

SURVEY: Aggregate[surveys.Survey, surveys.SurveyFacts] = Aggregate(
    service="reintegration", name="survey", decider=surveys.SURVEY, table=survey_tables.SURVEYS, state=surveys.Survey,
    facts=_survey_facts, partition=lambda _, known: known.case_id, within=_within,
)  # fmt: skip

OF_SURVEYS = (INSTRUMENT, SURVEY_ROUND, SURVEY)
