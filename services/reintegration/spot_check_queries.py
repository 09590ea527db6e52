"""What reintegration's tables answer about spot checks: what can be drawn, what was, and what is still to be looked at."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from services.reintegration.domain.spot_checks import CheckFacts, DrawFacts, SpotCheckDraw
from services.reintegration.queries import TODAY
from services.reintegration.signer_queries import signed_by
from shared.contracts.spot_checks import DrawnDelivery, SpotCheckDrawn, SpotCheckOutcome
from shared.contracts.surveys import SurveyMode
from shared.db import Sql, UnitOfWork, Write
from shared.messages import Event
from shared.verify import Check

_DELIVERIES: TypeAdapter[tuple[DrawnDelivery, ...]] = TypeAdapter(tuple[DrawnDelivery, ...])
# A tranche that was delivered stays so, so that the rows and the log tell the same deliveries.
_BEHIND_A_DRAW = Sql(
    "SELECT coalesce((SELECT json_agg(json_build_object('grant_id', g.id, 'number', cast(t ->> 'number' AS integer), 'country', "
    " g.destination_country)) FROM grants g CROSS JOIN LATERAL jsonb_array_elements(g.tranches) t "
    "WHERE t ->> 'status' IN ('delivered', 'reconciled') AND cast(cast(t ->> 'delivered_at' AS timestamptz) "
    " AT TIME ZONE cast(:zone AS text) AS date) BETWEEN :from_day AND :to_day), '[]')::text AS population, "
    "cast(cast(:to_day AS date) + 1 AS timestamp) AT TIME ZONE cast(:zone AS text) AS over_at, "
    "EXISTS (SELECT FROM spot_check_draws WHERE drawn_by = :actor_id AND from_day <= :to_day AND to_day >= :from_day) "
    "AS drew_before".replace("::", "\\:\\:")
)
_BEHIND_A_CHECK = Sql(
    "SELECT (SELECT d.country FROM drawn_deliveries d WHERE d.draw_id = :draw_id AND d.grant_id = :grant_id "
    " AND d.number = :number) AS country, (SELECT cast(w.drawn_at AT TIME ZONE cast(:zone AS text) AS date) "
    " FROM spot_check_draws w WHERE w.id = :draw_id) AS drawn_on, EXISTS (SELECT FROM spot_checks s WHERE s.draw_id = :draw_id "
    " AND s.grant_id = :grant_id AND s.number = :number AND s.outcome <> 'beneficiary_unreachable') AS checked_already, "
    "ARRAY(SELECT DISTINCT part.who FROM grants g CROSS JOIN LATERAL jsonb_array_elements(g.tranches || g.former_attempts) t "
    " CROSS JOIN LATERAL (VALUES (t ->> 'delivered_by'), (t ->> 'released_by'), (t ->> 'confirmed_by'), (t ->> 'reconciled_by'), "
    " (t ->> 'ended_by'), (t #>> '{witness,witnessed_by}'), (t #>> '{end_asked,asked_by}'), (t ->> 'end_asked_by'), "
    " (t #>> '{ended_early,asked_by}'), (t #>> '{ended_early,ended_by}')) part(who) WHERE g.id = :grant_id AND part.who IS NOT NULL "
    f" UNION SELECT cast(:actor_id AS text) WHERE {signed_by(':actor_id', ':grant_id')}) AS took_part, {TODAY} AS today"
)
_KEEP = Sql(
    "INSERT INTO drawn_deliveries (draw_id, grant_id, number, country, place) SELECT cast(:draw_id AS uuid), d.* "
    "FROM unnest(cast(:grant_ids AS uuid[]), cast(:numbers AS integer[]), cast(:countries AS text[]), cast(:places AS integer[])) d"
)
_OF_A_DRAW = "id, from_day, to_day, size, population, drawn_by, drawn_at"
# Of how many deliveries of a draw nothing final is known.
_OPEN = (
    "(SELECT count(*) FROM drawn_deliveries d WHERE d.draw_id = w.id AND NOT EXISTS (SELECT FROM spot_checks s "
    "WHERE s.draw_id = d.draw_id AND s.grant_id = d.grant_id AND s.number = d.number AND s.outcome <> 'beneficiary_unreachable'))"
)
LISTED = Sql(
    f"SELECT w.*, {_OPEN} AS open FROM (SELECT {_OF_A_DRAW} FROM spot_check_draws WHERE id > :after ORDER BY id LIMIT :limit) w ORDER BY w.id"
)
LISTED_OPEN = Sql(
    f"SELECT w.* FROM (SELECT {_OF_A_DRAW}, {_OPEN} AS open FROM spot_check_draws w WHERE id > :after ORDER BY id) w "
    "WHERE w.open > 0 LIMIT :limit"
)
_FOUND = Sql(
    "SELECT d.grant_id, d.number, d.country, s.id AS check_id, s.outcome, s.mode, s.checked_on, s.recorded_by FROM drawn_deliveries d "
    "LEFT JOIN LATERAL (SELECT * FROM spot_checks s WHERE s.draw_id = d.draw_id AND s.grant_id = d.grant_id "
    " AND s.number = d.number ORDER BY s.outcome = 'beneficiary_unreachable', s.recorded_at DESC LIMIT 1) s ON true "
    "WHERE d.draw_id = :draw_id ORDER BY d.place"
)


class DrawRow(BaseModel):
    """One draw, and of how many of its deliveries it is not known yet what somebody found."""

    id: UUID
    from_day: date
    to_day: date
    size: int
    population: int
    drawn_by: str
    drawn_at: datetime
    open: int


class FoundRow(BaseModel):
    """One delivery that was drawn, and what was found last; None while nobody looked."""

    grant_id: UUID
    number: int
    country: str
    check_id: UUID | None
    outcome: SpotCheckOutcome | None
    mode: SurveyMode | None
    checked_on: date | None
    recorded_by: str | None


async def behind_a_draw(
    unit: UnitOfWork, days: tuple[date, date], actor_id: str, seed: str, zone: str
) -> DrawFacts:
    """The deliveries of these days, both counted, when the last was over, and whether whoever draws drew one of them before."""
    row = await unit.row(_BEHIND_A_DRAW, from_day=days[0], to_day=days[1], actor_id=actor_id, zone=zone)
    assert row is not None
    return DrawFacts(_DELIVERIES.validate_json(row["population"]), seed, row["over_at"], row["drew_before"])


async def behind_a_check(
    unit: UnitOfWork, draw_id: UUID, grant_id: UUID, number: int, actor_id: str, now: datetime, zone: str
) -> CheckFacts:
    """Whether a delivery was drawn and is still to be looked at, and who took part in it, ``actor_id`` among them if by a signature."""
    row = await unit.row(
        _BEHIND_A_CHECK, draw_id=draw_id, grant_id=grant_id, number=number, actor_id=actor_id, now=now, zone=zone
    )
    assert row is not None
    if row["country"] is None:
        return CheckFacts()
    drawn = DrawnDelivery(grant_id=grant_id, number=number, country=row["country"])
    return CheckFacts(drawn, row["drawn_on"], row["today"], frozenset(row["took_part"]), row["checked_already"])


async def found(unit: UnitOfWork, draw_id: UUID) -> list[FoundRow]:
    """The deliveries of a draw in the order in which they were drawn, with what was found."""
    return [FoundRow.model_validate(dict(row)) for row in await unit.rows(_FOUND, draw_id=draw_id)]


def drawn_deliveries(
    draw_id: UUID, _: SpotCheckDraw | None, __: SpotCheckDraw, events: tuple[Event, ...]
) -> Sequence[Write]:
    """Each delivery of a draw as a row, to which what is found is bound."""
    (event,) = events
    assert isinstance(event, SpotCheckDrawn)
    values = {
        "draw_id": draw_id, "grant_ids": [one.grant_id for one in event.drawn], "numbers": [one.number for one in event.drawn],
        "countries": [one.country for one in event.drawn], "places": list(range(1, len(event.drawn) + 1)),
    }  # fmt: skip
    return (Write(_KEEP, values, len(event.drawn)),)


CHECKS = (
    Check(
        "drawn deliveries",
        Sql(
            "SELECT coalesce(d.draw_id, w.id) FROM drawn_deliveries d FULL JOIN (SELECT w.id, p.place, cast(p.one ->> 'grant_id' "
            "AS uuid) AS grant_id, cast(p.one ->> 'number' AS integer) AS number, p.one ->> 'country' AS country FROM spot_check_draws w "
            "CROSS JOIN LATERAL jsonb_array_elements(w.drawn) WITH ORDINALITY p(one, place)) w ON (w.id, w.place, w.grant_id, w.number, "
            "w.country) = (d.draw_id, d.place, d.grant_id, d.number, d.country) WHERE d.draw_id IS NULL OR w.id IS NULL"
        ),
    ),
    # Nobody found something of what they had delivered, paid or reconciled.
    Check(
        "spot checks",
        Sql(
            "SELECT s.id FROM spot_checks s JOIN grants g ON g.id = s.grant_id CROSS JOIN LATERAL jsonb_array_elements(g.tranches) t "
            "WHERE cast(t ->> 'number' AS integer) = s.number AND s.recorded_by IN (t ->> 'delivered_by', t ->> 'released_by', "
            "t ->> 'confirmed_by')"
        ),
    ),
)  # fmt: skip
