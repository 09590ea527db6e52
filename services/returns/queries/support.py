"""What the report counts of support on the way, and that what it counts of the erased is all counted."""

import json
from collections import Counter
from typing import Final
from uuid import UUID

from services.returns.domain.support import KINDS
from services.returns.sealed import supports_in
from services.returns.tables import SUPPORTED
from shared.db import Sql, UnitOfWork, Write
from shared.statistics import Figure, Period, not_too_small
from shared.verify import Check

_GIVEN: Final = (
    f"cases c CROSS JOIN LATERAL jsonb_to_recordset(c.supports) AS s(person_id uuid, kind text, status text, "
    f"given_from date, sealed text) WHERE c.{SUPPORTED} AND s.status = 'given'"
)
_SOME: Final = "(SELECT jsonb_agg(one) FROM jsonb_array_elements(c.supports) one WHERE one ->> 'status' = 'given' AND {which})"
FIGURES = Sql(
    "WITH kept AS (SELECT kind, sum(supports) AS supports FROM supports_of_the_erased "
    " WHERE make_date(year, 1, 1) >= cast(:first AS date) AND make_date(year, 12, 31) <= cast(:last AS date) GROUP BY kind), "
    "given AS (SELECT c.id, c.version, "
    + _SOME.format(which="cast(one ->> 'given_from' AS date) BETWEEN cast(:first AS date) AND cast(:last AS date)")
    + f" AS supports FROM cases c WHERE c.{SUPPORTED}) "
    "SELECT (SELECT coalesce(json_object_agg(kind, supports), '{}'::json) FROM kept) AS by_kind, "
    "(SELECT coalesce(json_agg(json_build_object('id', id, 'version', version, 'supports', supports::text)), '[]'::json) "
    " FROM given WHERE supports IS NOT NULL) AS given"
)
# Whoever has one of these cases under lock and is about to record support is waited for.
_OF_THE_PERSON = Sql(
    f"SELECT c.id, c.version, c.supports::text AS supports FROM cases c WHERE c.{SUPPORTED} AND c.supports @> "
    "jsonb_build_array(jsonb_build_object('person_id', cast(cast(:person_id AS uuid) AS text))) ORDER BY c.id FOR UPDATE"
)
_COUNT = Sql(
    "INSERT INTO supports_of_the_erased AS kept (year, kind, supports) SELECT * FROM unnest(cast(:years AS integer[]), "
    "cast(:kinds AS text[]), cast(:supports AS integer[])) "
    "ON CONFLICT (year, kind) DO UPDATE SET supports = kept.supports + excluded.supports"
)

CHECKS: Final = (
    Check(
        "support of erased persons",
        Sql(
            "SELECT c.id FROM cases c CROSS JOIN LATERAL jsonb_to_recordset(c.supports) AS "
            "s(person_id uuid, kind text, need text, provider text, budget_line text, outcome text, sealed text) "
            f"JOIN persons k ON k.id = s.person_id WHERE c.{SUPPORTED} AND k.erased_at IS NOT NULL "
            "AND coalesce(s.kind, s.need, s.provider, s.budget_line, s.outcome, s.sealed) IS NOT NULL"
        ),
    ),
    # Beside the log, by what names the person and entry by entry: all of it takes longer the longer the log is.
    Check(
        "told support of erased persons",
        Sql(
            "SELECT k.id FROM persons k WHERE k.id = ANY (cast(:ids AS uuid[])) AND k.erased_at IS NOT NULL AND EXISTS "
            "(SELECT FROM log_mentions m WHERE m.about = k.id AND EXISTS (SELECT FROM event_log e WHERE e.idx = m.idx "
            " AND e.type LIKE 'avrr.returns.case.support\\_%' AND EXISTS (SELECT FROM disclosure d WHERE d.event_id = e.id OFFSET 0) "
            " OFFSET 0) OFFSET 0) ORDER BY k.id"
        ),
        by_id=True,
    ),
    Check(
        "supports of the erased",
        Sql(
            "SELECT counted.supports FROM (SELECT coalesce(sum(supports), 0) AS supports FROM supports_of_the_erased) counted "
            f"WHERE counted.supports <> (SELECT count(*) FROM {_GIVEN} AND s.kind IS NULL AND s.sealed IS NULL)"
        ),
    ),
)


async def support_figures(unit: UnitOfWork, period: Period) -> list[Figure]:
    """Support on the way that was given, on its first day, by kind, and how many persons it was given to.

    The kinds, of which some tell of health, are told of one whole year alone: of two periods that differ by a day or a month,
    their difference would tell whose it was. For that the small ones among them are left out too.
    """
    row = await unit.row(FIGURES, first=period.first, last=period.last)
    assert row is not None
    # Which support it was is sealed, so it is counted here.
    given = [one for case in await supports_in(unit, json.loads(row["given"])) for one in case]
    by_kind = Counter(json.loads(row["by_kind"])) + Counter(one["kind"] for one in given)
    supports = len(given)
    told = not_too_small({kind: by_kind[kind] for kind in KINDS}) if period.is_one_year else {}
    return [
        Figure(key="supports", unit="supports", value=supports),
        *(Figure(key=f"supports_{kind}", unit="supports", value=told[kind], of=supports) for kind in KINDS if kind in told),
        Figure(key="persons_supported", unit="persons", value=len({one["person_id"] for one in given})),
    ]


async def count_without_the_person(unit: UnitOfWork, person_id: UUID) -> None:
    """Counts what the report counts of the person's support where it is not known whose it was, as the rows forget it.

    They tell it for the last time in this transaction, and of somebody erased before nothing any more.
    """
    cases = await supports_in(unit, await unit.rows(_OF_THE_PERSON, person_id=person_id))
    counted = Counter(
        (int(one["given_from"][:4]), one["kind"])
        for case in cases
        for one in case
        if one["person_id"] == str(person_id) and one["status"] == "given" and one["kind"] is not None
    )
    if counted:
        values = {
            "years": [year for year, _ in counted], "kinds": [kind for _, kind in counted],
            "supports": list(counted.values()),
        }  # fmt: skip
        unit.write(Write(_COUNT, values, len(counted)))
