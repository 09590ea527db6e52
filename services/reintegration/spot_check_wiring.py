"""Spot checks put together: core, table, facts and projections; the seed of a draw is made here, by nobody."""

import secrets
from uuid import UUID

from services.reintegration import spot_check_queries, spot_check_tables
from services.reintegration.domain import spot_checks
from shared.actors import Actor
from shared.aggregate import Aggregate
from shared.db import UnitOfWork
from shared.messages import Command, Context
from shared.policy import Reach
from shared.settings import MISSION


async def _draw_facts(
    unit: UnitOfWork, _: UUID, state: spot_checks.SpotCheckDraw | None, command: Command | None, context: Context
) -> spot_checks.DrawFacts:
    if state is not None or not isinstance(command, spot_checks.DrawSpotCheck):
        return spot_checks.DrawFacts()
    # From the system's randomness, after the order was given: whoever draws neither chooses it nor knows it beforehand.
    seed = secrets.token_hex(32)
    return await spot_check_queries.behind_a_draw(
        unit, (command.from_day, command.to_day), context.actor.person_id, seed, MISSION.mission_time_zone
    )


async def _check_facts(
    unit: UnitOfWork, _: UUID, state: spot_checks.SpotCheck | None, command: Command | None, context: Context
) -> spot_checks.CheckFacts:
    if state is not None or not isinstance(command, spot_checks.RecordSpotCheck):
        return spot_checks.CheckFacts()
    return await spot_check_queries.behind_a_check(
        unit, command.draw_id, command.grant_id, command.number, context.actor.person_id, context.now, MISSION.mission_time_zone
    )


def _within(known: spot_checks.SpotCheck, reach: Reach, _: Actor) -> bool:
    return reach.covers(known.country)


SPOT_CHECK_DRAW: Aggregate[spot_checks.SpotCheckDraw, spot_checks.DrawFacts] = Aggregate(
    service="reintegration", name="spot_check_draw", decider=spot_checks.SPOT_CHECK_DRAW,
    table=spot_check_tables.SPOT_CHECK_DRAWS, state=spot_checks.SpotCheckDraw, facts=_draw_facts,
    project=spot_check_queries.drawn_deliveries,
)  # fmt: skip

SPOT_CHECK: Aggregate[spot_checks.SpotCheck, spot_checks.CheckFacts] = Aggregate(
    service="reintegration", name="spot_check", decider=spot_checks.SPOT_CHECK, table=spot_check_tables.SPOT_CHECKS,
    state=spot_checks.SpotCheck, facts=_check_facts, partition=lambda _, known: known.grant_id, within=_within,
)  # fmt: skip

OF_SPOT_CHECKS = (SPOT_CHECK_DRAW, SPOT_CHECK)
