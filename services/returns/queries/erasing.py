"""Somebody who is erased: nobody records anything in their cases meanwhile, and nothing concealed about them is left."""

from typing import Final
from uuid import UUID

from shared.contracts.returns import BookingConfirmed, EvidenceRecorded, ScreeningRecorded
from shared.db import Sql, UnitOfWork
from shared.verify import ASKED, Check

_LOCK: Final = Sql(
    "SELECT c.id FROM cases c WHERE c.id IN (SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx "
    "WHERE m.about = :person_id) ORDER BY c.id FOR NO KEY UPDATE"
)

_ALL_ERASED: Final = (
    "NOT EXISTS (SELECT FROM jsonb_to_recordset(c.persons) AS p(person_id uuid) WHERE NOT EXISTS "
    "(SELECT FROM persons k WHERE k.id = p.person_id AND k.erased_at IS NOT NULL OFFSET 0))"
)

CHECKS: Final = (
    # Why a case ended is about all of its persons, and is gone with the last of them.
    Check(
        "reasons about erased persons",
        Sql(
            f"SELECT c.id FROM cases c WHERE c.id = {ASKED} AND {_ALL_ERASED} AND EXISTS (SELECT FROM event_log e "
            "WHERE e.subject = c.id AND EXISTS (SELECT FROM disclosure d WHERE d.event_id = e.id OFFSET 0) OFFSET 0) "
            f"UNION ALL SELECT c.id FROM cases c WHERE c.id = {ASKED} AND (c.final_report -> 'findings' <> 'null' "
            "OR c.final_report ->> 'sealed' IS NOT NULL OR c.holds @? "
            f"""'$[*] ? (exists (@.sealed) || (@.reason != null && @.reason != "transit"))') AND {_ALL_ERASED}"""
        ),
        by_id=True,
    ),
    # By what names the person and entry by entry: all of the log takes longer the longer it is.
    Check(
        "concealed about erased persons",
        Sql(
            "SELECT k.id FROM persons k WHERE k.id = ANY (cast(:ids AS uuid[])) AND k.erased_at IS NOT NULL AND EXISTS "
            "(SELECT FROM log_mentions m WHERE m.about = k.id AND EXISTS (SELECT FROM event_log e WHERE e.idx = m.idx "
            f" AND e.type IN ('{EvidenceRecorded.kind}', '{ScreeningRecorded.kind}', '{BookingConfirmed.kind}') "
            " AND EXISTS (SELECT FROM disclosure d WHERE d.event_id = e.id "
            # Of a booking for several only what is booked for somebody goes with them.
            f"  AND (e.type <> '{BookingConfirmed.kind}' OR cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' "
            "   #>> string_to_array(regexp_replace(d.path, 'assistance$', 'person_id'), '.') = cast(k.id AS text)) "
            "  OFFSET 0) OFFSET 0) OFFSET 0) ORDER BY k.id"
        ),
        by_id=True,
    ),
)


async def lock_cases_of(unit: UnitOfWork, person_id: UUID) -> None:
    """Waits for whoever records something in a case that names the person, so that it is erased with the rest.

    Whoever comes later waits in turn, and is told by the facts that the person was erased.
    """
    await unit.rows(_LOCK, person_id=person_id)
