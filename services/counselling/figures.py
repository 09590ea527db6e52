"""Counselling's figures of the annual report."""

import json

from shared.db import Sql, UnitOfWork
from shared.statistics import Figure, Period

_FIGURES = Sql(
    "WITH period AS (SELECT cast(:first AS date)::timestamp AT TIME ZONE cast(:zone AS text) AS begins, "
    " (cast(:last AS date) + 1)::timestamp AT TIME ZONE cast(:zone AS text) AS ends), "
    # Site by site first, so that the sums and the parts come from one walk along the index by time.
    "held AS (SELECT site, count(*) AS sessions, count(*) FILTER (WHERE modality = 'virtual_country_of_origin') AS virtual "
    " FROM sessions, period WHERE session_type = 'individual' AND status = 'held' "
    " AND held_at >= begins AND held_at < ends GROUP BY site), "
    "grouped AS (SELECT site, count(*) AS group_sessions, sum(participants) AS participants "
    " FROM group_sessions, period WHERE held_at >= begins AND held_at < ends GROUP BY site), "
    "reached AS (SELECT coalesce(sum(contacts), 0) AS contacts, count(DISTINCT location) AS locations "
    " FROM outreach, period WHERE held_at >= begins AND held_at < ends), "
    "wished AS (SELECT count(DISTINCT person ->> 'person_id') AS persons, count(DISTINCT i.id) FILTER (WHERE i.split_from IS NULL) AS intentions "
    " FROM intentions i CROSS JOIN LATERAL jsonb_array_elements(i.persons) person, period "
    " WHERE expressed_at >= begins AND expressed_at < ends) "
    "SELECT (SELECT cast(coalesce(sum(sessions), 0) AS bigint) FROM held) AS sessions, "
    "(SELECT cast(coalesce(sum(virtual), 0) AS bigint) FROM held) AS virtual, "
    "(SELECT coalesce(json_object_agg(site, sessions), '{}'::json) FROM held) AS sessions_at, "
    "(SELECT cast(coalesce(sum(group_sessions), 0) AS bigint) FROM grouped) AS group_sessions, "
    "(SELECT cast(coalesce(sum(participants), 0) AS bigint) FROM grouped) AS participants, "
    "(SELECT coalesce(json_object_agg(site, group_sessions), '{}'::json) FROM grouped) AS group_sessions_at, "
    "contacts, locations, persons, intentions FROM reached, wished"
)


async def figures(unit: UnitOfWork, period: Period) -> list[Figure]:
    """Counselling's part of the report. A counselling session is a held individual one; groups and outreach apart.

    ``sessions_at_…`` and ``group_sessions_at_…`` name each site at which there was one.
    """
    row = await unit.row(_FIGURES, first=period.first, last=period.last, zone=period.zone)
    assert row is not None
    return [
        Figure(key="sessions", unit="sessions", value=row["sessions"]),
        Figure(key="virtual_sessions", unit="sessions", value=row["virtual"], of=row["sessions"]),
        Figure(key="group_sessions", unit="sessions", value=row["group_sessions"]),
        Figure(key="group_participants", unit="contacts", value=row["participants"]),
        Figure(key="outreach_contacts", unit="contacts", value=row["contacts"]),
        Figure(key="outreach_locations", unit="locations", value=row["locations"]),
        Figure(key="intentions", unit="persons", value=row["persons"]),
        Figure(key="intention_records", unit="cases", value=row["intentions"]),
        *(
            Figure(key=f"{of}_at_{site}", unit="sessions", value=value, of=row[of])
            for of in ("sessions", "group_sessions")
            for site, value in sorted(json.loads(row[f"{of}_at"]).items())
        ),
    ]

