"""Reintegration's figures of the annual report, and what of them is counted without whoever was erased."""

import json
from collections import Counter
from typing import get_args
from uuid import UUID

from services.reintegration.sealed import categories_of
from shared.contracts.reintegration import GrantCategory
from shared.db import Sql, UnitOfWork, Write
from shared.statistics import Figure, Period, not_too_small

_FIGURES = Sql(
    "WITH period AS (SELECT cast(:first AS date)::timestamp AT TIME ZONE cast(:zone AS text) AS begins, "
    " (cast(:last AS date) + 1)::timestamp AT TIME ZONE cast(:zone AS text) AS ends), "
    "approved AS (SELECT count(*) AS grants, count(DISTINCT person_id) AS persons, "
    " coalesce(json_agg(json_build_object('id', id, 'version', version, 'category', category)), '[]')::text AS needs "
    " FROM grants, period WHERE approved_at >= begins AND approved_at < ends AND status <> 'cancelled'), "
    "kept AS (SELECT coalesce(json_object_agg(category, grants), '{}')::text AS kept FROM (SELECT category, sum(grants) AS grants "
    " FROM grants_of_the_erased WHERE make_date(year, 1, 1) >= cast(:first AS date) "
    " AND make_date(year, 12, 31) <= cast(:last AS date) GROUP BY category) of_one), "
    "asked AS (SELECT count(*) AS requested, count(*) FILTER (WHERE status = 'rejected') AS rejected "
    " FROM grants, period WHERE requested_at >= begins AND requested_at < ends AND submitted_version IS NOT NULL), "
    "own AS (SELECT count(*) AS own_plans FROM plans, period WHERE recorded_at >= begins AND recorded_at < ends), "
    "agreed AS (SELECT count(*) AS plans FROM plans "
    " WHERE first_agreed_on BETWEEN cast(:first AS date) AND cast(:last AS date)) "
    "SELECT * FROM approved, kept, asked, own, agreed"
)
_TO_BE_COUNTED = Sql(
    "SELECT id, version, category, cast(extract(year FROM approved_at AT TIME ZONE cast(:zone AS text)) AS integer) AS year "
    "FROM grants WHERE person_id = :person_id AND category IS NOT NULL AND approved_at IS NOT NULL AND status <> 'cancelled'"
)
_COUNT = Sql(
    "INSERT INTO grants_of_the_erased AS kept (year, category, grants) SELECT * FROM unnest(cast(:years AS integer[]), "
    "cast(:categories AS text[]), cast(:grants AS integer[])) "
    "ON CONFLICT (year, category) DO UPDATE SET grants = kept.grants + excluded.grants"
)


async def figures(unit: UnitOfWork, period: Period) -> list[Figure]:
    """Reintegration's part of the report.

    A grant counts on the day of its approval, unless it is cancelled at the time of asking: what is published is
    support that was given. ``grants_rejected`` are those of the requests of the period that are rejected by now. A
    plan counts once, on the day of its first agreement, however often it is agreed again. Amounts are no figures
    here, for they differ by currency: they stand with each fund.

    What grants were for, of which some tells of health, is told of one whole year alone: of two periods that differ by a day or
    a month, their difference would tell whose it was, as that of a year and its months once somebody was erased. For that the
    small ones among the categories are left out too.
    """
    row = await unit.row(_FIGURES, first=period.first, last=period.last, zone=period.zone)
    assert row is not None
    grants = row["grants"]
    # What a grant is for is sealed, so it is counted here.
    of = Counter(await categories_of(unit, json.loads(row["needs"])))
    kept = Counter(json.loads(row["kept"]))
    counted = {category: of[category] + kept[category] for category in get_args(GrantCategory)}
    told = not_too_small(counted) if period.is_one_year else {}
    return [
        Figure(key="grants", unit="grants", value=grants),
        *(Figure(key=f"grants_{category}", unit="grants", value=told[category], of=grants) for category in counted if category in told),
        Figure(key="persons_with_grant", unit="persons", value=row["persons"]),
        Figure(key="grants_requested", unit="grants", value=row["requested"]),
        Figure(key="grants_rejected", unit="grants", value=row["rejected"], of=row["requested"]),
        Figure(key="own_plans_recorded", unit="cases", value=row["own_plans"]),
        Figure(key="plans_agreed", unit="cases", value=row["plans"]),
    ]


async def count_without_the_person(unit: UnitOfWork, person_id: UUID, zone: str) -> None:
    """Counts what the report counts of the person's grants where it is not known whose they were, as their rows forget it.

    The rows tell it for the last time in this transaction, and of somebody erased before nothing any more.
    """
    rows = await unit.rows(_TO_BE_COUNTED, person_id=person_id, zone=zone)
    needs = zip(rows, await categories_of(unit, rows), strict=True)
    counted = Counter((row["year"], category) for row, category in needs if category is not None)
    if counted:
        values = {
            "years": [year for year, _ in counted], "categories": [category for _, category in counted],
            "grants": list(counted.values()),
        }  # fmt: skip
        unit.write(Write(_COUNT, values, len(counted)))
