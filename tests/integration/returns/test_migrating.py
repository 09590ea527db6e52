"""What stood ready before more was asked for: the revisions go past it, and the next look takes the readiness away."""

import asyncio
from uuid import UUID

import asyncpg
from alembic import command

from ops import databases
from ops.supervisor import Running
from shared.ids import uuid7
from shared.topology import RETURNS
from tests.integration.conftest import PASSWORDS

_READY = """
    INSERT INTO cases (id, version, case_ref, status, destination_country, principal_id, counsellor_id, persons, expressed_at,
        last_contact_at, contact_tried_at, submitted_by, approved_by, programme, receiving_country, departs_at, arrives_at,
        booked_person_ids, needs, transit_visa_needed, holds_until, times_missed, grants, holds)
    VALUES (cast($1 AS uuid), 9, '0000-0001-000', 'ready_to_travel', 'TR', cast($2 AS uuid), 'staff:anna', jsonb_build_array(jsonb_build_object(
        'person_id', cast(cast($2 AS uuid) AS text), 'sex', 'male', 'age_group', 'adult', 'country_of_origin', 'TR', 'travel', 'expected',
        'screened_at', now(), 'declared_by', cast(cast($2 AS uuid) AS text), 'own_plan_id', cast(cast($1 AS uuid) AS text), 'document', 'passport', 'evidence', '[]'::jsonb,
        'assistance', '[]'::jsonb)), now(), now(), '{}', 'staff:anna', 'staff:coordinator', 'avrr', 'TR', now() + interval '2 days',
        now() + interval '3 days', ARRAY[cast($2 AS uuid)], '{}', false, now() + interval '2 days', 0, '[]', '[]')
"""


async def test_a_case_that_is_ready_stands_in_no_revisions_way_and_is_found_over(roles: Running) -> None:
    name, ids = "ready_of_before", (uuid7(), uuid7())
    admin = await asyncpg.connect(roles.postgres.url)
    await databases.make_database(admin, RETURNS, name)
    url = databases.logins(roles.postgres, RETURNS, PASSWORDS, name).migrate
    config = databases.alembic_config("returns", url)
    await asyncio.to_thread(command.upgrade, config, "returns_11")
    connection = await asyncpg.connect(url)
    await connection.execute("SET ROLE returns_owner")
    await connection.execute(_READY, *ids)
    stayed = uuid7()
    nobody_left = _READY.replace("'0000-0001-000', 'ready_to_travel'", "'0000-0002-000', 'not_departed'")
    await connection.execute(nobody_left.replace("now() + interval '2 days', 0,", "NULL, 0,"), stayed, uuid7())
    await asyncio.to_thread(command.upgrade, config, "head")
    over: UUID = await connection.fetchval("SELECT id FROM cases WHERE status = 'ready_to_travel' AND holds_until < now()")
    assert over == ids[0]
    # That nobody departed sets the booking free, in the row as in the fold of the log.
    booking = "departs_at, arrives_at, booked_at, flight, reception_arranged_at"
    (row,) = await connection.fetch(f"SELECT {booking} FROM cases WHERE id = $1", stayed)
    assert set(row.values()) == {None}
    await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
